/*
 * The yardstick of the load tests: the least that libh2o can do. It answers every request with one fixed response,
 * taken from a file as a server sent it ("curl -si"), so that both put the same bytes on the wire, and what is left
 * between the two is the server's own work. Same library, same flags, same number of loops; nothing is looked at,
 * counted or copied.
 *
 * Loop 0 accepts and deals the connections out in turn, so that no loop gets more of them than another.
 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <h2o.h>

#define LOOPS_MAX 64
#define HEADERS_MAX 64
#define RESPONSE_BYTES_MAX 1048576
#define BACKLOG 1024
#define REQUEST_BODY_BYTES_MAX 262144

/* ---- the response ---- */

struct response {
    int status;
    char *reason;
    h2o_header_t headers[HEADERS_MAX];
    h2o_iovec_t names[HEADERS_MAX];
    size_t header_count;
    h2o_iovec_t body;
};

static struct response response; /* read before the first thread starts, never written after */

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "empty: %s: %s\n", what, why);
    exit(1);
}

static char *read_file(const char *path, size_t *len)
{
    char *text = malloc(RESPONSE_BYTES_MAX + 1);
    FILE *file = fopen(path, "rb");
    if (text == NULL || file == NULL)
        fail(path, strerror(errno));
    *len = fread(text, 1, RESPONSE_BYTES_MAX, file);
    text[*len] = '\0';
    fclose(file);
    return text;
}

/* Ends the line in place and returns the next one. */
static char *cut_line(char *line)
{
    char *end = strstr(line, "\r\n");
    if (end == NULL)
        fail("the response", "its head has no end");
    *end = '\0';
    return end + 2;
}

/* The library writes these by itself. */
static bool is_library_header(const char *name)
{
    return strcasecmp(name, "date") == 0 || strcasecmp(name, "connection") == 0 ||
           strcasecmp(name, "content-length") == 0;
}

static void add_header(char *line)
{
    char *colon = strstr(line, ": ");
    if (colon == NULL || response.header_count == HEADERS_MAX)
        fail("a header of the response", line);
    *colon = '\0';
    if (is_library_header(line))
        return;
    h2o_iovec_t *name = &response.names[response.header_count];
    *name = h2o_iovec_init(line, strlen(line));
    response.headers[response.header_count++] =
        (h2o_header_t){name, NULL, h2o_iovec_init(colon + 2, strlen(colon + 2))};
}

static void read_response(const char *path)
{
    size_t len;
    char *text = read_file(path, &len), *line = text, *next = cut_line(text);
    char *space = strchr(line, ' ');
    if (strncmp(line, "HTTP/1.1 ", 9) != 0 || (space = strchr(space + 1, ' ')) == NULL)
        fail("the response", "its first line is not one of HTTP/1.1");
    response.status = (int)strtol(line + 9, NULL, 10);
    response.reason = space + 1;
    for (line = next; strncmp(line, "\r\n", 2) != 0; line = next) {
        next = cut_line(line);
        add_header(line);
    }
    response.body = h2o_iovec_init(line + 2, len - (size_t)(line + 2 - text));
}

static int on_request(h2o_handler_t *self, h2o_req_t *req)
{
    static h2o_generator_t generator = {NULL, NULL};
    (void)self;
    req->res.status = response.status;
    req->res.reason = response.reason;
    req->res.content_length = response.body.len;
    h2o_vector_reserve(&req->pool, &req->res.headers, response.header_count);
    memcpy(req->res.headers.entries, response.headers, response.header_count * sizeof(response.headers[0]));
    req->res.headers.size = response.header_count;
    h2o_start_response(req, &generator);
    h2o_send(req, &response.body, response.body.len != 0, H2O_SEND_STATE_FINAL);
    return 0;
}

/* ---- loops ---- */

struct loop {
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    h2o_multithread_receiver_t arrivals;
};

/* An accepted connection on its way to its loop. */
struct arrival {
    h2o_multithread_message_t message;
    int fd;
};

static h2o_globalconf_t config;
static struct loop loops[LOOPS_MAX];
static unsigned loop_count = 1;
static pthread_barrier_t ready; /* every loop can take connections */

static void on_arrivals(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    struct loop *loop = H2O_STRUCT_FROM_MEMBER(struct loop, arrivals, receiver);
    while (!h2o_linklist_is_empty(messages)) {
        struct arrival *arrival = H2O_STRUCT_FROM_MEMBER(struct arrival, message, messages->next);
        h2o_linklist_unlink(&arrival->message.link);
        h2o_accept(&loop->accept,
                   h2o_evloop_socket_create(loop->context.loop, arrival->fd, H2O_SOCKET_FLAG_IS_ACCEPTED_CONNECTION));
        free(arrival);
    }
}

static void on_connection(h2o_socket_t *listener, const char *err)
{
    static unsigned next;
    int fd;
    if (err != NULL)
        return;
    while ((fd = accept4(h2o_socket_get_fd(listener), NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1) {
        struct arrival *arrival = calloc(1, sizeof(*arrival));
        if (arrival == NULL)
            abort();
        arrival->fd = fd;
        h2o_multithread_send_message(&loops[next++ % loop_count].arrivals, &arrival->message);
    }
}

static void run_loop(struct loop *loop, int listener)
{
    h2o_context_init(&loop->context, h2o_evloop_create(), &config);
    loop->accept = (h2o_accept_ctx_t){.ctx = &loop->context, .hosts = config.hosts};
    h2o_multithread_register_receiver(loop->context.queue, &loop->arrivals, on_arrivals);
    pthread_barrier_wait(&ready);
    if (listener != -1)
        h2o_socket_read_start(h2o_evloop_socket_create(loop->context.loop, listener, H2O_SOCKET_FLAG_DONT_READ),
                              on_connection);
    for (;;)
        if (h2o_evloop_run(loop->context.loop, INT32_MAX) != 0 && errno != EINTR)
            fail("the event loop", strerror(errno));
}

static void *run_thread(void *loop)
{
    run_loop(loop, -1);
    return NULL;
}

/* ---- the process ---- */

/* On 127.0.0.1 alone; says the port that it really has. */
static int open_listener(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
        bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        fail("listening", strerror(errno));
    printf("listening on http://127.0.0.1:%u\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void configure(void)
{
    h2o_config_init(&config);
    config.server_name = h2o_iovec_init(NULL, 0);
    config.max_request_entity_size = REQUEST_BODY_BYTES_MAX;
    config.http1.upgrade_to_http2 = 0;
    h2o_hostconf_t *host = h2o_config_register_host(&config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_create_handler(&host->fallback_path, sizeof(h2o_handler_t))->on_req = on_request;
}

int main(int argc, char **argv)
{
    unsigned long port = 0;
    const char *path = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--port") == 0)
            port = strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--loops") == 0)
            loop_count = (unsigned)strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--response") == 0)
            path = argv[i + 1];
        else
            fail(argv[i], "unknown option");
    }
    if (path == NULL || argc % 2 == 0 || port > UINT16_MAX || loop_count < 1 || loop_count > LOOPS_MAX)
        fail("usage", "empty --response FILE [--port PORT] [--loops 1..64]");
    signal(SIGPIPE, SIG_IGN);
    read_response(path);
    configure();
    pthread_barrier_init(&ready, NULL, loop_count);
    for (unsigned i = 1; i < loop_count; ++i) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, run_thread, &loops[i]) != 0)
            fail("starting a thread", "no resources");
    }
    run_loop(&loops[0], open_listener((uint16_t)port));
}
