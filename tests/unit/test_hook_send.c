/* The envelope of a delivery: the signature that receivers compute too, names that come back, secrets that differ. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sodium.h>

#include "api/hooks.h"
#include "world.h"

static void test_signatures_are_hmac_sha256(void **state)
{
    (void)state;
    char signature[HOOK_SIGNATURE_LEN + 1];
    hook_sign(BYTES("whsec_secret"), BYTES("1769903999"), BYTES("{\"id\":\"x\"}"), signature);
    assert_string_equal(signature, "4ac3a994b95d247c5c63332b5bb9687e683a2059381ec9588326872278e52979");
    char other[HOOK_SIGNATURE_LEN + 1];
    hook_sign(BYTES("whsec_secret"), BYTES("1769903998"), BYTES("{\"id\":\"x\"}"), other);
    assert_string_not_equal(signature, other);
    hook_sign(BYTES("whsec_secreT"), BYTES("1769903999"), BYTES("{\"id\":\"x\"}"), other);
    assert_string_not_equal(signature, other);
    hook_sign(BYTES("whsec_secret"), BYTES("1769903999"), BYTES(""), other);
    assert_string_not_equal(signature, other);
}

static void test_secrets_differ(void **state)
{
    (void)state;
    struct random_pool pool = {0};
    char one[HOOK_SECRET_LEN + 1], two[HOOK_SECRET_LEN + 1];
    hook_secret_make(&pool, one);
    hook_secret_make(&pool, two);
    assert_int_equal(strlen(one), HOOK_SECRET_LEN);
    assert_memory_equal(one, "whsec_", 6);
    assert_string_not_equal(one, two);
    assert_true(HOOK_SECRET_LEN <= WEBHOOK_SECRET_LEN_MAX);
}

static void test_names_of_deliveries_come_back(void **state)
{
    (void)state;
    struct random_pool pool = {0};
    static const uint64_t seqs[] = {1, 42, 4294967296, INT64_MAX};
    for (size_t i = 0; i < sizeof(seqs) / sizeof(*seqs); ++i) {
        char name[HOOK_DELIVERY_LEN_MAX];
        struct id webhook = id_make(NOW_MS, &pool), found;
        uint64_t seq, event;
        size_t len = hook_delivery_format(webhook, seqs[i], 6, name);
        assert_true(len < sizeof(name));
        assert_true(hook_delivery_parse(bytes_view(name, len), &found, &seq, &event));
        assert_true(id_equal(found, webhook) && seq == seqs[i] && event == 6);
    }
    struct id id;
    uint64_t seq, event;
    static const char *const wrong[] = {"",
                                        "c",
                                        "cmx27rmparha34cy59rqg3m6k",
                                        "cmx27rmparha34cy59rqg3m6k-",
                                        "cmx27rmparha34cy59rqg3m6k-1",
                                        "cmx27rmparha34cy59rqg3m6k-1-",
                                        "cmx27rmparha34cy59rqg3m6k--1",
                                        "cmx27rmparha34cy59rqg3m6k-x-1",
                                        "cmx27rmparha34cy59rqg3m6k-0-1",
                                        "cmx27rmparha34cy59rqg3m6k-1-99999999999",
                                        "Xmx27rmparha34cy59rqg3m6k-1-1"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); ++i)
        assert_false(hook_delivery_parse(bytes_of_string(wrong[i]), &id, &seq, &event));
}

static void test_events_come_back_as_text(void **state)
{
    (void)state;
    uint64_t bits;
    struct buffer text = {0};
    assert_true(hook_events_parse(BYTES("visitor.erased message.created"), &bits));
    assert_true(bits == (HOOK_BIT(HOOK_VISITOR_ERASED) | HOOK_BIT(HOOK_MESSAGE_CREATED)));
    hook_events_write(&text, bits);
    assert_true(bytes_equal(buffer_view(&text), BYTES("message.created visitor.erased")));
    buffer_dispose(&text);
    static const char *const wrong[] = {"",
                                        " ",
                                        "message.created ",
                                        " message.created",
                                        "message.created  visitor.erased",
                                        "message",
                                        "message.created,visitor.erased",
                                        "MESSAGE.CREATED"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); ++i)
        assert_false(hook_events_parse(bytes_of_string(wrong[i]), &bits));
    for (uint64_t event = 1; event <= 6; ++event)
        assert_int_equal(hook_event_parse(bytes_of_string(hook_event_name(event))), event);
    assert_null(hook_event_name(0));
    assert_null(hook_event_name(64));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signatures_are_hmac_sha256),
        cmocka_unit_test(test_secrets_differ),
        cmocka_unit_test(test_names_of_deliveries_come_back),
        cmocka_unit_test(test_events_come_back_as_text),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
