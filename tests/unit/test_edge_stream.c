/* Answers without an end, on a whole edge with clients in clear text and over TLS: how they begin, go on and end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/logline.h"
#include "edge/edge.h"

#define LOOPS 2
#define PATIENCE_S 60           /* after which a promise counts as broken */
#define STOP_DEADLINE_MS 120000 /* longer than that, so that no promise is kept by it */
#define RETRY "retry: 3000\n\n"

/* ---- what is watched ----------------------------------------------------------------------------------------- */

/* A stream as its owner sees it. */
struct subject {
    struct loop *loop;
    struct stream *stream;
    struct ticket *ticket; /* of a request that is answered later */
    size_t piece_len;      /* of what on_sent sends; 0: "data: N\n\n" */
    unsigned left;         /* pieces that on_sent still sends; then it ends the stream, unless it is quiet */
    bool is_quiet;
    unsigned sent, ended;    /* how often on_sent and on_end came */
    unsigned last_sent_turn; /* of its loop */
    struct subject *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct subject *new_subjects;
static unsigned begun_count, ended_count, answered_200_count;

static struct edge *edge;
static pthread_t edge_thread;
static uint16_t ports[2];
static bool over_tls;

static void wait_for_change(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    if (pthread_cond_timedwait(&changed, &lock, &until) != 0) {
        print_error("nothing happened for a minute\n");
        abort(); /* a test that went on would hang on the lock */
    }
}

static void wait_for(const unsigned *count, unsigned at_least)
{
    pthread_mutex_lock(&lock);
    while (*count < at_least)
        wait_for_change();
    pthread_mutex_unlock(&lock);
}

static struct subject *wait_for_subject(void)
{
    pthread_mutex_lock(&lock);
    while (new_subjects == NULL)
        wait_for_change();
    struct subject *subject = new_subjects;
    new_subjects = subject->next;
    pthread_mutex_unlock(&lock);
    return subject;
}

/* ---- the server ---------------------------------------------------------------------------------------------- */

static void send_next(struct subject *subject)
{
    static const char filler[65536] = {'x'};
    char text[32];
    int len = snprintf(text, sizeof(text), "data: %u\n\n", subject->left);
    assert_true(!stream_is_busy(subject->stream) && stream_busy_ms(subject->stream) == 0);
    stream_send(subject->stream,
                subject->piece_len != 0 ? bytes_view(filler, subject->piece_len) : bytes_view(text, (size_t)len));
    assert_true(stream_is_busy(subject->stream));
}

static unsigned turns_by_loop[LOOPS];

static void on_turn_end(struct loop *loop)
{
    ++turns_by_loop[loop_index(loop)];
}

/* It may have one word a turn, or those who have to wait could wait for ever. */
static void note_turn(struct subject *subject)
{
    unsigned turn = turns_by_loop[loop_index(subject->loop)] + 1;
    assert_int_not_equal(turn, subject->last_sent_turn);
    subject->last_sent_turn = turn;
}

static void on_sent(struct stream *stream, void *owner)
{
    struct subject *subject = owner;
    pthread_mutex_lock(&lock);
    assert_true(stream == subject->stream && subject->ended == 0);
    ++subject->sent;
    pthread_cond_broadcast(&changed);
    bool is_quiet = subject->is_quiet;
    pthread_mutex_unlock(&lock);
    note_turn(subject);
    if (is_quiet)
        return;
    if (subject->left == 0) {
        stream_end(stream);
        return;
    }
    --subject->left;
    send_next(subject);
}

static void on_end(struct stream *stream, void *owner)
{
    struct subject *subject = owner;
    pthread_mutex_lock(&lock);
    assert_true(stream_is_busy(stream));
    ++subject->ended;
    ++ended_count;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static const struct stream_events events = {on_sent, on_end};

static struct subject *subject_create(struct request *request)
{
    struct subject *subject = calloc(1, sizeof(*subject));
    subject->loop = request_loop(request);
    return subject;
}

static void announce(struct subject *subject)
{
    pthread_mutex_lock(&lock);
    ++begun_count;
    subject->next = new_subjects;
    new_subjects = subject;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void begin(struct subject *subject, struct request *request)
{
    request_add_header(request, BYTES("access-control-allow-origin"), BYTES("https://shop.example"));
    subject->stream = request_stream(request, &events, subject, BYTES(RETRY));
    if (subject->stream == NULL)
        free(subject);
    else
        announce(subject);
}

static void stream_quietly(struct request *request, const struct route *route)
{
    (void)route;
    struct subject *subject = subject_create(request);
    subject->is_quiet = true;
    begin(subject, request);
}

static void stream_some(struct request *request, const struct route *route)
{
    (void)route;
    struct subject *subject = subject_create(request);
    subject->left = 3;
    begin(subject, request);
}

static void stream_flood(struct request *request, const struct route *route)
{
    (void)route;
    struct subject *subject = subject_create(request);
    subject->left = UINT32_MAX;
    subject->piece_len = 65536;
    begin(subject, request);
}

static void stream_later(struct request *request, const struct route *route)
{
    (void)route;
    struct subject *subject = subject_create(request);
    subject->is_quiet = true;
    subject->ticket = request_suspend(request);
    announce(subject);
}

/* Who stores the subject under the lock reads `stream` on another thread only after wait_for_subject. */
static void on_answered(struct loop *loop, const struct route *route, int status, uint64_t latency_ns)
{
    (void)loop;
    assert_true(route == NULL || latency_ns != 0);
    pthread_mutex_lock(&lock);
    answered_200_count += status == 200;
    pthread_mutex_unlock(&lock);
}

static unsigned is_stop_asked;

static void *run_and_close(void *unused)
{
    edge_run(edge, NULL);
    wait_for(&is_stop_asked, 1);
    edge_close(edge);
    return unused;
}

static char cert_path[] = "/tmp/edge_stream_cert_XXXXXX", key_path[] = "/tmp/edge_stream_key_XXXXXX";

static FILE *create_file(char *path)
{
    int fd = mkstemp(path);
    assert_true(fd != -1);
    return fdopen(fd, "w");
}

static int write_certificate(void **state)
{
    (void)state;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), 0);
    X509_gmtime_adj(X509_getm_notAfter(cert), 86400L * 365);
    X509_set_pubkey(cert, key);
    X509_NAME *name = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    X509_sign(cert, key, EVP_sha256());
    FILE *cert_file = create_file(cert_path), *key_file = create_file(key_path);
    int is_written =
        PEM_write_X509(cert_file, cert) == 1 && PEM_write_PrivateKey(key_file, key, NULL, NULL, 0, NULL, NULL) == 1;
    fclose(cert_file);
    fclose(key_file);
    X509_free(cert);
    EVP_PKEY_free(key);
    return is_written ? 0 : -1;
}

static int remove_certificate(void **state)
{
    (void)state;
    unlink(cert_path);
    unlink(key_path);
    return 0;
}

static void open_edge(uint32_t stop_deadline_ms)
{
    static const struct route routes[] = {{METHOD_GET, "/quiet", 0, stream_quietly},
                                          {METHOD_GET, "/some", 0, stream_some},
                                          {METHOD_GET, "/flood", 0, stream_flood},
                                          {METHOD_GET, "/later", 0, stream_later}};
    struct listener_config listeners[2];
    const char *why = NULL;
    assert_true(listener_parse("http://127.0.0.1:0", &listeners[0], &why));
    assert_true(listener_parse("https://127.0.0.1:0", &listeners[1], &why));
    struct edge_config config = {.listeners = listeners,
                                 .listener_count = 2,
                                 .tls_cert_path = cert_path,
                                 .tls_key_path = key_path,
                                 .loop_count = LOOPS,
                                 .connections_max = 400,
                                 .connections_per_address_max = 400,
                                 .request_deadline_ms = 10000,
                                 .stop_deadline_ms = stop_deadline_ms,
                                 .routes = routes,
                                 .route_count = 4,
                                 .on_turn_end = on_turn_end,
                                 .on_answered = on_answered};
    memset(turns_by_loop, 0, sizeof(turns_by_loop));
    begun_count = ended_count = answered_200_count = is_stop_asked = 0;
    edge = edge_open(&config, &why);
    if (edge == NULL)
        fail_msg("%s", why);
    ports[0] = edge_listener_port(edge, 0);
    ports[1] = edge_listener_port(edge, 1);
    pthread_create(&edge_thread, NULL, run_and_close, NULL);
}

static void ask_to_stop(void)
{
    edge_stop(edge);
    pthread_mutex_lock(&lock);
    is_stop_asked = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void stop_edge(void)
{
    ask_to_stop();
    pthread_join(edge_thread, NULL);
    assert_int_equal(ended_count, begun_count);
}

/* Runs one promise in clear text and over TLS. */
static void keep(void (*promise)(void))
{
    open_edge(STOP_DEADLINE_MS);
    for (int i = 0; i < 2; ++i) {
        over_tls = i == 1;
        promise();
    }
    over_tls = false;
    stop_edge();
}

/* ---- on the stream's loop ------------------------------------------------------------------------------------ */

struct act {
    struct loop_message message;
    struct subject *subject;
    void (*run)(struct subject *subject);
    unsigned is_done;
};

static void run_act(struct loop *loop, struct loop_message *message)
{
    struct act *act = (struct act *)message;
    assert_ptr_equal(loop, act->subject->loop);
    act->run(act->subject);
    pthread_mutex_lock(&lock);
    act->is_done = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void act_on(struct subject *subject, void (*run)(struct subject *subject))
{
    struct act act = {.message = {.run = run_act}, .subject = subject, .run = run};
    loop_post(subject->loop, &act.message);
    wait_for(&act.is_done, 1);
}

static void do_end(struct subject *subject)
{
    stream_end(subject->stream);
}

static void do_cut_off(struct subject *subject)
{
    stream_cut_off(subject->stream);
    assert_true(stream_is_busy(subject->stream));
}

static bool is_stuck;

static void do_look(struct subject *subject)
{
    is_stuck = stream_busy_ms(subject->stream) > 20;
}

/* Until the client's and our socket buffers are full; they may still make room for a piece later. */
static void wait_until_stuck(struct subject *subject)
{
    do
        act_on(subject, do_look);
    while (!is_stuck);
}

/* ---- the client ---------------------------------------------------------------------------------------------- */

struct client {
    int fd;
    SSL *ssl; /* or NULL */
};

static SSL_CTX *client_tls(void)
{
    static SSL_CTX *tls;
    if (tls == NULL)
        tls = SSL_CTX_new(TLS_client_method());
    return tls;
}

static struct client connect_client(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(ports[over_tls]), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct client client = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    setsockopt(client.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    assert_int_equal(connect(client.fd, (struct sockaddr *)&address, sizeof(address)), 0);
    if (over_tls) {
        client.ssl = SSL_new(client_tls());
        SSL_set_fd(client.ssl, client.fd);
        assert_int_equal(SSL_connect(client.ssl), 1);
    }
    return client;
}

static void disconnect(struct client *client)
{
    SSL_free(client->ssl);
    close(client->fd);
}

static void reset_connection(struct client *client)
{
    struct linger none = {.l_onoff = 1, .l_linger = 0};
    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
    disconnect(client);
}

static void say_bytes(struct client *client, const void *data, size_t len)
{
    ssize_t said = client->ssl != NULL ? SSL_write(client->ssl, data, (int)len) : write(client->fd, data, len);
    assert_int_equal(said, (ssize_t)len);
}

static void say(struct client *client, const char *text)
{
    say_bytes(client, text, strlen(text));
}

static ssize_t hear(struct client *client, char *out, size_t size)
{
    return client->ssl != NULL ? SSL_read(client->ssl, out, (int)size) : read(client->fd, out, size);
}

/* Everything up to the end of the connection, NUL-terminated; the caller frees. */
static char *hear_all(struct client *client, size_t *len)
{
    struct buffer heard = {0};
    char part[16384];
    for (ssize_t got; (got = hear(client, part, sizeof(part))) > 0;)
        buffer_append(&heard, part, (size_t)got);
    *len = heard.len;
    buffer_append(&heard, "", 1);
    return heard.data;
}

/* Up to and with `end`, which must be the last that comes. */
static void hear_until(struct client *client, const char *end)
{
    char text[4096];
    size_t len = 0;
    do {
        ssize_t got = hear(client, text + len, sizeof(text) - 1 - len);
        assert_true(got > 0);
        len += (size_t)got;
        text[len] = '\0';
    } while (len < strlen(end) || strcmp(text + len - strlen(end), end) != 0);
}

/* Joins the chunks in place; false when the last one is missing. */
static bool join_chunks(char *body, size_t *len)
{
    char *from = body, *end = body + *len;
    *len = 0;
    while (from < end) {
        char *data;
        size_t size = strtoul(from, &data, 16);
        if (strncmp(data, "\r\n", 2) != 0 || size + 4 > (size_t)(end - data))
            return false;
        if (size == 0)
            return data + 4 == end;
        memmove(body + *len, data + 2, size);
        *len += size;
        from = data + 2 + size + 2;
    }
    return false;
}

static struct subject *ask(struct client *client, const char *path)
{
    char text[100];
    snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
    say(client, text);
    return wait_for_subject();
}

/* A stream that has sent its first piece and goes on in silence. */
static struct subject *ask_quiet(struct client *client)
{
    struct subject *subject = ask(client, "/quiet");
    hear_until(client, "d\r\n" RETRY "\r\n");
    wait_for(&subject->sent, 1);
    return subject;
}

/* ---- how it begins ------------------------------------------------------------------------------------------- */

static const char *const stream_headers[] = {"HTTP/1.1 200 OK\r\n",
                                             "\r\nContent-Type: text/event-stream\r\n",
                                             "\r\nCache-Control: no-store\r\n",
                                             "\r\nX-Accel-Buffering: no\r\n",
                                             "\r\nX-Content-Type-Options: nosniff\r\n",
                                             "\r\nX-Frame-Options: DENY\r\n",
                                             "\r\nReferrer-Policy: no-referrer\r\n",
                                             "\r\nAccess-Control-Allow-Origin: https://shop.example\r\n",
                                             "\r\nConnection: close\r\n"};

static void assert_stream_headers(const char *answer)
{
    for (size_t i = 0; i < sizeof(stream_headers) / sizeof(stream_headers[0]); ++i)
        if (strcasestr(answer, stream_headers[i]) == NULL)
            fail_msg("no %s in %s", stream_headers[i], answer);
    assert_null(strcasestr(answer, "\r\nContent-Length:"));
}

static void promise_pieces_in_order(void)
{
    struct client client = connect_client();
    struct subject *subject = ask(&client, "/some");
    size_t len;
    char *answer = hear_all(&client, &len), *body = strstr(answer, "\r\n\r\n") + 4;
    len -= (size_t)(body - answer);
    assert_stream_headers(answer);
    assert_non_null(strcasestr(answer, "\r\nTransfer-Encoding: chunked\r\n"));
    assert_true(join_chunks(body, &len));
    body[len] = '\0';
    assert_string_equal(body, RETRY "data: 2\n\ndata: 1\n\ndata: 0\n\n");
    wait_for(&subject->ended, 1);
    assert_int_equal(subject->sent, 4);
    free(answer);
    free(subject);
    disconnect(&client);
}

static void test_a_stream_gives_its_pieces_in_order_and_ends_well(void **state)
{
    (void)state;
    keep(promise_pieces_in_order);
    assert_int_equal(answered_200_count, 2);
}

static void promise_http_1_0(void)
{
    struct client client = connect_client();
    say(&client, "GET /some HTTP/1.0\r\nHost: a\r\n\r\n");
    struct subject *subject = wait_for_subject();
    size_t len;
    char *answer = hear_all(&client, &len);
    assert_stream_headers(answer);
    assert_null(strcasestr(answer, "chunked"));
    assert_string_equal(strstr(answer, "\r\n\r\n") + 4, RETRY "data: 2\n\ndata: 1\n\ndata: 0\n\n");
    wait_for(&subject->ended, 1);
    free(answer);
    free(subject);
    disconnect(&client);
}

static void test_http_1_0_gets_it_without_chunks(void **state)
{
    (void)state;
    keep(promise_http_1_0);
}

static void promise_head(void)
{
    struct client client = connect_client();
    say(&client, "HEAD /quiet HTTP/1.1\r\nHost: a\r\n\r\n");
    size_t len;
    char *answer = hear_all(&client, &len);
    assert_stream_headers(answer);
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    free(answer);
    disconnect(&client);
}

static void test_head_gets_the_headers_alone(void **state)
{
    (void)state;
    keep(promise_head);
    assert_int_equal(begun_count, 0);
    assert_int_equal(answered_200_count, 2);
}

/* ---- while it goes on ---------------------------------------------------------------------------------------- */

static void do_send(struct subject *subject)
{
    send_next(subject);
    assert_int_equal(stream_busy_ms(subject->stream), 0);
}

static void do_look_idle(struct subject *subject)
{
    assert_false(stream_is_busy(subject->stream));
    assert_int_equal(stream_busy_ms(subject->stream), 0);
}

static void promise_busy(void)
{
    struct client client = connect_client();
    struct subject *subject = ask_quiet(&client);
    assert_int_equal(edge_stream_count(edge), 1);
    act_on(subject, do_look_idle);
    act_on(subject, do_send);
    hear_until(&client, "9\r\ndata: 0\n\n\r\n");
    wait_for(&subject->sent, 2);
    act_on(subject, do_look_idle);
    act_on(subject, do_end);
    hear_until(&client, "0\r\n\r\n");
    wait_for(&subject->ended, 1);
    assert_int_equal(edge_stream_count(edge), 0);
    free(subject);
    disconnect(&client);
}

static void test_it_is_busy_while_a_piece_is_on_its_way(void **state)
{
    (void)state;
    keep(promise_busy);
}

static void promise_pipelining(void)
{
    struct client client = connect_client();
    say(&client, "GET /quiet HTTP/1.1\r\nHost: a\r\n\r\nGET /some HTTP/1.1\r\nHost: a\r\n\r\n");
    struct subject *subject = wait_for_subject();
    hear_until(&client, "d\r\n" RETRY "\r\n");
    say(&client, "GET /some HTTP/1.1\r\nHost: a\r\n\r\n");
    act_on(subject, do_send);
    hear_until(&client, "9\r\ndata: 0\n\n\r\n");
    act_on(subject, do_end);
    size_t len;
    char *rest = hear_all(&client, &len);
    assert_string_equal(rest, "0\r\n\r\n");
    wait_for(&subject->ended, 1);
    assert_int_equal(begun_count, over_tls ? 2 : 1);
    free(rest);
    free(subject);
    disconnect(&client);
}

static void test_requests_after_a_streams_are_not_answered(void **state)
{
    (void)state;
    keep(promise_pipelining);
}

static void promise_input_limit(void)
{
    static const char noise[STREAM_INPUT_BYTES_MAX / 2];
    uint64_t refused = edge_connections_refused(edge);
    struct client client = connect_client();
    struct subject *subject = ask_quiet(&client);
    say_bytes(&client, noise, sizeof(noise));
    say_bytes(&client, noise, sizeof(noise));
    act_on(subject, do_send);
    hear_until(&client, "9\r\ndata: 0\n\n\r\n");
    assert_int_equal(subject->ended, 0);
    say_bytes(&client, "!", 1);
    wait_for(&subject->ended, 1);
    assert_int_equal(edge_connections_refused(edge), refused + 1);
    free(subject);
    disconnect(&client);
}

static void test_who_says_too_much_is_cut_off(void **state)
{
    (void)state;
    keep(promise_input_limit);
}

/* ---- how it ends --------------------------------------------------------------------------------------------- */

static void promise_client_closes(void)
{
    struct client client = connect_client();
    struct subject *subject = ask_quiet(&client);
    disconnect(&client);
    wait_for(&subject->ended, 1);
    free(subject);
}

static void promise_client_says_goodbye(void)
{
    struct client client = connect_client();
    struct subject *subject = ask_quiet(&client);
    if (client.ssl != NULL)
        SSL_shutdown(client.ssl);
    disconnect(&client);
    wait_for(&subject->ended, 1);
    free(subject);
}

static void promise_client_resets(void)
{
    struct client client = connect_client();
    struct subject *subject = ask_quiet(&client);
    reset_connection(&client);
    wait_for(&subject->ended, 1);
    free(subject);
}

static void promise_client_shuts_its_side(void)
{
    struct client client = connect_client();
    struct subject *subject = ask_quiet(&client);
    shutdown(client.fd, SHUT_WR);
    wait_for(&subject->ended, 1);
    size_t len;
    free(hear_all(&client, &len));
    assert_int_equal(len, 0); /* it is not told that this was the whole */
    free(subject);
    disconnect(&client);
}

static void promise_busy_client_closes(void)
{
    struct client client = connect_client();
    struct subject *subject = ask(&client, "/flood");
    wait_until_stuck(subject);
    shutdown(client.fd, SHUT_WR);
    wait_for(&subject->ended, 1);
    free(subject);
    disconnect(&client);
}

static void promise_busy_client_resets(void)
{
    struct client client = connect_client();
    struct subject *subject = ask(&client, "/flood");
    wait_until_stuck(subject);
    reset_connection(&client);
    wait_for(&subject->ended, 1);
    free(subject);
}

static void test_a_client_that_goes_is_noticed_though_nothing_is_sent(void **state)
{
    (void)state;
    keep(promise_client_closes);
    keep(promise_client_says_goodbye);
    keep(promise_client_resets);
    keep(promise_client_shuts_its_side);
}

static void test_a_client_that_goes_is_noticed_though_it_takes_nothing(void **state)
{
    (void)state;
    keep(promise_busy_client_closes);
    keep(promise_busy_client_resets);
}

static void do_end_twice(struct subject *subject)
{
    stream_end(subject->stream);
    assert_true(stream_is_busy(subject->stream));
    stream_end(subject->stream);
}

static void promise_end_while_busy(void)
{
    struct client client = connect_client();
    struct subject *subject = ask(&client, "/flood");
    wait_until_stuck(subject);
    act_on(subject, do_end_twice);
    size_t len, pieces_len;
    char *answer = hear_all(&client, &len), *body = strstr(answer, "\r\n\r\n") + 4;
    pieces_len = len - (size_t)(body - answer);
    assert_true(join_chunks(body, &pieces_len));
    wait_for(&subject->ended, 1);
    /* on_sent came for the first piece and for all others but the last, after which the end went out. */
    assert_int_equal(pieces_len, strlen(RETRY) + (size_t)subject->sent * 65536);
    free(answer);
    free(subject);
    disconnect(&client);
}

static void test_an_end_comes_after_the_piece_on_its_way(void **state)
{
    (void)state;
    keep(promise_end_while_busy);
}

static void promise_cut_off_idle(void)
{
    struct client client = connect_client();
    struct subject *subject = ask_quiet(&client);
    act_on(subject, do_cut_off);
    wait_for(&subject->ended, 1);
    size_t len;
    free(hear_all(&client, &len));
    assert_int_equal(len, 0);
    free(subject);
    disconnect(&client);
}

static void promise_cut_off_stuck(void)
{
    struct client client = connect_client();
    struct subject *subject = ask(&client, "/flood");
    wait_until_stuck(subject);
    act_on(subject, do_cut_off);
    wait_for(&subject->ended, 1);
    free(subject);
    disconnect(&client);
}

static void do_end_and_cut_off(struct subject *subject)
{
    do_end_twice(subject);
    do_cut_off(subject);
}

static void promise_cut_off_after_an_end(void)
{
    struct client client = connect_client();
    struct subject *subject = ask(&client, "/flood");
    wait_until_stuck(subject);
    act_on(subject, do_end_and_cut_off);
    wait_for(&subject->ended, 1);
    free(subject);
    disconnect(&client);
}

static void test_a_cut_needs_nothing_of_the_client(void **state)
{
    (void)state;
    keep(promise_cut_off_idle);
    keep(promise_cut_off_stuck);
    keep(promise_cut_off_after_an_end);
}

static void do_send_and_cut_off(struct subject *subject)
{
    send_next(subject);
    stream_cut_off(subject->stream);
}

static void do_send_and_end(struct subject *subject)
{
    send_next(subject);
    stream_end(subject->stream);
}

static void promise_send_then_end(void)
{
    struct client client = connect_client();
    struct subject *subject = ask_quiet(&client);
    act_on(subject, do_send_and_end);
    size_t len;
    char *rest = hear_all(&client, &len);
    assert_string_equal(rest, "9\r\ndata: 0\n\n\r\n0\r\n\r\n");
    wait_for(&subject->ended, 1);
    assert_int_equal(subject->sent, 1);
    free(rest);
    free(subject);
    disconnect(&client);
}

static void promise_send_then_cut_off(void)
{
    struct client client = connect_client();
    struct subject *subject = ask_quiet(&client);
    act_on(subject, do_send_and_cut_off);
    wait_for(&subject->ended, 1);
    assert_int_equal(subject->sent, 1);
    free(subject);
    disconnect(&client);
}

static void test_after_an_end_nothing_is_reported_sent(void **state)
{
    (void)state;
    keep(promise_send_then_end);
    keep(promise_send_then_cut_off);
}

/* ---- the server's stop --------------------------------------------------------------------------------------- */

static void test_a_stop_ends_all_streams_well(void **state)
{
    enum { CLIENTS = 200 };
    (void)state;
    open_edge(STOP_DEADLINE_MS);
    struct client clients[CLIENTS];
    struct subject *subjects[CLIENTS];
    for (int i = 0; i < CLIENTS; ++i) {
        over_tls = i % 4 == 0;
        clients[i] = connect_client();
        subjects[i] = i % 20 == 1 ? ask(&clients[i], "/flood") : ask_quiet(&clients[i]);
    }
    over_tls = false;
    assert_int_equal(edge_stream_count(edge), CLIENTS);
    ask_to_stop();
    for (int i = 0; i < CLIENTS; ++i) {
        size_t len;
        char *rest = hear_all(&clients[i], &len);
        assert_true(len >= 5);
        assert_string_equal(rest + len - 5, "0\r\n\r\n");
        free(rest);
    }
    pthread_join(edge_thread, NULL); /* although no client has closed its side */
    for (int i = 0; i < CLIENTS; ++i) {
        assert_int_equal(subjects[i]->ended, 1);
        free(subjects[i]);
        disconnect(&clients[i]);
    }
}

static void test_at_the_deadline_of_a_stop_stuck_streams_are_cut_off(void **state)
{
    (void)state;
    open_edge(100);
    struct client client = connect_client();
    struct subject *subject = ask(&client, "/flood");
    wait_until_stuck(subject);
    stop_edge();
    assert_int_equal(subject->ended, 1);
    free(subject);
    disconnect(&client);
}

static void do_nothing(struct subject *subject)
{
    (void)subject;
}

static void do_begin(struct subject *subject)
{
    subject->stream = request_stream(ticket_redeem(subject->ticket), &events, subject, BYTES(RETRY));
    assert_non_null(subject->stream);
}

static void test_a_stream_that_begins_during_a_stop_ends_after_its_first_piece(void **state)
{
    (void)state;
    open_edge(STOP_DEADLINE_MS);
    struct client client = connect_client();
    struct subject *subject = ask(&client, "/later");
    ask_to_stop();
    act_on(subject, do_nothing); /* at the end of that turn the loop knows that it stops */
    act_on(subject, do_begin);
    size_t len;
    char *answer = hear_all(&client, &len);
    assert_string_equal(strstr(answer, "\r\n\r\n") + 4, "d\r\n" RETRY "\r\n0\r\n\r\n");
    pthread_join(edge_thread, NULL);
    assert_int_equal(subject->ended, 1);
    free(answer);
    free(subject);
    disconnect(&client);
}

/* ---- at random ----------------------------------------------------------------------------------------------- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RESETS 1000
#else
#define RESETS 10000
#endif

static void reset_at_random(unsigned *seed)
{
    static const char *const paths[] = {"/quiet", "/some", "/flood"};
    char text[100], heard[20000];
    over_tls = rand_r(seed) % 16 == 0;
    struct client client = connect_client();
    int len = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\nGET", paths[rand_r(seed) % 3]);
    bool is_partial = rand_r(seed) % 4 == 0;
    say_bytes(&client, text, is_partial ? 1 + (size_t)(rand_r(seed) % len) : (size_t)len);
    if (!is_partial && rand_r(seed) % 2 == 0)
        assert_true(hear(&client, heard, 1 + (size_t)rand_r(seed) % sizeof(heard)) > 0);
    if (rand_r(seed) % 4 == 0)
        disconnect(&client); /* a reset only if something was not read */
    else
        reset_connection(&client);
}

static void free_new_subjects(void)
{
    for (struct subject *next; new_subjects != NULL; new_subjects = next) {
        next = new_subjects->next;
        free(new_subjects);
    }
}

static void test_resets_at_any_moment_leave_nothing_behind(void **state)
{
    unsigned seed = 1;
    (void)state;
    open_edge(STOP_DEADLINE_MS);
    for (int i = 0; i < RESETS; ++i)
        reset_at_random(&seed);
    over_tls = false;
    uint64_t give_up_ns = clock_monotonic_ns() + PATIENCE_S * UINT64_C(1000000000);
    while (edge_connection_count(edge) != 0) {
        assert_true(clock_monotonic_ns() < give_up_ns);
        sched_yield();
    }
    assert_int_equal(edge_stream_count(edge), 0);
    assert_true(begun_count > RESETS / 4);
    stop_edge();
    free_new_subjects();
}

int main(void)
{
    log_line_setup(LOG_ERROR, LOG_FORMAT_JSON);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stream_gives_its_pieces_in_order_and_ends_well),
        cmocka_unit_test(test_http_1_0_gets_it_without_chunks),
        cmocka_unit_test(test_head_gets_the_headers_alone),
        cmocka_unit_test(test_it_is_busy_while_a_piece_is_on_its_way),
        cmocka_unit_test(test_requests_after_a_streams_are_not_answered),
        cmocka_unit_test(test_who_says_too_much_is_cut_off),
        cmocka_unit_test(test_a_client_that_goes_is_noticed_though_nothing_is_sent),
        cmocka_unit_test(test_a_client_that_goes_is_noticed_though_it_takes_nothing),
        cmocka_unit_test(test_an_end_comes_after_the_piece_on_its_way),
        cmocka_unit_test(test_a_cut_needs_nothing_of_the_client),
        cmocka_unit_test(test_after_an_end_nothing_is_reported_sent),
        cmocka_unit_test(test_a_stop_ends_all_streams_well),
        cmocka_unit_test(test_at_the_deadline_of_a_stop_stuck_streams_are_cut_off),
        cmocka_unit_test(test_a_stream_that_begins_during_a_stop_ends_after_its_first_piece),
        cmocka_unit_test(test_resets_at_any_moment_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, write_certificate, remove_certificate);
}
