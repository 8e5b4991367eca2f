/*
 * GET /stream: who may listen, from where on, and how it ends. A stream keeps no text: what it is to be told is read
 * from the tables when its client can take it (stream_pump.c).
 */
#include "api/stream.h"

#include <assert.h>
#include <stdlib.h>

#include "base/text.h"
#include "live/callers.h"

#define FIRST_PIECE BYTES("retry: 3000\n\n")
#define TICK_MS 1000

uint64_t streams_now_ms(void)
{
    return clock_monotonic_ns() / 1000000;
}

/* ---- of a loop ---- */

struct streams *streams_open(struct api_loop *loop)
{
    struct streams *streams = calloc(1, sizeof(*streams));
    if (streams == NULL)
        abort();
    streams->hub = live_new(on_stream_news, &loop->figures.live);
    LIST_INIT(&streams->all);
    TAILQ_INIT(&streams->ready);
    return streams;
}

void streams_close(struct streams *streams)
{
    assert(LIST_EMPTY(&streams->all));
    live_free(streams->hub);
    buffer_dispose(&streams->piece);
    buffer_dispose(&streams->found);
    free(streams);
}

/* ---- the end ---- */

/* Of whom it is. */
struct owner {
    struct id org, visitor, agent; /* visitor and agent, or ID_NONE */
};

static void tell_presence(struct api_loop *loop, const struct owner *owner, bool on)
{
    news_tell(loop,
              &(struct event){.kind = EVENT_PRESENCE,
                              .by_org = id_is_none(owner->visitor),
                              .on = on,
                              .agent = owner->agent,
                              .org = owner->org,
                              .visitor = owner->visitor},
              true);
}

static void forget(struct api_stream *stream)
{
    struct api_loop *loop = stream->loop;
    const struct live_subscriber *subscriber = &stream->subscriber;
    struct owner owner = {live_org_of(subscriber), live_visitor_of(subscriber), subscriber->agent};
    if (!id_is_none(owner.visitor))
        live_visit_leave(loop->api->visits, owner.visitor, clock_now_ms());
    LIST_REMOVE(stream, of_loop);
    if (stream->is_ready)
        TAILQ_REMOVE(&loop->streams->ready, stream, of_ready);
    news_listen_no_more(loop);
    live_caller_leave(loop->api->callers, stream->caller);
    live_remove(loop->streams->hub, &stream->subscriber);
    free(stream);
    tell_presence(loop, &owner, false);
}

static void on_sent(struct stream *stream, void *owner)
{
    (void)stream;
    stream_wake(owner);
}

static void on_end(struct stream *stream, void *owner)
{
    (void)stream;
    forget(owner);
}

static const struct stream_events stream_events = {on_sent, on_end};

/* ---- the begin ---- */

/* What was sent with the request, read once. */
struct start {
    uint64_t since;
    struct id visitor; /* ID_NONE: the organisation */
};

static enum error read_since(struct call *call, uint64_t *out)
{
    struct bytes last;
    enum error error = query_uint(call, "since", 0, INT64_MAX, UINT64_MAX, out);
    if (error == OK)
        error = single_header(call, BYTES("last-event-id"), &last);
    if (error != OK)
        return error;
    if (last.data != NULL && !parse_uint(last, 0, INT64_MAX, out))
        return call_refuse(call, ERR_INVALID_HEADER, "The header Last-Event-ID must be the id of an event.");
    return *out == UINT64_MAX ? meta_get_u64(call->txn, META_SEQ, out) : OK;
}

static struct id caller_of(const struct call *call, const struct start *start)
{
    return !id_is_none(start->visitor) ? start->visitor : !id_is_none(call->agent) ? call->agent : call->token;
}

/* Whoever reads as a visitor is not there as an agent. */
static struct id agent_of(const struct call *call, const struct start *start)
{
    return id_is_none(start->visitor) ? call->agent : ID_NONE;
}

static struct api_stream *create(struct call *call, const struct start *start)
{
    struct bytes origin = request_header(call->request, BYTES("origin"), NULL);
    /* A longer one is listed nowhere, and neither is what is left of it. */
    size_t origin_len = origin.len > ORIGIN_LEN_MAX ? ORIGIN_LEN_MAX + 1 : origin.len;
    struct api_stream *stream = calloc(1, sizeof(*stream) + origin_len);
    if (stream == NULL)
        abort();
    stream->loop = call->loop;
    stream->right = (struct right){call->org.id, call->token, call->session};
    stream->caller = caller_of(call, start);
    stream->sent_at_ms = stream->asked_at_ms = streams_now_ms();
    stream->origin_len = (uint16_t)origin_len;
    if (origin_len != 0)
        memcpy(stream->origin, origin.data, origin_len);
    LIST_INSERT_HEAD(&call->loop->streams->all, stream, of_loop);
    news_listen(call->loop); /* before its first look at the tables, which is the pump's */
    live_add(call->loop->streams->hub, &stream->subscriber, call->org.id, start->visitor, start->since);
    live_is_of_agent(&stream->subscriber, agent_of(call, start));
    return stream;
}

/* The page that the visitor is on, without its query, when the organisation wants to know and it is a page of the
 * origin that asks; else nothing. Only its browser says so: whoever is shown it must not take it for a fact. */
static struct bytes page_of(const struct call *call)
{
    struct bytes page = request_header(call->request, BYTES("x-page"), NULL);
    struct bytes origin = request_header(call->request, BYTES("origin"), NULL);
    if (!call->org.count_visits || page.data == NULL || !origin_is_valid(origin) || page.len <= origin.len ||
        page.data[origin.len] != '/' || memcmp(page.data, origin.data, origin.len) != 0)
        return BYTES_NONE;
    for (size_t i = 0; i < page.len; ++i) {
        if (page.data[i] <= ' ' || page.data[i] > '~')
            return BYTES_NONE;
        if (page.data[i] == '?' || page.data[i] == '#')
            page.len = i;
    }
    return page.len > PAGE_URL_LEN_MAX ? bytes_view(page.data, PAGE_URL_LEN_MAX) : page;
}

/* It begins behind, and catches up once its first piece has been sent. */
static enum error begin(struct call *call, const struct start *start)
{
    struct api_loop *loop = call->loop;
    struct owner owner = {call->org.id, start->visitor, agent_of(call, start)};
    if (edge_stopping(loop->api->edge))
        return ERR_STOPPING;
    if (!live_caller_enter(loop->api->callers, caller_of(call, start), STREAMS_PER_CALLER_MAX)) {
        count(&loop->figures.limited[LIMIT_STREAMS], 1);
        return ERR_TOO_MANY_STREAMS;
    }
    struct api_stream *stream = create(call, start);
    if (!id_is_none(start->visitor))
        live_visit_enter(loop->api->visits, call->org.id, start->visitor, page_of(call), clock_now_ms());
    tell_presence(loop, &owner, true);
    stream->stream = request_stream(call->request, &stream_events, stream, FIRST_PIECE);
    if (stream->stream == NULL)
        forget(stream);
    return OK;
}

/* ---- a visitor that is not known yet ---- */

/* Asks everything again, on a snapshot that knows the visitor. */
static void on_seen(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    struct call call = {.request = request, .loop = loop, .txn = txn, .now_ms = clock_now_ms()};
    struct start start = {.visitor = entry->outcome.id};
    enum error error = txn == NULL ? ERR_BUSY : call_identify(&call, WHO_VISITOR);
    if (error == OK)
        error = read_since(&call, &start.since);
    if (error == OK)
        error = begin(&call, &start);
    if (error != OK)
        respond_error(request, error, call.sentence, call.retry_after_s);
}

static enum error make_known(struct call *call)
{
    enum error error = rate_limit(call, LIMITED_VISITORS);
    if (error != OK)
        return error;
    struct command command = {
        .kind = COMMAND_VISITOR_SEE,
        .visitor_see = {.org = call->org.id,
                        .visitor_key = call->visitor_key,
                        .visitor = id_make(call->now_ms, &call->loop->random),
                        .at_ms = call->now_ms,
                        .user_agent = call->by_org ? BYTES_NONE : call_user_agent(call),
                        .by_org = call->by_org},
    };
    return call_submit(call, &command, on_seen);
}

/* A visitor's key says whose stream it is, as in the list of conversations; without one it is the organisation's. HEAD
 * begins nothing and makes nobody known. */
enum error handle_stream(struct call *call)
{
    struct start start = {.visitor = ID_NONE};
    enum error error = read_since(call, &start.since);
    if (error == OK && bytes_equal(request_method(call->request), BYTES("HEAD"))) {
        request_stream(call->request, NULL, NULL, FIRST_PIECE);
        return OK;
    }
    if (error == OK)
        error = rate_limit(call, LIMITED_STREAMS); /* looking for what was missed costs far more than asking for it */
    if (error == OK && call->visitor_key.data != NULL)
        error = visitor_id_by_key(call->txn, call->org.id, call->visitor_key, &start.visitor);
    if (error == ERR_NOT_FOUND)
        return call->org.write_disabled && !call->by_org ? ERR_WRITES_DISABLED : make_known(call);
    return error == OK ? begin(call, &start) : error;
}

/* ---- once a second ---- */

bool stream_may_go_on(const struct api_stream *stream, struct txn *txn)
{
    struct org org;
    struct visitor visitor;
    struct id visitor_id = live_visitor_of(&stream->subscriber);
    if (org_get(txn, live_org_of(&stream->subscriber), &org) != OK || org.deleted)
        return false;
    if (stream->origin_len != 0 && !cors_allows(&org, bytes_view(stream->origin, stream->origin_len)))
        return false;
    if (right_still_holds(txn, &stream->right, clock_now_ms()) != OK)
        return false;
    return id_is_none(visitor_id) || visitor_get(txn, visitor_id, &visitor) == OK;
}

static bool is_due(uint64_t since_ms, uint64_t interval_ms, uint64_t now_ms)
{
    /* The tick that is nearest to it. */
    return now_ms - since_ms + TICK_MS / 2 >= interval_ms;
}

/* It may be gone when this returns. */
static void tick(struct api_stream *stream, struct txn *txn, uint64_t now_ms)
{
    if (stream_busy_ms(stream->stream) > STREAM_STALL_MS) {
        count(&stream->loop->figures.limited[LIMIT_STALL], 1);
        stream_cut_off(stream->stream);
        return;
    }
    if (is_due(stream->asked_at_ms, STREAM_RIGHTS_MS, now_ms)) {
        stream->asked_at_ms = now_ms;
        if (!stream_may_go_on(stream, txn)) {
            stream_end(stream->stream);
            return;
        }
    }
    if (!stream_is_busy(stream->stream) && is_due(stream->sent_at_ms, STREAM_HEARTBEAT_MS, now_ms))
        stream_send_piece(stream, BYTES(":\n\n"));
}

void streams_tick(struct api_loop *loop)
{
    struct streams *streams = loop->streams;
    uint64_t now_ms = streams_now_ms();
    live_tick(streams->hub, now_ms);
    streams_pump_later(loop);
    struct txn *txn = LIST_EMPTY(&streams->all) ? NULL : reader_begin(loop->reader);
    if (txn == NULL)
        return;
    for (struct api_stream *stream = LIST_FIRST(&streams->all), *next; stream != NULL; stream = next) {
        next = LIST_NEXT(stream, of_loop);
        tick(stream, txn, now_ms);
    }
    reader_end(loop->reader);
}
