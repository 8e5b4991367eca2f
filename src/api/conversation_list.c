/*
 * GET /conversations: a visitor's own, or the organisation's with filters; newest activity first. And the counts that
 * an inbox shows beside its lists.
 *
 * Two ways lead to the organisation's. The activity index has the order, and says nothing of what is filtered for;
 * conversation_open has those that are not resolved, by status and assignee, and says nothing of the order. So where
 * few are looked for they are all collected and sorted, and where many are, the activity index is walked and each one
 * asked: whichever looks at fewer records. Either way a page looks at a bounded number of them, and `next` goes on.
 */
#include <stdlib.h>

#include "api/internal.h"
#include "core/tags.h"
#include "core/work.h"

#define ANY_STATUS ((1u << STATUSES) - 1)

/* Which conversations are asked for. */
struct filter {
    unsigned statuses; /* a bit for each */
    bool has_assignee, has_priority;
    struct id assignee;    /* or ID_NONE: nobody's */
    struct bytes priority; /* NULL: none */
    struct bytes tag;      /* NULL: any */
    bool has_unread, unread;
};

struct page {
    struct filter filter;
    bool oldest_first;
    uint64_t from; /* what is listed lies before it, or behind it when the oldest come first */
    uint64_t limit;
    uint64_t next; /* 0: there is no more */
    bool has_visitors;
    struct buffer visitors; /* whose conversations were listed: ids, one behind the other */
};

/* ---- what is asked for ----------------------------------------------------------------------------------------- */

static enum error read_statuses(struct call *call, struct filter *out)
{
    struct bytes text, word;
    uint64_t status;
    enum error error = query_text(call, "status", &text);
    out->statuses = text.data == NULL ? ANY_STATUS : 0;
    while (error == OK && text.len != 0) {
        const char *comma = memchr(text.data, ',', text.len);
        word = bytes_view(text.data, comma == NULL ? text.len : (size_t)(comma - text.data));
        text = bytes_view(text.data + word.len + (comma != NULL), text.len - word.len - (comma != NULL));
        if (status_parse(word, &status))
            out->statuses |= 1u << status;
        else
            out->statuses = text.len = 0;
    }
    return error == OK && out->statuses == 0
               ? call_refuse(call, ERR_INVALID_QUERY,
                             "The parameter \"status\" must be open, pending, snoozed or resolved, or some of them "
                             "with a comma in between.")
               : error;
}

static enum error read_assignee(struct call *call, struct filter *out)
{
    struct bytes text;
    enum error error = query_text(call, "assignee", &text);
    out->has_assignee = text.data != NULL;
    if (error != OK || text.data == NULL || bytes_equal(text, BYTES("none")))
        return error;
    if (bytes_equal(text, BYTES("me"))) {
        out->assignee = call->agent;
        return id_is_none(call->agent) ? ERR_SESSION_REQUIRED : OK;
    }
    return id_parse(text, &out->assignee)
               ? OK
               : call_refuse(call, ERR_INVALID_QUERY,
                             "The parameter \"assignee\" must be me, none or the id of an agent.");
}

static enum error read_priority(struct call *call, struct filter *out)
{
    struct bytes text;
    enum error error = query_text(call, "priority", &text);
    out->has_priority = text.data != NULL;
    if (error != OK || text.data == NULL || bytes_equal(text, BYTES("none")))
        return error;
    out->priority = text;
    return priority_is_valid(text)
               ? OK
               : call_refuse(call, ERR_INVALID_QUERY,
                             "The parameter \"priority\" must be none, low, medium, high or urgent.");
}

static enum error read_unread(struct call *call, struct filter *out)
{
    uint64_t unread;
    enum error error = query_uint(call, "unread", 0, 1, UINT64_MAX, &unread);
    out->has_unread = unread != UINT64_MAX;
    out->unread = unread == 1;
    return error;
}

static enum error read_filter(struct call *call, struct filter *out)
{
    enum error error = read_statuses(call, out);
    if (error == OK)
        error = read_assignee(call, out);
    if (error == OK)
        error = read_priority(call, out);
    if (error == OK)
        error = read_unread(call, out);
    return error == OK ? query_text(call, "tag", &out->tag) : error;
}

static bool is_asked_for(const struct filter *filter, const struct conversation *conversation)
{
    return conversation->status < STATUSES && (filter->statuses >> conversation->status & 1) != 0 &&
           (!filter->has_assignee || id_equal(conversation->assignee, filter->assignee)) &&
           (!filter->has_priority || bytes_equal(conversation->priority, filter->priority)) &&
           (filter->tag.data == NULL || tags_have(conversation->tags, filter->tag));
}

/* Whether its last word is the visitor's, and nobody has read it. */
static bool is_unread(const struct conversation *conversation, const struct conversation_activity *activity)
{
    return activity->has_message && activity->last_message.seq > conversation->agent_read_seq &&
           bytes_equal(activity->last_message.role, BYTES("user"));
}

/* What the record alone does not say. */
static bool is_asked_for_now(const struct filter *filter, const struct conversation *conversation,
                             const struct conversation_activity *activity)
{
    return !filter->has_unread || is_unread(conversation, activity) == filter->unread;
}

static bool is_on_page(const struct page *page, uint64_t seq)
{
    return page->oldest_first ? seq > page->from : seq < page->from;
}

/* ---- one of a list --------------------------------------------------------------------------------------------- */

static void note_visitor(struct page *page, const struct conversation *conversation)
{
    if (page->has_visitors && !id_is_none(conversation->visitor))
        buffer_append(&page->visitors, conversation->visitor.bytes, ID_LEN);
}

static void render_listed(struct call *call, struct page *page, const struct conversation *conversation,
                          const struct conversation_activity *activity)
{
    struct buffer *json = &call->loop->json;
    note_visitor(page, conversation);
    json_element(json);
    render_conversation_open(json, conversation, activity, call_viewer(call));
    json_close(json, '}');
}

/* Whether a page that has grown to json->len and looked at `entries` index entries must end here. */
static bool page_is_over(struct call *call, unsigned entries)
{
    bool is_long = call->loop->json.len > ANSWER_BYTES_MAX, is_far = entries >= LIST_ENTRIES_MAX;
    if (is_long || is_far)
        count(&call->loop->figures.limited[is_long ? LIMIT_ANSWER_BYTES : LIMIT_LIST_ENTRIES], 1);
    return is_long || is_far;
}

/* A conversation, as sorting needs it. */
struct found {
    struct id conversation;
    uint64_t seq;
};

static int by_activity_descending(const void *a, const void *b)
{
    uint64_t first = ((const struct found *)a)->seq, second = ((const struct found *)b)->seq;
    return first > second ? -1 : first < second;
}

static int by_activity(const void *a, const void *b)
{
    return by_activity_descending(b, a);
}

static void sort_found(const struct page *page, struct found *all, size_t count)
{
    if (count != 0)
        qsort(all, count, sizeof(*all), page->oldest_first ? by_activity : by_activity_descending);
}

/* ---- along the activity index ---------------------------------------------------------------------------------- */

/* The conversation that an entry of the activity index names; *is_listed tells whether it is asked for and the entry is
 * its latest. */
static enum error read_listed(struct call *call, const struct filter *filter, struct bytes value, uint64_t entry_seq,
                              struct conversation *conversation, struct conversation_activity *activity,
                              bool *is_listed)
{
    size_t offset = 0;
    *is_listed = false;
    enum error error = conversation_get(call->txn, key_get_id(value, &offset), conversation);
    if (error == ERR_NOT_FOUND || (error == OK && !is_asked_for(filter, conversation)))
        return OK;
    if (error == OK)
        error = conversation_activity(call->txn, conversation, activity);
    *is_listed = error == OK && activity->seq == entry_seq && is_asked_for_now(filter, conversation, activity);
    return error;
}

static enum error seek(struct cursor *cursor, struct id org, const struct page *page, struct bytes *key,
                       struct bytes *value)
{
    struct key from;
    activity_key(&from, org, page->oldest_first ? page->from + 1 : page->from);
    return page->oldest_first ? cursor_seek(cursor, key_view(&from), key, value)
                              : cursor_seek_before(cursor, key_view(&from), key, value);
}

/* Skips what is stale. A page may end early; page->next is then the last entry that was looked at. */
static enum error list_by_activity(struct call *call, struct page *page)
{
    struct bytes key, value;
    uint64_t last_seq = 0, left = page->limit;
    struct cursor *cursor = cursor_open(call->txn, TABLE_CONVERSATION_BY_ACTIVITY);
    enum error error = seek(cursor, call->org.id, page, &key, &value);
    for (unsigned entries = 0; error == OK && memcmp(key.data, call->org.id.bytes, ID_LEN) == 0; ++entries) {
        struct conversation conversation;
        struct conversation_activity activity;
        bool is_listed;
        size_t offset = ID_LEN;
        uint64_t seq = key_get_u64(key, &offset);
        error = read_listed(call, &page->filter, value, seq, &conversation, &activity, &is_listed);
        if (page_is_over(call, entries) || (is_listed && left-- == 0)) {
            page->next = last_seq;
            break;
        }
        last_seq = seq;
        if (is_listed)
            render_listed(call, page, &conversation, &activity);
        if (error == OK)
            error = (page->oldest_first ? cursor_next : cursor_previous)(cursor, &key, &value);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

/* ---- out of those that are not resolved ------------------------------------------------------------------------ */

/* Walks the entries of a status, and of an assignee unless NULL; stops behind `max` of them. */
typedef void open_visit(void *context, const struct open_entry *entry);
static enum error walk_open(struct call *call, uint64_t status, const struct id *assignee, unsigned max,
                            open_visit *visit, void *context)
{
    struct bytes key;
    struct key prefix;
    open_prefix(&prefix, call->org.id, status, assignee == NULL ? ID_NONE : *assignee);
    size_t prefix_len = assignee == NULL ? ID_LEN + 1 : prefix.len;
    struct cursor *cursor = cursor_open(call->txn, TABLE_CONVERSATION_OPEN);
    enum error error = cursor_seek(cursor, key_view(&prefix), &key, NULL);
    for (; error == OK && max > 0 && memcmp(key.data, prefix.bytes, prefix_len) == 0; --max) {
        struct open_entry entry;
        open_entry_of(key, &entry);
        visit(context, &entry);
        error = cursor_next(cursor, &key, NULL);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

static void on_open(void *context, const struct open_entry *entry)
{
    buffer_append(context, &(struct found){.conversation = entry->conversation}, sizeof(struct found));
}

/* Those of the filter's statuses and assignee; *is_small is whether that is all of them. */
static enum error collect_open(struct call *call, const struct filter *filter, struct buffer *out, bool *is_small)
{
    enum error error = OK;
    for (uint64_t status = 0; status < STATUSES && error == OK; ++status) {
        unsigned room = OPEN_SET_MAX + 1 - (unsigned)(out->len / sizeof(struct found));
        if ((filter->statuses >> status & 1) != 0)
            error = walk_open(call, status, filter->has_assignee ? &filter->assignee : NULL, room, on_open, out);
    }
    *is_small = out->len / sizeof(struct found) <= OPEN_SET_MAX;
    return error;
}

/* Whether looking at `count` conversations is less work than walking along the index of all, where one in
 * all / count is what is looked for. */
static bool is_worth_sorting(struct call *call, uint64_t count, uint64_t limit)
{
    return count * count <= limit * (table_rows(call->txn, TABLE_CONVERSATIONS) + limit);
}

/* Keeps those that are asked for and lie on the page or behind it, and reads when each was active last. */
static enum error choose(struct call *call, const struct page *page, struct found *all, size_t count, size_t *chosen)
{
    *chosen = 0;
    for (size_t i = 0; i < count; ++i) {
        struct conversation conversation;
        struct conversation_activity activity;
        enum error error = conversation_get(call->txn, all[i].conversation, &conversation);
        if (error == OK && !is_asked_for(&page->filter, &conversation))
            continue;
        if (error == OK)
            error = conversation_activity(call->txn, &conversation, &activity);
        if (error != OK)
            return error == ERR_NOT_FOUND ? ERR_CORRUPT : error;
        if (is_on_page(page, activity.seq) && is_asked_for_now(&page->filter, &conversation, &activity))
            all[(*chosen)++] = (struct found){conversation.id, activity.seq};
    }
    sort_found(page, all, *chosen);
    return OK;
}

/* In their order; ends early, with page->next set, when the page is long enough. */
static enum error render_chosen(struct call *call, struct page *page, const struct found *all, size_t count)
{
    enum error error = OK;
    for (size_t i = 0; i < count && error == OK; ++i) {
        struct conversation conversation;
        struct conversation_activity activity;
        if (i == page->limit || page_is_over(call, 0)) {
            page->next = all[i - 1].seq;
            break;
        }
        error = conversation_get(call->txn, all[i].conversation, &conversation);
        if (error == OK)
            error = conversation_activity(call->txn, &conversation, &activity);
        if (error == OK)
            render_listed(call, page, &conversation, &activity);
    }
    return error;
}

static enum error list_open(struct call *call, struct page *page, struct buffer *found)
{
    struct found *all = (struct found *)found->data;
    size_t chosen;
    enum error error = choose(call, page, all, found->len / sizeof(*all), &chosen);
    return error == OK ? render_chosen(call, page, all, chosen) : error;
}

static enum error list_of_org(struct call *call, struct page *page)
{
    struct buffer found = {0};
    bool is_small = false;
    enum error error = OK;
    if ((page->filter.statuses & 1u << STATUS_RESOLVED) == 0)
        error = collect_open(call, &page->filter, &found, &is_small);
    if (error == OK && is_small && is_worth_sorting(call, found.len / sizeof(struct found), page->limit))
        error = list_open(call, page, &found);
    else if (error == OK)
        error = list_by_activity(call, page);
    buffer_dispose(&found);
    return error;
}

/* ---- a visitor's ----------------------------------------------------------------------------------------------- */

/* Follows the chain from the visitor's newest conversation. */
static enum error collect_own(struct call *call, const struct page *page, struct id at, struct buffer *out)
{
    unsigned steps = 0;
    for (; !id_is_none(at) && steps < VISITOR_CHAIN_MAX; ++steps) {
        struct conversation conversation;
        struct conversation_activity activity;
        enum error error = conversation_get(call->txn, at, &conversation);
        if (error == OK)
            error = conversation_activity(call->txn, &conversation, &activity);
        if (error != OK)
            return error == ERR_NOT_FOUND ? ERR_CORRUPT : error;
        at = conversation.previous_of_visitor;
        if (is_on_page(page, activity.seq) && is_asked_for(&page->filter, &conversation) &&
            is_asked_for_now(&page->filter, &conversation, &activity))
            buffer_append(out, &(struct found){conversation.id, activity.seq}, sizeof(struct found));
    }
    if (!id_is_none(at))
        count(&call->loop->figures.limited[LIMIT_VISITOR_CHAIN], 1);
    return OK;
}

/* One of the visitor's own, with how much of it is unread. */
static enum error render_owned(struct call *call, struct page *page, struct id id, unsigned *looked)
{
    struct buffer *json = &call->loop->json;
    struct conversation conversation;
    struct conversation_activity activity;
    uint64_t unread;
    enum error error = conversation_get(call->txn, id, &conversation);
    if (error == OK)
        error = conversation_activity(call->txn, &conversation, &activity);
    if (error == OK)
        error = unread_in_conversation(call->loop, call->txn, &conversation, &activity, looked, &unread);
    if (error != OK)
        return error;
    note_visitor(page, &conversation);
    json_element(json);
    render_conversation_open(json, &conversation, &activity, call_viewer(call));
    json_member_integer(json, "unreadCount", (int64_t)unread);
    json_close(json, '}');
    return OK;
}

static enum error render_own(struct call *call, struct page *page, const struct found *owned, size_t count)
{
    enum error error = OK;
    unsigned looked = 0;
    for (size_t i = 0; i < count && error == OK; ++i) {
        if (i == page->limit || page_is_over(call, 0)) {
            page->next = owned[i - 1].seq;
            break;
        }
        error = render_owned(call, page, owned[i].conversation, &looked);
    }
    return error;
}

static enum error list_of_visitor(struct call *call, struct page *page, struct id id)
{
    struct visitor visitor;
    struct buffer owned = {0};
    enum error error = visitor_get(call->txn, id, &visitor);
    if (error == OK && !id_equal(visitor.org, call->org.id))
        error = ERR_NOT_FOUND;
    if (error == OK)
        error = collect_own(call, page, visitor.last_conversation, &owned);
    size_t count = owned.len / sizeof(struct found);
    sort_found(page, (struct found *)owned.data, count);
    if (error == OK)
        error = render_own(call, page, (const struct found *)owned.data, count);
    buffer_dispose(&owned);
    return error;
}

/* ---- the list -------------------------------------------------------------------------------------------------- */

/* Whose list it is: that of the visitor who asks, of one that the organisation's side asks for, or its own. */
static enum error list(struct call *call, struct page *page)
{
    struct bytes text = BYTES_NONE;
    struct id id;
    enum error error = OK;
    if (call->visitor_key.data != NULL) {
        error = visitor_id_by_key(call->txn, call->org.id, call->visitor_key, &id);
        if (error == OK)
            error = list_of_visitor(call, page, id);
        return error == ERR_NOT_FOUND ? OK : error;
    }
    error = query_text(call, "visitor", &text);
    if (error != OK || text.data == NULL)
        return error == OK ? list_of_org(call, page) : error;
    if (!id_parse(text, &id))
        return call_refuse(call, ERR_INVALID_QUERY, "The parameter \"visitor\" must be the id of a visitor.");
    return list_of_visitor(call, page, id);
}

/* ---- whose they are -------------------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    return memcmp(a, b, ID_LEN);
}

static enum error render_visitor_of(struct call *call, const unsigned char bytes[ID_LEN])
{
    struct buffer *json = &call->loop->json;
    struct visitor visitor;
    struct live_visit visit;
    struct id id;
    memcpy(id.bytes, bytes, ID_LEN);
    enum error error = visitor_get(call->txn, id, &visitor);
    if (error != OK)
        return error == ERR_NOT_FOUND ? OK : error;
    json_element(json);
    render_visitor(json, &visitor, api_visit(call->loop, id, &visit), call_may_see_keys(call));
    return OK;
}

/* Each once, so that a list needs no question for every name in it. */
static enum error render_visitors(struct call *call, struct page *page)
{
    struct buffer *json = &call->loop->json;
    const unsigned char *ids = (const unsigned char *)page->visitors.data;
    size_t len = page->visitors.len;
    enum error error = OK;
    if (len != 0)
        qsort(page->visitors.data, len / ID_LEN, ID_LEN, by_id);
    json_key(json, BYTES("visitors"));
    json_open(json, '[');
    for (size_t at = 0; at < len && error == OK; at += ID_LEN)
        if (at == 0 || memcmp(ids + at - ID_LEN, ids + at, ID_LEN) != 0)
            error = render_visitor_of(call, ids + at);
    json_close(json, ']');
    return error;
}

/* ---- the answer ------------------------------------------------------------------------------------------------ */

static enum error read_order(struct call *call, struct page *out)
{
    struct bytes order;
    enum error error = query_text(call, "order", &order);
    out->oldest_first = bytes_equal(order, BYTES("oldest"));
    if (error == OK && order.data != NULL && !out->oldest_first && !bytes_equal(order, BYTES("newest")))
        return call_refuse(call, ERR_INVALID_QUERY, "The parameter \"order\" must be newest or oldest.");
    if (error != OK)
        return error;
    return out->oldest_first ? query_uint(call, "after", 0, INT64_MAX - 1, 0, &out->from)
                             : query_uint(call, "before", 1, INT64_MAX, INT64_MAX, &out->from);
}

static enum error read_include(struct call *call, struct page *out)
{
    struct bytes include;
    enum error error = query_text(call, "include", &include);
    out->has_visitors = bytes_equal(include, BYTES("visitors"));
    return error == OK && include.data != NULL && !out->has_visitors
               ? call_refuse(call, ERR_INVALID_QUERY, "The parameter \"include\" must be visitors.")
               : error;
}

/* A visitor has one order, and no filter. */
static enum error read_page(struct call *call, struct page *out)
{
    *out = (struct page){.filter = {.statuses = ANY_STATUS}};
    enum error error = query_uint(call, "limit", 1, PAGE_LIMIT_MAX, PAGE_LIMIT_DEFAULT, &out->limit);
    if (error == OK && !call->by_org)
        return query_uint(call, "before", 1, INT64_MAX, INT64_MAX, &out->from);
    if (error == OK)
        error = read_order(call, out);
    if (error == OK)
        error = read_include(call, out);
    return error == OK ? read_filter(call, &out->filter) : error;
}

static enum error render_list(struct call *call, struct page *page)
{
    struct buffer *json = &call->loop->json;
    json_open(json, '{');
    json_key(json, BYTES("conversations"));
    json_open(json, '[');
    enum error error = list(call, page);
    json_close(json, ']');
    if (error == OK && page->has_visitors)
        error = render_visitors(call, page);
    json_key(json, BYTES("next"));
    if (page->next == 0)
        json_put_literal(json, "null");
    else
        buffer_printf(json, "\"%llu\"", (unsigned long long)page->next);
    json_close(json, '}');
    return error;
}

enum error handle_conversation_list(struct call *call)
{
    struct page page;
    enum error error = read_page(call, &page);
    if (error == OK)
        error = render_list(call, &page);
    if (error == OK)
        call_respond(call, 200, &call->loop->json);
    buffer_dispose(&page.visitors);
    return error;
}

/* ---- the counts ------------------------------------------------------------------------------------------------ */

static void on_counted(void *context, const struct open_entry *entry)
{
    (void)entry;
    ++*(uint64_t *)context;
}

/* Counted up to WORK_COUNT_MAX. `name` is a literal. */
static enum error put_count(struct call *call, struct bytes name, enum status status, const struct id *assignee)
{
    uint64_t number = 0;
    enum error error = walk_open(call, status, assignee, WORK_COUNT_MAX, on_counted, &number);
    if (number == WORK_COUNT_MAX)
        count(&call->loop->figures.limited[LIMIT_WORK_COUNT], 1);
    json_key(&call->loop->json, name);
    json_put_integer(&call->loop->json, (int64_t)number);
    return error;
}

static enum error put_counts(struct call *call)
{
    static const struct id nobody = {{0}};
    enum error error = put_count(call, BYTES("open"), STATUS_OPEN, NULL);
    if (error == OK)
        error = put_count(call, BYTES("unassigned"), STATUS_OPEN, &nobody);
    if (error == OK && !id_is_none(call->agent))
        error = put_count(call, BYTES("mine"), STATUS_OPEN, &call->agent);
    if (error == OK)
        error = put_count(call, BYTES("pending"), STATUS_PENDING, NULL);
    return error == OK ? put_count(call, BYTES("snoozed"), STATUS_SNOOZED, NULL) : error;
}

enum error handle_conversation_counts(struct call *call)
{
    struct buffer *json = &call->loop->json;
    json_open(json, '{');
    enum error error = put_counts(call);
    if (error != OK)
        return error;
    json_member_integer(json, "max", WORK_COUNT_MAX);
    json_close(json, '}');
    call_respond(call, 200, json);
    return OK;
}
