/*
 * The commands by which the search index is built and kept up; what they do is in the room below. An index that can't
 * be read is cleared and built anew: everything in it follows from the messages.
 */
#include "rules/internal.h"
#include "search/build.h"
#include "search/index.h"

/* A damaged page, unlike a damaged entry, is nothing that could be cleared. */
static enum error heal(struct txn *txn, enum error error)
{
    return error == ERR_CORRUPT && txn_is_usable(txn) ? search_reset(txn) : error;
}

enum error rule_search_build(struct txn *txn, uint64_t seq, const struct search_build *command, struct outcome *outcome)
{
    (void)outcome;
    return heal(txn, search_build_step(txn, seq, command->limit));
}

enum error rule_search_index(struct txn *txn, uint64_t seq, const struct search_index *command, struct outcome *outcome)
{
    (void)outcome;
    enum error error = org_is_alive(txn, command->org);
    return error == OK ? heal(txn, search_index_step(txn, seq, command->org, command->limit)) : error;
}

enum error rule_search_rebuild(struct txn *txn, uint64_t seq, const struct search_rebuild *command,
                               struct outcome *outcome)
{
    (void)outcome;
    enum error error = search_reset(txn);
    return error == OK ? audit_note(txn, seq, ACT(command, .action = "search.rebuilt")) : error;
}
