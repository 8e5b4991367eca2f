/*
 * Every byte passes one buffer and one write loop, so the digest is of what reached the file and not of what was meant
 * to. A file has its name only when it is on the disk: whoever finds PATH finds all of it. Something at PATH that is no
 * file (a device, a pipe) can't be replaced like that and is written to as it is.
 */
#include "sink.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/interrupt.h"

/* ---- opening ------------------------------------------------------------------------------------------------- */

void sink_open(struct sink *sink, int fd)
{
    *sink = (struct sink){.fd = fd};
}

static void release(struct sink *sink)
{
    if (sink->is_device && sink->fd >= 0)
        close(sink->fd);
    if (sink->partial.path != NULL)
        partial_abandon(&sink->partial);
    sink->fd = -1;
    if (sink->digest != NULL)
        digest_end(sink->digest, NULL);
    sink->digest = NULL;
    buffer_dispose(&sink->buffer);
}

bool sink_create(struct sink *sink, const char *path, bool with_digest)
{
    struct stat there;
    *sink = (struct sink){.fd = -1};
    sink->is_device = stat(path, &there) == 0 && !S_ISREG(there.st_mode);
    if (sink->is_device)
        sink->fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
    else if (partial_create(&sink->partial, path))
        sink->fd = sink->partial.fd;
    if (sink->fd < 0) {
        sink->error = errno;
        sink->failed = true;
        return false;
    }
    sink->digest = with_digest ? digest_begin() : NULL;
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
    if (sink->partial.path == NULL && interrupt_was_noted()) {
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
    sink->bytes += sink->buffer.len;
    if (sink->digest != NULL)
        digest_take(sink->digest, &sink->buffer);
    else
        buffer_clear(&sink->buffer);
    return true;
}

/* ---- the end ------------------------------------------------------------------------------------------------- */

bool sink_finish(struct sink *sink, char *digest_text)
{
    sink_flush(sink);
    if (!sink->failed && sink->partial.path != NULL && !partial_finish(&sink->partial, true))
        fail(sink, errno);
    if (!sink->failed && digest_text != NULL) {
        assert(sink->digest != NULL);
        digest_end(sink->digest, digest_text);
        sink->digest = NULL;
    }
    release(sink);
    return !sink->failed;
}

void sink_abandon(struct sink *sink)
{
    release(sink);
}

int sink_explain(const struct sink *sink, const char *name)
{
    if (!sink->failed || sink->reader_is_gone)
        return EXIT_FINE;
    if (sink->error == EINTR)
        return EXIT_INTERRUPTED;
    cli_complain("%s was not written: %s", name, partial_reason(sink->error));
    return EXIT_FAILED;
}
