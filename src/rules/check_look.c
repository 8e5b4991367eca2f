/* What the checks of all tables share: how what is broken is said, and what an
 * entry leads to. */
#include "rules/check_private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"

#define SENTENCE_LEN_MAX 512

/* ---- saying what is broken
 * ---------------------------------------------------------------------------------------
 */

static int format_hex(struct bytes bytes, char *out, size_t len)
{
    int used = 0;
    for (size_t i = 0; i < bytes.len && i < 24 && (size_t)used + 3 < len; ++i)
        used += snprintf(out + used, len - (size_t)used, "%02x", (unsigned char)bytes.data[i]);
    return used;
}

/* As the API shows it; the bytes themselves when damage has made them something
 * else. */
struct id_text text_of(struct id id)
{
    struct id_text text = {""};
    if (id_is_valid(id))
        id_format(id, text.text);
    else
        format_hex(bytes_view(id.bytes, ID_LEN), text.text, sizeof(text.text));
    return text;
}

/* The key for people: ids as the API shows them; of a visitor's key only whose
 * it is. */
static void format_key(const struct entry *entry, char *out, size_t len)
{
    struct bytes key = entry->key;
    bool has_id = key.len >= ID_LEN;
    struct id_text first = has_id ? text_of(id_at(key, 0)) : (struct id_text){""};
    switch (entry->table) {
    case TABLE_META:
    case TABLE_ORG_BY_KEY:
        snprintf(out, len, "\"%.*s\"", key.len > ORG_KEY_LEN_MAX ? ORG_KEY_LEN_MAX : (int)key.len, key.data);
        return;
    case TABLE_VISITOR_BY_KEY:
        if (has_id && entry->value.len == ID_LEN)
            snprintf(out, len, "%s/(key of %s)", first.text, text_of(id_at(entry->value, 0)).text);
        else
            format_hex(bytes_view(key.data, has_id ? ID_LEN : key.len), out, len);
        return;
    case TABLE_ALIASES:
        if (key.len > ID_LEN && alias_text_is_fit(bytes_view(key.data + ID_LEN, key.len - ID_LEN))) {
            snprintf(out, len, "%s/%.*s", first.text, (int)(key.len - ID_LEN), key.data + ID_LEN);
            return;
        }
        break;
    case TABLE_VISITOR_BY_SEEN:
    case TABLE_CONVERSATION_BY_UPDATED:
        if (key.len == 2 * ID_LEN + 4) {
            snprintf(out, len, "%s/%s", first.text, text_of(id_at(key, ID_LEN + 4)).text);
            return;
        }
        break;
    case TABLE_MEMBERS:
    case TABLE_MEMBER_BY_AGENT:
    case TABLE_SESSION_BY_AGENT:
    case TABLE_WEBHOOK_BY_ORG:
    case TABLE_REPLIES:
        if (key.len == 2 * ID_LEN) {
            snprintf(out, len, "%s/%s", first.text, text_of(id_at(key, ID_LEN)).text);
            return;
        }
        break;
    case TABLE_WEBHOOK_QUEUE:
    case TABLE_WEBHOOK_PAST:
        if (key.len == DELIVERY_KEY_LEN || key.len == PAST_KEY_LEN) {
            snprintf(out, len, "%s/%" PRIu64, first.text, u64_at(key, key.len - 12));
            return;
        }
        break;
    case TABLE_CONVERSATION_OPEN:
        if (key.len == OPEN_KEY_LEN) {
            snprintf(out, len, "%s/%s", first.text, text_of(id_at(key, OPEN_KEY_LEN - ID_LEN)).text);
            return;
        }
        break;
    case TABLE_CONVERSATION_BY_SNOOZE:
        if (key.len == 8 + ID_LEN) {
            snprintf(out, len, "%" PRIu64 "/%s", u64_at(key, 0), text_of(id_at(key, 8)).text);
            return;
        }
        break;
    case TABLE_AUDIT:
    case TABLE_CONVERSATION_BY_ACTIVITY:
    case TABLE_CONVERSATION_BY_MARK:
    case TABLE_CONVERSATION_BY_WORK:
    case TABLE_NOTES:
    case TABLE_MESSAGES:
        if (key.len == ID_LEN + 8) {
            uint64_t seq = u64_at(key, ID_LEN);
            snprintf(out, len, seq & MESSAGE_CLIENT_BIT ? "%s/clientIds %016" PRIx64 : "%s/%" PRIu64, first.text, seq);
            return;
        }
        break;
    case TABLE_SEARCH_SEGMENTS:
    case TABLE_SEARCH_BLOCKS:
    case TABLE_MESSAGE_BY_SEQ: /* what may follow in the key is a word that
                                  somebody wrote */
        if (key.len >= ID_LEN + 8) {
            snprintf(out, len, "%s/%" PRIu64, first.text, u64_at(key, ID_LEN));
            return;
        }
        break;
    case TABLE_VISITOR_BY_EMAIL:
        if (key.len > 2 * ID_LEN) {
            snprintf(out, len, "%s/(a word of %s)", first.text, text_of(id_at(key, key.len - ID_LEN)).text);
            return;
        }
        break;
    default:
        if (key.len == ID_LEN && entry->table != TABLE_IDEMPOTENCY) {
            snprintf(out, len, "%s", first.text);
            return;
        }
    }
    format_hex(key, out, len);
}

void check_broken(struct check *check, const struct entry *entry, const char *format, ...)
{
    char sentence[SENTENCE_LEN_MAX], key[128] = "";
    va_list args;
    format_key(entry, key, sizeof(key));
    int len = snprintf(sentence, sizeof(sentence), "%s %s: ", table_name(entry->table), key);
    va_start(args, format);
    vsnprintf(sentence + len, sizeof(sentence) - (size_t)len, format, args);
    va_end(args);
    ++check->report->broken;
    check->on_broken(check->context, sentence);
}

/* What another room has found; NULL: nothing. */
void check_say(struct check *check, const struct entry *entry, const char *sentence)
{
    if (sentence != NULL)
        check_broken(check, entry, "%s", sentence);
}

/* ---- what an entry leads to
 * --------------------------------------------------------------------------------------
 */

static enum org_state read_org_state(struct txn *txn, struct id id)
{
    struct org org;
    enum error error = org_get(txn, id, &org);
    if (error != OK)
        return error == ERR_NOT_FOUND ? ORG_MISSING : ORG_DAMAGED;
    return org.deleted ? ORG_DELETED : ORG_ALIVE;
}

enum org_state check_org_state(struct check *check, struct id id)
{
    struct org_slot *slot = &check->orgs[id.bytes[ID_LEN - 1] % ORG_SLOTS];
    if (slot->state == ORG_UNKNOWN || !id_equal(slot->id, id))
        *slot = (struct org_slot){id, read_org_state(check->txn, id)};
    return slot->state;
}

/* Whether the record's organisation is there and its data complete; says so
 * when it isn't there at all. */
bool check_org_is_complete(struct check *check, const struct entry *entry, struct id org)
{
    enum org_state state = check_org_state(check, org);
    if (state == ORG_MISSING)
        check_broken(check, entry, "its organisation %s does not exist", text_of(org).text);
    return state == ORG_ALIVE;
}

/* False, once it has been said, when the key or the value doesn't have the
 * length that its table asks for. */
bool check_has_lengths(struct check *check, const struct entry *entry, size_t key_len, size_t value_len)
{
    if (key_len != 0 && entry->key.len != key_len)
        check_broken(check, entry, "the key has %zu bytes and should have %zu", entry->key.len, key_len);
    else if (value_len != SIZE_MAX && entry->value.len != value_len)
        check_broken(check, entry, "the value has %zu bytes and should have %zu", entry->value.len, value_len);
    else
        return true;
    return false;
}

bool check_decode(struct check *check, const struct entry *entry, enum record_kind kind, size_t key_len, void *out)
{
    if (!check_has_lengths(check, entry, key_len, ANY_LEN))
        return false;
    if (record_decode(kind, entry->value, out) == OK)
        return true;
    check_broken(check, entry, "the record can't be decoded");
    return false;
}

bool check_is_time(int64_t time_ms)
{
    return time_ms >= 0 && time_ms <= TIME_MS_MAX;
}

/* Whether an index entry exists and holds the id. A damaged one is reported by
 * its own table. */
bool check_index_leads_to(struct check *check, enum table table, struct bytes key, struct id id)
{
    struct bytes value;
    enum error error = table_get(check->txn, table, key, &value);
    return error == OK ? bytes_equal(value, bytes_view(id.bytes, ID_LEN)) : error == ERR_CORRUPT;
}

bool check_index_has(struct check *check, enum table table, struct bytes key)
{
    return table_get(check->txn, table, key, NULL) != ERR_NOT_FOUND;
}
