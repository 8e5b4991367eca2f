#pragma once
/* Help for people, from the tables. Main thread. */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * Prints what there is about a command ("org create"), a group of them ("org") or a topic ("flags"), given as separate
 * words; no words: the overview. False, with nothing printed, when there is nothing about them.
 */
bool help_print(FILE *out, size_t count, const char *const *words, bool markdown);
