/* Whether an unfinished file belongs to a run that lives is told by a lock on it, which ends with the process; whether
 * a name is still that of our file by its inode. */
#include "base/partial.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"

#define FILE_MODE 0600 /* what people wrote is nobody else's business */

static const char suffix[] = ".partial";

/* ---- making it ------------------------------------------------------------------------------------------------- */

static int open_new(const char *path)
{
    return open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
}

/* Some file systems have no locks; there the inode alone tells that two runs have met. */
static bool lock(int fd)
{
    return flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

static bool is_name_of(const char *path, int fd)
{
    struct stat file, name;
    return fstat(fd, &file) == 0 && lstat(path, &name) == 0 && file.st_dev == name.st_dev && file.st_ino == name.st_ino;
}

/* False with errno. */
static bool remove_leftover(const char *path)
{
    struct stat file;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    int error = EEXIST;
    if (fd >= 0 && fstat(fd, &file) == 0 && S_ISREG(file.st_mode))
        error = !lock(fd) || !is_name_of(path, fd) ? EBUSY : unlink(path) == 0 ? 0 : errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return error == 0;
}

static int open_unfinished(const char *path)
{
    int fd = open_new(path);
    if (fd < 0 && errno == EEXIST && remove_leftover(path))
        fd = open_new(path);
    if (fd < 0 || (lock(fd) && is_name_of(path, fd)))
        return fd;
    close(fd); /* another run has taken it for a leftover */
    errno = EBUSY;
    return -1;
}

static void release(struct partial *partial)
{
    int error = errno;
    if (partial->fd >= 0)
        close(partial->fd);
    free(partial->path);
    free(partial->unfinished);
    *partial = (struct partial){.fd = -1};
    errno = error;
}

bool partial_create(struct partial *partial, const char *path)
{
    struct buffer unfinished = {0};
    buffer_printf(&unfinished, "%s%s", path, suffix);
    buffer_append(&unfinished, "", 1);
    *partial = (struct partial){.path = bytes_dup(bytes_of_string(path)), .unfinished = unfinished.data};
    partial->fd = open_unfinished(partial->unfinished);
    if (partial->fd >= 0)
        return true;
    release(partial);
    return false;
}

const char *partial_reason(int error)
{
    if (error == EBUSY)
        return "another command is writing it at the same time";
    if (error == EEXIST)
        return "something of that name, or with \".partial\" behind it, is there already";
    return strerror(error);
}

/* ---- its name -------------------------------------------------------------------------------------------------- */

bool partial_sync_parent(const char *path)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        --len;
    while (len > 0 && path[len - 1] != '/')
        --len;
    char *parent = len == 0 ? bytes_dup(BYTES(".")) : bytes_dup(bytes_view(path, len));
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(parent);
    if (fd < 0)
        return errno == EACCES; /* whoever may not look into it can't sync it */
    /* Some file systems can't sync a directory and say EINVAL; there is nothing else to do then. */
    bool is_done = fsync(fd) == 0 || errno == EINVAL;
    int error = errno;
    close(fd);
    errno = error;
    return is_done;
}

/* Not every file system knows how not to replace. */
static bool rename_to_free(const char *from, const char *to)
{
    struct stat there;
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return true;
    if (errno != EINVAL && errno != ENOSYS)
        return false;
    if (lstat(to, &there) == 0)
        errno = EEXIST;
    return errno != EEXIST && rename(from, to) == 0;
}

static bool give_name(const struct partial *partial, bool replaces)
{
    if (fsync(partial->fd) != 0)
        return false;
    if (!is_name_of(partial->unfinished, partial->fd)) {
        errno = EBUSY;
        return false;
    }
    return replaces ? rename(partial->unfinished, partial->path) == 0
                    : rename_to_free(partial->unfinished, partial->path);
}

static void remove_ours(const struct partial *partial, const char *path)
{
    int error = errno;
    if (is_name_of(path, partial->fd))
        unlink(path);
    errno = error;
}

bool partial_finish(struct partial *partial, bool replaces)
{
    bool is_fine = give_name(partial, replaces) && partial_sync_parent(partial->path);
    if (!is_fine) {
        remove_ours(partial, partial->unfinished);
        remove_ours(partial, partial->path);
    }
    release(partial);
    return is_fine;
}

void partial_abandon(struct partial *partial)
{
    if (partial->fd >= 0)
        remove_ours(partial, partial->unfinished);
    release(partial);
}
