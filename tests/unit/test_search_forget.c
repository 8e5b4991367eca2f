/*
 * What is erased can't be found, and no table holds a byte of it any more: neither a word nor the beginning of one that
 * nobody else wrote, nor a posting. So it is at every state of the index, and whatever is damaged.
 */
#include "search/forget.h"
#include "searching.h"
#include "store/internal.h"

#define CANARY "zqcanary" /* how all words begin that only the visitor has written */

static struct id theirs, others; /* conversations */

static int set_up(void **state)
{
    world_set_up(state);
    struct world *w = *state;
    theirs = converse(w, w->org, "v_one");
    others = converse(w, w->org, "v_two");
    return 0;
}

#define FORGET_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, world_tear_down)

/* ---- looking at every byte
 * ---------------------------------------------------------------------------------------------- */

static bool shows(struct bytes bytes, const char *text)
{
    return bytes.len != 0 && memmem(bytes.data, bytes.len, text, strlen(text)) != NULL;
}

/* Terms in a block are written as differences, so each is put together. */
static bool block_shows(struct bytes key, struct bytes value, const char *text)
{
    struct id org;
    uint64_t number, seq;
    struct bytes first, term, list;
    struct block block;
    bool does = false;
    assert_true(block_key_parse(key, &org, &number, &first, &seq));
    block_open(&block, first, value);
    while (block_next(&block, &term, &list) == OK)
        does |= shows(term, text);
    return does;
}

/* How many entries of all tables show the text; damaged ones do. */
static unsigned entries_that_show(struct world *w, const char *text)
{
    unsigned entries = 0;
    struct txn *txn = look(w);
    for (int table = 0; table < TABLE_COUNT; ++table) {
        struct bytes key, value = BYTES_NONE;
        struct cursor *cursor = cursor_open(txn, (enum table)table);
        enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value);
        for (; error == OK || (error == ERR_CORRUPT && key.data != NULL); error = cursor_next(cursor, &key, &value))
            entries += error != OK || shows(key, text) || shows(value, text) ||
                       (table == TABLE_SEARCH_BLOCKS && block_shows(key, value, text));
        assert_int_equal(error, ERR_NOT_FOUND);
        cursor_close(cursor);
    }
    look_away(w);
    return entries;
}

/* Postings of the segments in all. */
static uint64_t count_postings(struct world *w)
{
    uint64_t postings = 0;
    struct segments segments;
    struct txn *txn = look(w);
    struct bytes key, value;
    assert_int_equal(segments_load(txn, w->org, &segments), OK);
    struct cursor *cursor = cursor_open(txn, TABLE_SEARCH_BLOCKS);
    for (enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value); error == OK;
         error = cursor_next(cursor, &key, &value)) {
        struct block block;
        struct bytes first, term, list;
        struct seqs seqs;
        struct id org;
        uint64_t number, seq;
        assert_true(block_key_parse(key, &org, &number, &first, &seq));
        block_open(&block, first, value);
        while (block_next(&block, &term, &list) == OK) {
            assert_int_equal(list_decode(list, 0, &seqs), OK);
            postings += seqs.count;
        }
    }
    cursor_close(cursor);
    look_away(w);
    segments_dispose(&segments);
    return postings;
}

/* ---- two visitors who talk
 * ---------------------------------------------------------------------------------------------- */

/* Both write `messages` messages in turn; the first one's have words of their own, and words that both have. */
static void talk(struct world *w, unsigned messages)
{
    for (unsigned i = 0; i < messages; ++i) {
        char text[200];
        snprintf(text, sizeof(text), "common words, %s%u and %s%u, n%u", CANARY, i, CANARY "x", i % 7, i % 10);
        write_by(w, w->org, theirs, "v_one", text);
        snprintf(text, sizeof(text), "common words of another, other%u n%u", i, i % 10);
        write_by(w, w->org, others, "v_two", text);
    }
}

static void erase(struct world *w, const char *key)
{
    struct command command = visitor_erase(w, w->org, key);
    must(w, &command);
}

/* Whoever is left has all of its postings, and nothing is left of the one who went. */
static void assert_gone(struct world *w, unsigned messages)
{
    assert_int_equal(entries_that_show(w, CANARY), 0);
    assert_hits(w, w->org, CANARY, 0);
    assert_hits(w, w->org, "common ", messages);
    assert_hits(w, w->org, "other", messages);
    assert_hits(w, w->org, "n3 ", messages / 10);
}

/* ---- tests
 * --------------------------------------------------------------------------------------------------------------- */

static void test_a_visitor_is_erased_from_search_in_the_same_command(void **state)
{
    struct world *w = *state;
    struct command see = visitor_see(w, w->org, "v_one", CANARY "@example.org");
    build_all(w, 100);
    must(w, &see);
    talk(w, 60);
    index_all(w, w->org, 1000);
    assert_true(entries_that_show(w, CANARY) > 60);
    uint64_t before = count_postings(w);
    erase(w, "v_one");
    assert_gone(w, 60);
    assert_int_equal(before - count_postings(w), 60 * 6);
    assert_sound(w);
    erase(w, "v_two");
    struct rows rows = count_rows(w);
    assert_true(rows.of[TABLE_SEARCH_BLOCKS] == 0 && rows.of[TABLE_MESSAGE_BY_SEQ] == 0);
    assert_int_equal(rows.of[TABLE_VISITOR_BY_EMAIL], 0);
    assert_sound(w);
}

/* Each number of steps leaves another state: some messages wait, segments of several levels, a pour half way. */
static void test_it_is_so_at_every_state_of_the_index(void **state)
{
    struct world *w = *state;
    build_all(w, 100);
    for (unsigned steps = 0; steps < 60; ++steps) {
        theirs = converse(w, w->org, "v_one");
        talk(w, 10);
        for (unsigned i = 0; i < steps % 20; ++i) {
            struct command step = search_index(w->org, 1 + steps % 3);
            must(w, &step);
        }
        if (steps % 7 == 3) {
            struct command step = sweep(w, 1000, BYTES_NONE, BYTES_NONE, BYTES_NONE);
            must(w, &step);
        }
        erase(w, "v_one");
        assert_gone(w, 10 * (steps + 1));
        assert_sound(w);
    }
    index_all(w, w->org, 2);
    assert_gone(w, 600);
    assert_sound(w);
}

static void test_it_is_so_while_the_index_is_built(void **state)
{
    struct world *w = *state;
    forget_index(w);
    for (unsigned steps = 0; steps < 40; ++steps) {
        struct command see = visitor_see(w, w->org, "v_one", CANARY "@example.org"), rebuild = search_rebuild(w);
        theirs = converse(w, w->org, "v_one");
        must(w, &see);
        talk(w, 10);
        for (unsigned i = 0; i < steps; ++i) {
            struct command build = search_build(5), index = search_index(w->org, 10);
            must(w, &build);
            must(w, &index);
        }
        erase(w, "v_one");
        assert_int_equal(entries_that_show(w, CANARY), 0);
        assert_sound(w);
        if (steps % 3 == 0)
            must(w, &rebuild);
    }
    build_all(w, 100);
    index_all(w, w->org, 100);
    assert_gone(w, 400);
    assert_sound(w);
}

/* An index that another helvino made may have told other words; it is cleared in time, and what is erased goes at once.
 */
static void test_it_is_so_in_an_index_of_another_version(void **state)
{
    struct world *w = *state;
    struct command see = visitor_see(w, w->org, "v_one", CANARY "@example.org");
    build_all(w, 100);
    must(w, &see);
    talk(w, 60);
    index_all(w, w->org, 17);
    struct txn *txn = begin_write(w->store);
    assert_int_equal(meta_put_u64(txn, META_SEARCH, (SEARCH_VERSION + 1) * 8 + SEARCH_READY), OK);
    commit_write(txn);
    erase(w, "v_one");
    assert_int_equal(entries_that_show(w, CANARY), 0);
    assert_sound(w);
    for (unsigned i = 0; i < 3; ++i) {
        struct command step = search_build(1);
        must(w, &step);
        assert_sound(w);
    }
    build_all(w, 100);
    index_all(w, w->org, 100);
    assert_gone(w, 60);
    assert_sound(w);
}

/* ---- damage
 * -------------------------------------------------------------------------------------------------------------- */

/* Past the store, so that its checksum is wrong. */
static void damage(struct world *w, enum table table, const struct key *key)
{
    struct txn *txn = begin_write(w->store);
    MDB_val k = {key->len, (void *)(uintptr_t)key->bytes}, value = {20, "twenty damaged bytes"};
    assert_int_equal(mdb_put(txn->handle, txn->store->tables[table], &k, &value, 0), 0);
    commit_write(txn);
}

static unsigned damage_every_third(struct world *w, enum table table)
{
    static struct key keys[400];
    unsigned count = 0, number = 0;
    struct bytes key;
    struct cursor *cursor = cursor_open(look(w), table);
    for (enum error error = cursor_seek(cursor, BYTES_NONE, &key, NULL); error == OK && count < 400;
         error = cursor_next(cursor, &key, NULL))
        if (number++ % 3 == 0) {
            key_clear(&keys[count]);
            key_put(&keys[count++], key);
        }
    cursor_close(cursor);
    look_away(w);
    for (unsigned i = 0; i < count; ++i)
        damage(w, table, &keys[i]);
    return count;
}

/* A message that can't be read any more names no word; its postings go all the same. */
static void test_a_damaged_message_leaves_no_posting(void **state)
{
    struct world *w = *state;
    struct key key;
    build_all(w, 100);
    talk(w, 30);
    uint64_t seq = write_by(w, w->org, theirs, "v_one", "common " CANARY "damaged n3");
    index_all(w, w->org, 9);
    message_key(&key, theirs, seq);
    damage(w, TABLE_MESSAGES, &key);
    erase(w, "v_one");
    assert_gone(w, 30);
    assert_sound(w);
}

/* A block that can't be read may hold what has to go, so it goes; the index is built anew by itself. */
static void test_a_damaged_block_goes_and_the_index_is_built_anew(void **state)
{
    struct world *w = *state;
    build_all(w, 100);
    talk(w, 200);
    index_all(w, w->org, 30);
    assert_true(damage_every_third(w, TABLE_SEARCH_BLOCKS) > 2);
    erase(w, "v_one");
    assert_int_equal(state_of(w).phase, SEARCH_CLEARING);
    build_all(w, 100);
    index_all(w, w->org, 100);
    assert_gone(w, 200);
    assert_sound(w);
}

static void test_a_damaged_index_heals_when_it_is_kept_up(void **state)
{
    struct world *w = *state;
    static const enum table tables[] = {TABLE_SEARCH_BLOCKS, TABLE_SEARCH_SEGMENTS, TABLE_MESSAGE_BY_SEQ,
                                        TABLE_SEARCH_ORGS};
    build_all(w, 100);
    for (size_t i = 0; i < 4; ++i) {
        talk(w, 50);
        index_all(w, w->org, 5);
        damage_every_third(w, tables[i]);
        for (unsigned step = 0; step < 200 && state_of(w).phase == SEARCH_READY; ++step) {
            struct command index = search_index(w->org, 5);
            write_by(w, w->org, others, "v_two", "one more");
            must(w, &index);
        }
        struct command rebuild = search_rebuild(w); /* what no step has to read stays until somebody asks for it */
        must(w, &rebuild);
        build_all(w, 100);
        index_all(w, w->org, 50);
        assert_hits(w, w->org, "other", 50 * (i + 1));
        assert_sound(w);
    }
}

/* ---- one message
 * --------------------------------------------------------------------------------------------------------- */

static void test_a_message_is_redacted(void **state)
{
    struct world *w = *state;
    uint64_t seqs[120];
    build_all(w, 100);
    for (unsigned i = 0; i < 120; ++i) {
        char text[100];
        snprintf(text, sizeof(text), "%s%u stays%u here", CANARY, i, i % 5);
        seqs[i] = write_by(w, w->org, theirs, "v_one", text);
        if (i < 100) {
            struct command step = search_index(w->org, 2);
            must(w, &step);
        }
    }
    for (unsigned i = 0; i < 120; ++i) { /* also between the steps of pouring */
        unsigned at = i * 77 % 120;
        redact(w, theirs, seqs[at]);
        if (i % 10 == 0) {
            struct command step = search_index(w->org, 2);
            must(w, &step);
        }
        assert_hits(w, w->org, "redacted ", 0);
        assert_hits(w, w->org, CANARY, 119 - i);
        if (i % 8 == 0)
            assert_sound(w);
    }
    assert_int_equal(entries_that_show(w, CANARY), 0);
    index_all(w, w->org, 3);
    assert_hits(w, w->org, "here ", 0);
    assert_sound(w);
}

/* As who removes messages by their age does. */
static void test_a_message_is_forgotten_by_itself(void **state)
{
    struct world *w = *state;
    uint64_t seqs[30];
    build_all(w, 100);
    for (unsigned i = 0; i < 30; ++i)
        seqs[i] = write_by(w, w->org, theirs, "v_one", i % 2 ? CANARY " here" : "here");
    struct command step = search_index(w->org, 20);
    must(w, &step);
    for (unsigned i = 0; i < 30; ++i) {
        struct message message;
        struct forgetting forgetting;
        struct txn *txn = begin_write(w->store);
        assert_int_equal(forgetting_begin(&forgetting, txn, w->org), OK);
        assert_int_equal(message_get(txn, theirs, seqs[i], &message), OK);
        assert_int_equal(forgetting_message(&forgetting, seqs[i], message.content), OK);
        assert_int_equal(forgetting_end(&forgetting), OK);
        commit_write(txn);
        struct bytes value;
        struct key key;
        by_seq_key(&key, w->org, seqs[i]);
        struct id found;
        assert_int_equal(by_seq_get(look(w), w->org, seqs[i], &found), ERR_NOT_FOUND);
        (void)value;
        look_away(w);
    }
    assert_int_equal(count_rows(w).of[TABLE_SEARCH_BLOCKS], 0);
}

/* ---- many
 * ------------------------------------------------------------------------------------------------------------------ */

/* More postings than are gathered before they are taken out. */
static void test_a_visitor_of_many_words_goes_at_once(void **state)
{
    struct world *w = *state;
    struct buffer text = {0};
    build_all(w, 100);
    for (unsigned i = 0; i < 40; ++i) {
        buffer_clear(&text);
        for (unsigned word = 0; word < 2500; ++word)
            buffer_printf(&text, CANARY "%u ", (i * 31 + word) % 7000);
        buffer_append_string(&text, "shared");
        buffer_append(&text, "", 1);
        write_by(w, w->org, theirs, "v_one", text.data);
        write_by(w, w->org, others, "v_two", "common shared other n3");
    }
    index_all(w, w->org, 50);
    erase(w, "v_one");
    assert_int_equal(entries_that_show(w, CANARY), 0);
    assert_hits(w, w->org, "shared ", 40);
    assert_sound(w);
    buffer_dispose(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FORGET_TEST(test_a_visitor_is_erased_from_search_in_the_same_command),
        FORGET_TEST(test_it_is_so_at_every_state_of_the_index),
        FORGET_TEST(test_it_is_so_while_the_index_is_built),
        FORGET_TEST(test_it_is_so_in_an_index_of_another_version),
        FORGET_TEST(test_a_damaged_message_leaves_no_posting),
        FORGET_TEST(test_a_damaged_block_goes_and_the_index_is_built_anew),
        FORGET_TEST(test_a_damaged_index_heals_when_it_is_kept_up),
        FORGET_TEST(test_a_message_is_redacted),
        FORGET_TEST(test_a_message_is_forgotten_by_itself),
        FORGET_TEST(test_a_visitor_of_many_words_goes_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
