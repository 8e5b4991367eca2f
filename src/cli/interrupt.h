#pragma once
/*
 * Ctrl-C for long work: what it leaves must be what it found. Work that can stop between two steps asks whether it was
 * told to; work that can't names the file that must not stay, and the process ends at once. Main thread.
 */
#include <stdbool.h>

#define EXIT_INTERRUPTED 130

/* From here on SIGINT, SIGTERM and SIGHUP only set a flag. A second one ends the process. */
void interrupt_note(void);
bool interrupt_was_noted(void);

/* After interrupt_note: notes one by itself after so many seconds, so that a write that waits for its reader ends too.
 */
void interrupt_note_after(unsigned seconds);

/* From here on they remove the file, then the directory unless it is NULL, and end the process with EXIT_INTERRUPTED.
 * Both are copied. */
void interrupt_removes(const char *file, const char *directory);
/* Removes them now; may be called by a signal handler. */
void interrupt_remove_now(void);
/* The file is whole, or gone already: they only end the process again. */
void interrupt_removes_nothing(void);
