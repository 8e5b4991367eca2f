#pragma once
/* What the files of retention share. */
#include "rules/internal.h"
#include "rules/retention.h"
#include "search/forget.h"

/* One look for what is due. */
struct retention_search {
    struct txn *txn;
    const struct org *org;
    int64_t before_ms; /* what is older goes */
    struct retention_walk *walk;
    struct retention_step *step;
};

/* What a look at an entry of the kind's table tells. */
enum retention_verdict { VERDICT_PASS, VERDICT_STOP /* nothing behind it can be due */ };
typedef enum retention_verdict retention_look_at(struct retention_search *search, struct bytes key, struct bytes value);

/* One command at work. */
struct retaining {
    struct txn *txn;
    const struct org *org;
    int64_t before_ms;
    uint64_t left; /* entries that may still be removed or changed */
    bool more;
    struct forgetting forgetting; /* of what goes, by search */
    struct retained done;
};
typedef enum error retention_apply(struct retaining *retaining, struct bytes subject);

/* A kind: where its subjects are found, and what is done with one. */
struct retention_spec {
    enum retention_kind kind;
    enum table table; /* whose keys begin with the organisation */
    retention_look_at *look_at;
    size_t subject_len; /* 0: an entry to begin at, of any length */
    retention_apply *apply;
};
#define RETENTION_KIND_COUNT 8
extern const struct retention_spec retention_specs[RETENTION_KIND_COUNT]; /* in order */
const struct retention_spec *retention_spec_of(uint64_t kind);

/* How many days the organisation keeps what the kind is about; false when it is not looked after. */
bool retention_days(const struct org *org, enum retention_kind kind, uint64_t *days);

/* The first message of a conversation from `seq` on; ERR_NOT_FOUND when there is none. */
enum error first_message_from(struct txn *txn, struct id conversation, uint64_t seq, struct message *out);
/* The same of its notes. */
enum error first_note(struct txn *txn, struct id conversation, struct note *out);
/* Where a look for old messages begins: behind those that were redacted, when they are. */
uint64_t first_kept_seq(const struct org *org, const struct conversation *conversation);
/* Whether an entry of these tables is due, for the look and for the command. */
enum error alias_is_due(struct txn *txn, struct bytes value, bool *due);
bool erasure_is_due(struct bytes value, int64_t before_ms);
/* The visitor's address as the organisation keeps it; whether that is less than there is. */
bool address_is_due(const struct org *org, const struct visitor *visitor, char room[ADDRESS_LEN_MAX],
                    struct bytes *kept);

retention_look_at look_at_visitor, look_at_messages, look_at_notes, look_at_empty, look_at_alias, look_at_address,
    look_at_audit, look_at_erasure;
retention_apply retain_visitor, retain_messages, retain_notes, retain_empty, retain_aliases, retain_address,
    retain_audit, retain_erasures;
