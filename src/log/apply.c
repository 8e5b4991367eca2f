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
    entry->verdict = OK;
    memset(&entry->outcome, 0, sizeof(entry->outcome));
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

/*
 * Applies one entry under the next number. The number counts only when something was changed, so numbers don't depend
 * on where a batch ends. Returns an error when the transaction must be aborted: for want of space, because the disk
 * failed, or because this entry was refused after it had written something or met a damaged page; then its verdict
 * stands, and the rest is applied again without it.
 */
static enum error apply_entry(struct txn *txn, struct log_entry *entry, uint64_t *last_seq)
{
    uint64_t changes_before = txn_changes(txn);
    entry->error = apply_one(txn, *last_seq + 1, entry);
    bool changed = txn_changes(txn) != changes_before;
    *last_seq += entry->error == OK && changed;
    if (entry->error == OK || ends_transaction(entry->error))
        return entry->error;
    if (!changed && txn_is_usable(txn))
        return OK;
    return entry->verdict = entry->error;
}

/* Applies the entries that `admit` has let in. */
static enum error apply_all(struct txn *txn, struct log_entry *entries, struct batch_span *span)
{
    enum error error = meta_get_u64(txn, META_SEQ, &span->seq_before);
    span->seq_after = span->seq_before;
    for (struct log_entry *entry = entries; entry != NULL && error == OK; entry = entry->next)
        if (entry->error == OK)
            error = apply_entry(txn, entry, &span->seq_after);
    if (error == OK && txn_changes(txn) != 0)
        error = meta_put_u64(txn, META_SEQ, span->seq_after);
    return error;
}

static enum error commit(struct txn *txn, struct log_figures *figures)
{
    uint64_t begun = clock_monotonic_ns();
    enum error error = write_commit(txn);
    atomic_fetch_add_explicit(&figures->commits, error == OK, memory_order_relaxed);
    atomic_fetch_add_explicit(&figures->commit_ns, clock_monotonic_ns() - begun, memory_order_relaxed);
    return error;
}

static enum error try_once(struct store *store, struct log_entry *entries, struct log_figures *figures,
                           struct batch_span *span)
{
    struct txn *txn;
    struct batch_span tried;
    enum error error = write_begin(store, &txn);
    if (error != OK)
        return error;
    error = apply_all(txn, entries, &tried);
    if (error != OK || txn_changes(txn) == 0) {
        write_abort(txn);
        return error;
    }
    error = commit(txn, figures);
    if (error == OK) {
        atomic_store_explicit(&figures->last_seq, tried.seq_after, memory_order_relaxed);
        *span = tried;
    }
    return error;
}

/* ---- a batch ---- */

static void fail_all(struct log_entry *entries, enum error error)
{
    for (struct log_entry *entry = entries; entry != NULL; entry = entry->next)
        entry->error = error;
}

static enum error admission(const struct log_entry *entry, bool erasing_only)
{
    if (entry->verdict != OK)
        return entry->verdict;
    return erasing_only && !is_erasing(entry) ? ERR_STORE_FULL : OK;
}

/* Marks what may be tried; returns how many that is. */
static unsigned admit(struct log_entry *entries, bool erasing_only)
{
    unsigned admitted = 0;
    for (struct log_entry *entry = entries; entry != NULL; entry = entry->next) {
        entry->error = admission(entry, erasing_only);
        admitted += entry->error == OK;
    }
    return admitted;
}

static unsigned count_verdicts(const struct log_entry *entries)
{
    unsigned verdicts = 0;
    for (; entries != NULL; entries = entries->next)
        verdicts += entries->verdict != OK;
    return verdicts;
}

static bool make_room(struct store *store, bool erasing_only, struct log_figures *figures)
{
    if (!store_map_was_full(store) || !store_grow(store, erasing_only))
        return false;
    atomic_fetch_add_explicit(&figures->map_growths, 1, memory_order_relaxed);
    return true;
}

/* Says it once when writes begin to be refused for want of space, and once when they no longer are. */
static void note_fullness(const struct log_entry *entries, struct log_figures *figures)
{
    bool was_full = atomic_load_explicit(&figures->is_full, memory_order_relaxed), full = false, written = false;
    for (; entries != NULL; entries = entries->next) {
        full |= entries->error == ERR_STORE_FULL;
        written |= entries->error == OK && !is_erasing(entries);
    }
    if (full && !was_full)
        log_line(LOG_ERROR, "the disk or the limit of the data is full; writes are refused with 507",
                 LOG_NUMBER("status", 507));
    if (was_full && !full && written)
        log_line(LOG_INFO, "there is room again; writes are taken", LOG_NUMBER("status", 201));
    if (full || written)
        atomic_store_explicit(&figures->is_full, full, memory_order_relaxed);
}

/* What can be done about a transaction that failed with `error`; OK when it is worth another try. */
static enum error mend(struct store *store, enum error error, bool *erasing_only, bool *ripened,
                       struct log_figures *figures)
{
    if (error != ERR_STORE_FULL || make_room(store, *erasing_only, figures))
        return error == ERR_STORE_FULL ? OK : error;
    if (!*ripened) {
        *ripened = true;
        error = store_ripen(store);
        if (error != ERR_STORE_FULL)
            return error;
    }
    if (!*erasing_only) {
        *erasing_only = true;
        return OK;
    }
    return !store_map_was_full(store) && store_reserve_spend(store) ? OK : ERR_STORE_FULL;
}

static enum batch_end try_until_done(struct store *store, struct log_entry *entries, struct log_figures *figures,
                                     struct batch_span *span)
{
    bool ripened = false, erasing_only = !store_reserve_ready(store);
    while (admit(entries, erasing_only) != 0) {
        unsigned verdicts = count_verdicts(entries);
        enum error error = try_once(store, entries, figures, span);
        if (error == OK)
            break;
        if (count_verdicts(entries) != verdicts)
            continue;
        error = mend(store, error, &erasing_only, &ripened, figures);
        if (error != OK) {
            fail_all(entries, error);
            return error == ERR_OUTCOME_UNKNOWN ? BATCH_FAILED : BATCH_DONE;
        }
    }
    return BATCH_DONE;
}

enum batch_end batch_apply(struct store *store, struct log_entry *entries, struct log_figures *figures,
                           struct batch_span *span)
{
    *span = (struct batch_span){0, 0};
    enum batch_end end = try_until_done(store, entries, figures, span);
    note_fullness(entries, figures);
    return end;
}

enum error log_execute_all(struct store *store, struct log_entry *entries)
{
    struct log_figures figures = {0};
    struct batch_span span;
    return batch_apply(store, entries, &figures, &span) == BATCH_FAILED ? ERR_OUTCOME_UNKNOWN : OK;
}

enum error log_execute(struct store *store, const struct command *command, struct outcome *outcome)
{
    struct log_figures figures = {0};
    struct batch_span span;
    struct buffer scratch = {0};
    struct log_entry *entry = log_entry_new(command, &scratch, 0);
    batch_apply(store, entry, &figures, &span);
    enum error error = entry->error;
    *outcome = entry->outcome;
    log_entry_free(entry);
    buffer_dispose(&scratch);
    return error;
}
