/*
 * `helvino backup`: LMDB copies one snapshot, the copy is synced, closed, opened again as the file that it is, and all
 * of it is checked; only then does it get its name, or go to standard output. So a backup that is there can be
 * restored.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/admin.h"
#include "cli/copy.h"

/* ---- copying --------------------------------------------------------------------------------------------------- */

static bool copy_database(const struct options *options, int fd)
{
    struct admin admin;
    char why[STORE_WHY_LEN];
    if (!admin_open(&admin, options, STORE_READ_ONLY))
        return false;
    store_guard("helvino: the database is damaged so badly that it can't be copied\n", EXIT_FAILED, true);
    bool is_fine = copy_store(&admin, fd, why);
    admin_close(&admin);
    if (!is_fine)
        cli_complain("the backup failed: %s; nothing of it was kept. \"%s\" tells whether the database itself is sound",
                     why, cli_command(options, "check"));
    return is_fine;
}

/* The snapshot of a sound database is sound, so what is broken in the copy is broken in the database. */
static bool verify(const struct options *options, const char *path, struct copy_figures *figures)
{
    if (copy_verify(path, "the copy", STORE_READ_ONLY, figures))
        return true;
    if (figures->broken != 0)
        cli_complain("%llu %s broken in the database, so this copy of it was not kept; \"%s\" lists them",
                     (unsigned long long)figures->broken, figures->broken == 1 ? "thing is" : "things are",
                     cli_command(options, "check"));
    return false;
}

/* ---- into a file ----------------------------------------------------------------------------------------------- */

static bool is_free(const char *path)
{
    struct stat file;
    if (lstat(path, &file) == 0)
        cli_complain(S_ISDIR(file.st_mode) ? "%s is a directory; name a new file in it"
                                           : "%s is there already, and a backup replaces nothing; name another file",
                     path);
    else if (errno != ENOENT)
        cli_complain("cannot write %s: %s", path, strerror(errno));
    else
        return true;
    return false;
}

static int back_up_to_file(const struct options *options, const char *path)
{
    struct partial partial = {.fd = -1};
    struct copy_figures figures;
    if (!is_free(path) || !copy_create(&partial, path, NULL))
        return EXIT_FAILED;
    if (!copy_database(options, partial.fd) || !copy_sync(&partial) || !verify(options, partial.unfinished, &figures)) {
        copy_abandon(&partial);
        return EXIT_FAILED;
    }
    if (!copy_finish(&partial, path, false))
        return EXIT_FAILED;
    copy_tell(path, &figures);
    return EXIT_FINE;
}

/* ---- to standard output ---------------------------------------------------------------------------------------- */

/* A file without a name: whatever happens, nothing is left of it. */
static int open_nameless(char path[COPY_PATH_LEN])
{
    const char *directory = getenv("TMPDIR");
    snprintf(path, COPY_PATH_LEN, "%s/helvino-backup-XXXXXX",
             directory == NULL || directory[0] == '\0' ? "/var/tmp" : directory);
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    else
        cli_complain("cannot write %s: %s; $TMPDIR names the directory where the copy is verified before it goes to "
                     "standard output",
                     path, strerror(errno));
    return fd;
}

static bool stream(const struct options *options, int fd, const char *name, struct copy_figures *figures)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return copy_database(options, fd) && verify(options, path, figures) && lseek(fd, 0, SEEK_SET) == 0 &&
           copy_bytes(fd, name, STDOUT_FILENO, "standard output", figures->bytes);
}

static int back_up_to_output(const struct options *options)
{
    char name[COPY_PATH_LEN];
    struct copy_figures figures;
    if (isatty(STDOUT_FILENO)) {
        cli_complain("a backup is nothing for a terminal; send it to a file or a pipe, or name a file");
        return EXIT_USAGE;
    }
    int fd = open_nameless(name);
    if (fd < 0)
        return EXIT_FAILED;
    bool is_fine = stream(options, fd, name, &figures);
    close(fd);
    if (is_fine)
        copy_tell("standard output", &figures);
    return is_fine ? EXIT_FINE : EXIT_FAILED;
}

int cli_backup(const struct options *options)
{
    const char *path = options->arguments[0];
    return strcmp(path, "-") == 0 ? back_up_to_output(options) : back_up_to_file(options, path);
}
