/* The place of a dry run: a copy of the database in a directory of its own, beside other temporary files. */
#include <dirent.h>
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

static void remove_directory(const char *path)
{
    DIR *directory = opendir(path);
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char *file = join(path, entry->d_name);
        unlink(file);
        free(file);
    }
    if (directory != NULL)
        closedir(directory);
    rmdir(path);
}

static bool make_directory(struct import_trial *trial)
{
    const char *temporary = getenv("TMPDIR");
    trial->directory =
        join(temporary != NULL && temporary[0] != '\0' ? temporary : TEMPORARY_DEFAULT, "helvino-dry-run-XXXXXX");
    if (mkdtemp(trial->directory) != NULL)
        return true;
    cli_complain("no directory can be made like %s: %s; TMPDIR names another place for it", trial->directory,
                 strerror(errno));
    free(trial->directory);
    return false;
}

/* An interrupted copy leaves nothing behind; from then on the import itself looks for Ctrl-C. */
static bool copy(struct store *store, const char *directory)
{
    char why[STORE_WHY_LEN];
    char *path = join(directory, "data.mdb");
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool is_fine = fd >= 0;
    if (is_fine) {
        interrupt_removes(path, directory);
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
    if (!has_database || copy_database(trial, options))
        return true;
    import_trial_end(trial);
    return false;
}

void import_trial_end(struct import_trial *trial)
{
    remove_directory(trial->directory);
    free(trial->directory);
}
