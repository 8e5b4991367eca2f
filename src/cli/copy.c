/* Nothing unsound ever gets the name that was asked for, and nothing is left behind: whoever finds a file finds a whole
 * one. */
#include "cli/copy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/grid.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "rules/check.h"

#define COPY_BUFFER_BYTES 262144
#define BROKEN_LISTED_MAX 20

/* ---- a file that is whole or not there ------------------------------------------------------------------------- */

static bool complain_of_creation(const char *path)
{
    if (errno == EBUSY || errno == EEXIST)
        cli_complain("%s.partial is there already: it is being written by somebody else, or it is not a file of ours; "
                     "remove it, or name another one",
                     path);
    else
        cli_complain("cannot write %s.partial: %s", path, strerror(errno));
    return false;
}

bool copy_create(struct partial *partial, const char *path, const char *directory)
{
    interrupt_holds(true);
    bool is_made = partial_create(partial, path) || complain_of_creation(path);
    if (is_made) {
        interrupt_removes(partial->unfinished);
        if (directory != NULL)
            interrupt_removes(directory);
        interrupt_ends();
    }
    interrupt_holds(false);
    return is_made;
}

bool copy_sync(const struct partial *partial)
{
    if (fsync(partial->fd) == 0)
        return true;
    cli_complain("cannot write %s: %s", partial->unfinished, strerror(errno));
    return false;
}

static void end_copy(void)
{
    interrupt_is_nothing_special();
    interrupt_removes_nothing();
}

bool copy_finish(struct partial *partial, const char *path, bool replaces)
{
    bool is_fine = partial_finish(partial, replaces);
    if (!is_fine)
        cli_complain("cannot give %s its name: %s", path, strerror(errno));
    end_copy();
    return is_fine;
}

void copy_abandon(struct partial *partial)
{
    partial_abandon(partial);
    end_copy();
}

/* ---- bytes ----------------------------------------------------------------------------------------------------- */

static bool write_all(int fd, const char *data, size_t len)
{
    while (len != 0) {
        ssize_t wrote = write(fd, data, len);
        if (wrote < 0 && errno != EINTR)
            return false;
        if (wrote > 0) {
            data += wrote;
            len -= (size_t)wrote;
        }
    }
    return true;
}

bool copy_bytes(int from, const char *from_name, int to, const char *to_name, uint64_t total_bytes)
{
    static char buffer[COPY_BUFFER_BYTES];
    struct progress progress;
    const char *failed = NULL, *verb = "";
    uint64_t done = 0;
    progress_begin(&progress, "copying MiB", total_bytes >> 20);
    while (failed == NULL) {
        ssize_t got = read(from, buffer, sizeof(buffer));
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            failed = from_name, verb = "read";
        else if (got > 0 && !write_all(to, buffer, (size_t)got))
            failed = to_name, verb = "write";
        done += got > 0 ? (uint64_t)got : 0;
        progress_update(&progress, done >> 20);
    }
    int error = errno;
    progress_end(&progress);
    if (failed != NULL)
        cli_complain("cannot %s %s: %s", verb, failed, strerror(error));
    return failed == NULL;
}

/* ---- a database ------------------------------------------------------------------------------------------------ */

struct listing {
    struct progress progress;
    uint64_t listed;
};

static void on_broken(void *context, const char *sentence)
{
    struct listing *listing = context;
    if (++listing->listed > BROKEN_LISTED_MAX)
        return;
    progress_end(&listing->progress);
    cli_complain("%s", sentence);
}

static void on_rows(void *context, uint64_t rows)
{
    progress_update(&((struct listing *)context)->progress, rows);
}

static void check_all(struct txn *txn, struct check_report *report)
{
    struct listing listing = {.listed = 0};
    uint64_t rows = 0;
    for (int table = 0; table < TABLE_COUNT; ++table)
        rows += table_rows(txn, (enum table)table);
    progress_begin(&listing.progress, "verifying rows", rows);
    check_store_watched(txn, on_broken, on_rows, &listing, report);
    progress_end(&listing.progress);
}

static bool check(struct store *store, struct copy_figures *out)
{
    struct check_report report = {0};
    uint64_t map_bytes;
    unsigned readers;
    store_usage(store, &out->bytes, &map_bytes, &readers);
    struct reader *reader = reader_open(store);
    struct txn *txn = reader_begin(reader);
    bool is_readable = txn != NULL && meta_get_u64(txn, META_SEQ, &out->seq) == OK;
    if (is_readable)
        check_all(txn, &report);
    else
        cli_complain("the copy can't be read");
    if (txn != NULL)
        reader_end(reader);
    reader_close(reader);
    out->broken = report.broken;
    for (int table = 0; table < TABLE_COUNT; ++table)
        out->rows += report.rows[table];
    return is_readable && report.broken == 0;
}

/* The sentences of store_open have the path in them, and people know the file under another name. */
static void complain_as(const char *name, const char *path, const char *why)
{
    const char *at = strstr(why, path);
    if (at != NULL)
        cli_complain("%.*s%s%s", (int)(at - why), why, name, at + strlen(path));
    else
        cli_complain("%s: %s", name, why);
}

bool copy_verify(const char *path, const char *name, enum store_mode mode, struct copy_figures *out)
{
    static const char sentence[] = "helvino: the copy is damaged so badly that it can't be walked to its end\n";
    char why[STORE_WHY_LEN];
    *out = (struct copy_figures){0};
    store_guard(sentence, EXIT_FAILED, true);
    struct store *store = store_open(
        &(struct store_config){.directory = path, .mode = mode, .keeps_no_copy = true, .is_older = &out->is_older},
        why);
    if (store == NULL) {
        if (!out->is_older)
            complain_as(name, path, why);
        return false;
    }
    store_guard(sentence, EXIT_FAILED, true);
    bool is_sound = check(store, out);
    store_close(store);
    return is_sound;
}

void copy_tell(const char *what, const struct copy_figures *figures)
{
    char size[SIZE_TEXT_LEN];
    format_size(figures->bytes, size);
    cli_complain("%s: %s, sequence number %" PRIu64 ", %" PRIu64 " rows, verified", what, size, figures->seq,
                 figures->rows);
}
