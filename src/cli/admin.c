/*
 * Administrative commands run in a process of their own, beside the server: LMDB's writer lock puts their one
 * transaction between two of the server's batches, and the server sees the change in its next snapshot.
 */
#include "cli/admin.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <unistd.h>

#include "base/clock.h"

/* The commonest mistake, a wrong or missing --data, gets a sentence that says what to do. */
static bool has_database(const struct options *options)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/data.mdb", options->data);
    if (access(path, F_OK) == 0 || errno != ENOENT)
        return true;
    cli_complain(
        "there is no database in %s; name another directory with --data, or make one with \"helvino serve\" or "
        "\"helvino org create\"",
        options->data);
    return false;
}

bool admin_open(struct admin *admin, const struct options *options, enum store_mode mode, bool create)
{
    char why[STORE_WHY_LEN];
    *admin = (struct admin){.options = options};
    if (!create && !has_database(options))
        return false;
    if (sodium_init() < 0) {
        cli_complain("the system gives no random numbers");
        return false;
    }
    admin->store = store_open(&(struct store_config){.directory = options->data, .mode = mode, .create = create}, why);
    if (admin->store == NULL) {
        cli_complain("%s", why);
        return false;
    }
    admin->reader = reader_open(admin->store);
    return true;
}

void admin_close(struct admin *admin)
{
    if (admin->txn != NULL)
        admin_read_end(admin);
    reader_close(admin->reader);
    store_close(admin->store);
}

struct txn *admin_read(struct admin *admin)
{
    assert(admin->txn == NULL);
    admin->txn = reader_begin(admin->reader);
    if (admin->txn == NULL)
        cli_complain("the database in %s can't be read now", admin->options->data);
    return admin->txn;
}

void admin_read_end(struct admin *admin)
{
    reader_end(admin->reader);
    admin->txn = NULL;
}

bool admin_find_org(struct admin *admin, const char *key, struct org *out)
{
    enum error error = ERR_NOT_FOUND;
    if (strlen(key) >= 1 && strlen(key) <= ORG_KEY_LEN_MAX)
        error = org_get_by_key(admin->txn, bytes_of_string(key), out);
    if (error == ERR_NOT_FOUND)
        cli_complain("there is no organisation \"%.64s\"; \"helvino org list\" lists them all", key);
    else if (error != OK)
        cli_complain("%s", error_sentence(error));
    return error == OK;
}

bool admin_find_org_id(struct admin *admin, const char *key, struct id *out)
{
    struct org org;
    if (admin_read(admin) == NULL)
        return false;
    bool is_found = admin_find_org(admin, key, &org);
    admin_read_end(admin);
    if (is_found)
        *out = org.id;
    return is_found;
}

enum error admin_execute(struct admin *admin, const struct command *command, enum error expected,
                         struct outcome *outcome)
{
    enum error error = log_execute(admin->store, command, outcome);
    if (error != OK && error != expected)
        cli_complain("%s", error_sentence(error));
    return error;
}

struct id admin_make_id(struct admin *admin, int64_t now_ms)
{
    return id_make(now_ms, &admin->random);
}

void admin_print_command(const struct options *options, FILE *out, const char *words, const char *argument)
{
    fprintf(out, "helvino %s %s", words, argument);
    if (options->given[OPTION_data])
        fprintf(out, " --data %s", options->data);
}

void format_minute(int64_t time_ms, char out[MINUTE_TEXT_LEN + 1])
{
    char text[TIME_TEXT_LEN];
    time_format(time_ms, text);
    memcpy(out, text, MINUTE_TEXT_LEN);
    out[10] = ' ';
    out[MINUTE_TEXT_LEN] = '\0';
}
