/*
 * Organisations and their tokens. Deleting one takes effect at once (key and tokens are unknown from then on) and
 * removes its data in steps, since one transaction over millions of records would stall everybody else's writes.
 */
#include "core/rights.h"
#include "rules/internal.h"
#include "search/state.h"

#define ORG_CHANGES_LEN_MAX 512

/* Most commands of a batch are of one organisation, so the last one found alive is noted for the transaction, with what
 * its webhooks want. */
enum error org_is_alive(struct txn *txn, struct id id)
{
    struct org org;
    if (!id_is_none(id) && id_equal(txn_note(txn)->org, id))
        return OK;
    enum error error = org_get(txn, id, &org);
    if (error == OK && org.deleted)
        return ERR_NOT_FOUND;
    if (error == OK)
        *txn_note(txn) = (struct txn_note){id, org.hook_events};
    return error;
}

enum error org_add(struct txn *txn, const struct org *org)
{
    enum error error = org_put(txn, org);
    if (error == OK)
        error = table_put(txn, TABLE_ORG_BY_KEY, org->key, bytes_view(org->id.bytes, ID_LEN));
    return error == OK ? search_begin(txn) : error;
}

enum error rule_org_create(struct txn *txn, uint64_t seq, const struct org_create *command, struct outcome *outcome)
{
    struct org org;
    enum error error = org_get_by_key(txn, command->key, &org);
    if (error != ERR_NOT_FOUND)
        return error == OK ? ERR_CONFLICT : error;
    org = (struct org){
        .id = command->org,
        .key = command->key,
        .name = command->name,
        .origins = command->origins,
        .created_at_ms = command->at_ms,
        .updated_at_ms = command->at_ms,
    };
    outcome->id = org.id;
    error = org_add(txn, &org);
    return error != OK ? error
                       : audit_note(txn, seq,
                                    ACT(command, .org = org.id, .action = "org.created", .subject = org.id,
                                        .subject_name = org.key));
}

/* The names of the settings that a command changes, for the audit log. */
struct changes {
    char names[ORG_CHANGES_LEN_MAX];
    size_t len;
};

static void note_change(struct changes *changes, const char *name)
{
    size_t len = strlen(name);
    if (changes->len + 1 + len > sizeof(changes->names))
        return;
    if (changes->len != 0)
        changes->names[changes->len++] = ' ';
    memcpy(changes->names + changes->len, name, len);
    changes->len += len;
}

static void replace(struct bytes *field, struct bytes with, const char *name, struct changes *changes)
{
    if (with.data == NULL || (field->data != NULL && bytes_equal(*field, with)))
        return;
    *field = with;
    note_change(changes, name);
}

static void replace_flag(bool *field, bool is_given, bool with, const char *name, struct changes *changes)
{
    if (!is_given || *field == with)
        return;
    *field = with;
    note_change(changes, name);
}

static void change_settings(struct org *org, const struct org_update *command, struct changes *changes)
{
    replace(&org->name, command->name, "name", changes);
    replace(&org->origins, command->origins, "allowedOrigins", changes);
    replace(&org->widget_title, command->widget_title, "widget.title", changes);
    replace(&org->widget_subtitle, command->widget_subtitle, "widget.subtitle", changes);
    replace(&org->widget_color, command->widget_color, "widget.color", changes);
    replace(&org->widget_position, command->widget_position, "widget.position", changes);
    replace(&org->widget_language, command->widget_language, "widget.language", changes);
    replace(&org->business_hours, command->business_hours, "businessHours", changes);
    replace_flag(&org->count_visits, command->set_count_visits, command->count_visits, "countVisits", changes);
    replace_flag(&org->write_disabled, command->set_write_disabled, command->write_disabled, "writeEnabled", changes);
    replace_flag(&org->widget_disabled, command->set_widget_disabled, command->widget_disabled, "widgetEnabled",
                 changes);
    replace(&org->blocked_answer, command->blocked_answer, "blockedAnswer", changes);
}

/* ---- addresses ---- */

bool org_addresses_are_valid(struct bytes addresses)
{
    return addresses.len == 0 || bytes_equal(addresses, BYTES("none")) || bytes_equal(addresses, BYTES("truncated")) ||
           bytes_equal(addresses, BYTES("full"));
}

static unsigned exactness(struct bytes addresses)
{
    return bytes_equal(addresses, BYTES("full")) ? 2 : bytes_equal(addresses, BYTES("truncated")) ? 1 : 0;
}

struct bytes org_keeps_address(const struct org *org, struct bytes address, char out[ADDRESS_LEN_MAX])
{
    static const struct bytes nothing = {NULL, 0};
    unsigned exact = exactness(org->addresses);
    return exact == 0 || address.len == 0 ? nothing : exact == 2 ? address : address_text_truncate(address, out);
}

/* What is kept already and no longer may be goes with the next run of the retention job. */
static void replace_addresses(struct org *org, struct bytes addresses, int64_t at_ms, struct changes *changes)
{
    if (addresses.data == NULL || exactness(addresses) == exactness(org->addresses))
        return;
    if (exactness(addresses) < exactness(org->addresses))
        org->addresses_less_at_ms = at_ms;
    org->addresses = exactness(addresses) == 0 ? BYTES_NONE : addresses;
    note_change(changes, "addresses");
}

/* ---- retention ---- */

static bool update_is_fit(const struct org_update *command)
{
    const uint64_t most = RETAIN_DAYS_MAX + 1;
    return command->retain_visitors <= most && command->retain_messages <= most && command->retain_empty <= most &&
           command->retain_audit <= most && command->retain_erasures <= most &&
           org_addresses_are_valid(command->addresses);
}

static void replace_days(uint64_t *days, uint64_t days_and_one, const char *name, struct changes *changes)
{
    if (days_and_one == 0 || *days == days_and_one - 1)
        return;
    *days = days_and_one - 1;
    note_change(changes, name);
}

static void change_retention(struct org *org, const struct org_update *command, struct changes *changes)
{
    replace_days(&org->retain_visitors_days, command->retain_visitors, "retention.visitors", changes);
    replace_days(&org->retain_messages_days, command->retain_messages, "retention.messages", changes);
    replace_days(&org->retain_empty_days, command->retain_empty, "retention.empty", changes);
    replace_days(&org->retain_audit_days, command->retain_audit, "retention.audit", changes);
    replace_days(&org->retain_erasures_days, command->retain_erasures, "retention.erasures", changes);
    replace_flag(&org->redact_messages, command->set_redact_messages, command->redact_messages,
                 "retention.redactMessages", changes);
    replace_addresses(org, command->addresses, command->at_ms, changes);
}

enum error rule_org_update(struct txn *txn, uint64_t seq, const struct org_update *command, struct outcome *outcome)
{
    struct org org;
    struct changes changes = {.len = 0};
    enum error error = update_is_fit(command) ? org_get(txn, command->org, &org) : ERR_CONFLICT;
    if (error != OK || org.deleted)
        return error == OK ? ERR_NOT_FOUND : error;
    outcome->id = org.id;
    change_settings(&org, command, &changes);
    change_retention(&org, command, &changes);
    org.updated_at_ms = command->at_ms;
    error = org_put(txn, &org);
    return error != OK ? error
                       : audit_note(txn, seq,
                                    ACT(command, .org = org.id, .action = "org.updated", .subject = org.id,
                                        .subject_name = org.key, .detail = bytes_view(changes.names, changes.len)));
}

enum error rule_org_delete(struct txn *txn, uint64_t seq, const struct org_delete *command, struct outcome *outcome)
{
    struct org org;
    (void)outcome;
    enum error error = org_get(txn, command->org, &org);
    if (error != OK || org.deleted)
        return error == OK ? ERR_NOT_FOUND : error;
    org.deleted = true;
    *txn_note(txn) = (struct txn_note){0};
    org.updated_at_ms = command->at_ms;
    error = table_del(txn, TABLE_ORG_BY_KEY, org.key);
    if (error == OK)
        error = org_put(txn, &org);
    return error != OK ? error : audit_note(txn, seq, ACT(command, .action = "org.deleted", .subject_name = org.key));
}

/* Asked for here, since many requests at once see the same number. There are few tokens in all of the server. */
static enum error has_room_for_token(struct txn *txn, struct id org)
{
    struct bytes key, value;
    unsigned count = 0;
    struct cursor *cursor = cursor_open(txn, TABLE_TOKENS);
    enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value);
    for (; error == OK && count < TOKENS_PER_ORG_MAX; error = cursor_next(cursor, &key, &value)) {
        struct token token;
        count += record_decode(RECORD_TOKENS, value, &token) == OK && id_equal(token.org, org);
    }
    cursor_close(cursor);
    if (error != OK && error != ERR_NOT_FOUND)
        return error;
    return count < TOKENS_PER_ORG_MAX ? OK : ERR_LIMIT_REACHED;
}

enum error rule_token_create(struct txn *txn, uint64_t seq, const struct token_create *command, struct outcome *outcome)
{
    enum error error = scope_level(command->scope) == LEVEL_NONE ? ERR_CONFLICT : org_is_alive(txn, command->org);
    outcome->id = command->token;
    if (error == OK)
        error = has_room_for_token(txn, command->org);
    if (error == OK)
        error = token_put(txn, &(struct token){
                                   .id = command->token,
                                   .org = command->org,
                                   .name = command->name,
                                   .secret_hash = command->secret_hash,
                                   .created_at_ms = command->at_ms,
                                   .scope = command->scope,
                                   .expires_at_ms = command->expires_at_ms,
                               });
    return error != OK
               ? error
               : audit_note(txn, seq,
                            ACT(command, .org = command->org, .action = "token.created", .subject = command->token,
                                .subject_name = command->name, .detail = command->scope));
}

enum error rule_token_revoke(struct txn *txn, uint64_t seq, const struct token_revoke *command, struct outcome *outcome)
{
    struct token token;
    (void)outcome;
    enum error error = token_get(txn, command->token, &token);
    if (error != OK || !id_equal(token.org, command->org))
        return error == OK ? ERR_NOT_FOUND : error;
    error = table_del(txn, TABLE_TOKENS, bytes_view(token.id.bytes, ID_LEN));
    return error != OK ? error
                       : audit_note(txn, seq,
                                    ACT(command, .org = command->org, .action = "token.revoked", .subject = token.id,
                                        .subject_name = token.name));
}

enum error rule_token_use(struct txn *txn, uint64_t seq, const struct token_use *command, struct outcome *outcome)
{
    struct token token;
    (void)seq, (void)outcome;
    enum error error = token_get(txn, command->token, &token);
    if (error != OK || command->at_ms <= token.used_at_ms)
        return error == ERR_NOT_FOUND ? OK : error;
    token.used_at_ms = command->at_ms;
    return token_put(txn, &token);
}
