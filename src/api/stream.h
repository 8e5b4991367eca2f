#pragma once
/* What the files about streams share: stream.c (begin, life and end), stream_pump.c (what is sent and when),
 * stream_catch_up.c (what was missed) and presence.c. */
#include <sys/queue.h>

#include "api/internal.h"

/* One answer of GET /stream. */
struct api_stream {
    struct live_subscriber subscriber; /* the first member */
    struct stream *stream;
    struct api_loop *loop;
    LIST_ENTRY(api_stream) of_loop;
    TAILQ_ENTRY(api_stream) of_ready;
    struct right right;   /* that let it in */
    struct id caller;     /* whom it counts for: a visitor, a token or an agent */
    uint64_t sent_at_ms;  /* when something was sent last */
    uint64_t asked_at_ms; /* when its right to go on was asked for last */
    bool is_ready;        /* it is in the queue of those that something waits for */
    bool is_greeted;      /* it has caught up once and has been told who is there */
    uint16_t origin_len;
    char origin[]; /* of the page that it came from */
};

/* What a loop has of them. */
struct streams {
    struct live *hub;
    LIST_HEAD(stream_list, api_stream) all;
    TAILQ_HEAD(stream_queue, api_stream) ready;
    struct loop_message pump_message;
    bool is_pump_posted;
    bool has_rest;       /* the pump has left some for the next turn */
    bool is_hearing;     /* whoever lets it hear pumps afterwards */
    struct buffer piece; /* under construction */
    struct buffer found; /* by a search of the tables */
};

/* Of a clock that never steps. */
uint64_t streams_now_ms(void);

/* ---- stream.c ---- */

/* Whether what let it in still holds. */
bool stream_may_go_on(const struct api_stream *stream, struct txn *txn);

/* ---- stream_pump.c ---- */

/* The hub's on_news. */
void on_stream_news(struct live_subscriber *subscriber);
/* Puts it into the queue of those that something waits for, if anything does. */
void stream_wake(struct api_stream *stream);
/* Not busy. */
void stream_send_piece(struct api_stream *stream, struct bytes piece);

/* ---- stream_catch_up.c ---- */

/* Finds in the tables, which have come to seen_seq, what comes next for a stream that is behind. ERR_CONFLICT: there is
 * more than a stream is given again, and it has to be told to begin anew. Another error: the tables can't be read. */
enum error stream_catch_up(struct api_stream *stream, struct txn *txn, uint64_t seen_seq);
