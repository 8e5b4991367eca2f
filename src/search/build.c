/*
 * Clearing, then the visitors, then the messages, whose places go into message_by_seq: they come in the order of their
 * conversations, and the indexer wants that of their seqs. Whatever is written meanwhile is noted by whoever writes it,
 * or found by its activity, which is not swept any more without a note from the moment on at which the walk begins.
 */
#include "search/build.h"

#include "search/by_seq.h"
#include "search/visitors.h"

static const enum table cleared[] = {TABLE_SEARCH_BLOCKS, TABLE_SEARCH_SEGMENTS, TABLE_MESSAGE_BY_SEQ,
                                     TABLE_VISITOR_BY_EMAIL, TABLE_SEARCH_ORGS};

/* A damaged page, which gives no entry at all, ends a walk; a damaged entry does not. */
static bool may_go_on(enum error error, struct bytes key)
{
    return error == OK || (error == ERR_CORRUPT && key.data != NULL);
}

/* ---- the cursor -----------------------------------------------------------------------------------------------------
 */

static enum error load_cursor(struct txn *txn, struct key *out)
{
    struct bytes value;
    key_clear(out);
    enum error error = table_get(txn, TABLE_META, BYTES(META_SEARCH_CURSOR), &value);
    if (error == OK && value.len > STORE_KEY_LEN_MAX)
        error = ERR_CORRUPT;
    if (error == OK)
        key_put(out, value);
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum error enter(struct txn *txn, enum search_phase phase, uint64_t until_seq)
{
    enum error error = table_del(txn, TABLE_META, BYTES(META_SEARCH_CURSOR));
    if (error == OK || error == ERR_NOT_FOUND)
        error = search_state_put(txn, &(struct search_state){.phase = phase, .until_seq = until_seq});
    return error;
}

/* ---- clearing -------------------------------------------------------------------------------------------------------
 */

static enum error clear_table(struct txn *txn, enum table table, uint64_t *left)
{
    struct bytes key;
    struct cursor *cursor = cursor_open(txn, table);
    enum error error = cursor_seek(cursor, BYTES_NONE, &key, NULL);
    for (; may_go_on(error, key) && *left > 0; --*left) {
        error = cursor_del(cursor);
        txn_arena_reset(txn);
        if (error == OK)
            error = cursor_next(cursor, &key, NULL);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND || may_go_on(error, key) ? OK : error;
}

static enum error clear(struct txn *txn, uint64_t seq, uint64_t limit)
{
    enum error error = enter(txn, SEARCH_CLEARING, 0);
    for (size_t i = 0; i < sizeof(cleared) / sizeof(cleared[0]) && error == OK && limit > 0; ++i)
        error = clear_table(txn, cleared[i], &limit);
    return error == OK && limit > 0 ? enter(txn, SEARCH_VISITORS, seq) : error;
}

/* ---- walking --------------------------------------------------------------------------------------------------------
 */

/* What is done with an entry; its views live until the next one. */
typedef enum error walk_visit(struct txn *txn, uint64_t until_seq, struct bytes key, struct bytes value);

static enum error walk(struct txn *txn, enum table table, uint64_t until_seq, uint64_t limit, walk_visit *visit,
                       bool *is_over)
{
    struct key at;
    struct bytes key, value;
    enum error error = load_cursor(txn, &at);
    if (error != OK)
        return error;
    struct cursor *cursor = cursor_open(txn, table);
    enum error found = cursor_seek(cursor, key_view(&at), &key, &value);
    if (at.len != 0 && may_go_on(found, key) && bytes_equal(key, key_view(&at)))
        found = cursor_next(cursor, &key, &value);
    for (; error == OK && may_go_on(found, key) && limit > 0; --limit) {
        key_clear(&at);
        key_put(&at, key);
        error = found == OK ? visit(txn, until_seq, key, value) : OK;
        txn_arena_reset(txn);
        found = cursor_next(cursor, &key, &value);
    }
    cursor_close(cursor);
    *is_over = found == ERR_NOT_FOUND;
    if (error != OK || *is_over)
        return error;
    return may_go_on(found, key) ? table_put(txn, TABLE_META, BYTES(META_SEARCH_CURSOR), key_view(&at)) : found;
}

static enum error visit_visitor(struct txn *txn, uint64_t until_seq, struct bytes key, struct bytes value)
{
    struct visitor visitor;
    size_t offset = 0;
    (void)until_seq;
    if (key.len != ID_LEN || record_decode(RECORD_VISITORS, value, &visitor) != OK || visitor.email.data == NULL)
        return OK;
    return search_add_visitor(txn, visitor.org, key_get_id(key, &offset), visitor.email);
}

static enum error visit_message(struct txn *txn, uint64_t until_seq, struct bytes key, struct bytes value)
{
    struct message message;
    size_t offset = 0;
    if (key.len != ID_LEN + 8)
        return OK;
    struct id conversation = key_get_id(key, &offset);
    if (!message_key_is_of(key, conversation) || message_decode(key, value, &message) != OK || message.seq > until_seq)
        return OK;
    return by_seq_put(txn, message.org, &(struct by_seq){message.seq, conversation});
}

enum error search_build_step(struct txn *txn, uint64_t seq, uint64_t limit)
{
    struct search_state state;
    bool is_over = false;
    enum error error = search_state_get(txn, &state);
    if (error != OK || state.phase == SEARCH_READY)
        return error;
    if (!search_is_kept(&state))
        return clear(txn, seq, limit);
    bool visitors = state.phase == SEARCH_VISITORS;
    error = visitors ? walk(txn, TABLE_VISITORS, state.until_seq, limit, visit_visitor, &is_over)
                     : walk(txn, TABLE_MESSAGES, state.until_seq, limit, visit_message, &is_over);
    return error == OK && is_over ? enter(txn, visitors ? SEARCH_MESSAGES : SEARCH_READY, state.until_seq) : error;
}
