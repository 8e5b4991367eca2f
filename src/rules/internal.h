#pragma once
/* The rules, one function a command; rules.c dispatches. See rules.h for what they may return. */
#include "base/address_text.h"
#include "rules/rules.h"
#include "store/records.h"

#define COMMAND(name, upper, number, erasing) \
    enum error rule_##name(struct txn *txn, uint64_t seq, const struct name *command, struct outcome *outcome);
#define FIELD(command, type, member)
#define END(name)
#include "core/commands.def"
#undef COMMAND
#undef FIELD
#undef END

/* ERR_NOT_FOUND unless the organisation exists and is not being deleted. */
enum error org_is_alive(struct txn *txn, struct id id);
/* Writes a new organisation, whose id and key are free. */
enum error org_add(struct txn *txn, const struct org *org);

/* ---- agents, members, sessions (agent.c, member.c, session.c) ---- */

/* Counts the entries under an id. */
enum error count_under(struct txn *txn, enum table table, struct id prefix, unsigned *out);
/* ERR_LIMIT_REACHED unless the organisation may have one more member, and the agent one more organisation. */
enum error membership_has_room(struct txn *txn, struct id org, struct id agent);
/* Writes a membership, new or not. */
enum error member_add(struct txn *txn, struct id org, struct id agent, struct bytes role, int64_t at_ms);
/* ERR_NOT_FOUND unless the session is there, and the agent's. */
enum error session_is_of(struct txn *txn, struct id session, struct id agent);
enum error end_session(struct txn *txn, struct id agent, struct id session);
/* All of the agent's but `kept`. */
enum error end_sessions(struct txn *txn, struct id agent, struct id kept);
/* All of the agent's; with ID_NONE those of setup. */
enum error end_links(struct txn *txn, struct id agent);

/* ---- the audit log (audit.c) ---- */

struct act {
    struct id org; /* ID_NONE: about the server as a whole */
    int64_t at_ms;
    struct id by;      /* an agent or a token; ID_NONE: the shell */
    struct bytes from; /* the client's address; NULL: the shell */
    const char *action;
    struct id subject;
    struct bytes subject_name, detail;
};
/* An act of a command that has BY: ACT(command, .org = …, .action = "org.updated"). */
#define ACT(command, ...)                                                                    \
    &(struct act)                                                                            \
    {                                                                                        \
        .at_ms = (command)->at_ms, .by = (command)->by, .from = (command)->from, __VA_ARGS__ \
    }

/* Writes it down; at most one for each organisation in a command. */
enum error audit_note(struct txn *txn, uint64_t seq, const struct act *act);
/* The same for what is about an agent, its subject, which is named here. */
enum error audit_note_in_org(struct txn *txn, uint64_t seq, const struct act *act);
/* And in each organisation that it is a member of. */
enum error audit_note_of_agent(struct txn *txn, uint64_t seq, const struct act *act);
/* Whether an entry is of before that time. */
bool audit_is_due(struct bytes value, int64_t before_ms);
/* Removes what is about no organisation and older than AUDIT_KEPT_DAYS, at most so many entries; an organisation's own
 * retention removes the others. */
enum error audit_expire(struct txn *txn, int64_t at_ms, uint64_t limit);

/* A visitor on its way into the tables: read first, written with the rest of the command. */
struct sighting {
    bool present; /* there is a visitor to write */
    bool is_new;
    int64_t seen_before_ms;
    struct bytes email_before;
    struct visitor visitor;
};
/*
 * Reads the visitor of (org, visitor_key) and moves its lastSeenAt, in memory. A NULL key gives present = false, and so
 * does an unknown one unless `create`, which makes it under `fresh`. user_agent replaces the known one unless NULL.
 */
enum error visitor_sight(struct txn *txn, struct id org, struct bytes visitor_key, bool create, struct id fresh,
                         int64_t at_ms, struct bytes user_agent, struct sighting *out);
/* Its address, as a command has it: NULL leaves it as it is. */
void visitor_note_address(struct sighting *sighting, struct bytes address);
enum error visitor_write(struct txn *txn, const struct sighting *sighting);

/* Links a new conversation into its visitor's chain and writes both, with every index entry. The record comes without
 * visitor, chain and sequence number. */
enum error conversation_add(struct txn *txn, uint64_t seq, struct conversation *conversation,
                            struct sighting *sighting);
/* The index entries of a conversation that has changed: `updated_before_ms` is its updatedAt before, or -1 when it is
 * new. */
enum error conversation_note_change(struct txn *txn, uint64_t seq, const struct conversation *conversation,
                                    int64_t updated_before_ms, int64_t updated_at_ms);
/* Puts a message behind the conversation's last one, with every index entry. It comes without conversation, sequence
 * number and ordinal; `block` as client_id_find gave it. */
enum error message_add(struct txn *txn, uint64_t seq, const struct conversation *conversation, struct message *message,
                       struct bytes block);

/* ---- webhooks (hook.c) ---- */

/* Something that webhooks may want to be told. What its event does not have is ID_NONE or 0. */
struct hook_news {
    enum hook_event event;
    struct id org, conversation, visitor;
    int64_t at_ms;
    uint64_t conversations, messages; /* HOOK_VISITOR_ERASED: how many went */
};
/* Puts it into the queue of each webhook that wants it, at most once for each event and command. Says so in the
 * outcome. Whatever was read from the tables so far stays good. */
enum error hook_note(struct txn *txn, uint64_t seq, const struct hook_news *news, struct outcome *outcome);
/* HOOK_VISITOR_CREATED, when the visitor is new; after visitor_write. */
enum error hook_note_visitor(struct txn *txn, uint64_t seq, const struct sighting *sighting, struct outcome *outcome);
/* Removes all deliveries that name an id that has to be forgotten, whether they wait or are kept. What the command has
 * read so far is gone afterwards. */
typedef bool hook_names(void *context, struct id id);
enum error hook_forget(struct txn *txn, struct id org, hook_names *names, void *context);
/* ---- what goes with what goes (trail.c) ---- */

/*
 * Whose entries are looked for. One function for each thing that can be removed, for everybody who removes one
 * (erase.c, retain.c): what is to go along with a message, a conversation or a visitor belongs there, and nowhere else.
 */
struct trail {
    struct txn *txn;
    struct id org;
    struct id visitor; /* ID_NONE: nobody's, or one that stays: the minutes in which it was seen are left alone */
    struct id conversation;
    struct forgetting *forgetting; /* what search has of its messages is gathered here, until forgetting_end */
};
/* Of a message that is about to be removed, or whose text is about to be redacted (`is_redacted`): what leads to it, or
 * to its text, from outside its conversation. `message` is NULL when it can't be read. */
enum error trail_leave_message(const struct trail *trail, uint64_t seq, const struct message *message,
                               bool is_redacted);
/* The record and all entries of a conversation whose messages have gone, as far as `now` tells them: times that can't
 * be read are 0. */
enum error trail_leave_conversation(const struct trail *trail, const struct conversation *now);
/* The record and all entries of a visitor whose conversations have gone; times that can't be read are -1. What the
 * command has read so far may be gone afterwards. */
enum error trail_leave_visitor(const struct trail *trail, const struct visitor *visitor, struct bytes visitor_key);
/* That the visitor was there in that minute. */
enum error trail_leave_seen(const struct trail *trail, int64_t at_ms);

/* ---- what agents make of a conversation (work.c) ---- */

/* The index entries that a new conversation has by its status. */
enum error work_index(struct txn *txn, const struct conversation *conversation);
/* Writes the record, which was `before`, under the number of this change, with its index entries. */
enum error work_write(struct txn *txn, uint64_t seq, int64_t at_ms, const struct conversation *before,
                      struct conversation *after, struct outcome *outcome);
/* What its visitor's word does to a conversation that was put aside, in memory. */
enum error work_reopen(struct txn *txn, struct conversation *conversation, bool *is_reopened);
/* Removes its index entries. */
enum error work_forget(struct txn *txn, const struct conversation *conversation);
/* Whether a conversation may have these. */
bool work_is_valid(uint64_t status, int64_t snoozed_until_ms, struct bytes priority, struct bytes tags);

/* ---- removing what has to be forgotten (remove.c) ---- */

/* A damaged entry goes like a sound one: what has to be forgotten must not stay because it can't be read. A damaged
 * page, which gives no entry at all, ends the walk. */
enum error damaged_too(enum error error, struct bytes key);
enum error remove_if_there(struct txn *txn, enum table table, struct bytes key);
/* Looks at an entry that may go; `value` is BYTES_NONE when it is damaged. It may write other tables. */
typedef enum error entry_look(void *context, struct bytes key, struct bytes value, bool *goes);
/*
 * Removes the entries under `prefix` that `look` lets go (NULL: all of them), at most *left (NULL: any number), which
 * it counts down. OK when it has come to the end, ERR_CONFLICT when it has stopped before an entry because nothing of
 * *left was left. What the command has read so far is gone afterwards.
 */
enum error remove_under(struct txn *txn, enum table table, struct bytes prefix, uint64_t *left, entry_look *look,
                        void *context);
/* ---- erasures (erasures.c) ---- */

/* ERR_ERASED when whoever had this key, and was there at that time already, has been erased since. */
enum error erasure_keeps_out(struct txn *txn, struct id org, struct bytes visitor_key, int64_t created_at_ms);
/* Adds what has gone to the key's erasure; one that is as late or later is left as it is. */
enum error erasure_note(struct txn *txn, struct bytes org_key, struct bytes visitor_key, const struct erasure *erasure);

/* ---- settings ---- */

/* What the organisation lets be kept of an address: none of it, or as it is, or cut, in `out`. It must be valid. */
struct bytes org_keeps_address(const struct org *org, struct bytes address, char out[ADDRESS_LEN_MAX]);
bool org_addresses_are_valid(struct bytes addresses);

/* Notes in META that a visitor was erased, so that a sweep is due which passes every entry that may still name it. */
enum error sweep_after_erasing(struct txn *txn);
