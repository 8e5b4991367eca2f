/* GET /search: messages by their words, visitors by id, key and e-mail address. What is found and how is search's. */
#include "api/internal.h"
#include "base/text.h"
#include "search/find.h"
#include "search/find_visitors.h"

struct asked {
    struct bytes text;
    struct question question;
    bool messages, visitors;
    uint64_t limit, before;
    struct id after; /* of visitors */
};

/* ---- what is asked
 * --------------------------------------------------------------------------------------------------- */

static bool is_blank(char byte)
{
    return (unsigned char)byte <= ' ' || byte == '+';
}

static struct bytes trim(struct bytes text)
{
    while (text.len != 0 && is_blank(text.data[0]))
        text = bytes_view(text.data + 1, text.len - 1);
    while (text.len != 0 && is_blank(text.data[text.len - 1]))
        --text.len;
    return text;
}

static enum error read_text(struct call *call, struct asked *asked)
{
    enum error error = query_text(call, "q", &asked->text);
    if (error != OK)
        return error;
    if (asked->text.len > SEARCH_QUESTION_LEN_MAX || !question_read(asked->text, &asked->question))
        return call_refuse(call, ERR_INVALID_QUERY, "The parameter \"q\" must be at most 256 bytes and 16 words.");
    asked->text = trim(asked->text);
    return asked->question.count != 0
               ? OK
               : call_refuse(call, ERR_INVALID_QUERY, "The parameter \"q\" must have a word to search for.");
}

static enum error read_kind(struct call *call, struct asked *asked)
{
    struct bytes kind;
    enum error error = query_text(call, "kind", &kind);
    bool all = kind.data == NULL || bytes_equal(kind, BYTES("all"));
    asked->messages = all || bytes_equal(kind, BYTES("messages"));
    asked->visitors = all || bytes_equal(kind, BYTES("visitors"));
    return error != OK || asked->messages || asked->visitors
               ? error
               : call_refuse(call, ERR_INVALID_QUERY,
                             "The parameter \"kind\" must be \"messages\", \"visitors\" or \"all\".");
}

/* With both kinds, visitors are on the first page alone. */
static enum error read_before(struct call *call, struct asked *asked)
{
    struct bytes text;
    enum error error = query_text(call, "before", &text);
    asked->before = INT64_MAX;
    if (error != OK || text.data == NULL)
        return error;
    bool is_fine = asked->messages ? parse_uint(text, 1, INT64_MAX, &asked->before) : id_parse(text, &asked->after);
    asked->visitors &= !asked->messages;
    return is_fine ? OK
                   : call_refuse(call, ERR_INVALID_QUERY,
                                 "The parameter \"before\" must be the \"next\" of the page before.");
}

/* ---- what is found
 * --------------------------------------------------------------------------------------------------- */

struct page {
    struct call *call;
    uint64_t left;
    enum error error;
};

static bool page_is_over(struct page *page)
{
    bool is_long = page->call->loop->json.len > ANSWER_BYTES_MAX;
    if (is_long)
        count(&page->call->loop->figures.limited[LIMIT_ANSWER_BYTES], 1);
    return --page->left == 0 || is_long || page->error != OK;
}

static bool on_message(void *context, const struct message *message, const struct match *match)
{
    struct page *page = context;
    struct buffer *json = &page->call->loop->json;
    struct conversation conversation = {.visitor = ID_NONE};
    page->error = conversation_get(page->call->txn, message->conversation, &conversation);
    json_element(json);
    json_open(json, '{');
    json_key(json, BYTES("message"));
    render_message(json, message, call_viewer(page->call));
    member_id(json, "conversationId", message->conversation);
    member_id(json, "visitorId", conversation.visitor);
    json_key(json, BYTES("snippet"));
    render_snippet(json, message->content, match);
    json_close(json, '}');
    return !page_is_over(page);
}

static bool on_visitor(void *context, const struct visitor *visitor)
{
    struct page *page = context;
    struct buffer *json = &page->call->loop->json;
    struct live_visit visit;
    json_element(json);
    render_visitor(json, visitor, api_visit(page->call->loop, visitor->id, &visit), call_may_see_keys(page->call));
    return !page_is_over(page);
}

static void note_limit(struct call *call, bool is_limited)
{
    if (is_limited)
        count(&call->loop->figures.limited[LIMIT_SEARCH], 1);
}

static enum error render_messages(struct call *call, const struct asked *asked, struct found *found)
{
    struct page page = {.call = call, .left = asked->limit};
    enum error error = OK;
    json_key(&call->loop->json, BYTES("messages"));
    json_open(&call->loop->json, '[');
    if (asked->messages)
        error = find_messages(call->txn, call->org.id, &asked->question, asked->before, on_message, &page, found);
    json_close(&call->loop->json, ']');
    note_limit(call, error == OK && found->is_limited);
    return error == OK ? page.error : error;
}

/* A key that is found by its beginning could be guessed letter by letter. */
static bool hides_keys_from(const struct call *call, struct bytes text)
{
    return !call_may_see_keys(call) && text.len >= 2 && memcmp(text.data, "v_", 2) == 0;
}

static enum error render_visitors(struct call *call, const struct asked *asked, struct visitors_found *found)
{
    struct page page = {.call = call, .left = asked->limit};
    enum error error = OK;
    json_key(&call->loop->json, BYTES("visitors"));
    json_open(&call->loop->json, '[');
    if (asked->visitors && !hides_keys_from(call, asked->text))
        error = find_visitors(call->txn, call->org.id, asked->text, &asked->question, asked->after, on_visitor, &page,
                              found);
    json_close(&call->loop->json, ']');
    note_limit(call, error == OK && found->is_limited);
    return error;
}

static void render_next(struct buffer *json, const struct asked *asked, const struct found *messages,
                        const struct visitors_found *visitors)
{
    if (!asked->messages) {
        member_id(json, "next", visitors->next);
        return;
    }
    json_key(json, BYTES("next"));
    if (messages->next != 0)
        buffer_printf(json, "\"%llu\"", (unsigned long long)messages->next);
    else
        json_put_literal(json, "null");
}

static enum error render_found(struct call *call, const struct asked *asked)
{
    struct buffer *json = &call->loop->json;
    struct found messages = {.is_complete = true};
    struct visitors_found visitors = {.next = ID_NONE};
    json_open(json, '{');
    enum error error = render_messages(call, asked, &messages);
    if (error == OK)
        error = render_visitors(call, asked, &visitors);
    if (error != OK)
        return error;
    render_next(json, asked, &messages, &visitors);
    json_member_bool(json, "complete", messages.is_complete);
    if (!messages.is_complete)
        json_member_integer(json, "indexedSeq", (int64_t)messages.indexed_seq);
    json_close(json, '}');
    return OK;
}

enum error handle_search(struct call *call)
{
    struct asked asked = {.before = INT64_MAX};
    enum error error = read_text(call, &asked);
    if (error == OK)
        error = read_kind(call, &asked);
    if (error == OK)
        error = query_uint(call, "limit", 1, PAGE_LIMIT_MAX, SEARCH_LIMIT_DEFAULT, &asked.limit);
    if (error == OK)
        error = read_before(call, &asked);
    if (error == OK)
        error = render_found(call, &asked);
    if (error == OK)
        call_respond(call, 200, &call->loop->json);
    return error;
}
