/*
 * What streams are sent, and when. Those that something waits for stand in a queue; each turn gives the first of them a
 * piece, read from one fresh snapshot, and the rest comes with the next turn, so that nobody's rush holds up the loop.
 * What is told once and what is told again after a gap comes from the same tables by the same code.
 */
#include <assert.h>

#include "api/stream.h"

#define PUMPED_MAX 64       /* streams that one turn serves */
#define PUMP_NS_MAX 2000000 /* after which it serves no other: to look through a long chain takes a millisecond */

/* ---- frames ---- */

/* Returns where the data begins. seq 0: it has no place in the order of changes. */
static size_t frame_open(struct buffer *out, uint64_t seq, const char *event)
{
    if (seq != 0)
        buffer_printf(out, "id: %llu\n", (unsigned long long)seq);
    buffer_printf(out, "event: %s\ndata: ", event);
    return out->len;
}

/* A line's end within the data would be the end of the data. */
static void frame_close(struct buffer *out, size_t data_at)
{
    size_t len = out->len - data_at;
    assert(len != 0 && memchr(out->data + data_at, '\n', len) == NULL &&
           memchr(out->data + data_at, '\r', len) == NULL);
    buffer_append_string(out, "\n\n");
}

static enum viewer viewer_of(const struct live_subscriber *subscriber)
{
    return subscriber->visitor == NULL ? VIEWER_ORG : VIEWER_VISITOR;
}

/* As it is now. `seq` 0: what follows has the number, so that whoever loses the connection in between hears of both
 * again. */
static bool put_conversation_as(struct buffer *out, struct txn *txn, const struct conversation *conversation,
                                uint64_t seq, enum viewer viewer)
{
    struct conversation_activity activity;
    if (conversation_activity(txn, conversation, &activity) != OK)
        return false;
    size_t data_at = frame_open(out, seq, "conversation");
    render_conversation_open(out, conversation, &activity, viewer);
    json_close(out, '}');
    frame_close(out, data_at);
    return true;
}

/* What work a message or a note has done on its conversation, unless more has been done since: that follows. */
static bool put_work(struct buffer *out, struct txn *txn, const struct live_news *news)
{
    struct conversation conversation;
    return conversation_get(txn, news->conversation, &conversation) == OK && conversation.worked_seq == news->seq &&
           put_conversation_as(out, txn, &conversation, 0, VIEWER_ORG);
}

static unsigned put_message(struct buffer *out, struct txn *txn, const struct live_news *news, enum viewer viewer)
{
    struct message message;
    if (message_get(txn, news->conversation, news->seq, &message) != OK)
        return 0;
    unsigned told = 1 + (news->works && viewer == VIEWER_ORG && put_work(out, txn, news));
    size_t data_at = frame_open(out, news->seq, "message");
    render_message(out, &message, viewer);
    frame_close(out, data_at);
    return told;
}

static unsigned put_note(struct buffer *out, struct txn *txn, const struct live_news *news)
{
    struct note note;
    if (note_get(txn, news->conversation, news->seq, &note) != OK)
        return 0;
    unsigned told = 1 + put_work(out, txn, news);
    size_t data_at = frame_open(out, news->seq, "note");
    render_note(out, &note);
    frame_close(out, data_at);
    return told;
}

/* Only its last change, the last move of its marks and the last work on it can be found again after a gap; so nobody is
 * told of one that has been overtaken: the one that did follows. */
static unsigned put_conversation(struct buffer *out, struct txn *txn, const struct live_news *news, enum viewer viewer)
{
    struct conversation conversation;
    if (conversation_get(txn, news->conversation, &conversation) != OK)
        return 0;
    bool is_last = news->kind == EVENT_WORK
                       ? conversation.worked_seq == news->seq
                       : conversation.changed_seq == news->seq || conversation.marked_seq == news->seq;
    return is_last && put_conversation_as(out, txn, &conversation, news->seq, viewer);
}

static unsigned put_one(struct buffer *out, struct txn *txn, const struct live_news *news, enum viewer viewer)
{
    if (news->kind == EVENT_MESSAGE)
        return put_message(out, txn, news, viewer);
    if (viewer == VIEWER_VISITOR)
        return news->kind == EVENT_CONVERSATION ? put_conversation(out, txn, news, viewer) : 0;
    return news->kind == EVENT_NOTE ? put_note(out, txn, news) : put_conversation(out, txn, news, viewer);
}

static void put_typing(struct buffer *out, const struct live_moment *moment)
{
    size_t data_at = frame_open(out, 0, "typing");
    json_open(out, '{');
    member_id(out, "conversationId", moment->subject);
    json_member_string(out, "role", moment->by_org ? BYTES("assistant") : BYTES("user"));
    if (!id_is_none(moment->agent))
        member_id(out, "agentId", moment->agent);
    json_member_bool(out, "typing", moment->on);
    json_close(out, '}');
    frame_close(out, data_at);
}

/* `stream` is whose it is: of the organisation itself a visitor also learns when it opens. */
static void put_presence(struct api_stream *stream, struct buffer *out, uint64_t seq, const struct live_moment *moment)
{
    size_t data_at = frame_open(out, seq, "presence");
    json_open(out, '{');
    json_member_string(out, "role", moment->by_org ? BYTES("assistant") : BYTES("user"));
    if (!id_is_none(moment->subject))
        render_id(out, moment->by_org ? BYTES("agentId") : BYTES("visitorId"), moment->subject);
    json_member_bool(out, "online", moment->on);
    if (moment->by_org && id_is_none(moment->subject))
        api_render_opens_at(stream->loop, out, live_org_of(&stream->subscriber));
    json_close(out, '}');
    frame_close(out, data_at);
}

static void put_erased(struct buffer *out, const struct live_moment *moment)
{
    size_t data_at = frame_open(out, 0, "erased");
    json_open(out, '{');
    member_id(out, "visitorId", moment->subject);
    json_member_string(out, "conversations", moment->on ? BYTES("anonymized") : BYTES("deleted"));
    json_close(out, '}');
    frame_close(out, data_at);
}

static void put_reset(struct buffer *out, uint64_t seq)
{
    size_t data_at = frame_open(out, seq, "reset");
    json_open(out, '{');
    json_member_integer(out, "seq", (int64_t)seq);
    json_close(out, '}');
    frame_close(out, data_at);
}

/* ---- a piece ---- */

/* What is gone by now is not told of. */
static void put_news(struct api_stream *stream, struct txn *txn, struct buffer *piece)
{
    const struct live_subscriber *subscriber = &stream->subscriber;
    unsigned taken = 0, told = 0;
    for (; taken < subscriber->news_count && piece->len < STREAM_PIECE_BYTES; ++taken) {
        const struct live_news *news = &subscriber->news[taken];
        told += put_one(piece, txn, news, viewer_of(subscriber));
    }
    count(&stream->loop->figures.events_told, told);
    live_take_news(&stream->subscriber, taken);
}

static enum error catch_up(struct api_stream *stream, struct txn *txn, struct buffer *piece)
{
    struct loop_figures *figures = &stream->loop->figures;
    uint64_t seq;
    enum error error = meta_get_u64(txn, META_SEQ, &seq);
    if (error == OK)
        error = stream_catch_up(stream, txn, seq);
    count(&figures->catch_ups, 1);
    if (error != ERR_CONFLICT)
        return error;
    put_reset(piece, seq);
    live_reset(&stream->subscriber, seq);
    count(&figures->resets, 1);
    return OK;
}

/* Who came or went unheard of is found in the lists, so the client is told to ask for them again. */
static void put_moments(struct api_stream *stream, struct buffer *piece)
{
    struct live_subscriber *subscriber = &stream->subscriber;
    if (subscriber->has_lost_facts) {
        put_reset(piece, subscriber->sent_seq);
        count(&stream->loop->figures.resets, 1);
    }
    for (unsigned i = 0; i < subscriber->moment_count; ++i) {
        const struct live_moment *moment = &subscriber->moments[i];
        if (moment->kind == EVENT_TYPING)
            put_typing(piece, moment);
        else if (moment->kind == EVENT_ERASED)
            put_erased(piece, moment);
        else
            put_presence(stream, piece, 0, moment);
    }
    count(&stream->loop->figures.events_told, subscriber->moment_count);
    live_take_moments(subscriber);
}

/* Once, with the number that the tables had come to: from here on a client can resume. It tells who is there by now, so
 * that needs not be told again. */
static void greet(struct api_stream *stream, struct buffer *piece)
{
    struct live_subscriber *subscriber = &stream->subscriber;
    bool online = api_org_is_online(stream->loop, live_org_of(subscriber));
    struct live_moment presence = {EVENT_PRESENCE, true, online, ID_NONE, ID_NONE};
    live_forget_moment(subscriber, &presence);
    put_presence(stream, piece, subscriber->sent_seq, &presence);
    stream->is_greeted = true;
}

/* Moments come behind the news: what is being typed answers what was said. */
static enum error fill(struct api_stream *stream, struct txn *txn, struct buffer *piece)
{
    const struct live_subscriber *subscriber = &stream->subscriber;
    enum error error = OK;
    while (error == OK && piece->len < STREAM_PIECE_BYTES && (subscriber->is_behind || subscriber->news_count != 0)) {
        if (subscriber->news_count != 0)
            put_news(stream, txn, piece);
        else
            error = catch_up(stream, txn, piece);
    }
    if (error != OK || subscriber->is_behind || subscriber->news_count != 0)
        return error;
    if (!stream->is_greeted)
        greet(stream, piece);
    put_moments(stream, piece);
    return OK;
}

/* ---- the queue ---- */

static void on_pump(struct loop *loop, struct loop_message *message)
{
    struct api_loop *mine = loop_data(loop);
    (void)message;
    if (mine == NULL)
        return;
    mine->streams->is_pump_posted = false;
    streams_pump(mine);
}

void streams_pump_later(struct api_loop *loop)
{
    struct streams *streams = loop->streams;
    if (streams->is_pump_posted || TAILQ_EMPTY(&streams->ready))
        return;
    streams->is_pump_posted = true;
    streams->pump_message.run = on_pump;
    loop_post(loop->loop, &streams->pump_message);
}

void stream_wake(struct api_stream *stream)
{
    struct streams *streams = stream->loop->streams;
    if (stream->is_ready || !live_has_news(&stream->subscriber))
        return;
    stream->is_ready = true;
    TAILQ_INSERT_TAIL(&streams->ready, stream, of_ready);
    if (!streams->is_hearing)
        streams_pump_later(stream->loop);
}

void on_stream_news(struct live_subscriber *subscriber)
{
    stream_wake((struct api_stream *)subscriber);
}

void streams_hear(struct api_loop *loop, const struct event *events, unsigned event_count)
{
    uint64_t now_ms = streams_now_ms();
    loop->streams->is_hearing = true;
    for (unsigned i = 0; i < event_count; ++i)
        live_hear(loop->streams->hub, &events[i], now_ms);
    loop->streams->is_hearing = false;
}

/* ---- sending ---- */

void stream_send_piece(struct api_stream *stream, struct bytes piece)
{
    stream->sent_at_ms = streams_now_ms();
    stream_send(stream->stream, piece);
}

/* One that is busy comes back when its piece has been sent. After a damaged page nothing more can be read in the same
 * snapshot, and what could not be read must not be taken for told. It may be gone when this returns. */
static void serve(struct api_stream *stream, struct txn *txn)
{
    const struct live_subscriber *subscriber = &stream->subscriber;
    struct buffer *piece = &stream->loop->streams->piece;
    if (subscriber->is_over || (subscriber->is_behind && !stream_may_go_on(stream, txn))) {
        stream_end(stream->stream);
        return;
    }
    if (stream_is_busy(stream->stream))
        return;
    buffer_clear(piece);
    if (fill(stream, txn, piece) != OK || !txn_is_usable(txn))
        stream_end(stream->stream);
    else if (piece->len != 0)
        stream_send_piece(stream, buffer_view(piece));
}

static struct api_stream *take_ready(struct streams *streams)
{
    struct api_stream *stream = TAILQ_FIRST(&streams->ready);
    if (stream != NULL) {
        TAILQ_REMOVE(&streams->ready, stream, of_ready);
        stream->is_ready = false;
    }
    return stream;
}

void streams_pump(struct api_loop *loop)
{
    struct streams *streams = loop->streams;
    struct txn *txn = TAILQ_EMPTY(&streams->ready) ? NULL : reader_begin(loop->reader);
    if (txn == NULL)
        return; /* when there are too many readers, the tick tries again */
    uint64_t end_ns = clock_monotonic_ns() + PUMP_NS_MAX;
    for (unsigned pumped = 0; pumped < PUMPED_MAX && txn_is_usable(txn); ++pumped) {
        struct api_stream *stream = take_ready(streams);
        if (stream == NULL)
            break;
        serve(stream, txn);
        if (clock_monotonic_ns() > end_ns)
            break;
    }
    reader_end(loop->reader);
    streams->has_rest = !TAILQ_EMPTY(&streams->ready);
}

/* Not posted by the pump itself: what a message posts to its own loop still runs in the same turn. */
void streams_turn_end(struct api_loop *loop)
{
    if (!loop->streams->has_rest)
        return;
    loop->streams->has_rest = false;
    streams_pump_later(loop);
}
