#pragma once
/*
 * Puts commands in order and makes them durable. A thread that produces commands has a `struct log_port`; what it
 * gathers there goes to the log at once with one wake-up (log_port_flush), and comes back, applied and on disk, as one
 * list a batch.
 *
 * The engine here is `local`: one committer thread drains whatever is waiting into one transaction, commits once, and
 * hands the batch back. There is no timer: under load batches grow by themselves. A replicated log will take its place
 * behind this header: the command bytes are all that an engine sees.
 */
#include <stdatomic.h>

#include "rules/rules.h"

struct log;
struct log_port;

/* One command on its way. Allocated by log_entry_new, owned by the log from log_port_add until it is delivered, then by
 * the port. */
struct log_entry {
    struct log_entry *next;
    struct log_port *port;
    enum error error;       /* OK: the effect is on disk */
    enum error verdict;     /* the log's own: an error that ended a transaction, kept when the rest is applied again */
    struct outcome outcome; /* when OK */
    uint32_t command_len, extra_len;
    _Alignas(16) char bytes[]; /* the producer's own, then the command */
};

/* Encodes the command and gives the producer `extra_len` bytes of its own beside it. */
struct log_entry *log_entry_new(const struct command *command, struct buffer *scratch, uint32_t extra_len);
void log_entry_free(struct log_entry *entry);

static inline void *log_entry_extra(const struct log_entry *entry)
{
    return (void *)(uintptr_t)entry->bytes;
}

struct log_config {
    struct store *store;
    /* On the committer's thread: entries of one port, in order, linked by next. */
    void (*deliver)(struct log_port *port, struct log_entry *entries);
    /* On the committer's thread, once for each batch that has changed something: it is on disk, and not delivered yet.
     * The entries are all of the batch, in order, the refused ones too. seq_before and seq_after are META_SEQ as the
     * batch found and left it: a seq_before that is not the last seq_after means that another process has written in
     * between. May be NULL. */
    void (*publish)(void *app, const struct log_entry *entries, uint64_t seq_before, uint64_t seq_after);
    /* On the committer's thread, once: the disk failed, the outcome of the last batch is unknown and nothing more is
     * written. Its entries have been delivered with ERR_OUTCOME_UNKNOWN. */
    void (*on_failure)(void *app);
    void *app;
};

struct log *log_open(const struct log_config *config);
/* Applies what is waiting, ends the committer and frees the log. Ports must not add any more. */
void log_close(struct log *log);

struct log_port *log_port_open(struct log *log, void *context);
/* Nothing of the port may be under way. */
void log_port_close(struct log_port *port);
void *log_port_context(const struct log_port *port);
/* Gathers an entry. ERR_QUEUE_FULL leaves it with the caller: QUEUE_COMMANDS_MAX or QUEUE_BYTES_MAX are waiting. */
enum error log_port_add(struct log_port *port, struct log_entry *entry);
/* Hands over what was gathered. Cheap when that is nothing. */
void log_port_flush(struct log_port *port);

/* Applies one command in the calling thread, beside a server that may be running: for the shell's subcommands. */
enum error log_execute(struct store *store, const struct command *command, struct outcome *outcome);
/*
 * Applies all of them, in order, linked by next and not empty, in one transaction in the calling thread, beside a
 * server that may be running (which waits meanwhile). For imports: up to EXECUTE_COMMANDS_MAX commands and
 * BATCH_BYTES_MAX bytes at a time. Each entry's error and outcome are set, and the entries stay the caller's. OK even
 * when every one was refused; ERR_OUTCOME_UNKNOWN when the disk failed: nothing more must be written then.
 */
enum error log_execute_all(struct store *store, struct log_entry *entries);

/* Figures since the start; any thread. */
struct log_figures {
    _Atomic uint64_t commits, commands, refused, queue_full, store_full, map_growths;
    _Atomic uint64_t commit_ns;              /* spent in commits */
    _Atomic uint64_t waiting, waiting_bytes; /* now */
    _Atomic uint64_t last_seq;
    atomic_bool is_full;              /* writes are being refused for want of space */
    _Atomic uint64_t batch_sizes[11]; /* how many batches had at most 1, 2, 4, … 1024 commands */
};
const struct log_figures *log_figures(const struct log *log);
