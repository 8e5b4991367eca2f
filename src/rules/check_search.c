/* Checks of the search index, by its own room. */
#include "rules/check_private.h"

#include <inttypes.h>

typedef const char *search_verify(struct verification *verification, struct bytes key, struct bytes value);

/* What is being purged may be half gone, here as well. */
static void check_search_entry(struct check *check, const struct entry *entry, search_verify *verify)
{
    if (entry->key.len < ID_LEN)
        check_broken(check, entry, "the key has %zu bytes", entry->key.len);
    else if (check_org_is_complete(check, entry, id_at(entry->key, 0)))
        check_say(check, entry, verify(&check->search, entry->key, entry->value));
}

void check_search_org(struct check *check, const struct entry *entry)
{
    struct search_org org;
    if (check_decode(check, entry, RECORD_SEARCH_ORGS, ID_LEN, &org) &&
        check_org_is_complete(check, entry, id_at(entry->key, 0)) && org.indexed_seq > check->last_seq)
        check_broken(check, entry, "it is indexed up to %" PRIu64 ", beyond the last sequence number", org.indexed_seq);
}

void check_search_segment(struct check *check, const struct entry *entry)
{
    check_search_entry(check, entry, verify_segment);
}

void check_search_block(struct check *check, const struct entry *entry)
{
    check_search_entry(check, entry, verify_block);
}

void check_message_by_seq(struct check *check, const struct entry *entry)
{
    check_search_entry(check, entry, verify_by_seq);
}

void check_visitor_by_email(struct check *check, const struct entry *entry)
{
    check_search_entry(check, entry, verify_visitor_email);
}
