/* Signal handlers may do little, but a flag, unlink(2) and rmdir(2) are allowed them. */
#include "cli/interrupt.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

#include "store/store.h"

#define PATH_LEN_MAX 4096

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
#define SIGNAL_COUNT (sizeof(signals) / sizeof(*signals))

static volatile sig_atomic_t is_noted, was_told, path_count;
static char paths[INTERRUPT_PATHS_MAX][PATH_LEN_MAX];

void interrupt_holds(bool holds)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < SIGNAL_COUNT; ++i)
        sigaddset(&set, signals[i]);
    sigprocmask(holds ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static void handle(void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    for (size_t i = 0; i < SIGNAL_COUNT; ++i)
        sigaddset(&action.sa_mask, signals[i]);
    for (size_t i = 0; i < SIGNAL_COUNT; ++i)
        sigaction(signals[i], &action, NULL);
}

/* ---- what must not stay ---------------------------------------------------------------------------------------- */

void interrupt_removes(const char *path)
{
    assert(path_count < INTERRUPT_PATHS_MAX);
    snprintf(paths[path_count], PATH_LEN_MAX, "%s", path);
    ++path_count; /* a signal sees a whole path or none */
    store_guard_cleans(interrupt_remove_now);
}

void interrupt_remove_now(void)
{
    for (int i = 0; i < path_count; ++i)
        if (unlink(paths[i]) != 0)
            rmdir(paths[i]);
}

void interrupt_removes_nothing(void)
{
    path_count = 0;
}

/* ---- signals --------------------------------------------------------------------------------------------------- */

static void on_note(int signal_number)
{
    is_noted = 1;
    if (was_told) {
        interrupt_remove_now();
        signal(signal_number, SIG_DFL);
        raise(signal_number);
    }
    was_told = 1;
}

void interrupt_note(void)
{
    handle(on_note, 0); /* no SA_RESTART: a write into a full pipe has to end too */
}

static void on_alarm(int signal_number)
{
    (void)signal_number;
    is_noted = 1;
}

void interrupt_note_after(unsigned seconds)
{
    /* Once a second from then on: the first may come between a look at the flag and the write. */
    struct itimerval timer = {.it_value.tv_sec = seconds, .it_interval.tv_sec = 1};
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

bool interrupt_was_noted(void)
{
    return is_noted;
}

static void on_end(int signal_number)
{
    (void)signal_number;
    interrupt_remove_now();
    _exit(EXIT_INTERRUPTED);
}

void interrupt_ends(void)
{
    handle(on_end, SA_RESTART);
    signal(SIGPIPE, SIG_IGN); /* nobody hears the sentences: no reason to die with a file in place */
}

void interrupt_is_nothing_special(void)
{
    handle(SIG_DFL, 0);
    signal(SIGPIPE, SIG_DFL);
}
