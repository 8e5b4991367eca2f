#pragma once
/*
 * One consistent look at a database, for as long as a question takes: the read transaction, which organisations there
 * are, and what may end the question early (Ctrl-C, --max-age). Main thread; one at a time.
 *
 * Views that it gives point into the memory map and live until snapshot_close.
 */
#include "cli/admin.h"
#include "cli/interrupt.h"

struct snapshot {
    struct admin admin;
    struct txn *txn;
    uint64_t seq;              /* of the last change that it holds */
    struct snapshot_org *orgs; /* those that are not deleted, by id */
    size_t org_count;
    bool has_deleted;               /* there are records of organisations that no longer count */
    uint64_t rows_read;             /* by all scans, for the progress line */
    uint64_t opened_ns, max_age_ns; /* 0: no limit */
};

struct snapshot_org {
    struct id id;
    struct bytes key, name;
};

/* Opens the database of options->data (a directory, or the file of a backup) read-only. Says what is wrong and returns
 * false, with nothing to close. Damage that makes LMDB stumble ends the process with a sentence and EXIT_FAILED. From
 * here on SIGINT and SIGTERM only set a flag (cli/interrupt.h), and SIGPIPE is ignored. */
bool snapshot_open(struct snapshot *snapshot, const struct options *options);
void snapshot_close(struct snapshot *snapshot);

/* Whether records of this organisation count: it exists and is not being deleted. */
bool snapshot_has_org(const struct snapshot *snapshot, struct id org);
/* The organisation of this key; says so and returns false when there is none. */
bool snapshot_find_org(const struct snapshot *snapshot, const char *key, struct id *out);

/* ---- ending early ---- */

enum snapshot_end { SNAPSHOT_GOES_ON, SNAPSHOT_INTERRUPTED, SNAPSHOT_TOO_OLD };

/* Cheap enough for every few hundred rows. */
enum snapshot_end snapshot_state(const struct snapshot *snapshot);
/* The sentence for it on standard error, and the exit status to end with: 130 after Ctrl-C (nothing is said), else 1.
 */
int snapshot_explain_end(const struct snapshot *snapshot, enum snapshot_end end);
