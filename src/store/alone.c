/*
 * Putting another file in the place of the data is sound only while nobody has the old one open: a server would go on
 * writing to a file that has no name any more. So whoever opens the data of a directory holds a shared lock (flock,
 * which has nothing to do with LMDB's own locks) on the file itself, and whoever replaces it the exclusive one. The
 * lock is on the file and not on its name: one who waited between opening and locking may hold a file that was
 * replaced, and looks whether it still has its name. Runs while the store is opened, before there is another thread.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "store/internal.h"

#define PATH_LEN_MAX 4096

bool alone_from_servers(struct store *store, char why[STORE_WHY_LEN])
{
    char path[PATH_LEN_MAX];
    snprintf(path, sizeof(path), "%s/helvino.lock", store->directory);
    store->lock_fd = store_open_file(path);
    if (store->lock_fd < 0)
        return store_refuse(why, "cannot open %s: %s", path, strerror(errno));
    return flock(store->lock_fd, LOCK_EX | LOCK_NB) == 0 ||
           store_refuse(why, "a helvino server is using %s; stop it first, and start it again afterwards",
                        store->directory);
}

static bool has_its_name(const struct store *store, int fd)
{
    struct stat file, name;
    return fstat(fd, &file) == 0 && stat(store->data_file, &name) == 0 && file.st_dev == name.st_dev &&
           file.st_ino == name.st_ino;
}

bool alone_or_shared(struct store *store, bool alone, char why[STORE_WHY_LEN])
{
    int fd;
    if (store->is_file)
        return true;
    if (mdb_env_get_fd(store->env, &fd) != 0)
        return store_refuse(why, "cannot look at the database in %s", store->directory);
    /* Another error than that somebody holds it means a file system without these locks. */
    if (flock(fd, (alone ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0 && (errno == EWOULDBLOCK || alone))
        return alone ? store_refuse(why, "another command of helvino is using %s; let it end first", store->directory)
                     : store_refuse(why, "the database in %s is being compacted; try again when that has ended",
                                    store->directory);
    return has_its_name(store, fd) ||
           store_refuse(why, "the database in %s was replaced this very moment; try again", store->directory);
}
