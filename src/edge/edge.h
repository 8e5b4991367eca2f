#pragma once
/*
 * The seam to the HTTP library: event loops, listeners, TLS, requests and their answers. Everything above this room
 * sees HTTP only through this header, and nothing above includes h2o.h, so the library could be replaced here alone.
 *
 * Threads: `edge_run` starts one thread a loop. A `struct request` belongs to the loop that handed it to the handler
 * and must only be touched there; what another thread wants to tell a loop goes through `loop_post`.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

struct edge;
struct loop;
struct request;

/* ---- routes -------------------------------------------------------------------------------------------------- */

enum method { METHOD_GET, METHOD_POST, METHOD_PUT, METHOD_PATCH, METHOD_DELETE, METHOD_COUNT };

/* One line of the route table. HEAD is answered by GET's handler without the body. */
struct route {
    enum method method;
    const char *pattern;   /* "/conversations/:id/messages"; a segment that begins with ':' matches any one segment */
    uint32_t body_len_max; /* bytes; a longer body gets 413 before the handler sees it. 0: the body is ignored */
    void (*handle)(struct request *request, const struct route *route);
};

/* ---- the process --------------------------------------------------------------------------------------------- */

enum listener_kind {
    LISTENER_HTTP,    /* http://ADDRESS:PORT      the API in clear text */
    LISTENER_HTTPS,   /* https://ADDRESS:PORT     the API over TLS */
    LISTENER_REDIRECT /* redirect://ADDRESS:PORT  308 to the first https:// listener by the name the client used; serves
                         /.well-known/acme-challenge/ */
};

struct listener_config {
    enum listener_kind kind;
    struct sockaddr_storage address; /* AF_INET or AF_INET6, a port of 0 means any free one */
    socklen_t address_len;
};

/*
 * Reads "http://127.0.0.1:4000", "https://[::]:443", "redirect://:80", "127.0.0.1:4000" or "4000" (clear text on every
 * address). Returns false with *why naming the mistake. No name is ever resolved.
 */
bool listener_parse(const char *text, struct listener_config *out, const char **why);

/* Networks ("127.0.0.1, 10.0.0.0/8, fd00::/8") whose X-Forwarded-For is believed; the right-most address that is not in
 * them is the client. NULL with *why on a mistake; the caller frees. */
struct trusted_proxies;
struct trusted_proxies *trusted_proxies_parse(const char *text, const char **why);
void trusted_proxies_free(struct trusted_proxies *proxies);

/* What it points to must live until edge_close, but for the listeners, which are copied. */
struct edge_config {
    const struct listener_config *listeners;
    size_t listener_count;
    const char *tls_cert_path, *tls_key_path; /* PEM; both or neither. Read again by edge_reload */
    const char *acme_dir; /* directory served under /.well-known/acme-challenge/, itself or as a web root; or NULL */
    const struct trusted_proxies *trusted_proxies; /* whose X-Forwarded-For is believed, or NULL */
    unsigned loop_count;
    /* At the first, listeners rest until one has gone; beyond the second a connection is closed at once. An IPv6 client
     * is its /64 network; trusted proxies are not counted by address. Lowered when the system gives fewer descriptors.
     */
    unsigned connections_max, connections_per_address_max;
    uint32_t request_deadline_ms; /* header and body of one request, from its first byte or the end of the one before */
    uint32_t stop_deadline_ms;    /* how long a stop waits for answers under way */
    bool hsts;                    /* send Strict-Transport-Security on TLS answers */

    const struct route *routes;
    size_t route_count;
    /* Called on the loop's own thread: when it starts (returns what loop_data gives), after each turn, when it has
     * ended. */
    void *(*on_loop_start)(struct loop *loop, void *app);
    void (*on_turn_end)(struct loop *loop);
    void (*on_loop_end)(struct loop *loop);
    /* Once a second on every loop. */
    void (*on_second)(struct loop *loop);
    /* With every answer, the library's own included. route is NULL for those, and for 404, 405, OPTIONS, redirects and
     * ACME. Latency in nanoseconds from the handler's begin; 0 for the library's own. */
    void (*on_answered)(struct loop *loop, const struct route *route, int status, uint64_t latency_ns);
    /* Answers a CORS preflight (OPTIONS); the handler adds its headers and responds. `route_allow` lists the path's
     * methods. */
    void (*on_options)(struct request *request, struct bytes route_allow);
    void *app;
};

/* Opens the listeners, reads the certificate and blocks all signals, for threads started later too. On failure returns
 * NULL and *why holds a sentence (static or thread-local). */
struct edge *edge_open(const struct edge_config *config, const char **why);
/* The port that listener `index` really has. */
uint16_t edge_listener_port(const struct edge *edge, size_t index);
/*
 * Serves until edge_stop and until everything under way is answered or stop_deadline_ms has passed; the caller's thread
 * is loop 0. Reads signals by signalfd: SIGTERM and SIGINT stop, one that comes a second later or more ends the
 * process at once, SIGHUP is edge_reload. on_stop (may be NULL) is called on loop 0, once, when a stop begins, whatever
 * asked for it. Requests still suspended at the deadline are answered 503.
 */
void edge_run(struct edge *edge, void (*on_stop)(void *app));
/* Any thread; it must have returned before edge_close is called. Listeners close, idle connections end, requests under
 * way are finished. */
void edge_stop(struct edge *edge);
bool edge_stopping(const struct edge *edge);
/* Loop 0. Reads the certificate again; a bad one is logged and the old one stays. No connection is dropped. */
void edge_reload(struct edge *edge);
/* On the thread that called edge_run, once nobody posts any more: runs messages that came after their loop's end, then
 * frees everything. */
void edge_close(struct edge *edge);

/* Gauges for /metrics; any thread. */
unsigned edge_connection_count(const struct edge *edge);
uint64_t edge_connections_refused(const struct edge *edge); /* or cut off, by a limit, since the start */
unsigned edge_stream_count(const struct edge *edge);        /* answers of request_stream under way */

/* ---- loops --------------------------------------------------------------------------------------------------- */

unsigned loop_index(const struct loop *loop);
void *loop_data(const struct loop *loop);

/* A message to a loop; embed it as the first member. `run` is called on the loop's thread and owns the message from
 * then on. */
struct loop_message {
    void *link[2];
    void (*run)(struct loop *loop, struct loop_message *message);
};
/* Any thread, until edge_close. Wakes the loop when its queue was empty. A message that comes after the loop's end is
 * run by edge_close, still on the loop's thread; loop_data is NULL then, and every ticket gives NULL. */
void loop_post(struct loop *loop, struct loop_message *message);

/* ---- requests: what came ------------------------------------------------------------------------------------- */

struct loop *request_loop(const struct request *request);
const struct route *request_route(const struct request *request);
struct bytes request_method(const struct request *request);
/* The path as sent, without the query; and the n-th ':' segment of the route's pattern, percent-decoded and valid
 * UTF-8. */
struct bytes request_path(const struct request *request);
struct bytes request_path_param(const struct request *request, unsigned index);
/* What follows '?', still encoded; len 0 when there is none. */
struct bytes request_query(const struct request *request);
/* The value of a header by its lower-case name (not host, content-length, expect, upgrade: the library keeps those);
 * data NULL when absent. *count (may be NULL) is how often it occurs. */
struct bytes request_header(const struct request *request, struct bytes name, unsigned *count);
struct bytes request_body(const struct request *request);
/* The client's address: the peer, or what a trusted proxy says. 16 bytes, IPv4 mapped (::ffff:a.b.c.d). */
struct in6_addr request_client_address(const struct request *request);
bool request_is_tls(const struct request *request);
/* Whether the client speaks TLS: to us, or as a trusted proxy says with X-Forwarded-Proto: https. */
bool request_is_secure(const struct request *request);

/* ---- requests: the answer ------------------------------------------------------------------------------------ */

/* Memory that lives exactly as long as the request. */
void *request_alloc(struct request *request, size_t size);
/* Adds a header to the answer; one of the standard headers' names replaces that header. name and value must live as
 * long as the request; CR, LF or NUL in them is a programmer error. */
void request_add_header(struct request *request, struct bytes name, struct bytes value);
/*
 * Sends the answer, once; nothing of the request may be touched afterwards. The body is copied. Security headers,
 * Content-Length, Date and Cache-Control: no-store are added here; a HEAD request gets the header alone.
 * content_type must be static.
 */
void request_respond(struct request *request, int status, const char *content_type, struct bytes body);
/* The standard error body {"error","code"}; `sentence` replaces the one of errors.def unless NULL. Adds Retry-After
 * (seconds) unless 0. */
void request_respond_error(struct request *request, enum error error, const char *sentence, unsigned retry_after_s);

/*
 * A request whose answer comes later: suspend gives a ticket that outlives it. Whoever finishes second frees the
 * ticket. ticket_redeem gives the request back, or NULL when its client has gone; call it once, on the request's loop.
 */
struct ticket;
struct ticket *request_suspend(struct request *request);
struct request *ticket_redeem(struct ticket *ticket);

/* ---- requests: an answer without an end ---------------------------------------------------------------------- */

/*
 * A stream is an answer of status 200 that goes on until one side ends it: text/event-stream, never stored, never
 * buffered by a proxy. It belongs to its request's loop and is touched there alone. One piece is on its way at a time:
 * between stream_send and on_sent the stream is busy, and another stream_send is a programmer error; what comes up
 * meanwhile is the caller's to keep, or to find again.
 */
struct stream;
struct stream_events {
    /* The piece is with the kernel, and the next one may be sent, from inside the call too. Comes after a turn, so that
     * one with much to send does not keep the others waiting. */
    void (*on_sent)(struct stream *stream, void *owner);
    /* The stream is over, whoever ended it: the client has gone, stream_end's last byte has left, the server stops, or
     * the connection was cut. Called exactly once, and the stream is gone when it returns. Nothing may be sent from it.
     */
    void (*on_end)(struct stream *stream, void *owner);
};
/*
 * Answers the request with a stream whose first piece is `first` (not empty; copied). The headers of request_add_header
 * go with it; the request may not be touched afterwards, but what request_alloc gave lives as long as the stream.
 * Returns NULL, with nothing to free and no on_end to come, for HEAD, which gets the headers alone.
 */
struct stream *request_stream(struct request *request, const struct stream_events *events, void *owner,
                              struct bytes first);
bool stream_is_busy(const struct stream *stream);
/* How long the piece under way, or the end, has been waiting for its client, in milliseconds; 0 when neither is. */
uint64_t stream_busy_ms(const struct stream *stream);
/* Sends a piece: not empty, copied. Only when it is not busy. */
void stream_send(struct stream *stream, struct bytes piece);
/* Ends it in good order, after what is under way; it stays busy until then. on_end may come before this returns. */
void stream_end(struct stream *stream);
/* Ends it at once, by cutting the connection: for a client that takes nothing any more. It stays busy until on_end,
 * which comes later. */
void stream_cut_off(struct stream *stream);
