/* The place of a dry run: a copy of the database in a directory of its own, beside other temporary files. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

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

bool import_trial_begin(struct import_trial *trial, const struct options *options)
{
    const char *temporary = getenv("TMPDIR");
    (void)options;
    trial->directory =
        join(temporary != NULL && temporary[0] != '\0' ? temporary : TEMPORARY_DEFAULT, "helvino-dry-run-XXXXXX");
    if (mkdtemp(trial->directory) == NULL) {
        cli_complain("no temporary directory can be made like %s: %s; TMPDIR names another place", trial->directory,
                     strerror(errno));
        free(trial->directory);
        return false;
    }
    return true;
}

void import_trial_end(struct import_trial *trial)
{
    remove_directory(trial->directory);
    free(trial->directory);
}
