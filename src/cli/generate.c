/*
 * `helvino generate`: invented data by the ordinary commands and rules, so that the tables are what a year of serving
 * would have left. Thousands of commands go into one transaction; when the map is full the same ones are applied again
 * on a larger one.
 */
#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>

#include "api/api.h"
#include "cli/admin.h"
#include "cli/interrupt.h"
#include "cli/invent.h"
#include "cli/progress.h"
#include "rules/rules.h"

#define BATCH_COMMANDS 65536
#define BATCH_TEXTS_BYTES (BATCH_COMMANDS * 256)
#define PROGRESS_COMMANDS 512 /* between two looks at the clock */
#define KEPT_BYTES_MAX (1 << 29)
#define KEPT_STEP_BYTES (1 << 24)
#define SWEEP_ENTRIES 16384 /* of each index, in one command */

struct generator {
    struct store *store;
    struct invention *invention;
    struct progress progress;
    struct command *commands;
    char *texts; /* of the commands */
    size_t count;
    uint64_t rows_before; /* of the commands: what was given out already */
    bool sweep_is_due;
};

/* Two stale entries for each living one: a walk then takes out more than it passes, and the file stays a fraction of
 * what it would become. (Every visitor and conversation has one living entry in each of its indexes.) */
static bool sweep_is_due(struct txn *txn)
{
    uint64_t living = table_rows(txn, TABLE_VISITORS) + 2 * table_rows(txn, TABLE_CONVERSATIONS);
    return table_rows(txn, TABLE_VISITOR_BY_SEEN) + table_rows(txn, TABLE_CONVERSATION_BY_ACTIVITY) +
               table_rows(txn, TABLE_CONVERSATION_BY_UPDATED) >
           3 * living;
}

/* ---- applying -------------------------------------------------------------------------------------------------- */

/* The number counts only when something was changed, as in the server's log. */
static enum error apply(struct txn *txn, uint64_t *seq, const struct command *command, struct outcome *outcome)
{
    uint64_t changes = txn_changes(txn);
    txn_arena_reset(txn);
    enum error error = rules_apply(txn, *seq + 1, command, outcome);
    *seq += txn_changes(txn) != changes;
    return error;
}

/* Not every command makes a row. */
static uint64_t rows_at(const struct generator *generator, size_t command)
{
    uint64_t rows = invention_rows(generator->invention) - generator->rows_before;
    return generator->rows_before + rows * command / generator->count;
}

static enum error apply_all(struct generator *generator, struct txn *txn, struct outcome *outcome)
{
    uint64_t seq;
    enum error error = meta_get_u64(txn, META_SEQ, &seq);
    for (size_t i = 0; i < generator->count && error == OK; ++i) {
        error = apply(txn, &seq, &generator->commands[i], outcome);
        if (i % PROGRESS_COMMANDS == 0)
            progress_update(&generator->progress, rows_at(generator, i));
    }
    return error == OK ? meta_put_u64(txn, META_SEQ, seq) : error;
}

static enum error try_batch(struct generator *generator, struct outcome *outcome)
{
    struct txn *txn;
    enum error error = write_begin(generator->store, &txn);
    if (error != OK)
        return error;
    error = apply_all(generator, txn, outcome);
    generator->sweep_is_due = error == OK && sweep_is_due(txn);
    if (error == OK)
        return write_commit(txn);
    write_abort(txn);
    return error;
}

static enum error apply_batch(struct generator *generator, struct outcome *outcome)
{
    enum error error;
    do
        error = try_batch(generator, outcome);
    while (error == ERR_STORE_FULL && store_map_was_full(generator->store) && store_grow(generator->store, false));
    return error;
}

/* False at the end. */
static bool fill_batch(struct generator *generator)
{
    char *room = generator->texts;
    const char *room_end = generator->texts + BATCH_TEXTS_BYTES - INVENTION_TEXTS_LEN_MAX;
    generator->count = 0;
    generator->rows_before = invention_rows(generator->invention);
    while (room != NULL && room < room_end && generator->count < BATCH_COMMANDS) {
        room = invention_next(generator->invention, room, &generator->commands[generator->count]);
        generator->count += room != NULL;
    }
    return generator->count != 0;
}

static enum error apply_org(struct generator *generator)
{
    struct outcome outcome;
    generator->commands[0] = invention_org(generator->invention);
    generator->count = 1;
    return apply_batch(generator, &outcome);
}

/* ---- sweeping -------------------------------------------------------------------------------------------------- */

/* Where a walk over an index goes on; behind every key once it has come to the end. */
static struct bytes go_on(const struct key *next)
{
    return next->len == 0 ? BYTES("\xff") : key_view(next);
}

/* One walk over the indexes that takes out what is stale, as the server does it a little at a time. */
static enum error sweep_all(struct generator *generator)
{
    struct outcome outcome = {0};
    struct command command = {.kind = COMMAND_SWEEP, .sweep = {.at_ms = INVENTION_END_MS, .limit = SWEEP_ENTRIES}};
    enum error error;
    do {
        generator->commands[0] = command;
        generator->count = 1;
        error = apply_batch(generator, &outcome);
        command.sweep.from_seen = go_on(&outcome.next_seen);
        command.sweep.from_activity = go_on(&outcome.next_activity);
        command.sweep.from_updated = go_on(&outcome.next_updated);
    } while (error == OK && outcome.next_seen.len + outcome.next_activity.len + outcome.next_updated.len != 0);
    return error;
}

static enum error fill(struct generator *generator)
{
    struct outcome outcome;
    enum error error = OK;
    while (error == OK && !interrupt_was_noted() && fill_batch(generator)) {
        error = apply_batch(generator, &outcome);
        if (error == OK && generator->sweep_is_due)
            error = sweep_all(generator);
    }
    return error == OK && !interrupt_was_noted() ? sweep_all(generator) : error;
}

/* ---- the command ----------------------------------------------------------------------------------------------- */

static int explain(const struct options *options, const char *key, enum error error, bool has_org)
{
    char words[128];
    if (error == ERR_CONFLICT)
        cli_complain("there is an organisation \"%s\" already; name another one with --org", key);
    else if (error == ERR_STORE_FULL)
        cli_complain("the disk is full");
    else if (error != OK)
        cli_complain("%s", error_sentence(error));
    snprintf(words, sizeof(words), "org delete %s --yes", key);
    if (has_org)
        cli_complain("the organisation \"%s\" has a part of the data; this removes it: %s", key,
                     cli_command(options, words));
    return error == OK ? EXIT_INTERRUPTED : EXIT_FAILED;
}

static int generate(struct generator *generator, const struct options *options, const char *key, uint64_t rows)
{
    interrupt_note();
    enum error error = apply_org(generator);
    bool has_org = error == OK;
    progress_begin(&generator->progress, "rows", rows);
    if (error == OK)
        error = fill(generator);
    progress_end(&generator->progress);
    if (error != OK || interrupt_was_noted())
        return explain(options, key, error, has_org);
    return EXIT_FINE;
}

static void print_sizes(const char *key, const struct invention_size *size)
{
    printf("%s: %" PRIu64 " visitors, %" PRIu64 " conversations, %" PRIu64 " messages\n", key, size->visitors,
           size->conversations, size->messages);
}

/* LMDB takes and gives back the pages of each transaction one by one: keep them, or the kernel has to clear each anew.
 */
static void keep_freed_memory(void)
{
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES_MAX);
    mallopt(M_TOP_PAD, KEPT_STEP_BYTES);
}

static int run(const struct options *options, const char *key, const struct invention_size *size)
{
    struct admin admin;
    keep_freed_memory();
    if (!admin_open_or_create(&admin, options))
        return EXIT_FAILED;
    struct generator generator = {
        .store = admin.store,
        .invention = invention_open(size, options->seed, key),
        .commands = malloc(BATCH_COMMANDS * sizeof(struct command)),
        .texts = malloc(BATCH_TEXTS_BYTES),
    };
    if (generator.commands == NULL || generator.texts == NULL)
        abort();
    int status = generate(&generator, options, key, size->visitors + size->conversations + size->messages);
    if (status == EXIT_FINE)
        print_sizes(key, size);
    free(generator.commands);
    free(generator.texts);
    invention_close(generator.invention);
    admin_close(&admin);
    return status;
}

int cli_generate(const struct options *options)
{
    const char *key = options->org != NULL ? options->org : "generated";
    struct invention_size size = {
        .visitors = options->visitors,
        .conversations = options->given[OPTION_conversations] ? options->conversations : 3 * options->visitors,
        .messages = options->given[OPTION_messages] ? options->messages : 10 * options->visitors,
    };
    if (!org_key_is_valid(bytes_of_string(key))) {
        cli_complain("--org must be 1 to 64 of the characters A-Z, a-z, 0-9, '_' and '-', not \"%.64s\"", key);
        return EXIT_USAGE;
    }
    if (size.conversations < size.visitors || size.conversations > UINT32_MAX) {
        cli_complain("--conversations must be at least as large as --visitors (%" PRIu64
                     "), since visitors come to be with their first one, and at most %" PRIu32,
                     size.visitors, UINT32_MAX);
        return EXIT_USAGE;
    }
    return run(options, key, &size);
}
