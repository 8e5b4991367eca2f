#pragma once
/* The rules, one function a command; rules.c dispatches. See rules.h for what they may return. */
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

/* A visitor on its way into the tables: read first, written with the rest of the command. */
struct sighting {
    bool present; /* there is a visitor to write */
    bool is_new;
    int64_t seen_before_ms;
    struct visitor visitor;
};
/*
 * Reads the visitor of (org, visitor_key) and moves its lastSeenAt, in memory. A NULL key gives present = false, and so
 * does an unknown one unless `create`, which makes it under `fresh`. user_agent replaces the known one unless NULL.
 */
enum error visitor_sight(struct txn *txn, struct id org, struct bytes visitor_key, bool create, struct id fresh,
                         int64_t at_ms, struct bytes user_agent, struct sighting *out);
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

/* ---- removing what has to be forgotten (remove.c) ---- */

/* A damaged entry goes like a sound one: what has to be forgotten must not stay because it can't be read. A damaged
 * page, which gives no entry at all, ends the walk. */
enum error damaged_too(enum error error, struct bytes key);
enum error remove_if_there(struct txn *txn, enum table table, struct bytes key);
/* Looks at an entry that may go; `value` is BYTES_NONE when it is damaged. It may write other tables. */
typedef enum error entry_look(void *context, struct bytes key, struct bytes value, bool *goes);
/*
 * Removes the entries under `prefix` that `look` lets go (NULL: all of them), at most *left (NULL: any number), which
 * it counts down. OK when it has come to the end, ERR_CONFLICT when *left did not last. What the command has read so
 * far is gone afterwards.
 */
enum error remove_under(struct txn *txn, enum table table, struct bytes prefix, uint64_t *left, entry_look *look,
                        void *context);
/* Notes in META that a visitor was erased, so that a sweep is due which passes every entry that may still name it. */
enum error sweep_after_erasing(struct txn *txn);
