/* Signal handlers may do little, but a flag, unlink(2) and rmdir(2) are allowed them. */
#include "cli/interrupt.h"

#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

#define PATH_LEN_MAX 4096

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
#define SIGNAL_COUNT (sizeof(signals) / sizeof(*signals))

static volatile sig_atomic_t is_noted;
static char file_to_remove[PATH_LEN_MAX], directory_to_remove[PATH_LEN_MAX];

static void handle(void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    for (size_t i = 0; i < SIGNAL_COUNT; ++i)
        sigaddset(&action.sa_mask, signals[i]);
    for (size_t i = 0; i < SIGNAL_COUNT; ++i)
        sigaction(signals[i], &action, NULL);
}

static void on_note(int signal_number)
{
    (void)signal_number;
    is_noted = 1;
}

void interrupt_note(void)
{
    is_noted = 0;
    handle(on_note, (int)SA_RESETHAND); /* no SA_RESTART: a write into a full pipe has to end too */
}

void interrupt_note_after(unsigned seconds)
{
    /* Once a second from then on: the first may come between a look at the flag and the write. */
    struct itimerval timer = {.it_value.tv_sec = seconds, .it_interval.tv_sec = 1};
    struct sigaction action = {.sa_handler = on_note};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

bool interrupt_was_noted(void)
{
    return is_noted;
}

void interrupt_remove_now(void)
{
    unlink(file_to_remove);
    if (directory_to_remove[0] != '\0')
        rmdir(directory_to_remove);
}

static void on_remove(int signal_number)
{
    (void)signal_number;
    interrupt_remove_now();
    _exit(EXIT_INTERRUPTED);
}

void interrupt_removes(const char *file, const char *directory)
{
    snprintf(file_to_remove, sizeof(file_to_remove), "%s", file);
    snprintf(directory_to_remove, sizeof(directory_to_remove), "%s", directory == NULL ? "" : directory);
    handle(on_remove, SA_RESTART);
    signal(SIGPIPE, SIG_IGN); /* nobody hears the sentences: no reason to die with the file in place */
}

void interrupt_removes_nothing(void)
{
    handle(SIG_DFL, 0);
    signal(SIGPIPE, SIG_DFL);
}
