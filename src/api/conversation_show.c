/*
 * GET /conversations/:id: one page of a conversation. For the organisation's side its notes are part of it: both are
 * numbered from one sequence, and a page is what lies between two numbers, so neither can have a gap that the other
 * has not. They are given as two lists, which a client puts together by `seq`.
 */
#include "api/internal.h"
#include "api/timeline.h"

/* Which part: what comes after a seq, or the last of what comes before one. */
struct window {
    uint64_t after, before, limit;
    bool is_before;
};

static enum error read_window(struct call *call, struct window *out)
{
    enum error error = query_uint(call, "after", 0, INT64_MAX, UINT64_MAX, &out->after);
    if (error == OK)
        error = query_uint(call, "before", 1, INT64_MAX, UINT64_MAX, &out->before);
    if (error == OK)
        error = query_uint(call, "limit", 1, MESSAGES_LIMIT_MAX, MESSAGES_LIMIT_DEFAULT, &out->limit);
    out->is_before = out->before != UINT64_MAX;
    if (error == OK && out->is_before && out->after != UINT64_MAX)
        return call_refuse(call, ERR_INVALID_QUERY, "The parameters \"after\" and \"before\" exclude each other.");
    if (out->after == UINT64_MAX)
        out->after = 0;
    return error;
}

static enum error render_entry(struct call *call, const struct timeline_source *source, struct buffer *out)
{
    struct message message;
    struct note note;
    if (source->table == TABLE_NOTES) {
        enum error error = note_decode(source->key, source->value, &note);
        if (error == OK)
            render_note(out, &note);
        return error;
    }
    enum error error = message_decode(source->key, source->value, &message);
    if (error == OK)
        render_message(out, &message, call_viewer(call));
    return error;
}

/* Whether a page that has grown to `len` bytes must end here, with room for `left` more. */
static bool page_is_full(struct call *call, size_t len, uint64_t left)
{
    if (len > ANSWER_BYTES_MAX)
        count(&call->loop->figures.limited[LIMIT_ANSWER_BYTES], 1);
    return left == 0 || len > ANSWER_BYTES_MAX;
}

/* Messages go into the answer at once, notes into *notes for later. */
static enum error render_forwards(struct call *call, struct timeline *timeline, uint64_t limit, struct buffer *notes,
                                  bool *more)
{
    struct buffer *json = &call->loop->json;
    enum error error = OK;
    for (struct timeline_source *source; error == OK && (source = timeline_next(timeline)) != NULL; --limit) {
        struct buffer *out = source == &timeline->notes ? notes : json;
        *more = page_is_full(call, json->len + notes->len, limit);
        if (*more)
            break;
        if (out == json || notes->len != 0)
            json_element(out);
        error = render_entry(call, source, out);
        if (error == OK)
            error = timeline_step(timeline, source);
    }
    return error;
}

/* Entries one behind the other, the newest first; begins[i] is where the i-th stands, and behind the last one its end.
 */
struct backwards {
    struct buffer *out;
    size_t count, begins[MESSAGES_LIMIT_MAX + 1];
    bool is_note[MESSAGES_LIMIT_MAX];
};

static enum error collect_backwards(struct call *call, struct timeline *timeline, uint64_t limit,
                                    struct backwards *backwards, bool *more)
{
    enum error error = OK;
    for (struct timeline_source *source; error == OK && (source = timeline_next(timeline)) != NULL;) {
        *more = page_is_full(call, backwards->out->len, limit - backwards->count);
        if (*more)
            break;
        backwards->is_note[backwards->count] = source == &timeline->notes;
        backwards->begins[backwards->count++] = backwards->out->len;
        error = render_entry(call, source, backwards->out);
        if (error == OK)
            error = timeline_step(timeline, source);
    }
    backwards->begins[backwards->count] = backwards->out->len;
    return error;
}

static void turn_around(const struct backwards *backwards, bool notes, struct buffer *out)
{
    for (size_t i = backwards->count; i-- > 0;) {
        if (backwards->is_note[i] != notes)
            continue;
        json_element(out);
        buffer_append(out, backwards->out->data + backwards->begins[i],
                      backwards->begins[i + 1] - backwards->begins[i]);
    }
}

static void open_list(struct buffer *json, struct bytes name)
{
    json_key(json, name);
    json_open(json, '[');
}

/* How many fit is known from the newest on, but they are given in order: so they are turned around. */
static enum error render_before(struct call *call, struct timeline *timeline, uint64_t limit, bool *more)
{
    struct buffer *json = &call->loop->json;
    struct backwards backwards = {.out = &call->loop->scratch, .count = 0};
    buffer_clear(backwards.out);
    enum error error = collect_backwards(call, timeline, limit, &backwards, more);
    if (error != OK)
        return error;
    open_list(json, BYTES("messages"));
    turn_around(&backwards, false, json);
    json_close(json, ']');
    if (!call->by_org)
        return OK;
    open_list(json, BYTES("notes"));
    turn_around(&backwards, true, json);
    json_close(json, ']');
    return OK;
}

/* Ends early at `limit`, or when the answer has grown to ANSWER_BYTES_MAX. */
static enum error render_after(struct call *call, struct timeline *timeline, uint64_t limit, bool *more)
{
    struct buffer *json = &call->loop->json, *notes = &call->loop->scratch;
    buffer_clear(notes);
    open_list(json, BYTES("messages"));
    enum error error = render_forwards(call, timeline, limit, notes, more);
    json_close(json, ']');
    if (!call->by_org)
        return error;
    open_list(json, BYTES("notes"));
    buffer_append(json, notes->data, notes->len);
    json_close(json, ']');
    return error;
}

static enum error render_page(struct call *call, struct id conversation, const struct window *window, bool *more)
{
    struct timeline timeline;
    enum error error =
        timeline_open(&timeline, call->txn, conversation, window->is_before ? window->before : window->after,
                      window->is_before, call->by_org);
    if (error == OK)
        error = (window->is_before ? render_before : render_after)(call, &timeline, window->limit, more);
    timeline_close(&timeline);
    return error;
}

static enum error render_shown(struct call *call, const struct conversation *conversation, const struct window *window)
{
    struct buffer *json = &call->loop->json;
    struct conversation_activity activity;
    bool more = false;
    enum error error = conversation_activity(call->txn, conversation, &activity);
    if (error != OK)
        return error;
    render_conversation_open(json, conversation, &activity, call_viewer(call));
    error = render_page(call, conversation->id, window, &more);
    json_member_bool(json, "hasMore", more);
    json_close(json, '}');
    return error;
}

enum error handle_conversation_show(struct call *call)
{
    struct conversation conversation;
    struct window window;
    struct id id;
    enum error error = read_window(call, &window);
    if (error == OK)
        error = path_id(call, &id);
    if (error == OK)
        error = conversation_get(call->txn, id, &conversation);
    if (error == OK)
        error = call_may_read(call, &conversation);
    if (error == OK)
        error = render_shown(call, &conversation, &window);
    if (error == OK)
        call_respond(call, 200, &call->loop->json);
    return error;
}
