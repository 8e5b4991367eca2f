/* A few entries of META, and a record for each organisation. */
#include "search/state.h"

#define PHASES 8

enum error search_state_get(struct txn *txn, struct search_state *out)
{
    uint64_t number;
    out->until_seq = 0;
    enum error error = meta_get_u64(txn, META_SEARCH, &number);
    if (error != OK)
        return error;
    bool is_ours = number / PHASES == SEARCH_VERSION && number % PHASES <= SEARCH_READY;
    out->phase = number == 0 ? SEARCH_NONE : is_ours ? (enum search_phase)(number % PHASES) : SEARCH_CLEARING;
    return search_is_kept(out) ? meta_get_u64(txn, META_SEARCH_UNTIL, &out->until_seq) : OK;
}

static enum error put_number(struct txn *txn, const char *name, uint64_t number)
{
    uint64_t before;
    enum error error = meta_get_u64(txn, name, &before);
    return error == OK && before != number ? meta_put_u64(txn, name, number) : error;
}

enum error search_state_put(struct txn *txn, const struct search_state *state)
{
    enum error error = put_number(txn, META_SEARCH, SEARCH_VERSION * PHASES + state->phase);
    return error == OK ? put_number(txn, META_SEARCH_UNTIL, state->until_seq) : error;
}

enum error search_begin(struct txn *txn)
{
    struct search_state state;
    enum error error = search_state_get(txn, &state);
    bool is_empty = table_rows(txn, TABLE_VISITORS) == 0 && table_rows(txn, TABLE_MESSAGES) == 0;
    if (error != OK || state.phase != SEARCH_NONE || !is_empty)
        return error;
    return search_state_put(txn, &(struct search_state){.phase = SEARCH_READY});
}

enum error search_reset(struct txn *txn)
{
    return search_state_put(txn, &(struct search_state){.phase = SEARCH_CLEARING});
}

enum error search_indexed_seq(struct txn *txn, const struct search_state *state, struct id org, uint64_t *out)
{
    struct search_org record = {.indexed_seq = 0};
    enum error error = search_is_kept(state) ? search_org_get(txn, org, &record) : ERR_NOT_FOUND;
    *out = error == OK ? record.indexed_seq : 0;
    return error == ERR_NOT_FOUND ? OK : error;
}
