/*
 * What is kept of an erasure: that it was done, when, and how much went. Whoever was erased is known again by a hash of
 * its key alone, so that an import and a restore can be told not to bring it back; a later visit under the same key is
 * another visitor's. The counts are of all visitors that were erased under the key.
 */
#include "base/clock.h"
#include "rules/internal.h"

enum error erasure_keeps_out(struct txn *txn, struct id org_id, struct bytes visitor_key, int64_t created_at_ms)
{
    struct org org;
    struct erasure erasure;
    char hash[ERASURE_HASH_LEN];
    if (table_rows(txn, TABLE_ERASURES) == 0)
        return OK;
    enum error error = org_get(txn, org_id, &org);
    if (error != OK)
        return error;
    erasure_hash(org.key, visitor_key, hash);
    error = erasure_get(txn, org_id, bytes_view(hash, ERASURE_HASH_LEN), &erasure);
    if (error == OK && created_at_ms < erasure.erased_at_ms)
        return ERR_ERASED;
    return error == ERR_NOT_FOUND ? OK : error;
}

enum error erasure_note(struct txn *txn, struct bytes org_key, struct bytes visitor_key, const struct erasure *now)
{
    struct erasure erasure;
    char hash[ERASURE_HASH_LEN];
    erasure_hash(org_key, visitor_key, hash);
    enum error error = erasure_get(txn, now->org, bytes_view(hash, ERASURE_HASH_LEN), &erasure);
    if (error == OK && erasure.erased_at_ms >= now->erased_at_ms)
        return OK;
    if (error != OK) /* a damaged one is written anew */
        erasure = (struct erasure){.org = now->org, .visitor_hash = bytes_view(hash, ERASURE_HASH_LEN)};
    erasure.erased_at_ms = now->erased_at_ms;
    erasure.visitors += now->visitors;
    erasure.conversations += now->conversations;
    erasure.messages += now->messages;
    erasure.anonymized += now->anonymized;
    erasure.receipt = now->receipt;
    return error == OK || error == ERR_NOT_FOUND || error == ERR_CORRUPT ? erasure_put(txn, &erasure) : error;
}

/* ---- of another database ---- */

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static bool is_fit(const struct erasure_import *command)
{
    return erasure_hash_is_valid(command->visitor_hash) && command->erased_at_ms >= 0 &&
           command->erased_at_ms <= TIME_MS_MAX && id_is_valid(command->receipt);
}

static bool widen(struct erasure *erasure, const struct erasure_import *command)
{
    struct erasure before = *erasure;
    if (command->erased_at_ms > erasure->erased_at_ms) {
        erasure->erased_at_ms = command->erased_at_ms;
        erasure->receipt = command->receipt;
    }
    erasure->visitors = larger(erasure->visitors, command->visitors);
    erasure->conversations = larger(erasure->conversations, command->conversations);
    erasure->messages = larger(erasure->messages, command->messages);
    erasure->anonymized = larger(erasure->anonymized, command->anonymized);
    return erasure->erased_at_ms != before.erased_at_ms || erasure->visitors != before.visitors ||
           erasure->conversations != before.conversations || erasure->messages != before.messages ||
           erasure->anonymized != before.anonymized;
}

/* What is known of it here, or one without anything yet. */
static enum error get_or_begin(struct txn *txn, const struct erasure_import *command, struct erasure *out,
                               bool *is_known)
{
    enum error error = erasure_get(txn, command->org, command->visitor_hash, out);
    *is_known = error == OK;
    if (error != ERR_NOT_FOUND)
        return error;
    *out = (struct erasure){.org = command->org, .visitor_hash = command->visitor_hash};
    return OK;
}

enum error rule_erasure_import(struct txn *txn, uint64_t seq, const struct erasure_import *command,
                               struct outcome *outcome)
{
    struct erasure erasure;
    bool is_known;
    (void)seq;
    enum error error = is_fit(command) ? org_is_alive(txn, command->org) : ERR_CONFLICT;
    if (error == OK)
        error = get_or_begin(txn, command, &erasure, &is_known);
    if (error != OK)
        return error;
    bool changed = widen(&erasure, command) || !is_known;
    outcome->replayed = !changed;
    outcome->widened = is_known && changed;
    return changed ? erasure_put(txn, &erasure) : OK;
}
