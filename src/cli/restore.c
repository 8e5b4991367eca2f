/*
 * `helvino restore`: a data directory out of the file of a backup. The file is copied beside its place, synced and
 * checked before the directory has it. One of an older format can only be checked once it has been brought up to date,
 * which happens in the directory; if that fails, what was made is removed again.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/logline.h"
#include "cli/cli.h"
#include "cli/copy.h"
#include "cli/interrupt.h"
#include "cli/restore_private.h"

/* ---- the directory --------------------------------------------------------------------------------------------- */

/* "lost+found" is in every new file system. */
static bool is_nothing(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "lost+found") == 0;
}

static bool is_empty(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    if (directory == NULL) {
        cli_complain("cannot look into %s: %s", path, strerror(errno));
        return false;
    }
    do
        entry = readdir(directory);
    while (entry != NULL && is_nothing(entry->d_name));
    if (entry != NULL)
        cli_complain("%s is not empty (there is %s), and a restore replaces nothing; name a new directory with --data",
                     path, entry->d_name);
    closedir(directory);
    return entry == NULL;
}

static bool prepare_directory(const char *path, bool *made)
{
    struct stat info;
    *made = mkdir(path, 0700) == 0;
    if (*made)
        return true;
    if (errno != EEXIST) {
        cli_complain("cannot make the directory %s: %s", path, strerror(errno));
        return false;
    }
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) {
        cli_complain("%s is not a directory; name a new one with --data", path);
        return false;
    }
    if (info.st_mode & S_IWOTH) {
        cli_complain("everybody may write to %s; make it private first (chmod 700)", path);
        return false;
    }
    return is_empty(path);
}

/* ---- the backup ------------------------------------------------------------------------------------------------ */

/* The locks beside a data.mdb say that it is in use, and what is being written can't be copied byte by byte. */
static bool is_in_use(const char *path)
{
    char lock[COPY_PATH_LEN];
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
    snprintf(lock, sizeof(lock), "%.*slock.mdb", (int)(name - path), path);
    if (strcmp(name, "data.mdb") != 0 || access(lock, F_OK) != 0)
        return false;
    cli_complain("%s belongs to a database that may be in use; make a backup of it with \"helvino backup\"", path);
    return true;
}

/* -1, once it has been said, when there is none to read. */
static int open_backup(const char *path, uint64_t *bytes)
{
    struct stat file;
    bool is_input = strcmp(path, "-") == 0;
    if (is_input && isatty(STDIN_FILENO)) {
        cli_complain("standard input is a terminal; send the backup into it, or name a file");
        return -1;
    }
    if (is_in_use(path))
        return -1;
    int fd = is_input ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &file) != 0) {
        cli_complain("cannot read %s: %s", path, strerror(errno));
        return -1;
    }
    if (S_ISDIR(file.st_mode)) {
        cli_complain("%s is a directory; name the file of a backup", path);
        close(fd);
        return -1;
    }
    *bytes = S_ISREG(file.st_mode) ? (uint64_t)file.st_size : 0;
    return fd;
}

/* ---- both together --------------------------------------------------------------------------------------------- */

/* The database, which is ours, and what opening it for writing will make beside it, and only that: what somebody else
 * has put there meanwhile stays. */
static void name_what_must_not_stay(const struct restoring *restoring)
{
    char path[COPY_PATH_LEN];
    interrupt_removes(restoring->path);
    for (size_t i = 0; i < STORE_FILE_COUNT; ++i) {
        snprintf(path, sizeof(path), "%s/%s", restoring->directory, store_files[i]);
        if (access(path, F_OK) != 0)
            interrupt_removes(path);
    }
    if (restoring->made != NULL)
        interrupt_removes(restoring->made);
}

/* An older database is brought up to date where it will be; there it is checked. */
static bool bring_up_to_date(struct restoring *restoring)
{
    name_what_must_not_stay(restoring);
    interrupt_ends();
    cli_complain("the backup is of an older helvino; bringing it up to date");
    bool is_fine = copy_verify(restoring->directory, restoring->name, STORE_ADMIN, &restoring->figures);
    interrupt_is_nothing_special();
    if (!is_fine)
        interrupt_remove_now();
    interrupt_removes_nothing();
    return is_fine;
}

static bool take(struct restoring *restoring)
{
    struct partial *partial = &restoring->partial;
    struct copy_figures *figures = &restoring->figures;
    bool is_sound = copy_sync(partial) && copy_verify(partial->unfinished, restoring->name, STORE_READ_ONLY, figures);
    if (!is_sound && !figures->is_older) {
        copy_abandon(partial);
        return false;
    }
    if (is_sound)
        return copy_finish(partial, restoring->path, false);
    return copy_finish(partial, restoring->path, false) && bring_up_to_date(restoring);
}

static bool restore(struct restoring *restoring)
{
    struct partial *partial = &restoring->partial;
    if (restoring->erasures != NULL)
        return restore_erased(restoring);
    if (!copy_create(partial, restoring->path, restoring->made))
        return false;
    if (copy_bytes(restoring->from, restoring->name, partial->fd, partial->unfinished, restoring->bytes))
        return take(restoring);
    copy_abandon(partial);
    return false;
}

static void tell_root(const char *directory)
{
    if (geteuid() == 0)
        cli_complain(
            "%s belongs to root now; if the server runs as another user, give it to that one: chown -R USER %s",
            directory, directory);
}

static void tell_erased(const struct restoring *restoring)
{
    struct buffer text = {0};
    if (restoring->erasures == NULL)
        return;
    erasures_describe(&restoring->erased, &text);
    cli_complain("%.*s", (int)text.len, text.data);
    buffer_dispose(&text);
}

static int restore_into(struct restoring *restoring)
{
    const char *directory = restoring->directory;
    bool made;
    if (!prepare_directory(directory, &made))
        return EXIT_FAILED;
    restoring->made = made ? directory : NULL;
    snprintf(restoring->path, sizeof(restoring->path), "%s/data.mdb", directory);
    bool is_fine = restore(restoring);
    if (!is_fine && made)
        rmdir(directory);
    if (!is_fine)
        return EXIT_FAILED;
    if (made)
        partial_sync_parent(directory);
    copy_tell(directory, &restoring->figures);
    tell_erased(restoring);
    tell_root(directory);
    return EXIT_FINE;
}

int cli_restore(const struct options *options)
{
    const char *path = options->arguments[0];
    struct erasures erasures = {0};
    struct restoring restoring = {.options = options,
                                  .partial = {.fd = -1},
                                  .name = strcmp(path, "-") == 0 ? "standard input" : path,
                                  .directory = options->data,
                                  .erasures = options->erasures != NULL ? &erasures : NULL};
    log_line_setup(LOG_WARN, LOG_FORMAT_TEXT);
    if (options->erasures != NULL && !erasures_read(options->erasures, options, &erasures))
        return EXIT_FAILED;
    restoring.from = open_backup(path, &restoring.bytes);
    int status = restoring.from < 0 ? EXIT_FAILED : restore_into(&restoring);
    if (restoring.from >= 0)
        close(restoring.from);
    erasures_dispose(&erasures);
    return status;
}
