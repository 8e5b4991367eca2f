/* Ids: time first in bytes and in text alike, every cuid of an older database kept as it is, everything else refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/id.h"

#define EIGHT_DIGITS_MS INT64_C(2821109907456) /* 36^8 */

static struct random_pool pool;

/* A text in memory that ends exactly where it ends, so that a sanitizer sees a read behind it. */
static bool parse(struct bytes text, struct id *out)
{
    char *exact = malloc(text.len != 0 ? text.len : 1);
    if (text.len != 0)
        memcpy(exact, text.data, text.len);
    bool parsed = id_parse(bytes_view(exact, text.len), out);
    free(exact);
    return parsed;
}

static void assert_refused(struct bytes text)
{
    struct id id;
    if (parse(text, &id))
        fail_msg("taken: \"%.*s\"", (int)text.len, text.data == NULL ? "" : text.data);
}

static void assert_keeps_its_text(const char *text)
{
    struct id id;
    char again[ID_TEXT_LEN];
    if (!parse(bytes_of_string(text), &id))
        fail_msg("refused: %s", text);
    assert_false(id_is_none(id));
    id_format(id, again);
    assert_memory_equal(again, text, ID_TEXT_LEN);
}

static void test_a_million_random_ids_come_back_from_their_text(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1000000; ++i) {
        struct id again, id = id_make((int64_t)(random_u64(&pool) % EIGHT_DIGITS_MS), &pool);
        char text[ID_TEXT_LEN];
        id_format(id, text);
        if (!id_parse(bytes_view(text, ID_TEXT_LEN), &again) || !id_equal(id, again))
            fail_msg("%.*s", ID_TEXT_LEN, text);
    }
}

static void test_a_million_random_texts_come_back_from_their_id(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1000000; ++i) {
        unsigned char bytes[ID_TEXT_LEN];
        char text[ID_TEXT_LEN + 1] = "c";
        random_fill(&pool, bytes, sizeof(bytes));
        for (int at = 1; at < ID_TEXT_LEN; ++at)
            text[at] = "0123456789abcdefghijklmnopqrstuvwxyz"[bytes[at] % 36];
        struct id id;
        char again[ID_TEXT_LEN];
        assert_true(id_parse(bytes_view(text, ID_TEXT_LEN), &id));
        id_format(id, again);
        if (memcmp(again, text, ID_TEXT_LEN) != 0)
            fail_msg("%s became %.*s", text, ID_TEXT_LEN, again);
    }
}

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

static void test_bytes_and_text_sort_alike(void **state)
{
    (void)state;
    struct id before = id_make(0, &pool);
    for (unsigned i = 0; i < 200000; ++i) {
        char a[ID_TEXT_LEN], b[ID_TEXT_LEN];
        /* Half of the pairs differ in their random digits alone. */
        int64_t time_ms = i % 2 ? 1769903999999 : (int64_t)(random_u64(&pool) % EIGHT_DIGITS_MS);
        struct id id = id_make(time_ms, &pool);
        id_format(before, a);
        id_format(id, b);
        assert_int_equal(sign(memcmp(a, b, ID_TEXT_LEN)), sign(memcmp(before.bytes, id.bytes, ID_LEN)));
        before = id;
    }
}

static void test_ids_sort_by_their_millisecond(void **state)
{
    (void)state;
    static const int64_t times[] = {
        0, 1, 35, 36, 1679615, 1679616, 1769903999999, 1769904000000, EIGHT_DIGITS_MS - 2, EIGHT_DIGITS_MS - 1};
    for (unsigned round = 0; round < 1000; ++round) {
        struct id before = ID_NONE;
        for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); ++i) {
            struct id id = id_make(times[i], &pool);
            assert_true(memcmp(before.bytes, id.bytes, ID_LEN) < 0);
            before = id;
        }
    }
}

static void test_the_first_digits_are_the_time(void **state)
{
    (void)state;
    static const struct {
        int64_t time_ms;
        const char *text;
    } cases[] = {
        {0, "c00000000"},
        {35, "c0000000z"},
        {36, "c00000010"},
        {1500000000000, "cj5399reo"}, /* Number.prototype.toString of JavaScript says so */
        {EIGHT_DIGITS_MS - 1, "czzzzzzzz"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        char text[ID_TEXT_LEN];
        id_format(id_make(cases[i].time_ms, &pool), text);
        if (memcmp(text, cases[i].text, 9) != 0)
            fail_msg("%.9s, not %s", text, cases[i].text);
    }
}

static void test_cuids_of_an_older_database_keep_their_text(void **state)
{
    (void)state;
    /* From the documentation of Prisma and of cuid. */
    assert_keeps_its_text("cjld2cjxh0000qzrmn831i7rn");
    assert_keeps_its_text("cjld2cyuq0000t3rmniod1foy");
    assert_keeps_its_text("ckopqwooh000001la8mbi2im9");
    assert_keeps_its_text("ch72gsb320000udocl363eofy");
    assert_keeps_its_text("cixf02ym000001b66m45ae4k8");
    assert_keeps_its_text("clhb1qj3h0000356kt2pv9q0z");
    assert_keeps_its_text("cm5xk2b1n0000v8l4e3q8w7zy");
}

static void test_digits_at_the_edges_keep_their_text(void **state)
{
    (void)state;
    assert_keeps_its_text("c000000000000000000000001");
    assert_keeps_its_text("c00000000000000000000000z");
    assert_keeps_its_text("c000000000000000000000010");
    assert_keeps_its_text("c00000000000zzzzzzzzzzzzz");
    assert_keeps_its_text("c000000000001000000000000");
    assert_keeps_its_text("czzzzzzzzzzzz000000000000");
    assert_keeps_its_text("czzzzzzzzzzzzzzzzzzzzzzzz");
    assert_keeps_its_text("c9a9a9a9a9a9a9a9a9a9a9a9a");
}

static void test_texts_of_another_shape_are_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "c",
        "cjld2cjxh0000qzrmn831i7r",   /* 24 characters */
        "cjld2cjxh0000qzrmn831i7rnn", /* 26 */
        "Cjld2cjxh0000qzrmn831i7rn",
        "djld2cjxh0000qzrmn831i7rn",
        "0jld2cjxh0000qzrmn831i7rn",
        "CJLD2CJXH0000QZRMN831I7RN",
        "cJld2cjxh0000qzrmn831i7rn",
        "cjld2cjxh0000qzrmn831i7rN",
        "cjld2cjxh0000Qzrmn831i7rn",
        "cjld2cjxh0000_zrmn831i7rn",
        "cjld2cjxh0000 zrmn831i7rn",
        "cjld2cjxh-000qzrmn831i7rn",
        "cjld2cjxh0000qzrmn831i7r/",
        "cjld2cjxh0000qzrmn831i7r:",
        "cjld2cjxh0000qzrmn831i7r`",
        "cjld2cjxh0000qzrmn831i7r{",
        "cjld2cjxh0000qzrmn831i7r\xe9",
        " cjld2cjxh0000qzrmn831i7r",
        "2f1e6a52-5ccf-4b1e-9f0f-0",
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i)
        assert_refused(bytes_of_string(cases[i]));
    assert_refused(BYTES_NONE);
    assert_refused(BYTES("cjld2cjxh0000qzrmn831i7r\0"));
    assert_refused(BYTES("\0jld2cjxh0000qzrmn831i7rn"));
}

static void test_every_character_but_digits_and_small_letters_is_refused_at_every_place(void **state)
{
    (void)state;
    for (int at = 0; at < ID_TEXT_LEN; ++at)
        for (int c = 0; c < 256; ++c) {
            char text[] = "cjld2cjxh0000qzrmn831i7rn";
            struct id id;
            text[at] = (char)c;
            bool fine = at == 0 ? c == 'c' : (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
            assert_int_equal(id_parse(bytes_view(text, ID_TEXT_LEN), &id), fine);
        }
}

static void test_no_id_is_nobodys_text(void **state)
{
    (void)state;
    char text[ID_TEXT_LEN];
    assert_true(id_is_none(ID_NONE));
    assert_refused(BYTES("c000000000000000000000000"));
    id_format(ID_NONE, text);
    assert_memory_equal(text, "c000000000000000000000000", ID_TEXT_LEN);
}

static void test_random_digits_are_spread_evenly(void **state)
{
    (void)state;
    enum { IDS = 36000, RANDOM_DIGITS = 16 };
    static unsigned counts[RANDOM_DIGITS][36];
    for (unsigned i = 0; i < IDS; ++i) {
        char text[ID_TEXT_LEN];
        id_format(id_make(1769903999999, &pool), text);
        for (int at = 0; at < RANDOM_DIGITS; ++at) {
            char c = text[1 + 8 + at];
            ++counts[at][c <= '9' ? c - '0' : c - 'a' + 10];
        }
    }
    /* 1,000 each are expected, with a standard deviation of 31; ten of those are out of reach for an even spread. */
    for (int at = 0; at < RANDOM_DIGITS; ++at)
        for (int digit = 0; digit < 36; ++digit)
            assert_in_range(counts[at][digit], 690, 1310);
}

/* ---- texts of another shape ------------------------------------------------------------------------------------- */

static struct id id_of(const char *text)
{
    struct id id;
    assert_true(id_parse(bytes_of_string(text), &id));
    return id;
}

/* Reckoned by another program (BLAKE2b-128 of organisation and text). These are in databases: they must stay as they
 * are. */
static void test_a_text_of_another_shape_has_one_id_for_ever(void **state)
{
    (void)state;
    static const struct {
        const char *org, *text, *id;
    } cases[] = {
        {"cjld2cjxh0000qzrmn831i7rn", "1770313654000-ab12cd34e", "cml9r1hps2js28l1tem7taico"},
        {"cjld2cyuq0000t3rmniod1foy", "1770313654000-ab12cd34e", "cml9r1hps6ylxzo0fka605s1w"},
        {"cjld2cjxh0000qzrmn831i7rn", "1770313654000", "cml9r1hpsauor72133426gxqj"},
        {"cjld2cjxh0000qzrmn831i7rn", "177031365400", "clyj8z7579rkkgfghnh5onyvk"},
        {"cjld2cjxh0000qzrmn831i7rn", "visitor-7", "cqbfz4siegewm9egyxvtdtup6"},
        {"cjld2cjxh0000qzrmn831i7rn", "", "cgic13yhtocbx2jxubenhvv4m"},
        {"cjld2cjxh0000qzrmn831i7rn", "946684799999-x", "c3u1hn2allvoce3qio6vppynx"},
        {"cjld2cjxh0000qzrmn831i7rn", "0946684799999-x", "cuf1epvir65ncf96vo38yb5dq"},
        {"cjld2cjxh0000qzrmn831i7rn", "0946684800000-x", "cc2wfoqo0qkli0wvtef0lnbo0"},
        {"cjld2cjxh0000qzrmn831i7rn", "2821109907455-x", "czzzzzzzzn51pnhqtxqw0g60s"},
        {"cjld2cjxh0000qzrmn831i7rn", "2821109907456-x", "ciwwkw9cu8iirnt7uw7f8gj28"},
        {"cjld2cjxh0000qzrmn831i7rn", "1770313654000123", "cml9r1hpshv4vxrq6xcqj9tav"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        char text[ID_TEXT_LEN + 1] = "";
        id_format(id_derive(id_of(cases[i].org), bytes_of_string(cases[i].text)), text);
        assert_string_equal(text, cases[i].id);
    }
}

static void test_derived_ids_sort_by_the_time_that_their_text_begins_with(void **state)
{
    (void)state;
    struct id org = id_make(1769903999999, &pool);
    for (int64_t ms = 946684800000; ms < EIGHT_DIGITS_MS; ms += 1234567891) {
        char text[32];
        snprintf(text, sizeof(text), "%013lld-ab12cd34e", (long long)ms);
        struct id id = id_derive(org, bytes_of_string(text)), before = id_make(ms - 1, &pool);
        struct id after = id_make(ms + 1 < EIGHT_DIGITS_MS ? ms + 1 : ms, &pool);
        assert_true(id_is_valid(id) && memcmp(before.bytes, id.bytes, ID_LEN) < 0);
        assert_true(ms + 1 >= EIGHT_DIGITS_MS || memcmp(id.bytes, after.bytes, ID_LEN) < 0);
    }
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, ID_LEN);
}

static void test_derived_ids_are_valid_and_all_different(void **state)
{
    (void)state;
    enum { IDS = 100000 };
    static struct id ids[IDS];
    struct id orgs[2] = {id_make(1, &pool), id_make(1, &pool)};
    for (unsigned i = 0; i < IDS; ++i) {
        char text[40];
        snprintf(text, sizeof(text), i % 4 < 2 ? "1770313654000-%u" : "text-%u", i / 4);
        ids[i] = id_derive(orgs[i % 2], bytes_of_string(text));
        assert_true(id_is_valid(ids[i]) && !id_is_none(ids[i]));
        assert_true(id_equal(ids[i], id_derive(orgs[i % 2], bytes_of_string(text))));
    }
    qsort(ids, IDS, sizeof(ids[0]), by_bytes);
    for (unsigned i = 1; i < IDS; ++i)
        assert_false(id_equal(ids[i - 1], ids[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_million_random_ids_come_back_from_their_text),
        cmocka_unit_test(test_a_million_random_texts_come_back_from_their_id),
        cmocka_unit_test(test_bytes_and_text_sort_alike),
        cmocka_unit_test(test_ids_sort_by_their_millisecond),
        cmocka_unit_test(test_the_first_digits_are_the_time),
        cmocka_unit_test(test_cuids_of_an_older_database_keep_their_text),
        cmocka_unit_test(test_digits_at_the_edges_keep_their_text),
        cmocka_unit_test(test_texts_of_another_shape_are_refused),
        cmocka_unit_test(test_every_character_but_digits_and_small_letters_is_refused_at_every_place),
        cmocka_unit_test(test_no_id_is_nobodys_text),
        cmocka_unit_test(test_random_digits_are_spread_evenly),
        cmocka_unit_test(test_a_text_of_another_shape_has_one_id_for_ever),
        cmocka_unit_test(test_derived_ids_sort_by_the_time_that_their_text_begins_with),
        cmocka_unit_test(test_derived_ids_are_valid_and_all_different),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
