/*
 * Signals arrive as data: every thread blocks them, loop 0 reads them from a descriptor. Left alone are those that
 * report a fault of the program itself, for which blocking means death without a word, and a terminal's job control.
 */
#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/logline.h"
#include "edge/private.h"

void signals_block(void)
{
    static const int left_alone[] = {SIGSEGV, SIGBUS,  SIGILL,  SIGFPE,  SIGABRT, SIGTRAP,
                                     SIGSYS,  SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT};
    sigset_t set;
    sigfillset(&set);
    for (size_t i = 0; i < sizeof(left_alone) / sizeof(left_alone[0]); ++i)
        sigdelset(&set, left_alone[i]);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); /* the answer to writing into a closed connection is EPIPE */
}

/* Whoever runs a program in a group of its own often signals both, so one wish to stop can arrive twice. */
#define SAME_WISH_NS 1000000000

static void on_stop_signal(struct edge *edge, const char *name)
{
    uint64_t now_ns = clock_monotonic_ns();
    if (edge->stop_signal_at_ns != 0) {
        if (now_ns - edge->stop_signal_at_ns < SAME_WISH_NS)
            return;
        log_line(LOG_WARN, "second signal: exiting at once", LOG_TEXT("signal", name));
        _exit(1);
    }
    edge->stop_signal_at_ns = now_ns;
    log_line(LOG_INFO, "stopping", LOG_TEXT("signal", name));
    edge_stop(edge);
}

static void on_signal(h2o_socket_t *socket, const char *err)
{
    struct edge *edge = socket->data;
    struct signalfd_siginfo info;
    if (err != NULL)
        return;
    while (read(h2o_socket_get_fd(socket), &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGHUP)
            edge_reload(edge);
        else
            on_stop_signal(edge, info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
    }
}

void signals_start(struct loop *loop)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd == -1) {
        log_line(LOG_ERROR, "signals cannot be read", LOG_TEXT("why", strerror(errno)));
        abort();
    }
    loop->signals = h2o_evloop_socket_create(loop->evloop, fd, H2O_SOCKET_FLAG_DONT_READ);
    loop->signals->data = loop->edge;
    h2o_socket_read_start(loop->signals, on_signal);
}

void signals_end(struct loop *loop)
{
    h2o_socket_close(loop->signals);
    loop->signals = NULL;
}
