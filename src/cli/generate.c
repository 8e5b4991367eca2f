/*
 * `helvino generate`: invented data by the ordinary commands and rules, so that the tables are what a year of serving
 * would have left. Thousands of commands go into one transaction; when the map is full the same ones are applied again
 * on a larger one.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "api/api.h"
#include "cli/admin.h"
#include "cli/interrupt.h"
#include "cli/invent.h"
#include "cli/progress.h"
#include "rules/rules.h"

#define BATCH_COMMANDS 32768
#define BATCH_TEXTS_BYTES (BATCH_COMMANDS * 256)
#define PROGRESS_COMMANDS 512 /* between two looks at the clock */

struct generator {
    struct store *store;
    struct invention *invention;
    struct progress progress;
    struct command *commands;
    char *texts; /* of the commands */
    size_t count;
};

/* ---- applying -------------------------------------------------------------------------------------------------- */

static enum error apply_all(struct generator *generator, struct txn *txn)
{
    uint64_t seq;
    struct outcome outcome;
    enum error error = meta_get_u64(txn, META_SEQ, &seq);
    for (size_t i = 0; i < generator->count && error == OK; ++i) {
        txn_arena_reset(txn);
        error = rules_apply(txn, ++seq, &generator->commands[i], &outcome);
        if (i % PROGRESS_COMMANDS == 0)
            progress_update(&generator->progress, invention_rows(generator->invention) - generator->count + i);
    }
    return error == OK ? meta_put_u64(txn, META_SEQ, seq) : error;
}

static enum error try_batch(struct generator *generator)
{
    struct txn *txn;
    enum error error = write_begin(generator->store, &txn);
    if (error != OK)
        return error;
    error = apply_all(generator, txn);
    if (error == OK)
        return write_commit(txn);
    write_abort(txn);
    return error;
}

static enum error apply_batch(struct generator *generator)
{
    enum error error;
    do
        error = try_batch(generator);
    while (error == ERR_STORE_FULL && store_map_was_full(generator->store) && store_grow(generator->store, false));
    return error;
}

/* False at the end. */
static bool fill_batch(struct generator *generator)
{
    char *room = generator->texts;
    const char *room_end = generator->texts + BATCH_TEXTS_BYTES - INVENTION_TEXTS_LEN_MAX;
    generator->count = 0;
    while (room != NULL && room < room_end && generator->count < BATCH_COMMANDS) {
        room = invention_next(generator->invention, room, &generator->commands[generator->count]);
        generator->count += room != NULL;
    }
    return generator->count != 0;
}

static enum error apply_org(struct generator *generator)
{
    generator->commands[0] = invention_org(generator->invention);
    generator->count = 1;
    return apply_batch(generator);
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
    while (error == OK && !interrupt_was_noted() && fill_batch(generator))
        error = apply_batch(generator);
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

static int run(const struct options *options, const char *key, const struct invention_size *size)
{
    struct admin admin;
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
