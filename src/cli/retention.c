/*
 * `helvino retention`: the job of the server, in the shell and at once; or, with --dry-run, what it would do. Steps are
 * short transactions, so a server's own writes come in between; if it does the same at the same time, each finds what
 * the other has left.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/admin.h"
#include "cli/grid.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "rules/retention.h"

struct run {
    struct admin *admin;
    int64_t now_ms;
    struct grid grid;
    struct progress progress;
    uint64_t steps;
};

/* ---- one organisation ---- */

static bool note(struct run *run, struct id org, bool ended)
{
    struct outcome outcome;
    const struct command command = {.kind = COMMAND_RETENTION_NOTE,
                                    .retention_note = {.org = org, .at_ms = run->now_ms, .ended = ended}};
    return admin_execute(run->admin, &command, OK, &outcome) == OK;
}

static void add(struct retained *to, const struct retained *more)
{
    to->visitors += more->visitors;
    to->conversations += more->conversations;
    to->messages += more->messages;
    to->redacted += more->redacted;
    to->others += more->others;
}

/* Until nothing is left of it. What is refused, because it is damaged, is left to `check`. */
static bool apply(struct run *run, struct id org, const struct retention_step *step, struct retained *done)
{
    struct outcome outcome = {.more = true};
    while (outcome.more && !interrupt_was_noted()) {
        struct command command = retention_command(org, step, run->now_ms);
        enum error error = admin_execute(run->admin, &command, ERR_CORRUPT, &outcome);
        if (error == ERR_CORRUPT)
            return true;
        if (error != OK)
            return false;
        add(done, &outcome.retained);
        progress_update(&run->progress, ++run->steps);
    }
    return true;
}

static enum retention_state look(struct run *run, struct retention_walk *walk, struct retention_step *step,
                                 struct retained *counts)
{
    if (admin_read(run->admin) == NULL)
        return RETENTION_OVER;
    enum retention_state state = retention_look(run->admin->txn, walk, run->now_ms, step);
    if (state == RETENTION_FOUND && walk->is_trial)
        retention_count(run->admin->txn, walk->org, step, run->now_ms, counts);
    admin_read_end(run->admin);
    return state;
}

/* False when the database can't be written; then it has been said. */
static bool look_after(struct run *run, struct id org, struct retained *counts)
{
    bool is_trial = run->admin->options->dry_run, is_fine = is_trial || note(run, org, false);
    struct retention_walk walk = retention_begin(org);
    struct retention_step step;
    enum retention_state state = RETENTION_GOES_ON;
    walk.is_trial = is_trial;
    while (is_fine && !interrupt_was_noted() && (state = look(run, &walk, &step, counts)) != RETENTION_OVER)
        if (state == RETENTION_FOUND && !is_trial)
            is_fine = apply(run, org, &step, counts);
    return is_fine && (is_trial || interrupt_was_noted() || note(run, org, true));
}

/* ---- which ---- */

struct chosen {
    struct id *ids;
    char (*keys)[ORG_KEY_LEN_MAX + 1];
    size_t count;
};

static void choose(struct chosen *chosen, const struct org *org)
{
    chosen->ids = realloc(chosen->ids, (chosen->count + 1) * sizeof(*chosen->ids));
    chosen->keys = realloc(chosen->keys, (chosen->count + 1) * sizeof(*chosen->keys));
    if (chosen->ids == NULL || chosen->keys == NULL)
        abort();
    chosen->ids[chosen->count] = org->id;
    snprintf(chosen->keys[chosen->count++], sizeof(*chosen->keys), "%.*s", (int)org->key.len, org->key.data);
}

static void choose_alive(void *context, const struct org *org)
{
    if (!org->deleted)
        choose(context, org);
}

static bool choose_orgs(struct admin *admin, struct chosen *chosen)
{
    struct org org;
    bool is_fine = admin_read(admin) != NULL;
    if (is_fine && admin->options->org != NULL) {
        is_fine = admin_find_org(admin, admin->options->org, &org);
        if (is_fine)
            choose(chosen, &org);
    } else if (is_fine) {
        is_fine = admin_each_org(admin, choose_alive, chosen);
    }
    if (admin->txn != NULL)
        admin_read_end(admin);
    return is_fine;
}

/* ---- all of it ---- */

static void begin_table(struct grid *grid)
{
    static const char *const heads[] = {"ORGANISATION", "VISITORS", "CONVERSATIONS", "MESSAGES", "REDACTED", "OTHERS"};
    grid->column_count = sizeof(heads) / sizeof(heads[0]);
    for (size_t i = 0; i < grid->column_count; ++i)
        grid_add(grid, bytes_of_string(heads[i]));
}

static void add_row(struct grid *grid, const char *key, const struct retained *counts)
{
    grid_add(grid, bytes_of_string(key));
    grid_add_number(grid, counts->visitors);
    grid_add_number(grid, counts->conversations);
    grid_add_number(grid, counts->messages);
    grid_add_number(grid, counts->redacted);
    grid_add_number(grid, counts->others);
}

static int run_all(struct admin *admin, const struct chosen *chosen)
{
    struct run run = {.admin = admin, .now_ms = clock_now_ms()};
    bool is_fine = true;
    begin_table(&run.grid);
    progress_begin(&run.progress, "steps", 0);
    for (size_t i = 0; i < chosen->count && is_fine && !interrupt_was_noted(); ++i) {
        struct retained counts = {0};
        is_fine = look_after(&run, chosen->ids[i], &counts);
        add_row(&run.grid, chosen->keys[i], &counts);
    }
    progress_end(&run.progress);
    grid_print(&run.grid, stdout);
    grid_dispose(&run.grid);
    if (admin->options->dry_run)
        cli_complain("a dry run: nothing has been changed. This would go now");
    return interrupt_was_noted() ? EXIT_INTERRUPTED : is_fine ? EXIT_FINE : EXIT_FAILED;
}

int cli_retention(const struct options *options)
{
    struct admin admin;
    struct chosen chosen = {.count = 0};
    interrupt_note();
    if (!admin_open(&admin, options, options->dry_run ? STORE_READ_ONLY : STORE_ADMIN))
        return EXIT_FAILED;
    int status = choose_orgs(&admin, &chosen) ? run_all(&admin, &chosen) : EXIT_FAILED;
    admin_close(&admin);
    free(chosen.ids);
    free(chosen.keys);
    return status;
}
