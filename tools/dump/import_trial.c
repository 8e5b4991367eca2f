/* The place of a dry run: a copy of the database in a directory of its own, beside other temporary files. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/interrupt.h"

#include "import_private.h"

#define TEMPORARY_DEFAULT "/var/tmp" /* often on a larger file system than /tmp */

static char *join(const char *directory, const char *name)
{
    char *path;
    if (asprintf(&path, "%s/%s", directory, name) < 0)
        abort();
    return path;
}

/* Whatever ends the process from here on takes the copy with it: it is what people wrote to each other. */
static void name_what_must_not_stay(const char *directory)
{
    for (size_t i = 0; i < STORE_FILE_COUNT; ++i) {
        char *path = join(directory, store_files[i]);
        interrupt_removes(path);
        free(path);
    }
    interrupt_removes(directory);
}

static bool make_directory(struct import_trial *trial)
{
    const char *temporary = getenv("TMPDIR");
    trial->directory =
        join(temporary != NULL && temporary[0] != '\0' ? temporary : TEMPORARY_DEFAULT, "helvino-dry-run-XXXXXX");
    interrupt_holds(true);
    bool is_made = mkdtemp(trial->directory) != NULL;
    int error = errno;
    if (is_made)
        name_what_must_not_stay(trial->directory);
    interrupt_holds(false);
    if (is_made)
        return true;
    cli_complain("no directory can be made like %s: %s; TMPDIR names another place for it", trial->directory,
                 strerror(error));
    free(trial->directory);
    return false;
}

/* A copy can't stop half-way, so Ctrl-C ends the process meanwhile; before and after, the import itself looks for it.
 */
static bool copy(struct store *store, const char *directory)
{
    char why[STORE_WHY_LEN];
    char *path = join(directory, "data.mdb");
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool is_fine = fd >= 0;
    if (is_fine) {
        interrupt_ends();
        is_fine = store_backup(store, fd, why);
        interrupt_note();
        close(fd);
    } else {
        snprintf(why, sizeof(why), "%s", strerror(errno));
    }
    if (!is_fine)
        cli_complain("a dry run needs a copy of the database, and it can't be made in %s: %s; TMPDIR names another "
                     "place for it",
                     directory, why);
    free(path);
    return is_fine;
}

static bool copy_database(const struct import_trial *trial, const struct options *options)
{
    struct admin admin;
    if (!admin_open(&admin, options, STORE_READ_ONLY))
        return false;
    bool is_fine = copy(admin.store, trial->directory);
    admin_close(&admin);
    return is_fine;
}

bool import_trial_begin(struct import_trial *trial, const struct options *options, bool has_database)
{
    if (!make_directory(trial))
        return false;
    if (!interrupt_was_noted() && (!has_database || copy_database(trial, options)))
        return true;
    import_trial_end(trial);
    return false;
}

void import_trial_end(struct import_trial *trial)
{
    interrupt_remove_now();
    interrupt_removes_nothing();
    free(trial->directory);
}
