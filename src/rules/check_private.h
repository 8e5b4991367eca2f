#pragma once
/*
 * What the checks of single tables share. check.c walks the tables, and has the
 * list of the functions that look at one entry; each of those says what it
 * finds by check_broken. An entry whose checksum disagrees reaches none of
 * them.
 */
#include <stdbool.h>
#include <stdint.h>

#include "rules/check.h"
#include "search/verify.h"
#include "store/records.h"

#define DELIVERY_KEY_LEN (ID_LEN + 12)
#define PAST_KEY_LEN (ID_LEN + 16)
#define ORG_SLOTS 256

enum org_state { ORG_UNKNOWN, ORG_MISSING, ORG_DAMAGED, ORG_ALIVE, ORG_DELETED };

/* Organisations already looked up; ids that share a slot displace each other.
 */
struct org_slot {
    struct id id;
    enum org_state state;
};

struct check {
    struct txn *txn;
    struct check_report *report;
    void (*on_broken)(void *context, const char *sentence);
    void (*on_rows)(void *context, uint64_t rows); /* or NULL */
    void *context;
    uint64_t last_seq;
    uint64_t rows; /* of the tables that are done */
    struct org_slot orgs[ORG_SLOTS];
    uint64_t named, chained;          /* conversations that name a visitor; those that the
                                         visitors' chains reach */
    struct conversation conversation; /* of the messages being walked; id none
                                         when there is none to compare with */
    bool conversation_is_partial;
    uint64_t previous_ordinal;
    struct verification search;
};

/* The entry being looked at. */
struct entry {
    enum table table;
    struct bytes key, value;
};

/* ---- check_look.c ---- */

/* Counts it and says it, after the name of the entry: ids as the API shows
 * them, and no word that somebody wrote. */
__attribute__((format(printf, 3, 4))) void check_broken(struct check *check, const struct entry *entry,
                                                        const char *format, ...);
/* What another room has found; NULL: nothing. */
void check_say(struct check *check, const struct entry *entry, const char *sentence);

struct id_text {
    char text[2 * ID_LEN + 2];
};

/* As the API shows it; the bytes themselves when damage has made them something
 * else. */
struct id_text text_of(struct id id);
static inline struct id id_at(struct bytes bytes, size_t offset)
{
    return key_get_id(bytes, &offset);
}

static inline uint64_t u64_at(struct bytes bytes, size_t offset)
{
    return key_get_u64(bytes, &offset);
}

enum org_state check_org_state(struct check *check, struct id id);
/* Whether the record's organisation is there and its data complete; says so
 * when it isn't there at all. */
bool check_org_is_complete(struct check *check, const struct entry *entry, struct id org);
/* False, once it has been said, when the key or the value doesn't have the
 * length that its table asks for (key_len 0, ANY_LEN: any). */
bool check_has_lengths(struct check *check, const struct entry *entry, size_t key_len, size_t value_len);
#define ANY_LEN SIZE_MAX
/* False, once it has been said, when the record can't be read. */
bool check_decode(struct check *check, const struct entry *entry, enum record_kind kind, size_t key_len, void *out);
bool check_is_time(int64_t time_ms);
/* Whether an index entry exists and holds the id. A damaged one is reported by
 * its own table. */
bool check_index_leads_to(struct check *check, enum table table, struct bytes key, struct id id);
bool check_index_has(struct check *check, enum table table, struct bytes key);

/* ---- one entry ---- */

typedef void check_entry(struct check *check, const struct entry *entry);

check_entry check_agent, check_agent_by_email, check_member, check_member_by_agent, check_session,
    check_session_by_agent, check_link, check_audit; /* check_accounts.c */
check_entry check_conversation, check_activity, check_updated, check_mark, check_open, check_snooze, check_worked,
    check_note, check_reply, check_alias; /* check_conversations.c */
check_entry check_message_entry;          /* check_messages.c */
check_entry check_org, check_org_by_key, check_token, check_webhook, check_webhook_by_org, check_delivery,
    check_erasure, check_retention; /* check_orgs.c */
check_entry check_search_org, check_search_segment, check_search_block, check_message_by_seq,
    check_visitor_by_email;                                             /* check_search.c */
check_entry check_visitor, check_visitor_by_key, check_visitor_by_seen; /* check_visitors.c */
