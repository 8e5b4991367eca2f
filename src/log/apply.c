/*
 * One batch, one transaction, one commit. A refused command has written nothing, so its neighbours are not touched by
 * it. When the map is full the whole batch is applied again on a larger one; when it can't grow, or the disk is full,
 * whatever is not erasing gets 507 and the rest is tried with the reserve.
 */
#include "log/apply.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/logline.h"

/* ---- one command ---- */

struct log_entry *log_entry_new(const struct command *command, struct buffer *scratch, uint32_t extra_len)
{
    buffer_clear(scratch);
    command_encode(command, scratch);
    struct log_entry *entry = malloc(sizeof(*entry) + extra_len + scratch->len);
    if (entry == NULL)
        abort();
    entry->next = NULL;
    entry->port = NULL;
    entry->error = OK;
    entry->command_len = (uint32_t)scratch->len;
    entry->extra_len = extra_len;
    memcpy(entry->bytes + extra_len, scratch->data, scratch->len);
    return entry;
}

void log_entry_free(struct log_entry *entry)
{
    free(entry);
}

static struct bytes command_of(const struct log_entry *entry)
{
    return bytes_view(entry->bytes + entry->extra_len, entry->command_len);
}

static bool is_erasing(const struct log_entry *entry)
{
    uint64_t kind;
    return codec_tag(command_of(entry), &kind) == OK && command_is_erasing((enum command_kind)kind);
}

static enum error apply_one(struct txn *txn, uint64_t seq, struct log_entry *entry)
{
    struct command command;
    txn_arena_reset(txn);
    enum error error = command_decode(command_of(entry), &command);
    return error != OK ? error : rules_apply(txn, seq, &command, &entry->outcome);
}

/* ---- one transaction ---- */

static bool ends_transaction(enum error error)
{
    return error == ERR_STORE_FULL || error == ERR_OUTCOME_UNKNOWN;
}

/* Applies the entries that are not yet refused for want of space. */
static enum error apply_all(struct txn *txn, struct log_entry *entries, uint64_t *last_seq)
{
    enum error error = meta_get_u64(txn, META_SEQ, last_seq);
    for (struct log_entry *entry = entries; entry != NULL && error == OK; entry = entry->next) {
        if (entry->error == ERR_STORE_FULL)
            continue;
        uint64_t changes_before = txn_changes(txn);
        entry->error = apply_one(txn, *last_seq + 1, entry);
        /* What changes nothing takes no number, so numbers don't depend on where a batch ends. */
        if (entry->error == OK && txn_changes(txn) != changes_before)
            ++*last_seq;
        else if (ends_transaction(entry->error))
            error = entry->error;
    }
    if (error == OK && txn_changes(txn) != 0)
        error = meta_put_u64(txn, META_SEQ, *last_seq);
    return error;
}

static enum error commit(struct txn *txn, struct log_figures *figures)
{
    uint64_t begun = clock_monotonic_ns();
    enum error error = write_commit(txn);
    atomic_fetch_add_explicit(&figures->commits, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&figures->commit_ns, clock_monotonic_ns() - begun, memory_order_relaxed);
    return error;
}

static enum error try_once(struct store *store, struct log_entry *entries, struct log_figures *figures)
{
    struct txn *txn;
    uint64_t last_seq;
    enum error error = write_begin(store, &txn);
    if (error != OK)
        return error;
    error = apply_all(txn, entries, &last_seq);
    if (error != OK || txn_changes(txn) == 0) {
        write_abort(txn);
        return error;
    }
    error = commit(txn, figures);
    if (error == OK)
        atomic_store_explicit(&figures->last_seq, last_seq, memory_order_relaxed);
    return error;
}

/* ---- a batch ---- */

static void fail_all(struct log_entry *entries, enum error error)
{
    for (struct log_entry *entry = entries; entry != NULL; entry = entry->next)
        entry->error = error;
}

/* Marks what may be tried; returns how many that is. */
static unsigned admit(struct log_entry *entries, bool erasing_only)
{
    unsigned admitted = 0;
    for (struct log_entry *entry = entries; entry != NULL; entry = entry->next) {
        entry->error = erasing_only && !is_erasing(entry) ? ERR_STORE_FULL : OK;
        admitted += entry->error == OK;
    }
    return admitted;
}

enum batch_end batch_apply(struct store *store, struct log_entry *entries, struct log_figures *figures)
{
    bool ripened = false, erasing_only = !store_reserve_ready(store);
    while (admit(entries, erasing_only) != 0) {
        enum error error = try_once(store, entries, figures);
        if (error == OK)
            break;
        if (error != ERR_STORE_FULL) {
            fail_all(entries, error);
            return error == ERR_OUTCOME_UNKNOWN ? BATCH_FAILED : BATCH_DONE;
        }
        if (store_map_was_full(store) && store_grow(store, erasing_only)) {
            atomic_fetch_add_explicit(&figures->map_growths, 1, memory_order_relaxed);
        } else if (!ripened && store_ripen(store)) {
            ripened = true;
        } else if (!erasing_only) {
            erasing_only = true;
        } else if (store_map_was_full(store) || !store_reserve_spend(store)) {
            fail_all(entries, ERR_STORE_FULL);
            break;
        }
    }
    return BATCH_DONE;
}

enum error log_execute(struct store *store, const struct command *command, struct outcome *outcome)
{
    struct log_figures figures = {0};
    struct buffer scratch = {0};
    struct log_entry *entry = log_entry_new(command, &scratch, 0);
    batch_apply(store, entry, &figures);
    enum error error = entry->error;
    *outcome = entry->outcome;
    log_entry_free(entry);
    buffer_dispose(&scratch);
    return error;
}
