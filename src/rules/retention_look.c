/*
 * Looking for what is due. Each kind goes along a table whose keys begin with the organisation: visitors by the minute
 * in which they were last seen and empty conversations by that of their last change, so that the look ends where
 * nothing is old enough; old messages by all conversations, each of which tells by its first message, and old notes by
 * those that somebody has worked on.
 *
 * An empty conversation leaves a gap in its visitor's chain, and only the one that is newer says where. So when one is
 * met, its visitor's chain is followed from the newest on, and all that are due in it are found together.
 */
#include "rules/retention_private.h"

#define DAY_MS INT64_C(86400000)

static bool is_full(const struct retention_step *step, const struct retention_spec *spec)
{
    return step->count == (spec->subject_len == 0 ? 1 : RETENTION_SUBJECTS_MAX);
}

static void add_subject(struct retention_step *step, struct bytes subject)
{
    memcpy(step->subjects + step->len, subject.data, subject.len);
    step->len += subject.len;
    ++step->count;
}

static void add_id(struct retention_step *step, const struct id *id)
{
    add_subject(step, id_view(id));
}

static bool minute_is_before(struct bytes key, int64_t before_ms)
{
    size_t offset = ID_LEN;
    return before_ms > 0 && key_get_u32(key, &offset) <= minute_of(before_ms);
}

static struct id id_behind_minute(struct bytes key)
{
    size_t offset = ID_LEN + sizeof(uint32_t);
    return key_get_id(key, &offset);
}

/* ---- visitors ---- */

enum retention_verdict look_at_visitor(struct retention_search *search, struct bytes key, struct bytes value)
{
    struct visitor visitor;
    size_t offset = ID_LEN;
    uint32_t minute = key_get_u32(key, &offset);
    (void)value;
    if (!minute_is_before(key, search->before_ms))
        return VERDICT_STOP;
    if (visitor_get(search->txn, key_get_id(key, &offset), &visitor) == OK &&
        visitor.last_seen_at_ms < search->before_ms && minute_of(visitor.last_seen_at_ms) == minute)
        add_id(search->step, &visitor.id);
    return VERDICT_PASS;
}

enum retention_verdict look_at_address(struct retention_search *search, struct bytes key, struct bytes value)
{
    struct visitor visitor;
    char room[ADDRESS_LEN_MAX];
    struct bytes kept;
    size_t offset = 0;
    (void)key;
    if (value.len == ID_LEN && visitor_get(search->txn, key_get_id(value, &offset), &visitor) == OK &&
        address_is_due(search->org, &visitor, room, &kept))
        add_id(search->step, &visitor.id);
    return VERDICT_PASS;
}

/* ---- conversations ---- */

/* Each conversation has one entry that is not stale. */
static bool is_its_entry(struct retention_search *search, struct bytes key, const struct conversation *conversation)
{
    struct conversation_activity activity;
    size_t offset = ID_LEN;
    return conversation_activity(search->txn, conversation, &activity) == OK &&
           minute_of(activity.updated_at_ms) == key_get_u32(key, &offset);
}

enum retention_verdict look_at_messages(struct retention_search *search, struct bytes key, struct bytes value)
{
    struct conversation conversation;
    struct message message;
    (void)value;
    if (conversation_get(search->txn, id_behind_minute(key), &conversation) == OK &&
        first_message_from(search->txn, conversation.id, first_kept_seq(search->org, &conversation), &message) == OK &&
        message.at_ms < search->before_ms && is_its_entry(search, key, &conversation))
        add_id(search->step, &conversation.id);
    return VERDICT_PASS;
}

/* Each conversation that has notes has one entry. */
enum retention_verdict look_at_notes(struct retention_search *search, struct bytes key, struct bytes value)
{
    struct note note;
    size_t offset = 0;
    (void)key;
    struct id id = value.len == ID_LEN ? key_get_id(value, &offset) : ID_NONE;
    if (first_note(search->txn, id, &note) == OK && note.at_ms < search->before_ms)
        add_id(search->step, &id);
    return VERDICT_PASS;
}

static bool is_empty_and_old(struct retention_search *search, const struct conversation *conversation)
{
    struct message message;
    return conversation->changed_at_ms < search->before_ms && conversation->created_at_ms < search->before_ms &&
           first_message_from(search->txn, conversation->id, 0, &message) == ERR_NOT_FOUND;
}

static void add_pair(struct retention_step *step, const struct id *newer, const struct id *id)
{
    struct id pair[2] = {*newer, *id};
    add_subject(step, bytes_view(pair, sizeof(pair)));
}

static void begin_chain(struct retention_search *search, struct id visitor_id)
{
    struct visitor visitor;
    if (id_equal(search->walk->visitor, visitor_id) || visitor_get(search->txn, visitor_id, &visitor) != OK)
        return;
    search->walk->visitor = visitor_id;
    search->walk->newer = ID_NONE;
    search->walk->older = visitor.last_conversation;
}

/* Follows the visitor's conversations, `left` of them at most, which it counts down. */
static void follow_chain(struct retention_search *search, unsigned *left)
{
    struct retention_walk *walk = search->walk;
    struct conversation conversation;
    for (; !id_is_none(walk->older) && *left > 0 && search->step->count < RETENTION_SUBJECTS_MAX; --*left) {
        if (conversation_get(search->txn, walk->older, &conversation) != OK ||
            !id_equal(conversation.visitor, walk->visitor)) {
            walk->older = ID_NONE;
            return;
        }
        if (is_empty_and_old(search, &conversation))
            add_pair(search->step, &walk->newer, &conversation.id);
        else
            walk->newer = conversation.id;
        walk->older = conversation.previous_of_visitor;
    }
}

/* The chain that begins here is followed before the next entry is looked at. */
enum retention_verdict look_at_empty(struct retention_search *search, struct bytes key, struct bytes value)
{
    struct conversation conversation;
    (void)value;
    if (!minute_is_before(key, search->before_ms))
        return VERDICT_STOP;
    if (conversation_get(search->txn, id_behind_minute(key), &conversation) != OK ||
        !is_empty_and_old(search, &conversation) || !is_its_entry(search, key, &conversation))
        return VERDICT_PASS;
    if (id_is_none(conversation.visitor) || search->walk->is_trial)
        add_pair(search->step, &ID_NONE, &conversation.id);
    else
        begin_chain(search, conversation.visitor);
    return VERDICT_PASS;
}

/* ---- entries ---- */

enum retention_verdict look_at_alias(struct retention_search *search, struct bytes key, struct bytes value)
{
    bool due;
    if (alias_is_due(search->txn, value, &due) == OK && due)
        add_subject(search->step, key);
    return VERDICT_PASS;
}

/* In order of time. */
enum retention_verdict look_at_audit(struct retention_search *search, struct bytes key, struct bytes value)
{
    if (!audit_is_due(value, search->before_ms))
        return VERDICT_STOP;
    add_subject(search->step, key);
    return VERDICT_PASS;
}

enum retention_verdict look_at_erasure(struct retention_search *search, struct bytes key, struct bytes value)
{
    if (erasure_is_due(value, search->before_ms))
        add_subject(search->step, key);
    return VERDICT_PASS;
}

/* ---- the walk ---- */

static void next_kind(struct retention_walk *walk)
{
    ++walk->at;
    key_clear(&walk->next);
    walk->is_at_end = false;
    walk->visitor = walk->newer = walk->older = ID_NONE;
}

/* A damaged entry has a key to go on behind; a damaged page ends the walk of its table. */
static bool is_entry_of(const struct retention_walk *walk, enum error error, struct bytes key)
{
    return (error == OK || error == ERR_CORRUPT) && key.data != NULL && key.len >= ID_LEN &&
           key.len <= STORE_KEY_LEN_MAX && memcmp(key.data, walk->org.bytes, ID_LEN) == 0;
}

/* Along the kind's table, until there is enough, a chain to be followed, or no more. */
static void look_along(struct retention_search *search, const struct retention_spec *spec, unsigned *left)
{
    struct retention_walk *walk = search->walk;
    struct bytes key, value, from = walk->next.len == 0 ? id_view(&walk->org) : key_view(&walk->next);
    enum retention_verdict verdict = VERDICT_PASS;
    struct cursor *cursor = cursor_open(search->txn, spec->table);
    enum error error = cursor_seek(cursor, from, &key, &value);
    for (; is_entry_of(walk, error, key) && verdict == VERDICT_PASS && *left > 0 && !is_full(search->step, spec) &&
           id_is_none(walk->older);
         --*left) {
        if (error == OK)
            verdict = spec->look_at(search, key, value);
        error = cursor_next(cursor, &key, &value);
    }
    walk->is_at_end = verdict == VERDICT_STOP || !is_entry_of(walk, error, key);
    key_clear(&walk->next);
    if (!walk->is_at_end)
        key_put(&walk->next, key);
    cursor_close(cursor);
}

/* Goes on with the kind at which the walk is. */
static void look_for(struct retention_search *search, const struct retention_spec *spec, unsigned *left)
{
    while (*left > 0 && !is_full(search->step, spec)) {
        if (!id_is_none(search->walk->older))
            follow_chain(search, left);
        else if (!search->walk->is_at_end)
            look_along(search, spec, left);
        else
            return;
    }
}

static bool is_done(const struct retention_walk *walk)
{
    return walk->is_at_end && id_is_none(walk->older);
}

enum retention_state retention_look(struct txn *txn, struct retention_walk *walk, int64_t now_ms,
                                    struct retention_step *step)
{
    struct org org;
    unsigned left = RETENTION_LOOK_MAX;
    if (walk->as_if != NULL)
        org = *walk->as_if;
    else if (org_get(txn, walk->org, &org) != OK || org.deleted)
        return RETENTION_OVER;
    for (; walk->at < RETENTION_KIND_COUNT; next_kind(walk)) {
        const struct retention_spec *spec = &retention_specs[walk->at];
        uint64_t days;
        if (!retention_days(&org, spec->kind, &days))
            continue;
        *step = (struct retention_step){.kind = spec->kind};
        struct retention_search search = {txn, &org, now_ms - (int64_t)days * DAY_MS, walk, step};
        look_for(&search, spec, &left);
        if (step->count != 0)
            return RETENTION_FOUND;
        if (!is_done(walk))
            return RETENTION_GOES_ON;
    }
    return RETENTION_OVER;
}
