/*
 * `helvino compact`: a compact copy takes the place of the data, so that no byte of what was deleted is left in the
 * file. The copy is made beside it, synced and verified, all of it, before it gets the name: whenever the machine
 * stops, there is the old file or the new one, and each of them is whole. Nobody else may have the database open
 * meanwhile.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/admin.h"
#include "cli/copy.h"
#include "cli/grid.h"

/* What an upgrade has kept is of a time before the deletions. */
static void name_older_copies(const struct options *options)
{
    char path[COPY_PATH_LEN];
    for (int format = 1; format < STORE_FORMAT; ++format) {
        snprintf(path, sizeof(path), "%s/data.mdb.format-%d", options->data, format);
        if (access(path, F_OK) == 0)
            cli_complain(
                "note: %s is a copy from before an upgrade, and what has been deleted since is in it; delete it "
                "once all is well",
                path);
    }
}

static uint64_t file_bytes(const char *path)
{
    struct stat file;
    return stat(path, &file) == 0 ? (uint64_t)file.st_size : 0;
}

static bool read_seq(struct admin *admin, uint64_t *out)
{
    enum error error = admin_read(admin) == NULL ? ERR_BUSY : meta_get_u64(admin->txn, META_SEQ, out);
    if (admin->txn != NULL)
        admin_read_end(admin);
    return error == OK;
}

static bool copy(struct admin *admin, struct partial *partial)
{
    char why[STORE_WHY_LEN];
    store_guard("helvino: the database is damaged so badly that it can't be copied\n", EXIT_FAILED, true);
    if (copy_store(admin, partial->fd, why))
        return copy_sync(partial);
    cli_complain("the copy failed: %s; nothing has changed. \"%s\" tells whether the database itself is sound", why,
                 cli_command(admin->options, "check"));
    return false;
}

/* The copy is of this very database, since nobody could write meanwhile. */
static bool verify(struct admin *admin, const struct partial *partial, uint64_t seq, struct copy_figures *figures)
{
    if (copy_verify(partial->unfinished, "the copy", STORE_READ_ONLY, figures) && figures->seq == seq)
        return true;
    cli_complain("the copy is not sound, so it was not kept; nothing has changed. \"%s\" tells whether the database "
                 "itself is",
                 cli_command(admin->options, "check"));
    return false;
}

static bool replace(struct admin *admin, const char *path, struct copy_figures *figures)
{
    struct partial partial = {.fd = -1};
    uint64_t seq;
    if (!read_seq(admin, &seq) || !copy_create(&partial, path, NULL))
        return false;
    if (copy(admin, &partial) && verify(admin, &partial, seq, figures))
        return copy_finish(&partial, path, true);
    copy_abandon(&partial);
    return false;
}

static void tell(const char *directory, uint64_t bytes_before, const struct copy_figures *figures)
{
    char before[SIZE_TEXT_LEN], what[COPY_PATH_LEN];
    format_size(bytes_before, before);
    snprintf(what, sizeof(what), "%s (it was %s)", directory, before);
    copy_tell(what, figures);
}

int cli_compact(const struct options *options)
{
    struct admin admin;
    struct copy_figures figures;
    char path[COPY_PATH_LEN];
    snprintf(path, sizeof(path), "%s/data.mdb", options->data);
    if (!admin_open_alone(&admin, options))
        return EXIT_FAILED;
    uint64_t bytes_before = file_bytes(path);
    bool is_fine = replace(&admin, path, &figures);
    admin_close(&admin);
    if (!is_fine)
        return EXIT_FAILED;
    tell(options->data, bytes_before, &figures);
    name_older_copies(options);
    return EXIT_FINE;
}
