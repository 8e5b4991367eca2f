/*
 * Every byte passes one buffer and one write loop, so the digest is of what reached the file and not of what was meant
 * to. A file is written beside its place and renamed only when it is on the disk: whoever finds PATH finds all of it.
 * Something at PATH that is no file (a device, a pipe) can't be replaced like that and is written to as it is.
 */
#include "sink.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/interrupt.h"

#define FILE_MODE 0600 /* what people wrote is nobody else's business */

static const char temporary_suffix[] = ".partial";

/* ---- opening ------------------------------------------------------------------------------------------------- */

void sink_open(struct sink *sink, int fd)
{
    *sink = (struct sink){.fd = fd};
}

/* A new file where none is, and so no link either. What an interrupted run left behind is taken away first. */
static int open_temporary(const char *path)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int fd = open(path, flags, FILE_MODE);
    if (fd >= 0 || errno != EEXIST || unlink(path) != 0)
        return fd;
    return open(path, flags, FILE_MODE);
}

static char *join(struct bytes first, struct bytes second)
{
    struct buffer text = {0};
    buffer_append(&text, first.data, first.len);
    buffer_append(&text, second.data, second.len + 1);
    return text.data;
}

static EVP_MD_CTX *start_digest(void)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    if (digest == NULL || EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1)
        abort();
    return digest;
}

static void release(struct sink *sink)
{
    if (sink->path != NULL && sink->fd >= 0)
        close(sink->fd);
    sink->fd = -1;
    EVP_MD_CTX_free(sink->digest);
    free(sink->path);
    free(sink->temporary);
    sink->digest = NULL;
    sink->path = sink->temporary = NULL;
    buffer_dispose(&sink->buffer);
}

bool sink_create(struct sink *sink, const char *path, bool with_digest)
{
    struct stat there;
    *sink = (struct sink){.fd = -1, .path = bytes_dup(bytes_of_string(path))};
    if (stat(path, &there) != 0 || S_ISREG(there.st_mode)) {
        sink->temporary = join(bytes_of_string(path), bytes_of_string(temporary_suffix));
        sink->fd = open_temporary(sink->temporary);
    } else {
        sink->fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
    }
    if (sink->fd < 0) {
        sink->error = errno;
        sink->failed = true;
        release(sink);
        errno = sink->error;
        return false;
    }
    sink->digest = with_digest ? start_digest() : NULL;
    return true;
}

/* ---- writing ------------------------------------------------------------------------------------------------- */

static bool fail(struct sink *sink, int error)
{
    if (!sink->failed) {
        sink->failed = true;
        sink->error = error;
        sink->reader_is_gone = error == EPIPE;
    }
    return false;
}

/* How many bytes were taken; 0 when it is worth another try, -1 with errno. */
static ssize_t write_some(const struct sink *sink, const char *data, size_t len)
{
    /* Whoever pressed Ctrl-C does not want to wait for a reader that does not read; a file never lets anybody wait. A
     * write that is ended half-way gives what it has written, and no EINTR. */
    if (sink->path == NULL && interrupt_was_noted()) {
        errno = EINTR;
        return -1;
    }
    int fd = sink->fd;
    ssize_t count = write(fd, data, len);
    if (count < 0 && errno == EAGAIN) {
        /* A descriptor that somebody else made non-blocking. */
        struct pollfd ready = {.fd = fd, .events = POLLOUT};
        count = poll(&ready, 1, -1) >= 0 ? 0 : -1;
    }
    return count < 0 && errno == EINTR ? 0 : count;
}

bool sink_flush(struct sink *sink)
{
    if (sink->failed) {
        buffer_clear(&sink->buffer);
        return false;
    }
    for (size_t at = 0; at < sink->buffer.len;) {
        ssize_t count = write_some(sink, sink->buffer.data + at, sink->buffer.len - at);
        if (count < 0) {
            buffer_clear(&sink->buffer);
            return fail(sink, errno);
        }
        at += (size_t)count;
    }
    if (sink->digest != NULL && EVP_DigestUpdate(sink->digest, sink->buffer.data, sink->buffer.len) != 1)
        abort();
    sink->bytes += sink->buffer.len;
    buffer_clear(&sink->buffer);
    return true;
}

/* ---- the end ------------------------------------------------------------------------------------------------- */

static void finish_digest(struct sink *sink, char *text)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (EVP_DigestFinal_ex(sink->digest, digest, &len) != 1 || len * 2 != SINK_SHA256_TEXT_LEN)
        abort();
    for (unsigned i = 0; i < len; ++i)
        snprintf(text + (size_t)2 * i, 3, "%02x", digest[i]);
}

/* The name of a new file is on the disk when its directory is. */
static bool sync_directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory = slash == NULL   ? bytes_dup(BYTES("."))
                      : slash == path ? bytes_dup(BYTES("/"))
                                      : bytes_dup(bytes_view(path, (size_t)(slash - path)));
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(directory);
    if (fd < 0)
        return false;
    /* Some file systems can't sync a directory and say EINVAL; there is nothing else to do then. */
    bool done = fsync(fd) == 0 || errno == EINVAL;
    int error = errno;
    close(fd);
    errno = error;
    return done;
}

/* Another run with the same PATH may have taken our name away; then its file must not be taken for ours. */
static bool is_still_ours(const struct sink *sink)
{
    struct stat file, name;
    if (fstat(sink->fd, &file) != 0 || lstat(sink->temporary, &name) != 0)
        return false;
    errno = EBUSY;
    return file.st_dev == name.st_dev && file.st_ino == name.st_ino;
}

static bool put_in_place(struct sink *sink)
{
    if (fsync(sink->fd) != 0 || !is_still_ours(sink) || rename(sink->temporary, sink->path) != 0)
        return false;
    free(sink->temporary);
    sink->temporary = NULL;
    return sync_directory_of(sink->path);
}

bool sink_finish(struct sink *sink, char *digest_text)
{
    sink_flush(sink);
    if (!sink->failed && sink->temporary != NULL && !put_in_place(sink))
        fail(sink, errno);
    if (!sink->failed && digest_text != NULL) {
        assert(sink->digest != NULL);
        finish_digest(sink, digest_text);
    }
    if (sink->failed) {
        sink_abandon(sink);
        return false;
    }
    release(sink);
    return true;
}

void sink_abandon(struct sink *sink)
{
    if (sink->temporary != NULL && sink->fd >= 0 && is_still_ours(sink))
        unlink(sink->temporary);
    release(sink);
}

int sink_explain(const struct sink *sink, const char *name)
{
    if (!sink->failed || sink->reader_is_gone)
        return EXIT_FINE;
    if (sink->error == EINTR)
        return EXIT_INTERRUPTED;
    if (sink->error == EBUSY)
        cli_complain("%s was not written: another command is writing it at the same time", name);
    else
        cli_complain("%s was not written: %s", name, strerror(sink->error));
    return EXIT_FAILED;
}
