/*
 * A snapshot is one LMDB read transaction with the list of organisations read once: every row is asked whether its
 * organisation still counts, and a question is about one moment. Signals set a flag that is looked at between rows, so
 * that whatever is open is closed in order.
 */
#include "snapshot.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* ---- ending early --------------------------------------------------------------------------------------------------
 */

enum snapshot_end snapshot_state(const struct snapshot *snapshot)
{
    /* The age comes first: its own alarm is noted like an interruption. */
    if (snapshot->max_age_ns != 0 && clock_monotonic_ns() - snapshot->opened_ns >= snapshot->max_age_ns)
        return SNAPSHOT_TOO_OLD;
    return interrupt_was_noted() ? SNAPSHOT_INTERRUPTED : SNAPSHOT_GOES_ON;
}

int snapshot_explain_end(const struct snapshot *snapshot, enum snapshot_end end)
{
    if (end == SNAPSHOT_INTERRUPTED)
        return EXIT_INTERRUPTED;
    if (end == SNAPSHOT_TOO_OLD)
        cli_complain("ended after %" PRIu64 " s, as --max-age asks", snapshot->max_age_ns / 1000000000);
    return end == SNAPSHOT_GOES_ON ? EXIT_FINE : EXIT_FAILED;
}

/* ---- organisations --------------------------------------------------------------------------------------------- */

static void add_org(struct snapshot *snapshot, const struct org *org)
{
    /* Powers of two: grown when the count is one. */
    if ((snapshot->org_count & (snapshot->org_count - 1)) == 0) {
        size_t room = snapshot->org_count == 0 ? 1 : 2 * snapshot->org_count;
        snapshot->orgs = realloc(snapshot->orgs, room * sizeof(*snapshot->orgs));
        if (snapshot->orgs == NULL)
            abort();
    }
    snapshot->orgs[snapshot->org_count++] = (struct snapshot_org){org->id, org->key, org->name};
}

/* In order of their ids, which the search relies on. */
static enum error read_orgs(struct snapshot *snapshot)
{
    struct bytes key, value;
    struct cursor *cursor = cursor_open(snapshot->txn, TABLE_ORGS);
    enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value);
    for (; error == OK; error = cursor_next(cursor, &key, &value)) {
        struct org org;
        error = org_decode(key, value, &org);
        if (error != OK)
            break;
        if (org.deleted)
            snapshot->has_deleted = true;
        else
            add_org(snapshot, &org);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

static int compare_org(const void *id, const void *org)
{
    return memcmp(id, &((const struct snapshot_org *)org)->id, ID_LEN);
}

bool snapshot_has_org(const struct snapshot *snapshot, struct id org)
{
    if (!snapshot->has_deleted)
        return true;
    return snapshot->org_count != 0 &&
           bsearch(&org, snapshot->orgs, snapshot->org_count, sizeof(*snapshot->orgs), compare_org) != NULL;
}

bool snapshot_find_org(const struct snapshot *snapshot, const char *key, struct id *out)
{
    for (size_t i = 0; i < snapshot->org_count; ++i) {
        if (bytes_equal(snapshot->orgs[i].key, bytes_of_string(key))) {
            *out = snapshot->orgs[i].id;
            return true;
        }
    }
    admin_complain_of_no_org(&snapshot->admin, key);
    return false;
}

/* ---- opening --------------------------------------------------------------------------------------------------- */

static bool begin(struct snapshot *snapshot)
{
    snapshot->txn = admin_read(&snapshot->admin);
    if (snapshot->txn == NULL)
        return false;
    store_guard("helvino: the database is damaged so badly that it can't be read any further; \"helvino check\" says "
                "where\n",
                EXIT_FAILED, true);
    enum error error = meta_get_u64(snapshot->txn, META_SEQ, &snapshot->seq);
    if (error == OK)
        error = read_orgs(snapshot);
    if (error != OK)
        cli_complain("%s", error_sentence(error));
    return error == OK;
}

bool snapshot_open(struct snapshot *snapshot, const struct options *options)
{
    *snapshot = (struct snapshot){.max_age_ns = options->max_age * UINT64_C(1000000000)};
    interrupt_note();
    signal(SIGPIPE, SIG_IGN); /* a reader that goes away is seen by what is written next */
    if (!admin_open(&snapshot->admin, options, STORE_READ_ONLY))
        return false;
    snapshot->opened_ns = clock_monotonic_ns();
    if (options->max_age != 0)
        interrupt_note_after((unsigned)options->max_age);
    if (begin(snapshot))
        return true;
    snapshot_close(snapshot);
    return false;
}

void snapshot_close(struct snapshot *snapshot)
{
    free(snapshot->orgs);
    admin_close(&snapshot->admin);
}
