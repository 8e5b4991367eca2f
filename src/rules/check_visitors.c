/* Checks of visitors and of what leads to them. */
#include "rules/check_private.h"

#include <inttypes.h>

#include "base/address_text.h"
#include "rules/rules.h"

/* From the visitor's newest conversation back to its first: each must be its
 * own, and there must be as many as it counts. */
static void check_chain(struct check *check, const struct entry *entry, const struct visitor *visitor)
{
    uint64_t count = 0;
    struct conversation conversation;
    for (struct id id = visitor->last_conversation; !id_is_none(id); id = conversation.previous_of_visitor) {
        if (count == visitor->conversation_count) {
            check_broken(check, entry, "it counts %" PRIu64 " conversations, and its chain has more", count);
            return;
        }
        enum error error = conversation_get(check->txn, id, &conversation);
        if (error == ERR_NOT_FOUND)
            check_broken(check, entry, "its chain leads to %s, which does not exist", text_of(id).text);
        if (error != OK)
            return;
        if (!id_equal(conversation.visitor, visitor->id)) {
            check_broken(check, entry, "its chain leads to %s, which is not its own", text_of(id).text);
            return;
        }
        ++count;
    }
    if (count < visitor->conversation_count)
        check_broken(check, entry, "it counts %" PRIu64 " conversations, and its chain has %" PRIu64,
                     visitor->conversation_count, count);
    check->chained += count;
}

void check_visitor(struct check *check, const struct entry *entry)
{
    struct visitor visitor;
    struct key key;
    if (!check_decode(check, entry, RECORD_VISITORS, ID_LEN, &visitor))
        return;
    visitor.id = id_at(entry->key, 0);
    bool is_complete = check_org_is_complete(check, entry, visitor.org);
    if (visitor.visitor_key.len == 0 || visitor.visitor_key.len > VISITOR_KEY_LEN_MAX) {
        check_broken(check, entry, "its key has %zu characters", visitor.visitor_key.len);
        return;
    }
    visitor_key_key(&key, visitor.org, visitor.visitor_key);
    if (!check_index_leads_to(check, TABLE_VISITOR_BY_KEY, key_view(&key), visitor.id))
        check_broken(check, entry, "visitor_by_key does not lead to it");
    if (visitor.email.data != NULL && !email_is_valid(visitor.email))
        check_broken(check, entry, "its e-mail address is none");
    if (visitor.address.data != NULL && !address_text_is_valid(visitor.address))
        check_broken(check, entry, "its network address is none");
    if (!check_is_time(visitor.first_seen_at_ms) || !check_is_time(visitor.last_seen_at_ms) ||
        !check_is_time(visitor.created_at_ms) || !check_is_time(visitor.updated_at_ms) ||
        !check_is_time(visitor.blocked_at_ms)) {
        check_broken(check, entry, "one of its times is out of range");
        return;
    }
    if (visitor.last_seen_at_ms < visitor.first_seen_at_ms)
        check_broken(check, entry, "it was last seen before it was first seen");
    if (!is_complete)
        return;
    visitor_seen_key(&key, visitor.org, visitor.last_seen_at_ms, visitor.id);
    if (!check_index_has(check, TABLE_VISITOR_BY_SEEN, key_view(&key)))
        check_broken(check, entry, "visitor_by_seen has no entry for when it was last seen");
    check_chain(check, entry, &visitor);
    check_say(check, entry, verify_visitor(&check->search, &visitor));
}

void check_visitor_by_key(struct check *check, const struct entry *entry)
{
    struct visitor visitor;
    if (!check_has_lengths(check, entry, 0, ID_LEN))
        return;
    if (entry->key.len <= ID_LEN || entry->key.len > ID_LEN + VISITOR_KEY_LEN_MAX) {
        check_broken(check, entry, "the key has %zu bytes", entry->key.len);
        return;
    }
    check_org_is_complete(check, entry, id_at(entry->key, 0));
    enum error error = visitor_get(check->txn, id_at(entry->value, 0), &visitor);
    if (error == ERR_NOT_FOUND)
        check_broken(check, entry, "its visitor does not exist");
    if (error != OK)
        return;
    if (!id_equal(visitor.org, id_at(entry->key, 0)))
        check_broken(check, entry, "its visitor is of another organisation");
    else if (!bytes_equal(visitor.visitor_key, bytes_view(entry->key.data + ID_LEN, entry->key.len - ID_LEN)))
        check_broken(check, entry, "its visitor has another key");
}

void check_visitor_by_seen(struct check *check, const struct entry *entry)
{
    struct visitor visitor;
    if (!check_has_lengths(check, entry, 2 * ID_LEN + 4, 0))
        return;
    size_t offset = ID_LEN;
    uint32_t minute = key_get_u32(entry->key, &offset);
    check_org_is_complete(check, entry, id_at(entry->key, 0));
    enum error error = visitor_get(check->txn, id_at(entry->key, offset), &visitor);
    if (error == OK && !id_equal(visitor.org, id_at(entry->key, 0)))
        check_broken(check, entry, "its visitor is of another organisation");
    else if (error == ERR_NOT_FOUND ||
             (error == OK && check_is_time(visitor.last_seen_at_ms) && minute != minute_of(visitor.last_seen_at_ms)))
        ++check->report->stale_seen;
}
