#pragma once
/* For tests of search: keeping the index up by its commands, and asking it to the last page. */
#include "search/by_seq.h"
#include "search/find.h"
#include "search/find_visitors.h"
#include "search/forget.h"
#include "search/index.h"
#include "search/segments.h"
#include "search/visitors.h"
#include "world.h"

/* ---- the index
 * ------------------------------------------------------------------------------------------------------- */

static inline struct command search_build(uint64_t limit)
{
    return (struct command){.kind = COMMAND_SEARCH_BUILD, .search_build = {.limit = limit}};
}

static inline struct command search_index(struct id org, uint64_t limit)
{
    return (struct command){.kind = COMMAND_SEARCH_INDEX, .search_index = {.org = org, .limit = limit}};
}

static inline struct command search_rebuild(struct world *w)
{
    return (struct command){.kind = COMMAND_SEARCH_REBUILD, .search_rebuild = {.at_ms = w->now_ms}};
}

static inline struct search_state state_of(struct world *w)
{
    struct search_state state;
    assert_int_equal(search_state_get(look(w), &state), OK);
    look_away(w);
    return state;
}

/* As a database was before there was an index. */
static inline void forget_index(struct world *w)
{
    static const enum table tables[] = {TABLE_SEARCH_BLOCKS, TABLE_SEARCH_SEGMENTS, TABLE_SEARCH_ORGS,
                                        TABLE_MESSAGE_BY_SEQ, TABLE_VISITOR_BY_EMAIL};
    struct txn *txn = begin_write(w->store);
    assert_int_equal(table_del(txn, TABLE_META, BYTES(META_SEARCH)), OK);
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); ++i) {
        struct cursor *cursor = cursor_open(txn, tables[i]);
        while (cursor_seek(cursor, BYTES_NONE, NULL, NULL) == OK)
            assert_int_equal(cursor_del(cursor), OK);
        cursor_close(cursor);
    }
    commit_write(txn);
}

static inline void build_all(struct world *w, uint64_t limit)
{
    for (unsigned steps = 0; state_of(w).phase != SEARCH_READY; ++steps) {
        struct command step = search_build(limit);
        must(w, &step);
        assert_true(steps < 100000);
    }
}

static inline bool index_is_due(struct world *w, struct id org, uint64_t waiting)
{
    bool due;
    assert_int_equal(search_index_is_due(look(w), org, waiting, &due), OK);
    look_away(w);
    return due;
}

static inline void index_all(struct world *w, struct id org, uint64_t limit)
{
    for (unsigned steps = 0; index_is_due(w, org, 1); ++steps) {
        struct command step = search_index(org, limit);
        must(w, &step);
        assert_true(steps < 100000);
    }
}

/* ---- messages
 * -------------------------------------------------------------------------------------------------------- */

/* By the organisation's token; gives its seq. */
static inline uint64_t write_text(struct world *w, struct id org, struct id conversation, const char *text)
{
    struct command command = message_create(w, org, conversation, NULL, text);
    command.message_create.by_org = true;
    return must(w, &command).seq;
}

/* By the visitor. */
static inline uint64_t write_by(struct world *w, struct id org, struct id conversation, const char *key,
                                const char *text)
{
    struct command command = message_create(w, org, conversation, key, text);
    return must(w, &command).seq;
}

/* ---- asking
 * ---------------------------------------------------------------------------------------------------------- */

#define HITS_MAX 20000

struct hits {
    uint64_t seqs[HITS_MAX];
    size_t count;
    unsigned pages, limited;
    bool is_complete;
    size_t page_left;
};

/* A message, as retention redacts it. */
static inline void redact(struct world *w, struct id conversation, uint64_t seq)
{
    struct message message;
    struct forgetting forgetting;
    struct txn *txn = begin_write(w->store);
    assert_int_equal(forgetting_begin(&forgetting, txn, w->org), OK);
    assert_int_equal(message_get(txn, conversation, seq, &message), OK);
    assert_int_equal(forgetting_words(&forgetting, seq, message.content), OK);
    message.content = BYTES(REDACTED_TEXT);
    assert_int_equal(message_put(txn, &message), OK);
    assert_int_equal(forgetting_end(&forgetting), OK);
    commit_write(txn);
}

static inline bool note_hit(void *context, const struct message *message, const struct match *match)
{
    struct hits *hits = context;
    assert_true(hits->count < HITS_MAX && match->count > 0);
    assert_true(hits->count == 0 || message->seq < hits->seqs[hits->count - 1]);
    hits->seqs[hits->count++] = message->seq;
    return --hits->page_left > 0;
}

/* All hits, by pages of `limit`. */
static inline struct hits *find_pages(struct world *w, struct id org, const char *text, size_t limit)
{
    static struct hits hits;
    struct question question;
    struct found found = {.next = INT64_MAX};
    hits = (struct hits){.is_complete = true};
    assert_true(question_read(bytes_of_string(text), &question) && question.count != 0);
    do {
        uint64_t before = found.next;
        hits.page_left = limit;
        assert_int_equal(find_messages(look(w), org, &question, before, note_hit, &hits, &found), OK);
        look_away(w);
        assert_true(found.next < before);
        hits.limited += found.is_limited;
        hits.is_complete &= found.is_complete;
        assert_true(++hits.pages < 100000);
    } while (found.next != 0);
    return &hits;
}

static inline struct hits *find_all(struct world *w, struct id org, const char *text)
{
    return find_pages(w, org, text, HITS_MAX);
}

static inline void assert_hits(struct world *w, struct id org, const char *text, size_t count)
{
    struct hits *hits = find_all(w, org, text);
    if (hits->count != count)
        fail_msg("\"%s\" has %zu hits, not %zu", text, hits->count, count);
}
