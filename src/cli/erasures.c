/*
 * Erasing again: the keys of all visitors are hashed and looked up, organisation by organisation, since a hash does not
 * lead to its key. Looks are short snapshots, so it goes beside a running server.
 */
#include "cli/erasures.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/interrupt.h"

#define KEYS_A_LOOK 4096
#define BATCH_COMMANDS 1000

/* ---- a list of them -------------------------------------------------------------------------------------------- */

static void *grow(void *items, size_t count, size_t size)
{
    items = realloc(items, count * size);
    if (items == NULL)
        abort();
    return items;
}

void erasures_add_org(struct erasures *erasures, struct id id, struct bytes key)
{
    erasures->orgs = grow(erasures->orgs, erasures->org_count + 1, sizeof(*erasures->orgs));
    struct erasures_org *org = &erasures->orgs[erasures->org_count++];
    org->id = id;
    snprintf(org->key, sizeof(org->key), "%.*s", (int)key.len, key.data);
}

void erasures_add(struct erasures *erasures, const struct erasure_import *command)
{
    if (erasures->count == erasures->room) {
        erasures->room = erasures->room == 0 ? 64 : 2 * erasures->room;
        erasures->entries = grow(erasures->entries, erasures->room, sizeof(*erasures->entries));
    }
    struct erasures_entry *entry = &erasures->entries[erasures->count++];
    entry->command = *command;
    memcpy(entry->hash, command->visitor_hash.data, ERASURE_HASH_LEN);
}

void erasures_dispose(struct erasures *erasures)
{
    free(erasures->orgs);
    free(erasures->entries);
    *erasures = (struct erasures){0};
}

/* ---- out of another database ----------------------------------------------------------------------------------- */

static enum error list_orgs(struct txn *txn, struct erasures *out)
{
    struct bytes key, value;
    struct org org;
    struct cursor *cursor = cursor_open(txn, TABLE_ORGS);
    enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value);
    for (; error == OK; error = cursor_next(cursor, &key, &value)) {
        error = org_decode(key, value, &org);
        if (error != OK)
            break;
        if (!org.deleted)
            erasures_add_org(out, org.id, org.key);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum error list_erasures(struct txn *txn, struct erasures *out)
{
    struct bytes key, value;
    struct erasure erasure;
    struct cursor *cursor = cursor_open(txn, TABLE_ERASURES);
    enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value);
    for (; error == OK; error = cursor_next(cursor, &key, &value)) {
        error = erasure_decode(key, value, &erasure);
        if (error != OK)
            break;
        erasures_add(out, &(struct erasure_import){.org = erasure.org,
                                                   .visitor_hash = erasure.visitor_hash,
                                                   .erased_at_ms = erasure.erased_at_ms,
                                                   .visitors = erasure.visitors,
                                                   .conversations = erasure.conversations,
                                                   .messages = erasure.messages,
                                                   .anonymized = erasure.anonymized,
                                                   .receipt = erasure.receipt});
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

static bool read_database(const char *path, const struct options *options, struct erasures *out)
{
    struct admin admin;
    struct options elsewhere = *options;
    elsewhere.data = path;
    elsewhere.new_database = false;
    if (!admin_open(&admin, &elsewhere, STORE_READ_ONLY))
        return false;
    bool is_fine = admin_read(&admin) != NULL;
    enum error error = is_fine ? list_orgs(admin.txn, out) : OK;
    if (error == OK && is_fine)
        error = list_erasures(admin.txn, out);
    admin_close(&admin);
    if (error != OK)
        cli_complain("what %s knows of erasures can't be read: %s", path, error_sentence(error));
    return is_fine && error == OK;
}

static bool has_suffix(const char *path, const char *suffix)
{
    size_t len = strlen(path), suffix_len = strlen(suffix);
    return len >= suffix_len && strcmp(path + len - suffix_len, suffix) == 0;
}

static bool is_export(const char *path)
{
    struct stat file;
    char *data;
    if (stat(path, &file) != 0 || !S_ISDIR(file.st_mode))
        return has_suffix(path, ".ndjson") || has_suffix(path, ".csv");
    if (asprintf(&data, "%s/data.mdb", path) < 0)
        abort();
    bool is_database = access(data, F_OK) == 0;
    free(data);
    return !is_database;
}

bool erasures_read(const char *path, const struct options *options, struct erasures *out)
{
    *out = (struct erasures){0};
    if (access(path, R_OK) != 0) {
        cli_complain("cannot read %s, which --erasures names: %s", path, strerror(errno));
        return false;
    }
    bool is_fine = is_export(path) ? erasures_read_export(path, out) : read_database(path, options, out);
    if (!is_fine)
        erasures_dispose(out);
    return is_fine;
}

/* ---- taking them over ------------------------------------------------------------------------------------------ */

/* For each of the organisations there the one here, or ID_NONE. */
static struct id *find_orgs(struct txn *txn, const struct erasures *erasures)
{
    struct id *here = grow(NULL, erasures->org_count + 1, sizeof(*here));
    for (size_t i = 0; i < erasures->org_count; ++i) {
        const struct erasures_org *there = &erasures->orgs[i];
        struct org org;
        enum error error = there->key[0] != '\0' ? org_get_by_key(txn, bytes_of_string(there->key), &org)
                                                 : org_get(txn, there->id, &org);
        here[i] = error == OK ? org.id : ID_NONE;
    }
    return here;
}

static struct id org_here(const struct erasures *erasures, const struct id *here, struct id there)
{
    for (size_t i = 0; i < erasures->org_count; ++i)
        if (id_equal(erasures->orgs[i].id, there))
            return here[i];
    return ID_NONE;
}

/* Gives the batch to the rules. */
static bool execute(struct admin *admin, struct log_entry *first)
{
    enum error error = first == NULL ? OK : log_execute_all(admin->store, first);
    for (struct log_entry *entry = first, *next; entry != NULL; entry = next) {
        if (error == OK && entry->error != OK && entry->error != ERR_NOT_FOUND)
            error = entry->error;
        next = entry->next;
        log_entry_free(entry);
    }
    if (error != OK)
        cli_complain("%s", error_sentence(error));
    return error == OK;
}

/* Those from `at` on, as many as go into one batch; *at is behind them afterwards. */
static bool take_some(struct admin *admin, const struct erasures *erasures, const struct id *here, size_t *at)
{
    struct log_entry *first = NULL, **end = &first;
    struct buffer scratch = {0};
    for (size_t taken = 0; taken < BATCH_COMMANDS && *at < erasures->count; ++*at) {
        const struct erasures_entry *entry = &erasures->entries[*at];
        struct command command = {.kind = COMMAND_ERASURE_IMPORT, .erasure_import = entry->command};
        command.erasure_import.org = org_here(erasures, here, entry->command.org);
        command.erasure_import.visitor_hash = bytes_view(entry->hash, ERASURE_HASH_LEN);
        if (id_is_none(command.erasure_import.org))
            continue;
        *end = log_entry_new(&command, &scratch, 0);
        end = &(*end)->next;
        ++taken;
    }
    buffer_dispose(&scratch);
    return execute(admin, first);
}

bool erasures_take(struct admin *admin, const struct erasures *erasures)
{
    if (admin_read(admin) == NULL)
        return false;
    struct id *here = find_orgs(admin->txn, erasures);
    bool is_fine = true;
    admin_read_end(admin);
    for (size_t at = 0; at < erasures->count && is_fine;)
        is_fine = take_some(admin, erasures, here, &at);
    free(here);
    return is_fine;
}

/* ---- erasing again --------------------------------------------------------------------------------------------- */

/* Where the walk over the keys is. */
struct walk {
    struct key from;
    bool is_over;
    struct id org;
    bool has_org, has_erasures; /* of the key before: what `org` is, and whether anything was erased there */
    char org_key[ORG_KEY_LEN_MAX];
    size_t org_key_len;
    struct erasures_found {
        struct id org, visitor, receipt;
        int64_t erased_at_ms;
        bool anonymizes;
        char key[VISITOR_KEY_LEN_MAX];
        size_t key_len;
    } * found;
    size_t found_count;
};

static enum error enter_org(struct txn *txn, struct walk *walk, struct id id)
{
    struct bytes key, value;
    struct org org;
    if (walk->has_org && id_equal(walk->org, id))
        return OK;
    struct cursor *cursor = cursor_open(txn, TABLE_ERASURES);
    enum error error = cursor_seek(cursor, bytes_view(id.bytes, ID_LEN), &key, &value);
    walk->has_erasures = error == OK && memcmp(key.data, id.bytes, ID_LEN) == 0;
    cursor_close(cursor);
    if (error == OK || error == ERR_NOT_FOUND)
        error = org_get(txn, id, &org);
    if (error != OK)
        return error;
    walk->org = id;
    walk->has_org = true;
    walk->has_erasures &= !org.deleted;
    walk->org_key_len = org.key.len;
    memcpy(walk->org_key, org.key.data, org.key.len);
    return OK;
}

static void note(struct walk *walk, const struct visitor *visitor, const struct erasure *erasure)
{
    walk->found = grow(walk->found, walk->found_count + 1, sizeof(*walk->found));
    struct erasures_found *found = &walk->found[walk->found_count++];
    *found = (struct erasures_found){.org = visitor->org,
                                     .visitor = visitor->id,
                                     .receipt = erasure->receipt,
                                     .erased_at_ms = erasure->erased_at_ms,
                                     .anonymizes = erasure->anonymized != 0 && erasure->conversations == 0,
                                     .key_len = visitor->visitor_key.len};
    memcpy(found->key, visitor->visitor_key.data, visitor->visitor_key.len);
}

static enum error look_at_key(struct txn *txn, struct walk *walk, struct bytes visitor_key, struct id id)
{
    char hash[ERASURE_HASH_LEN];
    struct erasure erasure;
    struct visitor visitor;
    erasure_hash(bytes_view(walk->org_key, walk->org_key_len), visitor_key, hash);
    enum error error = erasure_get(txn, walk->org, bytes_view(hash, ERASURE_HASH_LEN), &erasure);
    if (error == OK)
        error = visitor_get(txn, id, &visitor);
    if (error == OK && visitor.created_at_ms < erasure.erased_at_ms)
        note(walk, &visitor, &erasure);
    return error == ERR_NOT_FOUND ? OK : error;
}

/* Behind the last key that was looked at; behind all of an organisation where nothing was erased. */
static void go_behind(struct walk *walk, struct bytes key)
{
    key_clear(&walk->from);
    if (walk->has_erasures) {
        key_put(&walk->from, key);
        key_put(&walk->from, bytes_view("", 1));
    } else {
        key_put_id(&walk->from, walk->org);
        key_put(&walk->from, BYTES("\xff")); /* keys are ASCII */
    }
}

static enum error look(struct txn *txn, struct walk *walk)
{
    struct bytes key, value;
    struct cursor *cursor = cursor_open(txn, TABLE_VISITOR_BY_KEY);
    enum error error = OK;
    for (unsigned looked = 0; error == OK && looked < KEYS_A_LOOK; ++looked) {
        size_t offset = 0, value_offset = 0;
        error = looked != 0 && walk->has_erasures ? cursor_next(cursor, &key, &value)
                                                  : cursor_seek(cursor, key_view(&walk->from), &key, &value);
        if (error == OK)
            error = enter_org(txn, walk, key_get_id(key, &offset));
        if (error == OK && walk->has_erasures)
            error = look_at_key(txn, walk, bytes_view(key.data + ID_LEN, key.len - ID_LEN),
                                key_get_id(value, &value_offset));
        if (error == OK)
            go_behind(walk, key);
    }
    cursor_close(cursor);
    walk->is_over = error == ERR_NOT_FOUND;
    return walk->is_over ? OK : error;
}

/* Whoever has gone meanwhile is gone. */
static enum error erase(struct admin *admin, const struct erasures_found *found, struct erasures_done *out)
{
    struct outcome outcome;
    const struct command command = {.kind = COMMAND_VISITOR_ERASE,
                                    .visitor_erase = {.org = found->org,
                                                      .visitor_key = bytes_view(found->key, found->key_len),
                                                      .at_ms = found->erased_at_ms,
                                                      .visitor = found->visitor,
                                                      .anonymizes = found->anonymizes,
                                                      .receipt = found->receipt}};
    enum error error = log_execute(admin->store, &command, &outcome);
    if (error != OK)
        return error == ERR_NOT_FOUND ? OK : error;
    ++out->visitors;
    out->conversations += outcome.erased_conversations;
    out->messages += outcome.erased_messages;
    out->anonymized += outcome.anonymized_conversations;
    return OK;
}

static enum error apply_some(struct admin *admin, struct walk *walk, struct erasures_done *out)
{
    walk->found_count = 0;
    enum error error = look(admin->txn, walk);
    admin_read_end(admin);
    for (size_t i = 0; i < walk->found_count && error == OK && !interrupt_was_noted(); ++i)
        error = erase(admin, &walk->found[i], out);
    return error;
}

bool erasures_apply(struct admin *admin, struct erasures_done *out)
{
    struct walk walk = {.is_over = false};
    enum error error = OK;
    *out = (struct erasures_done){0};
    while (error == OK && !walk.is_over && !interrupt_was_noted()) {
        if (admin_read(admin) == NULL)
            error = ERR_BUSY;
        else
            error = apply_some(admin, &walk, out);
    }
    free(walk.found);
    if (error != OK && error != ERR_BUSY)
        cli_complain("not all who were erased elsewhere could be erased here: %s", error_sentence(error));
    return error == OK;
}

/* ---- saying so ------------------------------------------------------------------------------------------------- */

static void put_count(struct buffer *out, uint64_t count, const char *what)
{
    buffer_printf(out, "%" PRIu64 " %s%s", count, what, count == 1 ? "" : "s");
}

void erasures_describe(const struct erasures_done *done, struct buffer *out)
{
    put_count(out, done->visitors, "visitor");
    buffer_append_string(out, done->visitors == 1 ? " was erased again, with " : " were erased again, with ");
    put_count(out, done->conversations, "conversation");
    buffer_append_string(out, " and ");
    put_count(out, done->messages, "message");
    if (done->anonymized != 0) {
        buffer_append_string(out, "; ");
        put_count(out, done->anonymized, "conversation");
        buffer_append_string(out, done->anonymized == 1 ? " stays without its visitor" : " stay without their visitor");
    }
}
