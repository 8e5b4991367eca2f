/* `helvino check`: what rules/check.h finds, for people and for monitoring (the status). */
#include <inttypes.h>

#include "cli/admin.h"
#include "cli/grid.h"
#include "cli/progress.h"
#include "rules/check.h"

/* A damaged page can break everything that it held: the list ends here, the count goes on. */
#define SENTENCES_MAX 1000

struct listing {
    struct progress progress;
    uint64_t printed;
};

static void on_broken(void *context, const char *sentence)
{
    struct listing *listing = context;
    if (++listing->printed > SENTENCES_MAX)
        return;
    progress_end(&listing->progress);
    printf("%s\n", sentence);
}

static void on_rows(void *context, uint64_t rows)
{
    progress_update(&((struct listing *)context)->progress, rows);
}

static uint64_t rows_of(struct txn *txn)
{
    uint64_t rows = 0;
    for (int table = 0; table < TABLE_COUNT; ++table)
        rows += table_rows(txn, (enum table)table);
    return rows;
}

static void print_rows(const struct check_report *report)
{
    struct grid grid = {.column_count = 2};
    for (int table = 0; table < TABLE_COUNT; ++table) {
        grid_add(&grid, bytes_of_string(table_name((enum table)table)));
        grid_add_number(&grid, report->rows[table]);
    }
    grid_print(&grid, stdout);
    grid_dispose(&grid);
}

static void print_notes(const struct options *options, const struct check_report *report)
{
    uint64_t stale = report->stale_seen + report->stale_activity + report->stale_updated + report->stale_aliases;
    if (stale != 0)
        printf("%" PRIu64 " index entries are out of date, as they may be; the server removes them in time\n", stale);
    if (report->orgs_deleted != 0)
        printf("%" PRIu64 " deleted %s data; this goes on removing it: %s\n", report->orgs_deleted,
               report->orgs_deleted == 1 ? "organisation still has" : "organisations still have",
               cli_command(options, "org delete KEY --yes"));
}

static void print_report(const struct options *options, const struct check_report *report)
{
    if (report->broken > SENTENCES_MAX)
        printf("and %" PRIu64 " more\n", report->broken - SENTENCES_MAX);
    if (report->broken == 0)
        puts("check: clean");
    else
        printf("check: %" PRIu64 " %s broken\n", report->broken, report->broken == 1 ? "thing is" : "things are");
    print_rows(report);
    print_notes(options, report);
}

int cli_check(const struct options *options)
{
    struct admin admin;
    struct check_report report = {0};
    struct listing listing = {.printed = 0};
    if (!admin_open(&admin, options, STORE_READ_ONLY))
        return EXIT_FAILED;
    bool is_readable = admin_read(&admin) != NULL;
    if (is_readable) {
        setvbuf(stdout, NULL, _IOLBF, 0);
        store_guard("check: the file is damaged so badly that it can't be walked to its end\n", EXIT_FAILED, true);
        progress_begin(&listing.progress, "rows", rows_of(admin.txn));
        check_store_watched(admin.txn, on_broken, on_rows, &listing, &report);
        progress_end(&listing.progress);
        print_report(options, &report);
    }
    admin_close(&admin);
    return is_readable && report.broken == 0 ? EXIT_FINE : EXIT_FAILED;
}
