#pragma once
/*
 * What a question in SQL and a report share: the snapshot, the connection, where the answer goes and in which form, and
 * the values of :org, :visitor, :since, :until and :tz by the flags of the same names. Main thread; one a process.
 */
#include "database.h"
#include "scan.h"

struct answer {
    struct snapshot snapshot;
    struct database *database;
    struct sink sink;
    struct output *output;
    const char *sink_name; /* for sentences: the path, or "standard output" */
    char org[ID_TEXT_LEN + 1], since[SQL_TIME_LEN + 1], until[SQL_TIME_LEN + 1];
    struct database_parameters parameters;
};

/* The form of the answer: --format; else what the ending of --output says; else a table on a terminal and csv
 * elsewhere. */
enum output_format answer_format(const struct options *options);
/*
 * Opens everything that the flags name. Returns EXIT_FINE, or, after a sentence and with nothing left to close,
 * EXIT_USAGE for a flag that makes no sense and EXIT_FAILED for a database or an output that can't be opened.
 */
int answer_open(struct answer *answer, const struct options *options);
/* Finishes the output if status is EXIT_FINE, else removes an unfinished file; closes everything; the status to end
 * with. */
int answer_close(struct answer *answer, int status);
