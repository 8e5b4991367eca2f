/*
 * /visitors, for the organisation's token. The index orders visitors by the minute they were last seen in; within a
 * minute the order is by the millisecond, which is in the records: so a page collects the minutes it needs, newest
 * first, and keeps the best.
 */
#include <stdio.h>
#include <stdlib.h>

#include "api/internal.h"
#include "base/text.h"

/* A place in the order "last seen, then id", both descending. */
struct place {
    int64_t seen_at_ms;
    struct id id;
};

static int compare_places(const struct place *a, const struct place *b)
{
    if (a->seen_at_ms != b->seen_at_ms)
        return a->seen_at_ms > b->seen_at_ms ? -1 : 1;
    return -memcmp(a->id.bytes, b->id.bytes, ID_LEN);
}

/* The best `limit + 1` places after the cursor, sorted; one more than a page, to know whether there is a next one. */
struct page {
    struct place before;
    bool has_before;
    size_t limit, count;
    struct place places[PAGE_LIMIT_MAX + 1];
};

static void page_offer(struct page *page, const struct place *place)
{
    if (page->has_before && compare_places(place, &page->before) <= 0)
        return;
    size_t at = page->count;
    while (at > 0 && compare_places(place, &page->places[at - 1]) < 0)
        --at;
    if (at > page->limit)
        return;
    if (page->count <= page->limit)
        ++page->count;
    memmove(&page->places[at + 1], &page->places[at], (page->count - 1 - at) * sizeof(*place));
    page->places[at] = *place;
}

/* Walks the organisation's part of the index backwards; a whole minute is looked at before the walk may stop. */
static enum error collect(struct call *call, struct page *page)
{
    struct bytes key;
    struct key from;
    uint32_t minute = page->has_before ? minute_of(page->before.seen_at_ms) + 1 : UINT32_MAX;
    key_clear(&from);
    key_put_id(&from, call->org.id);
    key_put_u32(&from, minute);
    struct cursor *cursor = cursor_open(call->txn, TABLE_VISITOR_BY_SEEN);
    enum error error = cursor_seek_before(cursor, key_view(&from), &key, NULL);
    while (error == OK && memcmp(key.data, call->org.id.bytes, ID_LEN) == 0) {
        struct visitor visitor;
        size_t offset = ID_LEN;
        uint32_t entry_minute = key_get_u32(key, &offset);
        if (page->count > page->limit && entry_minute != minute)
            break;
        minute = entry_minute;
        error = visitor_get(call->txn, key_get_id(key, &offset), &visitor);
        if (error == OK && minute_of(visitor.last_seen_at_ms) == minute)
            page_offer(page, &(struct place){visitor.last_seen_at_ms, visitor.id});
        if (error == OK || error == ERR_NOT_FOUND)
            error = cursor_previous(cursor, &key, NULL);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

/* A cursor is "<milliseconds>.<id>" of the last visitor on the page before. */
static enum error read_before(struct call *call, struct page *page)
{
    struct bytes text;
    uint64_t ms;
    enum error error = query_text(call, "before", &text);
    if (error != OK || text.data == NULL)
        return error;
    const char *dot = memchr(text.data, '.', text.len);
    size_t ms_len = dot == NULL ? text.len : (size_t)(dot - text.data);
    page->has_before = dot != NULL && parse_uint(bytes_view(text.data, ms_len), 0, TIME_MS_MAX, &ms) &&
                       id_parse(bytes_view(dot + 1, text.len - ms_len - 1), &page->before.id);
    if (!page->has_before)
        return call_refuse(call, ERR_INVALID_QUERY,
                           "The parameter \"before\" must be the \"next\" of the page before.");
    page->before.seen_at_ms = (int64_t)ms;
    return OK;
}

static enum error render_page(struct call *call, const struct page *page)
{
    struct buffer *json = &call->loop->json;
    size_t shown = page->count > page->limit ? page->limit : page->count;
    json_open(json, '{');
    json_key(json, BYTES("visitors"));
    json_open(json, '[');
    for (size_t i = 0; i < shown; ++i) {
        struct visitor visitor;
        struct live_visit visit;
        enum error error = visitor_get(call->txn, page->places[i].id, &visitor);
        if (error != OK)
            return error;
        json_element(json);
        render_visitor(json, &visitor, api_visit(call->loop, visitor.id, &visit), call_may_see_keys(call));
    }
    json_close(json, ']');
    json_key(json, BYTES("next"));
    if (page->count > page->limit) {
        char id[ID_TEXT_LEN];
        id_format(page->places[shown - 1].id, id);
        buffer_printf(json, "\"%lld.%.*s\"", (long long)page->places[shown - 1].seen_at_ms, ID_TEXT_LEN, id);
    } else {
        json_put_literal(json, "null");
    }
    json_close(json, '}');
    return OK;
}

/* ---- who is there ---------------------------------------------------------------------------------------------- */

/* One that is being erased may still be there. */
static void render_present(struct call *call, struct id id)
{
    struct buffer *json = &call->loop->json;
    struct visitor visitor;
    struct live_visit visit;
    if (visitor_get(call->txn, id, &visitor) != OK || api_visit(call->loop, id, &visit) == NULL)
        return;
    json_element(json);
    render_visitor(json, &visitor, &visit, call_may_see_keys(call));
}

static void render_online(struct call *call, unsigned limit)
{
    struct buffer *json = &call->loop->json;
    struct id ids[PAGE_LIMIT_MAX];
    uint64_t online;
    unsigned found = live_visits_of_org(call->loop->api->visits, call->org.id, ids, limit, &online);
    json_open(json, '{');
    json_key(json, BYTES("visitors"));
    json_open(json, '[');
    for (unsigned i = 0; i < found; ++i)
        render_present(call, ids[i]);
    json_close(json, ']');
    json_member_null(json, "next");
    json_member_integer(json, "onlineCount", (int64_t)online);
    json_close(json, '}');
}

/* ---- the list -------------------------------------------------------------------------------------------------- */

static enum error render_list(struct call *call, uint64_t limit)
{
    struct page page = {.limit = limit};
    enum error error = read_before(call, &page);
    if (error == OK)
        error = collect(call, &page);
    return error == OK ? render_page(call, &page) : error;
}

enum error handle_visitor_list(struct call *call)
{
    uint64_t limit, online;
    enum error error = query_uint(call, "limit", 1, PAGE_LIMIT_MAX, PAGE_LIMIT_DEFAULT, &limit);
    if (error == OK)
        error = query_uint(call, "online", 1, 1, 0, &online);
    if (error == OK && online != 0)
        render_online(call, (unsigned)limit);
    else if (error == OK)
        error = render_list(call, limit);
    if (error == OK)
        call_respond(call, 200, &call->loop->json);
    return error;
}

static enum error get_own(struct call *call, struct id id, struct visitor *out)
{
    enum error error = visitor_get(call->txn, id, out);
    return error == OK && !id_equal(out->org, call->org.id) ? ERR_NOT_FOUND : error;
}

/* An id of our own shape may be one that an import has merged with another. */
enum error path_visitor(struct call *call, struct visitor *out)
{
    struct id id;
    enum error error = path_id(call, &id);
    if (error == OK)
        error = get_own(call, id, out);
    if (error == ERR_NOT_FOUND && path_alias(call, &id) == OK)
        error = get_own(call, id, out);
    return error;
}

enum error handle_visitor_show(struct call *call)
{
    struct visitor visitor;
    struct live_visit visit;
    enum error error = path_visitor(call, &visitor);
    if (error != OK)
        return error;
    render_visitor(&call->loop->json, &visitor, api_visit(call->loop, visitor.id, &visit), call_may_see_keys(call));
    call_respond(call, 200, &call->loop->json);
    return OK;
}

/* ---- blocking -------------------------------------------------------------------------------------------------- */

static void on_blocked(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    struct visitor visitor;
    struct live_visit visit;
    enum error error = txn == NULL ? ERR_BUSY : visitor_get(txn, entry->outcome.id, &visitor);
    if (error != OK) {
        respond_error(request, error, NULL, 0);
        return;
    }
    buffer_clear(&loop->json);
    render_visitor(&loop->json, &visitor, api_visit(loop, visitor.id, &visit), true);
    request_respond(request, 200, CONTENT_TYPE_JSON, buffer_view(&loop->json));
}

enum error handle_visitor_update(struct call *call)
{
    struct json_document *document;
    struct visitor visitor;
    bool is_given, blocked = false;
    enum error error = body_needed(call, &document);
    if (error != OK)
        return error;
    error = field_flag(call, json_root(document), "blocked", &is_given, &blocked);
    json_free(document);
    if (error == OK && !is_given)
        error = call_refuse(call, ERR_INVALID_FIELD, "The field \"blocked\" must be true or false.");
    if (error == OK)
        error = path_visitor(call, &visitor);
    if (error != OK)
        return error;
    struct command command = {
        .kind = COMMAND_VISITOR_BLOCK,
        .visitor_block = {.org = call->org.id,
                          .visitor = visitor.id,
                          .blocked = blocked,
                          .at_ms = call->now_ms,
                          .by = call_actor(call),
                          .from = request_address_text(call->request)},
    };
    return call_submit(call, &command, on_blocked);
}
