#pragma once
/*
 * Every invariant between records and indexes, verified on one snapshot: for `helvino check` and the tests. Reads only.
 */
#include "store/store.h"

struct check_report {
    uint64_t rows[TABLE_COUNT];
    uint64_t broken; /* how often on_broken was called */
    /* entries that no longer agree with their record: fine, maintenance removes them */
    uint64_t stale_seen, stale_activity, stale_updated, stale_aliases;
    uint64_t orgs_deleted; /* organisations whose data is still being removed */
};

/*
 * Walks every table within the read transaction `txn` and calls on_broken with a sentence (valid during the call) for
 * each thing that is not as it must be. Sentences hold ids and public keys, never a visitor's key. A damaged record is
 * reported once, in its own table. While it runs the snapshot keeps pages from being used again: beside a busy server
 * the file grows.
 */
void check_store(struct txn *txn, void (*on_broken)(void *context, const char *sentence), void *context,
                 struct check_report *report);
/* The same; on_rows is called now and then with how many rows have been looked at, of all tables together. */
void check_store_watched(struct txn *txn, void (*on_broken)(void *context, const char *sentence),
                         void (*on_rows)(void *context, uint64_t rows), void *context, struct check_report *report);
