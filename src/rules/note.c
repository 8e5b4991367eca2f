/*
 * Notes: what the organisation's side writes down beside a conversation. They have a table of their own, in the order
 * of the same numbers as messages, so that both make one sequence for whoever may see both. A note is work on its
 * conversation: its number is in conversation_by_work, where a stream finds what it has missed.
 */
#include "base/clock.h"
#include "base/text.h"
#include "rules/internal.h"

static enum error get_own(struct txn *txn, struct id org, struct id id, struct conversation *out)
{
    enum error error = org_is_alive(txn, org);
    if (error == OK)
        error = conversation_get(txn, id, out);
    return error == OK && !id_equal(out->org, org) ? ERR_NOT_FOUND : error;
}

/* ---- one that is there already --------------------------------------------------------------------------------- */

/* Which note is looked for among the last ones. */
struct wanted {
    struct bytes client_id; /* or NULL */
    struct id id;           /* or ID_NONE */
    unsigned looks_max;
};

static bool is_wanted(const struct wanted *wanted, const struct note *note)
{
    return wanted->client_id.data != NULL ? bytes_equal(note->client_id, wanted->client_id)
                                          : id_equal(note->id, wanted->id);
}

/* ERR_NOT_FOUND when it is not there; *seq is its number. */
static enum error find(struct txn *txn, struct id conversation, const struct wanted *wanted, uint64_t *seq)
{
    struct bytes key, value;
    struct key end;
    bool is_found = false;
    message_key(&end, conversation, UINT64_MAX);
    struct cursor *cursor = cursor_open(txn, TABLE_NOTES);
    enum error error = cursor_seek_before(cursor, key_view(&end), &key, &value);
    for (unsigned looks = 0; error == OK && looks < wanted->looks_max && message_key_is_of(key, conversation);
         ++looks) {
        struct note note;
        error = note_decode(key, value, &note);
        is_found = error == OK && is_wanted(wanted, &note);
        if (is_found)
            *seq = note.seq;
        if (error != OK || is_found)
            break;
        error = cursor_previous(cursor, &key, &value);
    }
    cursor_close(cursor);
    return error == OK && !is_found ? ERR_NOT_FOUND : error;
}

/* ---- a new one ------------------------------------------------------------------------------------------------- */

static enum error put(struct txn *txn, uint64_t seq, const struct conversation *before, struct note *note,
                      struct outcome *outcome)
{
    struct conversation after = *before;
    struct note last = {.ordinal = 0};
    enum error error = note_get_last(txn, before->id, &last);
    if (error != OK && error != ERR_NOT_FOUND)
        return error;
    if (last.ordinal >= NOTES_PER_CONVERSATION_MAX)
        return ERR_LIMIT_REACHED;
    note->conversation = before->id;
    note->org = before->org;
    note->seq = seq;
    note->ordinal = last.ordinal + 1;
    outcome->seq = seq;
    error = note_put(txn, note);
    return error == OK ? work_write(txn, seq, note->at_ms, before, &after, outcome) : error;
}

/* Those of the organisation, each once; at most NOTE_MENTIONS_MAX. */
static enum error choose_mentions(struct txn *txn, struct id org, struct bytes mentions, struct buffer *out)
{
    struct member member;
    for (size_t offset = 0; offset + ID_LEN <= mentions.len && out->len < NOTE_MENTIONS_MAX * ID_LEN;) {
        struct id id = key_get_id(mentions, &offset);
        bool is_there = false;
        for (size_t at = 0; at < out->len && !is_there; at += ID_LEN)
            is_there = memcmp(out->data + at, id.bytes, ID_LEN) == 0;
        enum error error = is_there ? ERR_NOT_FOUND : member_get(txn, org, id, &member);
        if (error == OK)
            buffer_append(out, id.bytes, ID_LEN);
        else if (error != ERR_NOT_FOUND)
            return error;
    }
    return OK;
}

static void tell(const struct note_create *command, const struct conversation *conversation, uint64_t seq,
                 struct outcome *outcome)
{
    outcome->event = (struct event){
        .kind = EVENT_NOTE,
        .by_org = true,
        .agent = command->agent,
        .org = conversation->org,
        .visitor = conversation->visitor,
        .conversation = conversation->id,
        .seq = seq,
    };
}

static bool content_is_valid(struct bytes content)
{
    return content.len != 0 && content.len <= NOTE_CONTENT_LEN_MAX;
}

static enum error create(struct txn *txn, uint64_t seq, const struct note_create *command,
                         const struct conversation *conversation, struct buffer *mentions, struct outcome *outcome)
{
    enum error error = choose_mentions(txn, command->org, command->mentions, mentions);
    if (error != OK)
        return error;
    struct note note = {
        .id = command->note,
        .agent = command->agent,
        .content = command->content,
        .at_ms = command->at_ms,
        .client_id = command->client_id,
        .mentions = mentions->len == 0 ? BYTES_NONE : buffer_view(mentions),
    };
    tell(command, conversation, seq, outcome);
    return put(txn, seq, conversation, &note, outcome);
}

enum error rule_note_create(struct txn *txn, uint64_t seq, const struct note_create *command, struct outcome *outcome)
{
    struct conversation conversation;
    struct buffer mentions = {0};
    struct wanted wanted = {.client_id = command->client_id, .looks_max = NOTE_CLIENT_IDS_KEPT};
    if (!content_is_valid(command->content))
        return ERR_CONFLICT;
    enum error error = get_own(txn, command->org, command->conversation, &conversation);
    if (error != OK)
        return error;
    outcome->id = conversation.id;
    error = command->client_id.data == NULL ? ERR_NOT_FOUND : find(txn, conversation.id, &wanted, &outcome->seq);
    outcome->replayed = error == OK;
    if (error == ERR_NOT_FOUND)
        error = create(txn, seq, command, &conversation, &mentions, outcome);
    buffer_dispose(&mentions);
    return error;
}

/* ---- one of another database ----------------------------------------------------------------------------------- */

static bool is_fit(const struct note_import *command)
{
    return !id_is_none(command->note) && id_is_valid(command->note) && content_is_valid(command->content) &&
           utf8_valid(command->content) && command->client_id.len <= CLIENT_ID_LEN_MAX && command->at_ms >= 0 &&
           command->at_ms <= TIME_MS_MAX;
}

/* Agents don't move along: what they wrote does. */
enum error rule_note_import(struct txn *txn, uint64_t seq, const struct note_import *command, struct outcome *outcome)
{
    struct conversation conversation;
    struct wanted wanted = {.id = command->note, .looks_max = NOTES_PER_CONVERSATION_MAX};
    enum error error = get_own(txn, command->org, command->conversation, &conversation);
    if (error == OK && !is_fit(command))
        error = ERR_CONFLICT;
    if (error != OK)
        return error;
    outcome->id = conversation.id;
    error = find(txn, conversation.id, &wanted, &outcome->seq);
    outcome->replayed = error == OK;
    if (error != ERR_NOT_FOUND)
        return error;
    struct note note = {
        .id = command->note,
        .content = command->content,
        .at_ms = command->at_ms,
        .client_id = command->client_id,
    };
    return put(txn, seq, &conversation, &note, outcome);
}
