#pragma once
/*
 * What each command means: reads and writes tables inside the open write transaction. The same commands in the same
 * order give the same tables, byte for byte: no clock, no randomness, no network here. A command either has its whole
 * effect or none: everything that can refuse it is asked before the first write.
 */
#include "core/commands.h"
#include "core/events.h"
#include "core/hooks.h"
#include "store/store.h"

#define RECOVERY_HASH_LEN 16 /* bytes of a recovery code's hash; agent.recovery_hashes has one behind the other */

/* What a step of the retention job has removed, or would remove. */
struct retained {
    uint64_t visitors, conversations, messages, redacted;
    uint64_t others; /* notes, addresses, aliases, and entries of the audit log and of erasures */
};

/* What the caller wants to know afterwards; which members are set is said at each command. */
struct outcome {
    bool replayed; /* conversation_create, message_create: the first answer again; visitor_see: it was known before;
                      imports: nothing had to be changed */
    bool widened;  /* imports: it was there, and the row added something to it */
    bool more;     /* org_purge, retain: there is more to remove */
    uint64_t seq;  /* of the change; for a replayed message the first one's */
    int64_t at_ms; /* conversation_create: createdAt; visitor_erase: when */
    struct id id;  /* conversation_create: the conversation; message_create: the one it is in; org_create, token_create:
                      itself; visitor_import: the visitor that it has become; visitor_see, visitor_erase: the visitor */
    struct event event;  /* what is news to listeners; kind EVENT_NONE when nothing is */
    bool hooked;         /* deliveries to webhooks wait, or there is something else about webhooks that is news */
    uint32_t hooks_lost; /* deliveries that were not noted, since too many wait */
    /* visitor_erase: what went, and what stayed without its visitor */
    uint64_t erased_conversations, erased_messages, anonymized_conversations;
    struct id receipt;
    struct retained retained; /* retain */
    /* sweep: where to go on; empty at the end of the index. Set by sweep alone */
    struct key next_seen, next_activity, next_updated;
};

/*
 * Applies one command under sequence number `seq`. OK, or a refusal with nothing written: ERR_NOT_FOUND, ERR_CONFLICT,
 * ERR_CORRUPT; ERR_STORE_FULL and ERR_OUTCOME_UNKNOWN mean that the transaction must be aborted.
 */
enum error rules_apply(struct txn *txn, uint64_t seq, const struct command *command, struct outcome *outcome);

/* Whether a sweep would find enough to remove: much of an index is stale, a visitor was erased, or answers to
 * Idempotency-Keys have expired. Cheap. */
bool rules_sweep_is_due(struct txn *txn, int64_t now_ms);

/* A conversation that maintenance has something to do with. */
struct work_due {
    struct id org, conversation;
    struct id agent;  /* who has left, or ID_NONE */
    int64_t until_ms; /* when its snooze is over, or 0 */
};
/* The first `count_max` whose snooze is over: for conversation_wake. */
unsigned rules_find_snoozed(struct txn *txn, int64_t now_ms, struct work_due *out, unsigned count_max);
/* The next ones that are assigned to somebody who has left: for conversation_release. Goes on at `at` (empty: from the
 * beginning) and sets it to where the next call should, empty at the end; at most look_max looks. */
unsigned rules_find_unattended(struct txn *txn, struct key *at, unsigned look_max, struct work_due *out,
                               unsigned count_max);

/* Whether a canned reply may have this shortcut: 1 to REPLY_SHORTCUT_LEN_MAX bytes of UTF-8 without a blank. */
bool reply_shortcut_is_valid(struct bytes shortcut);

/* Whether a visitor may have this e-mail address. Whether mail could be sent there is for a mail server to say; this
 * keeps out what is none at a look, and what does not fit on one line. */
bool email_is_valid(struct bytes email);
