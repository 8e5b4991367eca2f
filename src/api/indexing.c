/*
 * Keeps the search index up, a step at a time, on loop 0. While few others write, a step follows the one before as soon
 * as that is on disk; in a rush only INDEXING_RUSH_STEPS are taken a second, and what waits is indexed afterwards.
 * Messages that wait are found all the same, as long as they are not too many.
 *
 * Organisations are looked at in turn, INDEXING_LOOKS a second. Once a whole turn has found nothing to do, nothing is
 * done until somebody writes.
 */
#include "api/internal.h"
#include "search/index.h"

#define INDEXING_LOOKS 64     /* organisations looked at in a second */
#define INDEXING_RUSH 1000    /* commands in a second that make one */
#define INDEXING_RUSH_STEPS 4 /* steps in such a second */

/* ---- whose turn it is
 * ------------------------------------------------------------------------------------------------- */

static bool is_due(struct txn *txn, struct bytes key, struct bytes value)
{
    struct org org;
    size_t offset = 0;
    bool due = false;
    if (key.len != ID_LEN || record_decode(RECORD_ORGS, value, &org) != OK || org.deleted)
        return false;
    return search_index_is_due(txn, key_get_id(key, &offset), SEARCH_WAITING, &due) == OK && due;
}

static struct id id_of(struct bytes key)
{
    size_t offset = 0;
    return key.len == ID_LEN ? key_get_id(key, &offset) : ID_NONE;
}

static void begin_turn(struct indexer *indexer, struct txn *txn)
{
    indexer->turn_found_nothing = true;
    if (meta_get_u64(txn, META_SEQ, &indexer->turn_seq) != OK)
        indexer->turn_seq = 0;
}

static void end_turn(struct indexer *indexer)
{
    indexer->at = ID_NONE;
    indexer->idle_seq = indexer->turn_found_nothing ? indexer->turn_seq : 0;
}

/* The next organisation that has something to do, from where the last look ended; ID_NONE when the turn, or what may be
 * looked at in this second, has come to its end. */
static struct id find_org(struct indexer *indexer, struct txn *txn)
{
    struct bytes key, value;
    struct id found = ID_NONE;
    if (id_is_none(indexer->at))
        begin_turn(indexer, txn);
    struct cursor *cursor = cursor_open(txn, TABLE_ORGS);
    enum error error = cursor_seek(cursor, id_view(&indexer->at), &key, &value);
    while ((error == OK || (error == ERR_CORRUPT && key.data != NULL)) && indexer->looks > 0) {
        --indexer->looks;
        indexer->at = id_of(key);
        if (error == OK && is_due(txn, key, value)) {
            indexer->turn_found_nothing = false;
            found = indexer->at;
            break;
        }
        error = cursor_next(cursor, &key, &value);
        if (error == OK)
            indexer->at = id_of(key);
    }
    cursor_close(cursor);
    if (error == ERR_NOT_FOUND)
        end_turn(indexer);
    return found;
}

/* ---- steps
 * ------------------------------------------------------------------------------------------------------------ */

static void go_on(struct api_loop *loop, struct txn *txn);

static void on_stepped(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    (void)request;
    loop->api->indexer.under_way = false;
    count(&loop->figures.search_steps, 1);
    if (entry->error == OK && txn != NULL && maintenance_may_go_on(loop))
        go_on(loop, txn);
}

static void submit(struct api_loop *loop, const struct command *command)
{
    struct indexer *indexer = &loop->api->indexer;
    --indexer->steps;
    indexer->under_way = loop_submit(loop, command, on_stepped);
}

static void go_on(struct api_loop *loop, struct txn *txn)
{
    struct indexer *indexer = &loop->api->indexer;
    struct search_state state;
    if (indexer->steps == 0 || search_state_get(txn, &state) != OK)
        return;
    if (state.phase != SEARCH_READY) {
        indexer->idle_seq = 0;
        submit(loop, &(struct command){.kind = COMMAND_SEARCH_BUILD, .search_build = {.limit = SEARCH_STEP_ENTRIES}});
        return;
    }
    struct id org = find_org(indexer, txn);
    if (!id_is_none(org))
        submit(loop, &(struct command){.kind = COMMAND_SEARCH_INDEX,
                                       .search_index = {.org = org, .limit = SEARCH_STEP_MESSAGES}});
}

void indexing_tick(struct api_loop *loop, struct txn *txn)
{
    struct indexer *indexer = &loop->api->indexer;
    uint64_t commands = atomic_load_explicit(&log_figures(loop->api->log)->commands, memory_order_relaxed), seq;
    bool is_rush = commands - indexer->commands > INDEXING_RUSH;
    indexer->commands = commands;
    indexer->steps = is_rush ? INDEXING_RUSH_STEPS : UINT32_MAX;
    indexer->looks = INDEXING_LOOKS;
    if (indexer->under_way || meta_get_u64(txn, META_SEQ, &seq) != OK ||
        (indexer->idle_seq != 0 && indexer->idle_seq == seq))
        return;
    go_on(loop, txn);
}
