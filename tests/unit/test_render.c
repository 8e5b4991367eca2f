/* Records as JSON: every member, what is absent as null, texts of all kinds, and a visitor's key nowhere but where the
 * organisation looks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/internal.h"
#include "core/work.h"

static struct random_pool pool;
static struct buffer out;

static int set_up(void **state)
{
    (void)state;
    buffer_clear(&out);
    return 0;
}

static struct id id_of(const char *text)
{
    struct id id;
    assert_true(id_parse(bytes_of_string(text), &id));
    return id;
}

static void assert_json(const char *expected)
{
    if (!bytes_equal(buffer_view(&out), bytes_of_string(expected)))
        fail_msg("%.*s\nin place of\n%s", (int)out.len, out.data, expected);
}

#define CONVERSATION "cjld2cjxh0000qzrmn831i7rn"
#define MESSAGE "cjld2cyuq0000t3rmniod1foy"
#define VISITOR "ckopqwooh000001la8mbi2im9"

static struct message a_message(struct bytes content)
{
    return (struct message){.conversation = id_of(CONVERSATION),
                            .seq = 42,
                            .id = id_of(MESSAGE),
                            .role = BYTES("user"),
                            .content = content,
                            .at_ms = 1769903999999,
                            .client_id = BYTES(MESSAGE),
                            .ordinal = 7};
}

#define MESSAGE_JSON(content)                                                                                \
    "{\"id\":\"" MESSAGE "\",\"conversationId\":\"" CONVERSATION "\",\"role\":\"user\",\"content\":" content \
    ",\"timestamp\":\"2026-01-31T23:59:59.999Z\",\"seq\":42}"

static void test_a_message(void **state)
{
    (void)state;
    struct message message = a_message(BYTES("hello"));
    render_message(&out, &message, VIEWER_VISITOR);
    assert_json(MESSAGE_JSON("\"hello\""));
}

/* What a sender calls its message comes back; the id's own text in that place was never sent. */
static void test_a_message_with_a_client_id_and_without(void **state)
{
    (void)state;
    static const char *const names[] = {"x", "\"\\~!", "cjld2cyuq0000t3rmniod1fox", "cjld2cyuq0000t3rmniod1foy0",
                                        "cjld2cyuq0000t3rmniod1fo"};
    struct message message = a_message(BYTES("hello"));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); ++i) {
        const char *sentence = NULL;
        struct bytes read;
        buffer_clear(&out);
        message.client_id = bytes_of_string(names[i]);
        render_message(&out, &message, VIEWER_VISITOR);
        struct json_document *document = json_parse_object(buffer_view(&out), &sentence);
        assert_non_null(document);
        assert_true(json_string(json_member(json_root(document), "clientId"), &read));
        assert_true(bytes_equal(read, message.client_id));
        json_free(document);
    }
    buffer_clear(&out);
    message.client_id = BYTES_NONE;
    render_message(&out, &message, VIEWER_VISITOR);
    assert_json(MESSAGE_JSON("\"hello\""));
}

static void test_text_is_escaped_and_kept(void **state)
{
    (void)state;
    struct message message =
        a_message(BYTES("\"quoted\" \\ \n\r\t\x01\x1f </script> \xc3\xa9 \xf0\x9f\x98\x80 \xe2\x80\xa8"));
    render_message(&out, &message, VIEWER_VISITOR);
    assert_json(MESSAGE_JSON(
        "\"\\\"quoted\\\" \\\\ \\n\\r\\t\\u0001\\u001f </script> \xc3\xa9 \xf0\x9f\x98\x80 \xe2\x80\xa8\""));
}

static void test_the_longest_message_and_the_largest_numbers(void **state)
{
    (void)state;
    char *content = malloc(MESSAGE_CONTENT_LEN_MAX);
    memset(content, 1, MESSAGE_CONTENT_LEN_MAX);
    struct message message = a_message(bytes_view(content, MESSAGE_CONTENT_LEN_MAX));
    message.seq = INT64_MAX;
    message.at_ms = TIME_MS_MAX;
    render_message(&out, &message, VIEWER_VISITOR);
    const char *sentence = NULL;
    struct json_document *document = json_parse_object(buffer_view(&out), &sentence);
    assert_non_null(document);
    struct bytes read;
    int64_t seq;
    assert_true(json_string(json_member(json_root(document), "content"), &read));
    assert_true(bytes_equal(read, message.content));
    assert_true(json_integer(json_member(json_root(document), "seq"), &seq) && seq == INT64_MAX);
    assert_true(json_string(json_member(json_root(document), "timestamp"), &read));
    assert_true(bytes_equal(read, BYTES("9999-12-31T23:59:59.999Z")));
    json_free(document);
    free(content);
}

/* The buffer is grown by hand in places, so every fill level before it is tried. */
static void test_a_message_fits_wherever_the_buffer_stands(void **state)
{
    (void)state;
    struct message message = a_message(BYTES("hello"));
    for (size_t before = 0; before < 600; ++before) {
        struct buffer fresh = {0};
        memset(buffer_reserve(&fresh, before + 1), ' ', before + 1);
        fresh.len = before;
        render_message(&fresh, &message, VIEWER_VISITOR);
        assert_true(fresh.len <= fresh.capacity);
        assert_int_equal(fresh.len, before + strlen(MESSAGE_JSON("\"hello\"")));
        assert_memory_equal(fresh.data + before, MESSAGE_JSON("\"hello\""), fresh.len - before);
        buffer_dispose(&fresh);
    }
}

static void test_a_conversation_with_and_without_a_visitor_and_messages(void **state)
{
    (void)state;
    struct conversation conversation = {.id = id_of(CONVERSATION), .created_at_ms = 0, .changed_at_ms = 5};
    struct conversation_activity activity = {.seq = 1, .updated_at_ms = 5};
    render_conversation_open(&out, &conversation, &activity, VIEWER_VISITOR);
    json_close(&out, '}');
    assert_json("{\"id\":\"" CONVERSATION
                "\",\"visitorId\":null,\"createdAt\":\"1970-01-01T00:00:00.000Z\",\"updatedAt\":"
                "\"1970-01-01T00:00:00.005Z\",\"messageCount\":0,\"lastMessage\":null,\"visitorReadSeq\":0,"
                "\"agentReadSeq\":0}");
    buffer_clear(&out);
    conversation.visitor = id_of(VISITOR);
    conversation.visitor_read_seq = 42;
    conversation.agent_read_seq = 41;
    activity = (struct conversation_activity){
        .updated_at_ms = 1769903999999, .message_count = 7, .has_message = true, .last_message = a_message(BYTES("x"))};
    render_conversation_open(&out, &conversation, &activity, VIEWER_VISITOR);
    json_close(&out, '}');
    assert_json("{\"id\":\"" CONVERSATION "\",\"visitorId\":\"" VISITOR
                "\",\"createdAt\":\"1970-01-01T00:00:00.000Z\",\"updatedAt\":"
                "\"2026-01-31T23:59:59.999Z\",\"messageCount\":7,\"lastMessage\":" MESSAGE_JSON(
                    "\"x\"") ",\"visitorReadSeq\":42,\"agentReadSeq\":41}");
}

static void test_a_visitor(void **state)
{
    (void)state;
    struct visitor visitor = {.id = id_of(VISITOR),
                              .visitor_key = BYTES("v_one"),
                              .first_seen_at_ms = 1,
                              .last_seen_at_ms = 2,
                              .conversation_count = 3};
    struct live_visit visit = {.since_ms = 4, .page_len = 18, .page = "https://a.example/"};
    render_visitor(&out, &visitor, NULL, true);
    assert_json(
        "{\"id\":\"" VISITOR "\",\"visitorKey\":\"v_one\",\"firstSeenAt\":\"1970-01-01T00:00:00.001Z\",\"lastSeenAt\":"
        "\"1970-01-01T00:00:00.002Z\",\"userAgent\":null,\"email\":null,\"address\":null,\"conversationCount\":3,"
        "\"online\":false,\"onlineSince\":null,\"page\":null,\"blocked\":false,\"blockedAt\":null}");
    buffer_clear(&out);
    visitor.user_agent = BYTES("an \"agent\"");
    render_visitor(&out, &visitor, &visit, true);
    assert_non_null(memmem(out.data, out.len, "\"userAgent\":\"an \\\"agent\\\"\"", 26));
    buffer_clear(&out);
    visitor.user_agent = BYTES("");
    render_visitor(&out, &visitor, &visit, true);
    assert_non_null(memmem(out.data, out.len, "\"userAgent\":\"\"", 14));
    visitor.email = BYTES("a@b.example");
    buffer_clear(&out);
    render_visitor(&out, &visitor, &visit, true);
    assert_non_null(memmem(out.data, out.len, "\"email\":\"a@b.example\"", 21));
    assert_non_null(memmem(out.data, out.len,
                           "\"online\":true,\"onlineSince\":\"1970-01-01T00:00:00.004Z\",\"page\":\"https://a.example/"
                           "\",\"blocked\":false",
                           98));
    visitor.blocked_at_ms = 3;
    buffer_clear(&out);
    render_visitor(&out, &visitor, &visit, true);
    assert_non_null(memmem(out.data, out.len, "\"blocked\":true,\"blockedAt\":\"1970-01-01T00:00:00.003Z\"}", 54));
}

/* What the organisation's side alone may see is not there for a visitor, whatever is in the record. */
static void test_who_answers_and_what_is_made_of_it_is_for_the_organisation_alone(void **state)
{
    (void)state;
    struct conversation conversation = {.id = id_of(CONVERSATION),
                                        .changed_at_ms = 5,
                                        .marked_seq = 43,
                                        .worked_seq = 44,
                                        .status = STATUS_SNOOZED,
                                        .snoozed_until_ms = 7,
                                        .assignee = id_of(VISITOR),
                                        .priority = BYTES("urgent"),
                                        .tags = BYTES("a b\nc"),
                                        .resolved_at_ms = 0};
    struct conversation_activity activity = {
        .seq = 42, .updated_at_ms = 5, .message_count = 1, .has_message = true, .last_message = a_message(BYTES("x"))};
    activity.last_message.role = BYTES("assistant");
    activity.last_message.agent = id_of(VISITOR);
    render_conversation_open(&out, &conversation, &activity, VIEWER_VISITOR);
    json_close(&out, '}');
    assert_json("{\"id\":\"" CONVERSATION
                "\",\"visitorId\":null,\"createdAt\":\"1970-01-01T00:00:00.000Z\",\"updatedAt\":"
                "\"1970-01-01T00:00:00.005Z\",\"messageCount\":1,\"lastMessage\":{\"id\":\"" MESSAGE
                "\",\"conversationId\":\"" CONVERSATION "\",\"role\":\"assistant\",\"content\":\"x\","
                "\"timestamp\":\"2026-01-31T23:59:59.999Z\",\"seq\":42},\"visitorReadSeq\":0,\"agentReadSeq\":0}");
    buffer_clear(&out);
    render_conversation_open(&out, &conversation, &activity, VIEWER_ORG);
    json_close(&out, '}');
    assert_json("{\"id\":\"" CONVERSATION
                "\",\"visitorId\":null,\"createdAt\":\"1970-01-01T00:00:00.000Z\",\"updatedAt\":"
                "\"1970-01-01T00:00:00.005Z\",\"messageCount\":1,\"lastMessage\":{\"id\":\"" MESSAGE
                "\",\"conversationId\":\"" CONVERSATION "\",\"role\":\"assistant\",\"content\":\"x\","
                "\"timestamp\":\"2026-01-31T23:59:59.999Z\",\"seq\":42,\"agentId\":\"" VISITOR
                "\"},\"visitorReadSeq\":0,\"agentReadSeq\":0,\"seq\":44,\"activitySeq\":42,\"status\":\"snoozed\","
                "\"snoozedUntil\":\"1970-01-01T00:00:00.007Z\",\"resolvedAt\":null,\"assigneeId\":\"" VISITOR
                "\",\"priority\":\"urgent\",\"tags\":[\"a b\",\"c\"]}");
    buffer_clear(&out);
    conversation = (struct conversation){.id = id_of(CONVERSATION), .resolved_at_ms = 9};
    render_conversation_open(&out, &conversation, &(struct conversation_activity){0}, VIEWER_ORG);
    const char tail[] = "\"status\":\"resolved\",\"snoozedUntil\":null,\"resolvedAt\":\"1970-01-01T00:00:00.009Z\","
                        "\"assigneeId\":null,\"priority\":null,\"tags\":[]";
    assert_non_null(memmem(out.data, out.len, tail, sizeof(tail) - 1));
}

static void test_a_note_with_and_without_what_it_may_lack(void **state)
{
    (void)state;
    struct id agent = id_of(VISITOR);
    struct note note = {.conversation = id_of(CONVERSATION),
                        .seq = 43,
                        .id = id_of(MESSAGE),
                        .content = BYTES("<b>ask @ her</b>"),
                        .at_ms = 1769903999999,
                        .ordinal = 1};
    render_note(&out, &note);
    assert_json("{\"id\":\"" MESSAGE "\",\"conversationId\":\"" CONVERSATION
                "\",\"agentId\":null,\"content\":\"<b>ask @ her</b>\",\"mentions\":[],"
                "\"timestamp\":\"2026-01-31T23:59:59.999Z\",\"seq\":43}");
    buffer_clear(&out);
    note.agent = agent;
    note.mentions = id_view(&agent);
    note.client_id = BYTES("n-1");
    render_note(&out, &note);
    assert_json("{\"id\":\"" MESSAGE "\",\"conversationId\":\"" CONVERSATION "\",\"agentId\":\"" VISITOR
                "\",\"content\":\"<b>ask @ her</b>\",\"mentions\":[\"" VISITOR
                "\"],\"timestamp\":\"2026-01-31T23:59:59.999Z\",\"seq\":43,\"clientId\":\"n-1\"}");
}

static void test_ids_are_null_when_there_is_none(void **state)
{
    (void)state;
    json_open(&out, '{');
    member_id(&out, "a", ID_NONE);
    member_id(&out, "b", id_of(VISITOR));
    json_close(&out, '}');
    assert_json("{\"a\":null,\"b\":\"" VISITOR "\"}");
}

static void test_random_messages_are_json(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 5000; ++round) {
        char content[200];
        size_t len = random_u64(&pool) % sizeof(content);
        const char *sentence = NULL;
        random_fill(&pool, content, len);
        for (size_t i = 0; i < len; ++i)
            content[i] &= 0x7f;
        for (size_t i = 0; i < len; ++i)
            content[i] = content[i] == 0 ? ' ' : content[i];
        struct message message = a_message(bytes_view(content, len));
        message.id = id_make(1769903999999, &pool);
        message.conversation = id_make(1769903999999, &pool);
        message.seq = random_u64(&pool) >> 1;
        buffer_clear(&out);
        render_message(&out, &message, VIEWER_VISITOR);
        struct json_document *document = json_parse_object(buffer_view(&out), &sentence);
        if (document == NULL)
            fail_msg("%s: %.*s", sentence, (int)out.len, out.data);
        struct bytes read;
        struct id id;
        assert_true(json_string(json_member(json_root(document), "content"), &read));
        assert_true(bytes_equal(read, message.content));
        assert_true(json_string(json_member(json_root(document), "id"), &read));
        assert_true(id_parse(read, &id) && id_equal(id, message.id));
        json_free(document);
    }
    buffer_dispose(&out);
}

int main(void)
{
#define RENDER_TEST(name) cmocka_unit_test_setup(name, set_up)
    const struct CMUnitTest tests[] = {
        RENDER_TEST(test_a_message),
        RENDER_TEST(test_a_message_with_a_client_id_and_without),
        RENDER_TEST(test_text_is_escaped_and_kept),
        RENDER_TEST(test_the_longest_message_and_the_largest_numbers),
        RENDER_TEST(test_a_message_fits_wherever_the_buffer_stands),
        RENDER_TEST(test_a_conversation_with_and_without_a_visitor_and_messages),
        RENDER_TEST(test_a_visitor),
        RENDER_TEST(test_who_answers_and_what_is_made_of_it_is_for_the_organisation_alone),
        RENDER_TEST(test_a_note_with_and_without_what_it_may_lack),
        RENDER_TEST(test_ids_are_null_when_there_is_none),
        RENDER_TEST(test_random_messages_are_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
