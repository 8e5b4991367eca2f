/* A whole edge on a free port of the loopback: suspended requests, and the ways in which it stops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/logline.h"
#include "edge/edge.h"

#define LOOPS 2

/* What a handler leaves for the thread that answers. */
struct job {
    struct loop_message message;
    struct loop *loop;
    struct ticket *ticket;
    struct job *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t has_job = PTHREAD_COND_INITIALIZER;
static struct job *jobs;
static unsigned answered_by_loop[LOOPS];
static atomic_uint late_tickets;

static struct edge *edge;
static pthread_t edge_thread;
static uint16_t port;

/* ---- the server ---------------------------------------------------------------------------------------------- */

static void suspend(struct request *request, const struct route *route)
{
    (void)route;
    struct job *job = calloc(1, sizeof(*job));
    job->loop = request_loop(request);
    job->ticket = request_suspend(request);
    pthread_mutex_lock(&lock);
    job->next = jobs;
    jobs = job;
    pthread_cond_signal(&has_job);
    pthread_mutex_unlock(&lock);
}

static struct job *wait_for_job(void)
{
    pthread_mutex_lock(&lock);
    while (jobs == NULL)
        pthread_cond_wait(&has_job, &lock);
    struct job *job = jobs;
    jobs = job->next;
    pthread_mutex_unlock(&lock);
    return job;
}

static void run_answer(struct loop *loop, struct loop_message *message)
{
    struct job *job = (struct job *)message;
    assert_ptr_equal(loop, job->loop);
    struct request *request = ticket_redeem(job->ticket);
    if (request != NULL)
        request_respond(request, 201, "text/plain", BYTES("done"));
    else
        atomic_fetch_add(&late_tickets, 1);
    free(job);
}

static void finish(struct job *job)
{
    job->message.run = run_answer;
    loop_post(job->loop, &job->message);
}

static void on_answered(struct loop *loop, const struct route *route, int status, uint64_t latency_ns)
{
    (void)route, (void)status, (void)latency_ns;
    ++answered_by_loop[loop_index(loop)];
}

/* edge_stop must have returned before edge_close. */
static bool is_stop_asked;
static pthread_cond_t stop_asked = PTHREAD_COND_INITIALIZER, has_second = PTHREAD_COND_INITIALIZER;

static void ask_to_stop(void)
{
    edge_stop(edge);
    pthread_mutex_lock(&lock);
    is_stop_asked = true;
    pthread_cond_signal(&stop_asked);
    pthread_mutex_unlock(&lock);
}

static void wait_for_stop_asked(void)
{
    pthread_mutex_lock(&lock);
    while (!is_stop_asked)
        pthread_cond_wait(&stop_asked, &lock);
    pthread_mutex_unlock(&lock);
}

static unsigned seconds_by_loop[LOOPS];

static void on_second(struct loop *loop)
{
    pthread_mutex_lock(&lock);
    ++seconds_by_loop[loop_index(loop)];
    pthread_cond_broadcast(&has_second);
    pthread_mutex_unlock(&lock);
}

static void *run_and_close(void *unused)
{
    edge_run(edge, NULL);
    wait_for_stop_asked();
    edge_close(edge);
    return unused;
}

static void open_edge(uint32_t stop_deadline_ms)
{
    static const struct route routes[] = {{METHOD_POST, "/slow", 100, suspend}};
    struct listener_config listener;
    const char *why = NULL;
    assert_true(listener_parse("127.0.0.1:0", &listener, &why));
    struct edge_config config = {.listeners = &listener,
                                 .listener_count = 1,
                                 .loop_count = LOOPS,
                                 .connections_max = 200,
                                 .connections_per_address_max = 200,
                                 .request_deadline_ms = 10000,
                                 .stop_deadline_ms = stop_deadline_ms,
                                 .routes = routes,
                                 .route_count = 1,
                                 .on_second = on_second,
                                 .on_answered = on_answered};
    is_stop_asked = false;
    memset(answered_by_loop, 0, sizeof(answered_by_loop));
    edge = edge_open(&config, &why);
    if (edge == NULL)
        fail_msg("%s", why);
    port = edge_listener_port(edge, 0);
}

/* ---- the client ---------------------------------------------------------------------------------------------- */

static int connect_client(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void ask(int fd)
{
    static const char text[] = "POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}";
    assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
}

/* Reads one answer whose body ends in `end`, and returns it, NUL-terminated. */
static const char *read_answer(int fd, const char *end)
{
    static char text[4096];
    size_t len = 0;
    for (;;) {
        ssize_t got = read(fd, text + len, sizeof(text) - 1 - len);
        assert_true(got > 0);
        len += (size_t)got;
        text[len] = '\0';
        if (len >= strlen(end) && strcmp(text + len - strlen(end), end) == 0)
            return text;
    }
}

static void assert_closed(int fd)
{
    char byte;
    assert_int_equal(read(fd, &byte, 1), 0);
    close(fd);
}

/* ---- the promises -------------------------------------------------------------------------------------------- */

static void test_suspended_requests_are_answered_on_every_loop(void **state)
{
    enum { CLIENTS = 32, ROUNDS = 50 };
    (void)state;
    open_edge(5000);
    pthread_create(&edge_thread, NULL, run_and_close, NULL);
    int clients[CLIENTS];
    for (int i = 0; i < CLIENTS; ++i)
        clients[i] = connect_client();
    for (int round = 0; round < ROUNDS; ++round) {
        for (int i = 0; i < CLIENTS; ++i)
            ask(clients[i]);
        for (int i = 0; i < CLIENTS; ++i)
            finish(wait_for_job());
        for (int i = 0; i < CLIENTS; ++i)
            assert_non_null(strstr(read_answer(clients[i], "done"), "201 Created"));
    }
    ask_to_stop();
    pthread_join(edge_thread, NULL);
    for (int i = 0; i < CLIENTS; ++i)
        assert_closed(clients[i]);
    for (int i = 0; i < LOOPS; ++i) /* connections are spread about evenly */
        assert_in_range(answered_by_loop[i], (CLIENTS / LOOPS - 4) * ROUNDS, (CLIENTS / LOOPS + 4) * ROUNDS);
}

static void test_a_stop_answers_what_is_under_way(void **state)
{
    (void)state;
    open_edge(5000);
    pthread_create(&edge_thread, NULL, run_and_close, NULL);
    int busy = connect_client(), idle = connect_client();
    ask(idle);
    finish(wait_for_job());
    read_answer(idle, "done");
    ask(busy);
    struct job *job = wait_for_job();
    ask_to_stop();
    assert_closed(idle);
    finish(job);
    assert_non_null(strstr(read_answer(busy, "done"), "Connection: close"));
    assert_closed(busy);
    pthread_join(edge_thread, NULL);
}

static struct job *late_job;

static void *run_post_late_and_close(void *unused)
{
    edge_run(edge, NULL);
    wait_for_stop_asked();
    finish(late_job);
    edge_close(edge);
    return unused;
}

static void test_at_the_deadline_the_rest_hears_503_and_late_answers_find_nobody(void **state)
{
    (void)state;
    open_edge(100);
    pthread_create(&edge_thread, NULL, run_post_late_and_close, NULL);
    int client = connect_client();
    ask(client);
    late_job = wait_for_job();
    ask_to_stop();
    assert_non_null(strstr(read_answer(client, "\"outcome_unknown\"}"), "503 Service Unavailable"));
    assert_closed(client);
    pthread_join(edge_thread, NULL);
    assert_int_equal(atomic_load(&late_tickets), 1);
}

static void test_a_stop_before_the_start_is_not_lost(void **state)
{
    (void)state;
    open_edge(100);
    edge_stop(edge);
    edge_run(edge, NULL);
    edge_close(edge);
}

static void test_an_edge_that_never_ran_can_be_closed(void **state)
{
    (void)state;
    open_edge(100);
    edge_close(edge);
}

static void test_every_loop_hears_of_every_second(void **state)
{
    (void)state;
    memset(seconds_by_loop, 0, sizeof(seconds_by_loop));
    open_edge(100);
    pthread_create(&edge_thread, NULL, run_and_close, NULL);
    pthread_mutex_lock(&lock);
    for (int i = 0; i < LOOPS; ++i)
        while (seconds_by_loop[i] < 2)
            pthread_cond_wait(&has_second, &lock);
    pthread_mutex_unlock(&lock);
    ask_to_stop();
    pthread_join(edge_thread, NULL);
}

int main(void)
{
    log_line_setup(LOG_ERROR, LOG_FORMAT_JSON);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_suspended_requests_are_answered_on_every_loop),
        cmocka_unit_test(test_a_stop_answers_what_is_under_way),
        cmocka_unit_test(test_at_the_deadline_the_rest_hears_503_and_late_answers_find_nobody),
        cmocka_unit_test(test_a_stop_before_the_start_is_not_lost),
        cmocka_unit_test(test_an_edge_that_never_ran_can_be_closed),
        cmocka_unit_test(test_every_loop_hears_of_every_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
