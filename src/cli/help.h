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

/* ---- for topics that are written elsewhere ------------------------------------------------------------------- */

/* Columns of a page. */
#define HELP_WIDTH 80

/* Fills lines from column `indent` on; the first one has `at` columns already. */
void help_print_filled(FILE *out, const char *text, size_t at, size_t indent);
/* Paragraphs, one a line of the text; a line that begins with a space is printed as it is. */
void help_print_paragraphs(FILE *out, const char *text);
/* For a cell of a Markdown table: a bar would end it. */
void help_print_markdown_text(FILE *out, const char *text);

/* The topics "tables" and "reports": what they tell is known in tools/dump alone, where these two are defined. */
void help_print_tables(FILE *out, bool markdown);
void help_print_reports(FILE *out, bool markdown);
