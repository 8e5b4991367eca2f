#pragma once
/*
 * What the files of this room share. Ownership: an edge owns its listeners and loops from edge_open to edge_close; a
 * loop owns its connections; a request lives in its own pool. Everything reachable from a loop is touched on its thread
 * only, but for the atomics and the message queue.
 */
#include <pthread.h>
#include <stdatomic.h>

#include <h2o.h>
#include <h2o/http1.h>

#include "base/limits.h"
#include "edge/connection_limits.h"
#include "edge/edge.h"
#include "edge/router.h"

struct listener {
    struct listener_config config;
    int fd; /* every loop polls a duplicate of it; -1 once they have them */
    uint16_t port;
};

/* A listener as one loop sees it. */
struct loop_listener {
    struct loop *loop;
    const struct listener *listener;
    h2o_socket_t *socket;
    h2o_accept_ctx_t accept; /* holds a reference to its SSL_CTX */
};

struct loop {
    h2o_context_t context;
    h2o_evloop_t *evloop;
    h2o_multithread_receiver_t receiver;
    struct edge *edge;
    unsigned index;
    pthread_t thread;
    void *data;

    struct loop_listener listeners[LISTENERS_MAX];
    h2o_linklist_t connections;        /* struct connection */
    h2o_linklist_t tickets;            /* struct ticket: requests that wait for their answer */
    h2o_linklist_t streams;            /* struct stream: answers that go on until somebody ends them */
    h2o_linklist_t sent_streams;       /* those whose piece has left in this turn */
    _Atomic unsigned connection_count; /* those on their way to it included */
    _Atomic unsigned stream_count;     /* those that are ending included */
    atomic_bool is_resting;            /* does not accept, because of a limit */
    h2o_timeout_entry_t rest_entry;    /* linked while it rests because accept failed */
    bool is_accept_failing;            /* and has been told in the log */
    h2o_timeout_entry_t second_entry;  /* on_second */
    h2o_timeout_entry_t stop_entry;    /* linked from the begin of a stop */
    bool is_stopping;
    uint64_t stop_at_ns;   /* when what is left gets cut off */
    h2o_socket_t *signals; /* loop 0 */
};

struct edge {
    struct edge_config config;
    h2o_globalconf_t globalconf;
    struct router *router;
    struct listener listeners[LISTENERS_MAX];
    SSL_CTX *tls; /* the newest; loop 0 */
    struct loop *loops[LOOPS_MAX];
    _Atomic unsigned loops_running;
    pthread_barrier_t barrier; /* all loops: open, and about to close */
    atomic_bool are_loops_open;
    struct connection_limits *limits;
    _Atomic uint64_t refused_count;
    atomic_bool is_stopping;
    uint64_t stop_signal_at_ns; /* loop 0: when the first SIGTERM or SIGINT came, or 0 */
    void (*on_stop)(void *app);
};

/* One accepted connection; socket->on_close.data. Made on the loop that accepted it, then owned by the loop that serves
 * it. */
struct connection {
    struct loop_message message; /* takes it to its loop */
    h2o_linklist_t link;
    struct loop *loop;
    const struct loop_listener *listener;
    h2o_socket_t *socket;
    int fd;
    h2o_timeout_entry_t first_byte_entry; /* linked on a TLS port until the first byte has come */
    SSL_CTX *tls; /* keeps the one it was accepted with alive through the handshake; NULL in clear text */
    struct in6_addr address;
    bool counts_for_address; /* trusted proxies do not */
    bool is_trusted_proxy;
    bool is_read_shut;
    bool is_last_answered; /* its last answer is on its way, and the library closes it */
    struct stream *stream; /* when that answer is one */
};

struct request {
    h2o_req_t *h2o;
    struct loop *loop;
    struct connection *connection;
    const struct route *route;
    uint64_t entered_at_ns;
    struct bytes path, query;
    struct bytes params[PATH_PARAMS_MAX];
    unsigned param_count;
    unsigned replaced_headers; /* bits of the standard headers that the handler brings itself */
    bool is_head;
    bool is_answered;
};

/* loop.c */
struct loop *loop_create(struct edge *edge, unsigned index); /* freed by free() */
/* The three steps of a loop's thread. Open and close wait for all other loops: none serves before all can take a
 * connection, and none goes while another might still post to it. loop_run returns when the loop's stop is over. */
void loop_open(struct loop *loop);
void loop_run(struct loop *loop);
void loop_close(struct loop *loop);
/* Any thread: makes the loop take another turn. */
void loop_wake(struct loop *loop);

/* stop.c: all on the loop's thread */
void stop_begin(struct loop *loop);
bool stop_is_over(const struct loop *loop);

/* listener_parse.c */
#define LISTENER_TEXT_LEN 72
/* The text that listener_parse would read; returns out. */
const char *listener_format(const struct listener_config *config, char out[LISTENER_TEXT_LEN]);

/* listener.c */
bool listener_open(struct listener *listener, const struct listener_config *config, const char **why);
void listeners_start(struct loop *loop);
void listeners_close(struct loop *loop);
/* Accepts again if the loop rested and there is room now. */
void listeners_wake(struct loop *loop);

/* connection.c */
struct connection *connection_create(struct loop *loop, const struct loop_listener *listener, int fd,
                                     struct in6_addr address);
/* On the loop that serves it. */
void connection_start(struct connection *connection);
struct connection *connection_of(const h2o_req_t *req);
/* Whether the client speaks clear-text HTTP to a port for TLS; it hears nothing but that. */
bool connection_lacks_tls(const struct connection *connection);
/* Ends it if it waits for a request of which nothing has come. */
void connection_close_if_idle(struct connection *connection);
/* What the client still says is not waited for: the library reads the end of the stream next. */
void connection_shut_read(struct connection *connection);
void connection_cut_off(struct connection *connection);

/* tls.c */
SSL_CTX *tls_load(const char *cert_path, const char *key_path, const char **why);
/* Gives the loop's listeners another SSL_CTX; each takes its own reference. */
void tls_use(struct loop *loop, SSL_CTX *tls);

/* signals.c */
void signals_block(void);
void signals_start(struct loop *loop);
void signals_end(struct loop *loop);

/* handler.c */
void handler_register(struct edge *edge);
/* How many bytes the body of such a request may have at most, whatever else is wrong with it. */
uint32_t handler_body_len_max(h2o_req_t *req);

/* respond.c */
/* Counts the answer and makes its head, that of an event stream after which the connection closes. */
void respond_stream_headers(struct request *request);
/* An error that this room makes: any page may read it, so that a browser's script can show the sentence. */
void respond_edge_error(struct request *request, enum error error);
void respond_body_too_large(struct request *request, uint32_t body_len_max);
/* What the library answers by itself, before a handler has seen the request. */
const char *respond_library_error(h2o_req_t *req, int status, const char *body);

/* redirect.c, acme.c */
void redirect_respond(struct request *request);
/* False when no challenge can be found in the directory. */
bool acme_check(const char *directory, const char **why);
bool acme_is_challenge(const struct request *request);
void acme_respond(struct request *request);
