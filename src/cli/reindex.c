/*
 * `helvino reindex`: the search index cleared and built anew, by the very steps that the server takes beside its other
 * work. So it can be interrupted, and the server goes on where it was.
 */
#include "base/clock.h"
#include "cli/admin.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "search/index.h"

struct reindexing {
    struct admin admin;
    struct progress progress;
    uint64_t passed; /* rows */
};

static bool execute(struct reindexing *reindexing, const struct command *command)
{
    struct outcome outcome;
    return !interrupt_was_noted() && admin_execute(&reindexing->admin, command, OK, &outcome) == OK;
}

/* ---- the tables
 * ------------------------------------------------------------------------------------------------------ */

static bool is_ready(struct reindexing *reindexing, bool *out)
{
    struct search_state state = {.phase = SEARCH_NONE};
    struct txn *txn = admin_read(&reindexing->admin);
    bool is_known = txn != NULL && search_state_get(txn, &state) == OK;
    if (txn != NULL)
        admin_read_end(&reindexing->admin);
    *out = state.phase == SEARCH_READY;
    return is_known;
}

static uint64_t count_rows(struct reindexing *reindexing)
{
    static const enum table tables[] = {TABLE_SEARCH_BLOCKS,    TABLE_SEARCH_SEGMENTS, TABLE_MESSAGE_BY_SEQ,
                                        TABLE_VISITOR_BY_EMAIL, TABLE_SEARCH_ORGS,     TABLE_VISITORS,
                                        TABLE_MESSAGES};
    uint64_t rows = 0;
    struct txn *txn = admin_read(&reindexing->admin);
    if (txn == NULL)
        return 0;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); ++i)
        rows += table_rows(txn, tables[i]);
    admin_read_end(&reindexing->admin);
    return rows;
}

static bool build(struct reindexing *reindexing)
{
    bool ready = false;
    progress_begin(&reindexing->progress, "rows", count_rows(reindexing));
    while (is_ready(reindexing, &ready) && !ready &&
           execute(reindexing,
                   &(struct command){.kind = COMMAND_SEARCH_BUILD, .search_build = {.limit = SEARCH_STEP_ENTRIES}}))
        progress_update(&reindexing->progress, reindexing->passed += SEARCH_STEP_ENTRIES);
    progress_end(&reindexing->progress);
    return ready;
}

/* ---- the organisations
 * ------------------------------------------------------------------------------------------------ */

/* The organisation behind this one that is alive, and how far it is; ID_NONE at the end. */
static struct id next_org(struct txn *txn, struct id after)
{
    struct bytes key, value;
    struct id found = ID_NONE;
    struct cursor *cursor = cursor_open(txn, TABLE_ORGS);
    enum error error = cursor_seek(cursor, id_view(&after), &key, &value);
    for (; error == OK && id_is_none(found); error = cursor_next(cursor, &key, &value)) {
        struct org org;
        if (org_decode(key, value, &org) == OK && !org.deleted && !id_equal(org.id, after))
            found = org.id;
    }
    cursor_close(cursor);
    return found;
}

/* Whether the organisation has anything left to do. */
static bool is_due(struct reindexing *reindexing, struct id org)
{
    struct search_org done = {.indexed_seq = 0};
    bool due = false;
    struct txn *txn = admin_read(&reindexing->admin);
    if (txn == NULL)
        return false;
    if (search_index_is_due(txn, org, 1, &due) != OK)
        due = false;
    if (due && search_org_get(txn, org, &done) == OK)
        progress_update(&reindexing->progress, done.indexed_seq);
    admin_read_end(&reindexing->admin);
    return due;
}

static bool index_org(struct reindexing *reindexing, struct id org, uint64_t last_seq)
{
    bool is_fine = true;
    progress_begin(&reindexing->progress, "changes", last_seq);
    while (is_fine && is_due(reindexing, org))
        is_fine = execute(reindexing, &(struct command){.kind = COMMAND_SEARCH_INDEX,
                                                        .search_index = {.org = org, .limit = SEARCH_STEP_MESSAGES}});
    progress_end(&reindexing->progress);
    return is_fine;
}

static bool index_orgs(struct reindexing *reindexing)
{
    struct id org = ID_NONE;
    uint64_t last_seq = 0;
    do {
        struct txn *txn = admin_read(&reindexing->admin);
        if (txn == NULL || meta_get_u64(txn, META_SEQ, &last_seq) != OK)
            return false;
        org = next_org(txn, org);
        admin_read_end(&reindexing->admin);
    } while (!id_is_none(org) && index_org(reindexing, org, last_seq));
    return id_is_none(org);
}

int cli_reindex(const struct options *options)
{
    struct reindexing reindexing = {.passed = 0};
    if (!admin_open(&reindexing.admin, options, STORE_ADMIN))
        return EXIT_FAILED;
    interrupt_note();
    bool is_done = execute(&reindexing, &(struct command){.kind = COMMAND_SEARCH_REBUILD,
                                                          .search_rebuild = {.at_ms = clock_now_ms()}}) &&
                   build(&reindexing) && index_orgs(&reindexing);
    admin_close(&reindexing.admin);
    if (interrupt_was_noted())
        cli_complain("the server goes on with it: search finds what is indexed by then");
    return is_done ? EXIT_FINE : interrupt_was_noted() ? EXIT_INTERRUPTED : EXIT_FAILED;
}
