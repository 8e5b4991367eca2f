/*
 * Measures a start: from the moment before fork until the first answer to GET /health has arrived, and the memory that
 * the process then holds. "startup [--runs N] [--cold FILE] -- COMMAND..." runs the command N times with "--listen
 * 127.0.0.1:PORT" behind it, each time on a free port; --cold drops FILE from the page cache before. One line a run:
 * milliseconds, RssAnon and RssFile in KiB.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARGUMENTS_MAX 64
#define START_MS_MAX 60000
#define RETRY_US 100
#define SETTLE_US 500000 /* between the first answer and the look at the memory */

static void fail(const char *what)
{
    fprintf(stderr, "startup: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* ---- one request ---- */

static struct sockaddr_in free_address(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd == -1 || bind(fd, (struct sockaddr *)&address, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        fail("finding a free port");
    close(fd);
    return address;
}

static bool ask(const struct sockaddr_in *address)
{
    static const char request[] = "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    static const char wanted[] = "HTTP/1.1 200";
    char answer[sizeof(wanted) - 1];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool answered = fd != -1 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 &&
                    send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) == (ssize_t)sizeof(request) - 1 &&
                    recv(fd, answer, sizeof(answer), MSG_WAITALL) == (ssize_t)sizeof(answer) &&
                    memcmp(answer, wanted, sizeof(answer)) == 0;
    close(fd);
    return answered;
}

/* ---- the server ---- */

static pid_t start(char **arguments)
{
    pid_t pid = fork();
    if (pid == -1)
        fail("fork");
    if (pid != 0)
        return pid;
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    execv(arguments[0], arguments);
    _exit(127);
}

static void stop(pid_t pid)
{
    int status;
    kill(pid, SIGTERM);
    if (waitpid(pid, &status, 0) == pid && status != 0)
        fprintf(stderr, "startup: the server ended with wait status %d\n", status);
}

static unsigned long memory_kib(pid_t pid, const char *member)
{
    char path[64], line[256];
    unsigned long found = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail(path);
    while (fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, member, strlen(member)) == 0)
            found = strtoul(line + strlen(member), NULL, 10);
    fclose(file);
    return found;
}

static void run(char **arguments, char *listen)
{
    struct sockaddr_in address = free_address();
    sprintf(listen, "127.0.0.1:%u", ntohs(address.sin_port));
    double begun = now_ms();
    pid_t pid = start(arguments);
    while (!ask(&address)) {
        if (now_ms() - begun > START_MS_MAX || waitpid(pid, NULL, WNOHANG) != 0) {
            kill(pid, SIGKILL);
            errno = ETIMEDOUT;
            fail("the server gives no answer");
        }
        usleep(RETRY_US);
    }
    double answered = now_ms();
    usleep(SETTLE_US);
    printf("%.2f %lu %lu\n", answered - begun, memory_kib(pid, "RssAnon:"), memory_kib(pid, "RssFile:"));
    fflush(stdout);
    stop(pid);
}

static void drop_from_cache(const char *path)
{
    int fd = open(path, O_RDONLY);
    if (fd == -1 || fdatasync(fd) != 0 || (errno = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED)) != 0)
        fail(path);
    close(fd);
}

int main(int argc, char **argv)
{
    char *arguments[ARGUMENTS_MAX + 3] = {NULL}, listen[32];
    const char *cold = NULL;
    int runs = 1, at = 1, count = 0;
    for (; at + 1 < argc && strcmp(argv[at], "--") != 0; at += 2) {
        if (strcmp(argv[at], "--runs") == 0)
            runs = (int)strtol(argv[at + 1], NULL, 10);
        else if (strcmp(argv[at], "--cold") == 0)
            cold = argv[at + 1];
    }
    while (++at < argc && count < ARGUMENTS_MAX)
        arguments[count++] = argv[at];
    if (count == 0) {
        fprintf(stderr, "usage: startup [--runs N] [--cold FILE] -- COMMAND...\n");
        return 2;
    }
    arguments[count++] = (char[]){"--listen"};
    arguments[count] = listen;
    for (int i = 0; i < runs; ++i) {
        if (cold != NULL)
            drop_from_cache(cold);
        run(arguments, listen);
    }
    return 0;
}
