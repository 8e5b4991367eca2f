#pragma once
/*
 * What a file of reports/ says of itself in its comments. It begins with
 *
 *     -- Title
 *     -- Definition in plain words, on any number of lines; a line "--" begins a new paragraph.
 *     -- parameters: :org :since :until :tz           also :visitor; "(required)" behind one that must be given
 *     --
 *     -- section: Title of a result set               before each statement, when there is more than one
 *     -- chart: bar                                   optional: bar, line or cohort
 *     SELECT …;
 *
 * Only lines that begin with "--" count; indented comments belong to the SQL. Main thread.
 */
#include <stdbool.h>
#include <stddef.h>

#define REPORT_SECTIONS_MAX 8
#define REPORT_WHY_LEN 256

enum report_parameter { REPORT_ORG, REPORT_VISITOR, REPORT_SINCE, REPORT_UNTIL, REPORT_TZ, REPORT_PARAMETER_COUNT };

struct report_section {
    char *title;     /* NULL: the report has this one alone */
    char *chart;     /* "bar", "line", "cohort" or NULL */
    const char *sql; /* where its statement begins, in the file's text */
};

struct report {
    char *title, *definition; /* paragraphs, one a line */
    bool takes[REPORT_PARAMETER_COUNT], requires[REPORT_PARAMETER_COUNT];
    size_t section_count;
    struct report_section sections[REPORT_SECTIONS_MAX];
};

/* "org": as the flag and, behind a colon, the parameter is called. */
const char *report_parameter_name(enum report_parameter parameter);
/* The text must outlive the report. False with a sentence, and nothing to dispose. */
bool report_parse(const char *text, struct report *out, char why[REPORT_WHY_LEN]);
void report_dispose(struct report *report);
/* The first sentence of the definition: how many bytes of it. */
size_t report_summary_len(const struct report *report);
