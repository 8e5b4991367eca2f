#pragma once
/*
 * Ctrl-C for long work: what it leaves must be what it found. Work that can stop between two steps asks whether it was
 * told to; work that can't ends the process at once. What must not stay is named first, and goes in both cases, and
 * when a database or its disk turns out to be broken (store_guard). Main thread.
 */
#include <stdbool.h>

#define EXIT_INTERRUPTED 130
#define INTERRUPT_PATHS_MAX 8

/* From here on SIGINT, SIGTERM and SIGHUP only set a flag, and one that was set stays set. A second one removes
 * what was named, and ends the process. */
void interrupt_note(void);
bool interrupt_was_noted(void);

/* After interrupt_note: notes one by itself after so many seconds, so that a write that waits for its reader ends too.
 */
void interrupt_note_after(unsigned seconds);

/* Signals wait between making a thing and naming it. */
void interrupt_holds(bool holds);

/* From here on they remove what was named, and end the process with EXIT_INTERRUPTED. */
void interrupt_ends(void);
/* From here on they end the process as ever. */
void interrupt_is_nothing_special(void);

/* Names one more file that must not stay, or an empty directory, behind the files in it. Copied. */
void interrupt_removes(const char *path);
/* Removes them now; may be called by a signal handler. */
void interrupt_remove_now(void);
/* They are whole, or gone already: forgets the names. */
void interrupt_removes_nothing(void);
