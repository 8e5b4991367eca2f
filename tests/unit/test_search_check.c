/*
 * `check` finds whatever is wrong between messages and the search index, in both directions, and says where; it names
 * no word, since sentences get into logs.
 */
#include "search/change.h"
#include "searching.h"

#define SECRET "zqsecret"

static struct id conversation;
static uint64_t seqs[40];

static int set_up(void **state)
{
    world_set_up(state);
    struct world *w = *state;
    struct command see = visitor_see(w, w->org, "v_one", "anna." SECRET "@example.org");
    must(w, &see);
    conversation = converse(w, w->org, "v_one");
    build_all(w, 100);
    for (unsigned i = 0; i < 40; ++i) {
        char text[64];
        snprintf(text, sizeof(text), "all " SECRET " n%u", i);
        seqs[i] = write_by(w, w->org, conversation, "v_one", text);
        struct command step = search_index(w->org, 7);
        if (i % 10 == 9)
            must(w, &step);
    }
    assert_sound(w);
    return 0;
}

#define CHECK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, world_tear_down)

/* ---- sentences
 * ------------------------------------------------------------------------------------------------------- */

static struct buffer sentences;

static void note_sentence(void *context, const char *sentence)
{
    (void)context;
    assert_null(strstr(sentence, SECRET));
    buffer_append_string(&sentences, sentence);
    buffer_append_string(&sentences, "\n");
}

/* What check says has these words, `times` times. */
static void assert_says(struct world *w, const char *words, unsigned times)
{
    struct check_report report;
    unsigned found = 0;
    buffer_clear(&sentences);
    check_store(look(w), note_sentence, NULL, &report);
    look_away(w);
    buffer_append(&sentences, "", 1);
    for (const char *at = sentences.data; (at = strstr(at, words)) != NULL; ++at)
        ++found;
    if (found != times)
        fail_msg("\"%s\" was said %u times, not %u, in:\n%s", words, found, times, sentences.data);
}

/* ---- changes past the rules
 * -------------------------------------------------------------------------------------------- */

/* The index forgets a word of a message. */
static void take_out(struct world *w, const char *term, uint64_t seq)
{
    struct segments segments;
    bool damaged = false, done = false;
    struct change change = change_of(bytes_of_string(term), seq);
    struct txn *txn = begin_write(w->store);
    assert_int_equal(segments_load(txn, w->org, &segments), OK);
    for (size_t i = 0; i < segments_count(&segments) && !done; ++i) {
        done = segments_at(&segments, i)->first_seq <= seq && seq <= segments_at(&segments, i)->last_seq;
        if (done)
            assert_int_equal(segment_change(txn, segments_at(&segments, i), &change, 1, &damaged), OK);
    }
    assert_true(done);
    segments_dispose(&segments);
    commit_write(txn);
}

/* A message has another text, and nobody has told search. */
static void retext(struct world *w, uint64_t seq, const char *text)
{
    struct message message;
    struct txn *txn = begin_write(w->store);
    assert_int_equal(message_get(txn, conversation, seq, &message), OK);
    message.content = bytes_of_string(text);
    assert_int_equal(message_put(txn, &message), OK);
    commit_write(txn);
}

static void put(struct world *w, enum table table, const struct key *key, struct bytes value)
{
    struct txn *txn = begin_write(w->store);
    assert_int_equal(table_put(txn, table, key_view(key), value), OK);
    commit_write(txn);
}

static void del(struct world *w, enum table table, const struct key *key)
{
    struct txn *txn = begin_write(w->store);
    assert_int_equal(table_del(txn, table, key_view(key)), OK);
    commit_write(txn);
}

static struct key first_key(struct world *w, enum table table)
{
    struct bytes key;
    struct key out;
    struct cursor *cursor = cursor_open(look(w), table);
    assert_int_equal(cursor_seek(cursor, BYTES_NONE, &key, NULL), OK);
    key_clear(&out);
    key_put(&out, key);
    cursor_close(cursor);
    look_away(w);
    return out;
}

/* ---- tests
 * ------------------------------------------------------------------------------------------------------------- */

static void test_a_word_that_lacks_its_posting(void **state)
{
    struct world *w = *state;
    take_out(w, SECRET, seqs[3]);
    assert_says(w, "a word of it can't be found by search", 1);
    assert_says(w, "can't be found by search", 1);
    retext(w, seqs[3], "all n3");
    assert_sound(w);
    take_out(w, "n5", seqs[5]);
    take_out(w, "all", seqs[6]);
    assert_says(w, "a word of it can't be found by search", 2);
}

static void test_a_posting_without_its_word(void **state)
{
    struct world *w = *state;
    retext(w, seqs[3], "all n3");
    assert_says(w, "a posting of it leads to a message without the word", 1);
    retext(w, seqs[3], "all " SECRET " n3");
    assert_sound(w);
    struct txn *txn = begin_write(w->store);
    struct key key;
    message_key(&key, conversation, seqs[2]);
    assert_int_equal(table_del(txn, TABLE_MESSAGES, key_view(&key)), OK);
    commit_write(txn);
    assert_says(w, "a posting of it leads to no message", 1);
    assert_says(w, "one of its messages does not exist", 1);
}

/* One too many and one too few are two things, not none. */
static void test_a_posting_for_another_message(void **state)
{
    struct world *w = *state;
    take_out(w, "n1", seqs[1]);
    retext(w, seqs[2], "all n2");
    assert_says(w, "a word of it can't be found by search", 1);
    assert_says(w, "a posting of it leads to a message without the word", 1);
}

static void test_blocks_and_segments(void **state)
{
    struct world *w = *state;
    struct key block = first_key(w, TABLE_SEARCH_BLOCKS), segment = first_key(w, TABLE_SEARCH_SEGMENTS);
    struct bytes value;
    char *kept;
    assert_int_equal(table_get(look(w), TABLE_SEARCH_SEGMENTS, key_view(&segment), &value), OK);
    kept = bytes_dup(value);
    size_t kept_len = value.len;
    look_away(w);
    del(w, TABLE_SEARCH_SEGMENTS, &segment);
    assert_says(w, "its segment does not exist", 1);
    put(w, TABLE_SEARCH_SEGMENTS, &segment, BYTES("rubbish"));
    assert_says(w, "the record can't be decoded", 1);
    put(w, TABLE_SEARCH_SEGMENTS, &segment, bytes_view(kept, kept_len));
    assert_sound(w);
    put(w, TABLE_SEARCH_BLOCKS, &block, BYTES("rubbish"));
    assert_says(w, "search_blocks", 1);
    del(w, TABLE_SEARCH_BLOCKS, &block);
    assert_says(w, "a word of it can't be found by search", 6);
    block.bytes[block.len - 9] = 'x';
    put(w, TABLE_SEARCH_BLOCKS, &block, BYTES("rubbish"));
    assert_says(w, "the key is none of a block", 1);
    free(kept);
}

static void test_a_place_in_message_by_seq(void **state)
{
    struct world *w = *state;
    struct key key;
    struct id other = converse(w, w->org, NULL);
    struct txn *txn = begin_write(w->store);
    assert_int_equal(by_seq_del(txn, w->org, seqs[4]), OK);
    commit_write(txn);
    assert_says(w, "message_by_seq does not lead to it", 1);
    txn = begin_write(w->store);
    assert_int_equal(by_seq_put(txn, w->org, &(struct by_seq){seqs[4], other}), OK);
    commit_write(txn);
    assert_says(w, "message_by_seq does not lead to it", 1);
    assert_says(w, "one of its messages does not exist", 1);
    by_seq_key(&key, w->org, seqs[0]);
    put(w, TABLE_MESSAGE_BY_SEQ, &key, BYTES("rubbish"));
    assert_says(w, "it is no list of places", 1);
}

static void test_a_message_that_nobody_will_index(void **state)
{
    struct world *w = *state;
    struct key key;
    uint64_t lost = write_by(w, w->org, conversation, "v_one", "lost"), last;
    last = write_by(w, w->org, conversation, "v_one", "last");
    activity_key(&key, w->org, lost);
    del(w, TABLE_CONVERSATION_BY_ACTIVITY, &key);
    assert_says(w, "it is not in the search index, and will never be", 1);
    struct txn *txn = begin_write(w->store);
    assert_int_equal(by_seq_put(txn, w->org, &(struct by_seq){lost, conversation}), OK);
    commit_write(txn);
    assert_sound(w);
    assert_true(last > lost);
}

static void test_a_visitors_words(void **state)
{
    struct world *w = *state;
    struct visitor visitor = visitor_of(w, w->org, "v_one");
    struct key key;
    visitor_email_key(&key, w->org, BYTES(SECRET), visitor.id);
    del(w, TABLE_VISITOR_BY_EMAIL, &key);
    assert_says(w, "visitor_by_email lacks a word of its address", 1);
    put(w, TABLE_VISITOR_BY_EMAIL, &key, BYTES_NONE);
    assert_sound(w);
    visitor_email_key(&key, w->org, BYTES(SECRET "x"), visitor.id);
    put(w, TABLE_VISITOR_BY_EMAIL, &key, BYTES_NONE);
    assert_says(w, "the address of its visitor has no such word", 1);
    del(w, TABLE_VISITOR_BY_EMAIL, &key);
    visitor_email_key(&key, w->org, BYTES(SECRET), world_id(w));
    put(w, TABLE_VISITOR_BY_EMAIL, &key, BYTES_NONE);
    assert_says(w, "its visitor does not exist", 1);
}

static void test_how_far_it_is(void **state)
{
    struct world *w = *state;
    struct key key;
    struct txn *txn = begin_write(w->store);
    assert_int_equal(search_org_put(txn, &(struct search_org){.id = w->org, .indexed_seq = 1000000}), OK);
    commit_write(txn);
    assert_says(w, "beyond the last sequence number", 1);
    key_clear(&key);
    key_put(&key, BYTES(META_SEARCH));
    put(w, TABLE_META, &key, BYTES("rubbish"));
    assert_says(w, "the value has 7 bytes and should have 8", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHECK_TEST(test_a_word_that_lacks_its_posting),
        CHECK_TEST(test_a_posting_without_its_word),
        CHECK_TEST(test_a_posting_for_another_message),
        CHECK_TEST(test_blocks_and_segments),
        CHECK_TEST(test_a_place_in_message_by_seq),
        CHECK_TEST(test_a_message_that_nobody_will_index),
        CHECK_TEST(test_a_visitors_words),
        CHECK_TEST(test_how_far_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
