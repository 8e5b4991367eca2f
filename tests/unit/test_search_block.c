/*
 * Blocks of postings: what goes in comes out, however it falls into blocks; none is larger than it may be; each is
 * found by its key; and bytes that are no block are an error, never more than that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "search/block.h"

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13, random_state ^= random_state >> 7, random_state ^= random_state << 17;
    return random_state;
}

/* ---- postings, and the blocks that they fall into ------------------------------------------------------------------
 */

struct posting {
    char term[SEARCH_TERM_LEN_MAX + 1];
    uint64_t seq;
};

struct written {
    struct posting first; /* the key */
    struct buffer value;
};

static struct posting postings[60000];
static struct written blocks[2000];
static size_t posting_count, block_count;

static void add_term(const char *term, size_t count, uint64_t from, uint64_t step_max)
{
    for (size_t i = 0; i < count; ++i) {
        struct posting *posting = &postings[posting_count++];
        snprintf(posting->term, sizeof(posting->term), "%s", term);
        posting->seq = from;
        from += 1 + next_random() % step_max;
    }
}

static void finish(struct block_writer *writer)
{
    struct written *block = &blocks[block_count++];
    struct bytes term;
    struct bytes value = block_writer_finish(writer, &term, &block->first.seq);
    snprintf(block->first.term, sizeof(block->first.term), "%.*s", (int)term.len, term.data);
    block->value = (struct buffer){0};
    buffer_append(&block->value, value.data, value.len);
    assert_in_range(value.len, 1, SEARCH_BLOCK_BYTES);
    block_writer_clear(writer);
}

/* How many of the following postings are of the same term, up to a random number. */
static size_t run_from(size_t at)
{
    size_t count = 1, limit = 1 + next_random() % 300;
    while (count < limit && at + count < posting_count && strcmp(postings[at + count].term, postings[at].term) == 0)
        ++count;
    return count;
}

static void dispose_blocks(void)
{
    for (size_t i = 0; i < block_count; ++i)
        buffer_dispose(&blocks[i].value);
    block_count = 0;
}

static void forget_blocks(void)
{
    dispose_blocks();
    posting_count = 0;
}

static void write_all(uint64_t base)
{
    struct block_writer writer = {.base = base};
    dispose_blocks();
    for (size_t at = 0; at < posting_count;) {
        uint64_t seqs[300];
        size_t count = run_from(at);
        for (size_t i = 0; i < count; ++i)
            seqs[i] = postings[at + i].seq;
        size_t added = block_writer_add(&writer, bytes_of_string(postings[at].term), seqs, count);
        assert_true(added <= count);
        at += added;
        if (added < count)
            finish(&writer);
    }
    if (!block_writer_is_empty(&writer))
        finish(&writer);
    block_writer_dispose(&writer);
}

static size_t read_list(size_t at, struct bytes term, struct bytes list, uint64_t base)
{
    struct seqs seqs;
    assert_int_equal(list_decode(list, base, &seqs), OK);
    for (size_t i = 0; i < seqs.count; ++i, ++at) {
        assert_true(at < posting_count && seqs.of[i] == postings[at].seq);
        assert_true(bytes_equal(term, bytes_of_string(postings[at].term)));
    }
    return at;
}

static void assert_read_back(uint64_t base)
{
    size_t at = 0;
    for (size_t i = 0; i < block_count; ++i) {
        struct block block;
        struct bytes term, list;
        enum error error;
        assert_true(strcmp(blocks[i].first.term, postings[at].term) == 0 && blocks[i].first.seq == postings[at].seq);
        block_open(&block, bytes_of_string(blocks[i].first.term), buffer_view(&blocks[i].value));
        while ((error = block_next(&block, &term, &list)) == OK)
            at = read_list(at, term, list, base);
        assert_int_equal(error, ERR_NOT_FOUND);
    }
    assert_int_equal(at, posting_count);
}

static void write_and_read(uint64_t base)
{
    write_all(base);
    assert_read_back(base);
}

/* ---- tests
 * ----------------------------------------------------------------------------------------------------------- */

static void test_many_terms_come_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5000; ++i) {
        char term[16];
        snprintf(term, sizeof(term), "t%05u", i);
        add_term(term, 1 + next_random() % 4, 1000 + next_random() % 100, 1000000);
    }
    write_and_read(1000);
    assert_true(block_count > 10);
    forget_blocks();
}

static void test_a_long_list_goes_on_in_the_next_block(void **state)
{
    (void)state;
    add_term("rare", 1, 5, 1);
    add_term("the", 40000, 3, 3);
    add_term("there", 2, 7, 9);
    write_and_read(1);
    assert_in_range(block_count, 9, 12);
    assert_string_equal(blocks[3].first.term, "the");
    /* A byte a posting, and the block is full. */
    assert_in_range(blocks[3].value.len, SEARCH_BLOCK_BYTES - 10, SEARCH_BLOCK_BYTES);
    forget_blocks();
}

/* The end of a block may fall anywhere: before a term, within its list, at its last posting. */
static void test_every_end_of_a_block_is_right(void **state)
{
    (void)state;
    for (size_t filler = SEARCH_BLOCK_BYTES - 80; filler < SEARCH_BLOCK_BYTES + 4; ++filler) {
        add_term("a", filler, 1, 1);
        add_term("abc", 3, UINT64_C(1) << 40, 1000);
        add_term("abcdefghijklmnopqrstuvwxyz012345", 2, UINT64_C(1) << 62, 1);
        add_term("b", 70, 300, 200000);
        write_and_read(1);
        forget_blocks();
    }
}

static void test_terms_of_every_length_and_seqs_of_every_size(void **state)
{
    (void)state;
    char term[SEARCH_TERM_LEN_MAX + 1] = "";
    for (size_t len = 1; len <= SEARCH_TERM_LEN_MAX; ++len) {
        term[len - 1] = 'k';
        for (unsigned bits = 0; bits < 63; bits += 7)
            postings[posting_count] = (struct posting){.seq = UINT64_C(1) << bits},
            strcpy(postings[posting_count++].term, term);
    }
    write_and_read(0);
    write_and_read(1);
    forget_blocks();
}

static void test_a_term_is_found_in_its_block(void **state)
{
    (void)state;
    static const char *const terms[] = {"a", "ab", "abc", "b", "ba", "bab", "c"};
    struct bytes list;
    for (size_t i = 0; i < 7; ++i)
        add_term(terms[i], i + 1, 10, 5);
    write_all(10);
    assert_int_equal(block_count, 1);
    for (size_t i = 0, at = 0; i < 7; at += ++i) {
        assert_int_equal(block_find(BYTES("a"), buffer_view(&blocks[0].value), bytes_of_string(terms[i]), &list), OK);
        assert_int_equal(read_list(at, bytes_of_string(terms[i]), list, 10), at + i + 1);
    }
    static const char *const others[] = {"aa", "abcd", "d", "bb", "A"};
    for (size_t i = 0; i < 5; ++i)
        assert_int_equal(block_find(BYTES("a"), buffer_view(&blocks[0].value), bytes_of_string(others[i]), &list),
                         ERR_NOT_FOUND);
    forget_blocks();
}

static void read_anything(struct bytes value)
{
    struct block block;
    struct bytes term, list;
    struct seqs seqs;
    block_open(&block, BYTES("first"), value);
    while (block_next(&block, &term, &list) == OK) {
        assert_in_range(term.len, 1, SEARCH_TERM_LEN_MAX);
        assert_true(list.data >= value.data && list.data + list.len <= value.data + value.len);
        list_decode(list, 1, &seqs);
    }
}

static void test_what_is_no_block_is_an_error_and_no_more(void **state)
{
    (void)state;
    add_term("hello", 20, 1, 300);
    add_term("help", 3, 5, 300);
    write_all(1);
    struct bytes sound = buffer_view(&blocks[0].value);
    for (size_t len = 0; len < sound.len; ++len) {
        char *cut = bytes_dup(bytes_view(sound.data, len));
        read_anything(bytes_view(cut, len));
        free(cut);
    }
    for (unsigned round = 0; round < 200000; ++round) {
        char *spoilt = bytes_dup(sound);
        for (unsigned i = 0; i < 1 + round % 4; ++i)
            spoilt[next_random() % sound.len] = (char)next_random();
        read_anything(bytes_view(spoilt, sound.len));
        free(spoilt);
    }
    forget_blocks();
    struct seqs seqs;
    assert_int_equal(list_decode(BYTES(""), 1, &seqs), ERR_CORRUPT);
    assert_int_equal(list_decode(BYTES("\x01\x00"), 1, &seqs), ERR_CORRUPT); /* not ascending */
    assert_int_equal(list_decode(BYTES("\x81"), 1, &seqs), ERR_CORRUPT);
    assert_int_equal(list_decode(BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 1, &seqs), ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_terms_come_back),
        cmocka_unit_test(test_a_long_list_goes_on_in_the_next_block),
        cmocka_unit_test(test_every_end_of_a_block_is_right),
        cmocka_unit_test(test_terms_of_every_length_and_seqs_of_every_size),
        cmocka_unit_test(test_a_term_is_found_in_its_block),
        cmocka_unit_test(test_what_is_no_block_is_an_error_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
