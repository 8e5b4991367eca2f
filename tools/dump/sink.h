#pragma once
/*
 * Where output goes: a buffer before a file descriptor, or a file that appears under its name only when it is whole.
 * Writers append to `buffer` and call sink_flush_if_full once a row. Main thread.
 */
#include "base/bytes.h"
#include "base/partial.h"
#include "digest.h"
#include <stdint.h>

#define SINK_BUFFER_BYTES 262144

struct sink {
    struct buffer buffer;
    int fd;
    bool failed;            /* nothing more is written */
    bool reader_is_gone;    /* failed with EPIPE: no reason for a sentence */
    int error;              /* errno of the failure */
    uint64_t bytes;         /* written so far */
    struct digest *digest;  /* of what was written, when asked for */
    bool is_device;         /* of sink_create: nothing that can be replaced, but it is to be closed */
    struct partial partial; /* of sink_create otherwise; without a path: none */
};

/* Standard output or another open descriptor, which stays open. */
void sink_open(struct sink *sink, int fd);
/* A new file (base/partial.h), which replaces an older one of that name when it is whole. False with errno, for
 * partial_reason. */
bool sink_create(struct sink *sink, const char *path, bool with_digest);
/* False once writing has failed; call it at row ends. */
bool sink_flush(struct sink *sink);
static inline bool sink_flush_if_full(struct sink *sink)
{
    return sink->buffer.len < SINK_BUFFER_BYTES ? !sink->failed : sink_flush(sink);
}
/* Flushes; a file is synced and gets its name. digest_text, 64 hex digits and a NUL, may be NULL. False with
 * sink->error; then the file is gone. Frees everything in both cases. */
bool sink_finish(struct sink *sink, char *digest_text);
/* Removes the unfinished file and frees everything. */
void sink_abandon(struct sink *sink);
/* One sentence on standard error for a failed sink, and the exit status: nothing and EXIT_FINE when the reader is gone,
 * nothing and EXIT_INTERRUPTED when a write was ended by Ctrl-C. */
int sink_explain(const struct sink *sink, const char *name);
