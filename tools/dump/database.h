#pragma once
/*
 * SQL over a snapshot: a SQLite connection in which every table of schema.h is a read-only virtual table, and nothing
 * can be written. This header is for the commands; vtab.h and functions.h are what it is made of. Main thread.
 */
#include "output.h"
#include "period.h"
#include "snapshot.h"

struct database;

/* Never fails but by want of memory, which aborts. */
struct database *database_open(struct snapshot *snapshot);
void database_close(struct database *database);

/* Values for the parameters :org (an id's text), :visitor (a visitor's key), :since, :until (times as SQL has them) and
 * :tz; NULL members are NULL in SQL. Any other parameter is an error of the question. */
struct database_parameters {
    const char *org, *visitor, *since, *until, *tz;
};
void database_set_parameters(struct database *database, const struct database_parameters *parameters);

/*
 * Runs the first statement of *sql and hands its rows to the output under `head` (NULL: none); *sql is moved behind it.
 * Comments and empty statements are passed over. Returns an exit status: EXIT_FINE; EXIT_FAILED after a sentence on
 * standard error (for a mistake in the SQL: SQLite's text, the line and a caret); EXIT_INTERRUPTED.
 * *rows counts the rows that were written. *done is set when there was no statement left.
 */
int database_run(struct database *database, const char **sql, const struct output_head *head, struct output *output,
                 uint64_t *rows, bool *done);
