/*
 * Measures streams: what an idle one costs the server, and how long a message takes to whoever listens while all of
 * them are open. "streams --url http://127.0.0.1:PORT --pid PID --org KEY --messages M <TARGETS" takes lines
 * "conversation visitorKey", opens one stream for each and waits until it has begun; then M visitors write a message,
 * one after another, and each waits for its own to come back on its stream. Prints one line: streams, milliseconds to
 * open them all, the server's memory before and after in KiB (RssAnon), and of a message's way p50, p99 and longest in
 * microseconds, the commit included.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define STREAMS_MAX 100000
#define PATIENCE_MS 30000
#define SETTLE_US 2000000 /* between the last stream's begin and the look at the memory */

struct listener {
    int fd;
    char conversation[32], visitor[96];
};

static struct listener *listeners;
static unsigned listener_count;
static struct sockaddr_in address;
static const char *org = "bench";

static void fail(const char *what)
{
    fprintf(stderr, "streams: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- one connection ---- */

static int open_connection(void)
{
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd == -1 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        fail("connecting");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

static void put(int fd, const char *text)
{
    size_t len = strlen(text);
    if (send(fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
        fail("sending");
}

/* Reads until `wanted` has come; what came before it is of no interest. */
static void wait_for(int fd, const char *wanted)
{
    static char text[65536];
    size_t len = 0;
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    for (;;) {
        if (poll(&poller, 1, PATIENCE_MS) != 1) {
            errno = ETIMEDOUT;
            fail(wanted);
        }
        ssize_t got = recv(fd, text + len, sizeof(text) - 1 - len, 0);
        if (got <= 0)
            fail(wanted);
        len += (size_t)got;
        text[len] = '\0';
        if (strstr(text, wanted) != NULL)
            return;
        if (len > sizeof(text) / 2) {
            memmove(text, text + len - 1024, 1024);
            len = 1024;
        }
    }
}

static void begin_stream(struct listener *listener)
{
    char request[512];
    snprintf(request, sizeof(request),
             "GET /stream HTTP/1.1\r\nHost: localhost\r\nx-org-key: %s\r\nx-visitor-id: %s\r\n"
             "Accept: text/event-stream\r\nUser-Agent: streams\r\n\r\n",
             org, listener->visitor);
    listener->fd = open_connection();
    put(listener->fd, request);
}

/* ---- the measurements ---- */

static unsigned long memory_kib(const char *pid)
{
    char path[64], line[256];
    unsigned long found = 0;
    snprintf(path, sizeof(path), "/proc/%s/status", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail(path);
    while (fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, "RssAnon:", 8) == 0)
            found = strtoul(line + 8, NULL, 10);
    fclose(file);
    return found;
}

static void open_all(void)
{
    for (unsigned i = 0; i < listener_count; ++i)
        begin_stream(&listeners[i]);
    for (unsigned i = 0; i < listener_count; ++i)
        wait_for(listeners[i].fd, "event: presence");
}

static uint64_t measure_message(int writer, const struct listener *listener, unsigned number)
{
    char request[1024], body[256], mark[64];
    snprintf(mark, sizeof(mark), "\"clientId\":\"streams-%u-%u\"", (unsigned)getpid(), number);
    int len = snprintf(body, sizeof(body), "{\"role\":\"user\",\"content\":\"Is anybody there?\",%s}", mark);
    snprintf(request, sizeof(request),
             "POST /conversations/%s/messages HTTP/1.1\r\nHost: localhost\r\nx-org-key: %s\r\nx-visitor-id: %s\r\n"
             "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
             listener->conversation, org, listener->visitor, len, body);
    uint64_t begun = now_us();
    put(writer, request);
    wait_for(listener->fd, mark);
    uint64_t took = now_us() - begun;
    wait_for(writer, mark); /* its answer */
    return took;
}

static int compare(const void *a, const void *b)
{
    uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;
    return first < second ? -1 : first > second;
}

static void print_way(unsigned messages)
{
    uint64_t *took = calloc(messages, sizeof(*took));
    int writer = open_connection();
    if (took == NULL)
        abort();
    for (unsigned i = 0; i < messages; ++i)
        took[i] = measure_message(writer, &listeners[(uint64_t)i * listener_count / messages], i);
    qsort(took, messages, sizeof(*took), compare);
    printf(" %llu %llu %llu\n", (unsigned long long)took[messages / 2], (unsigned long long)took[messages * 99 / 100],
           (unsigned long long)took[messages - 1]);
    free(took);
}

/* ---- what to measure ---- */

static void read_targets(void)
{
    struct listener listener = {.fd = -1};
    listeners = calloc(STREAMS_MAX, sizeof(*listeners));
    if (listeners == NULL)
        abort();
    while (listener_count < STREAMS_MAX && scanf("%31s %95s", listener.conversation, listener.visitor) == 2)
        listeners[listener_count++] = listener;
}

static void raise_descriptors(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
    const char *url = "", *pid = NULL;
    unsigned messages = 1000, port = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--url") == 0)
            url = argv[i + 1];
        else if (strcmp(argv[i], "--pid") == 0)
            pid = argv[i + 1];
        else if (strcmp(argv[i], "--org") == 0)
            org = argv[i + 1];
        else if (strcmp(argv[i], "--messages") == 0)
            messages = (unsigned)strtoul(argv[i + 1], NULL, 10);
    }
    if (pid == NULL || sscanf(url, "http://127.0.0.1:%u", &port) != 1 || messages == 0) {
        fprintf(stderr, "usage: streams --url http://127.0.0.1:PORT --pid PID --org KEY [--messages M] <TARGETS\n");
        return 2;
    }
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    raise_descriptors();
    read_targets();
    if (listener_count == 0) {
        fprintf(stderr, "streams: no line \"conversation visitorKey\" on standard input\n");
        return 2;
    }
    unsigned long before = memory_kib(pid);
    uint64_t begun = now_us();
    open_all();
    uint64_t opened = now_us();
    usleep(SETTLE_US);
    printf("%u %llu %lu %lu", listener_count, (unsigned long long)(opened - begun) / 1000, before, memory_kib(pid));
    print_way(messages);
    return 0;
}
