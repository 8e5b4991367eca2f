/*
 * The checksum: RFC 3720's examples, the processor's instruction and the table agreeing on every length and alignment,
 * and every single flipped bit noticed. The .c is included to reach both ways of computing it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../src/base/crc32c.c"

#include "base/random.h"

static struct random_pool pool;

static uint32_t by_table(uint32_t crc, const void *data, size_t len)
{
    return ~crc_by_table(~crc, data, len);
}

static void assert_sum(const void *data, size_t len, uint32_t sum)
{
    assert_int_equal(crc32c(0, data, len), sum);
    assert_int_equal(by_table(0, data, len), sum);
}

static void test_the_examples_of_rfc_3720(void **state)
{
    (void)state;
    unsigned char data[32];
    /* Section B.4 prints the sums byte by byte, the least significant first. */
    memset(data, 0x00, sizeof(data));
    assert_sum(data, sizeof(data), 0x8a9136aa);
    memset(data, 0xff, sizeof(data));
    assert_sum(data, sizeof(data), 0x62a8ab43);
    for (unsigned i = 0; i < sizeof(data); ++i)
        data[i] = (unsigned char)i;
    assert_sum(data, sizeof(data), 0x46dd794e);
    for (unsigned i = 0; i < sizeof(data); ++i)
        data[i] = (unsigned char)(31 - i);
    assert_sum(data, sizeof(data), 0x113fdb5c);
    static const unsigned char iscsi_read[] = {
        0x01, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18,
        0x28, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    };
    assert_sum(iscsi_read, sizeof(iscsi_read), 0xd9963a56);
}

static void test_the_check_value_and_nothing(void **state)
{
    (void)state;
    assert_sum("123456789", 9, 0xe3069283);
    assert_sum("", 0, 0);
    assert_sum("a", 1, 0xc1d04330);
}

static void test_instruction_and_table_agree_on_every_length_and_alignment(void **state)
{
    (void)state;
#if defined(__x86_64__)
    if (!__builtin_cpu_supports("sse4.2"))
        skip();
    for (unsigned i = 0; i < 200; ++i)
        for (size_t len = 0; len < 300; ++len) {
            unsigned char data[300 + 8], *at = data + i % 8;
            random_fill(&pool, at, len);
            uint32_t crc = (uint32_t)random_u64(&pool);
            assert_int_equal(~crc_by_instruction(~crc, at, len), by_table(crc, at, len));
        }
#else
    skip();
#endif
}

static void test_a_sum_can_be_taken_in_parts(void **state)
{
    (void)state;
    unsigned char data[128];
    random_fill(&pool, data, sizeof(data));
    uint32_t whole = crc32c(0, data, sizeof(data));
    for (size_t cut = 0; cut <= sizeof(data); ++cut) {
        assert_int_equal(crc32c(crc32c(0, data, cut), data + cut, sizeof(data) - cut), whole);
        assert_int_equal(by_table(by_table(0, data, cut), data + cut, sizeof(data) - cut), whole);
    }
}

static void test_every_single_flipped_bit_is_noticed(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 600; len += len < 64 ? 1 : 67) {
        unsigned char *data = malloc(len);
        random_fill(&pool, data, len);
        uint32_t sum = crc32c(0, data, len);
        for (size_t bit = 0; bit < len * 8; ++bit) {
            data[bit / 8] ^= (unsigned char)(1u << bit % 8);
            assert_int_not_equal(crc32c(0, data, len), sum);
            data[bit / 8] ^= (unsigned char)(1u << bit % 8);
        }
        assert_int_equal(crc32c(0, data, len), sum);
        free(data);
    }
}

static void test_every_pair_of_flipped_bits_is_noticed(void **state)
{
    (void)state;
    unsigned char data[40];
    random_fill(&pool, data, sizeof(data));
    uint32_t sum = crc32c(0, data, sizeof(data));
    for (size_t first = 0; first < sizeof(data) * 8; ++first)
        for (size_t second = first + 1; second < sizeof(data) * 8; ++second) {
            data[first / 8] ^= (unsigned char)(1u << first % 8);
            data[second / 8] ^= (unsigned char)(1u << second % 8);
            assert_int_not_equal(crc32c(0, data, sizeof(data)), sum);
            data[first / 8] ^= (unsigned char)(1u << first % 8);
            data[second / 8] ^= (unsigned char)(1u << second % 8);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_examples_of_rfc_3720),
        cmocka_unit_test(test_the_check_value_and_nothing),
        cmocka_unit_test(test_instruction_and_table_agree_on_every_length_and_alignment),
        cmocka_unit_test(test_a_sum_can_be_taken_in_parts),
        cmocka_unit_test(test_every_single_flipped_bit_is_noticed),
        cmocka_unit_test(test_every_pair_of_flipped_bits_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
