/*
 * The table of what retention looks after, when a run is due, and what is noted of runs. Which days count is read from
 * the organisation's record by the reader and again by the command, so a change of settings counts from the next step
 * on.
 */
#include "base/clock.h"
#include "rules/retention_private.h"

#define DAY_MS INT64_C(86400000)

const struct retention_spec retention_specs[RETENTION_KIND_COUNT] = {
    {RETENTION_VISITORS, TABLE_VISITOR_BY_SEEN, look_at_visitor, ID_LEN, retain_visitor},
    {RETENTION_MESSAGES, TABLE_CONVERSATION_BY_UPDATED, look_at_messages, ID_LEN, retain_messages},
    {RETENTION_NOTES, TABLE_CONVERSATION_BY_WORK, look_at_notes, ID_LEN, retain_notes},
    {RETENTION_EMPTY, TABLE_CONVERSATION_BY_UPDATED, look_at_empty, 2 * ID_LEN, retain_empty},
    {RETENTION_ALIASES, TABLE_ALIASES, look_at_alias, 0, retain_aliases},
    {RETENTION_ADDRESSES, TABLE_VISITOR_BY_KEY, look_at_address, ID_LEN, retain_address},
    {RETENTION_AUDIT, TABLE_AUDIT, look_at_audit, 0, retain_audit},
    {RETENTION_ERASURES, TABLE_ERASURES, look_at_erasure, 0, retain_erasures},
};

const struct retention_spec *retention_spec_of(uint64_t kind)
{
    for (size_t i = 0; i < RETENTION_KIND_COUNT; ++i)
        if (retention_specs[i].kind == kind)
            return &retention_specs[i];
    return NULL;
}

const char *retention_kind_name(uint64_t kind)
{
    switch (kind) {
#define KIND(name, number, text) \
    case number:                 \
        return text;
#include "rules/retention.def"
#undef KIND
    }
    return NULL;
}

/* ---- settings ---- */

bool retention_days(const struct org *org, enum retention_kind kind, uint64_t *days)
{
    *days = 0;
    switch (kind) {
    case RETENTION_VISITORS:
        *days = org->retain_visitors_days;
        break;
    case RETENTION_MESSAGES:
    case RETENTION_NOTES:
        *days = org->retain_messages_days;
        break;
    case RETENTION_EMPTY:
        *days = org->retain_empty_days;
        break;
    case RETENTION_AUDIT:
        *days = org->retain_audit_days != 0 ? org->retain_audit_days : AUDIT_KEPT_DAYS;
        break;
    case RETENTION_ERASURES:
        *days = org->retain_erasures_days;
        break;
    case RETENTION_ALIASES: /* of what the first three remove */
        return org->retain_visitors_days != 0 || org->retain_empty_days != 0;
    case RETENTION_ADDRESSES:
        return org->addresses_less_at_ms != 0;
    }
    return *days != 0;
}

/* The audit log alone has days without being asked for them, and most organisations have nothing that old in it. */
static bool has_old_audit(struct txn *txn, const struct org *org, int64_t now_ms)
{
    struct bytes key, value;
    uint64_t days;
    retention_days(org, RETENTION_AUDIT, &days);
    struct cursor *cursor = cursor_open(txn, TABLE_AUDIT);
    bool has = cursor_seek(cursor, id_view(&org->id), &key, &value) == OK && key.len >= ID_LEN &&
               memcmp(key.data, org->id.bytes, ID_LEN) == 0 && audit_is_due(value, now_ms - (int64_t)days * DAY_MS);
    cursor_close(cursor);
    return has;
}

static bool has_something_to_do(struct txn *txn, const struct org *org, int64_t now_ms)
{
    uint64_t days;
    bool has = false;
    for (size_t i = 0; i < RETENTION_KIND_COUNT && !has; ++i)
        has = retention_specs[i].kind == RETENTION_AUDIT ? has_old_audit(txn, org, now_ms)
                                                         : retention_days(org, retention_specs[i].kind, &days);
    return has;
}

bool retention_is_due(struct txn *txn, const struct org *org, int64_t now_ms)
{
    struct retention retention;
    enum error error = retention_get(txn, org->id, &retention);
    if (error == ERR_NOT_FOUND)
        return has_something_to_do(txn, org, now_ms);
    bool is_time =
        error == OK && (now_ms - retention.began_at_ms >= RETENTION_INTERVAL_MS ||
                        retention.ended_at_ms < retention.began_at_ms || retention.began_at_ms < org->updated_at_ms);
    return is_time && has_something_to_do(txn, org, now_ms);
}

/* ---- steps ---- */

struct retention_walk retention_begin(struct id org)
{
    return (struct retention_walk){.org = org};
}

struct command retention_command(struct id org, const struct retention_step *step, int64_t now_ms)
{
    return (struct command){.kind = COMMAND_RETAIN,
                            .retain = {.org = org,
                                       .kind = step->kind,
                                       .at_ms = now_ms,
                                       .limit = RETENTION_ENTRIES_MAX,
                                       .subjects = bytes_view(step->subjects, step->len)}};
}

/* ---- what is noted ---- */

static enum error get_or_begin(struct txn *txn, struct id org, struct retention *out)
{
    enum error error = retention_get(txn, org, out);
    if (error != ERR_NOT_FOUND && error != ERR_CORRUPT)
        return error;
    *out = (struct retention){.org = org};
    return OK;
}

static enum error note_done(struct txn *txn, struct id org, const struct retained *done)
{
    struct retention retention;
    enum error error = get_or_begin(txn, org, &retention);
    if (error != OK)
        return error;
#define ADD(count) retention.run_##count += done->count, retention.count += done->count
    ADD(visitors);
    ADD(conversations);
    ADD(messages);
    ADD(redacted);
    ADD(others);
#undef ADD
    return retention_put(txn, &retention);
}

static void begin_run(struct retention *retention, int64_t at_ms)
{
    bool was_over = retention->ended_at_ms >= retention->began_at_ms;
    retention->began_at_ms = at_ms;
    if (was_over)
        retention->run_visitors = retention->run_conversations = retention->run_messages = retention->run_redacted =
            retention->run_others = 0;
}

/* All addresses have been looked at since less is to be kept of them. */
static enum error end_addresses(struct txn *txn, struct org *org, int64_t began_at_ms)
{
    if (org->addresses_less_at_ms == 0 || org->addresses_less_at_ms > began_at_ms)
        return OK;
    org->addresses_less_at_ms = 0;
    return org_put(txn, org);
}

enum error rule_retention_note(struct txn *txn, uint64_t seq, const struct retention_note *command,
                               struct outcome *outcome)
{
    struct org org;
    struct retention retention;
    (void)seq, (void)outcome;
    enum error error = org_get(txn, command->org, &org);
    if (error == OK && org.deleted)
        error = ERR_NOT_FOUND;
    if (error == OK)
        error = get_or_begin(txn, command->org, &retention);
    if (error == OK && command->ended)
        error = end_addresses(txn, &org, retention.began_at_ms);
    if (error != OK)
        return error;
    if (command->ended)
        retention.ended_at_ms = command->at_ms > retention.began_at_ms ? command->at_ms : retention.began_at_ms;
    else
        begin_run(&retention, command->at_ms);
    return retention_put(txn, &retention);
}

/* ---- a step ---- */

static bool is_anything(const struct retained *done)
{
    return (done->visitors | done->conversations | done->messages | done->redacted | done->others) != 0;
}

static enum error apply_subjects(struct retaining *retaining, const struct retention_spec *spec, struct bytes subjects)
{
    enum error error = OK;
    size_t len = spec->subject_len != 0 ? spec->subject_len : subjects.len;
    for (size_t at = 0; error == OK && len != 0 && at + len <= subjects.len && !retaining->more; at += len) {
        if (retaining->left == 0)
            retaining->more = true;
        else
            error = spec->apply(retaining, bytes_view(subjects.data + at, len));
    }
    return error;
}

enum error rule_retain(struct txn *txn, uint64_t seq, const struct retain *command, struct outcome *outcome)
{
    struct org org;
    uint64_t days;
    const struct retention_spec *spec = retention_spec_of(command->kind);
    (void)seq;
    enum error error = spec == NULL ? ERR_CONFLICT : org_get(txn, command->org, &org);
    if (error != OK || org.deleted)
        return error == OK ? ERR_NOT_FOUND : error;
    if (!retention_days(&org, spec->kind, &days))
        return OK;
    struct retaining retaining = {
        .txn = txn, .org = &org, .before_ms = command->at_ms - (int64_t)days * DAY_MS, .left = command->limit};
    error = forgetting_begin(&retaining.forgetting, txn, org.id);
    if (error == OK)
        error = apply_subjects(&retaining, spec, command->subjects);
    enum error end = forgetting_end(&retaining.forgetting);
    if (error == OK)
        error = end;
    outcome->more = retaining.more;
    outcome->retained = retaining.done;
    if (error == OK && retaining.done.visitors != 0)
        error = sweep_after_erasing(txn);
    if (error == OK && is_anything(&retaining.done))
        error = note_done(txn, command->org, &retaining.done);
    return error;
}
