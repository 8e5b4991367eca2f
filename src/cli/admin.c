/*
 * Administrative commands run in a process of their own, beside the server: LMDB's writer lock puts their one
 * transaction between two of the server's batches, and the server sees the change in its next snapshot.
 */
#include "cli/admin.h"

#include <assert.h>
#include <errno.h>
#include <pwd.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/logline.h"

#define PATH_LEN_MAX 4096

/* ---- where the database is ----------------------------------------------------------------------------------- */

/* As it is from anywhere: "helvino-data" alone has misled many a shell in the wrong directory. */
static const char *full_path(const char *directory, char out[PATH_LEN_MAX])
{
    char here[PATH_LEN_MAX / 2];
    if (directory[0] == '/' || getcwd(here, sizeof(here)) == NULL)
        return directory;
    snprintf(out, PATH_LEN_MAX, "%s/%.2000s", here, directory);
    return out;
}

/* "user helvino", or "user 998"; read by hand, since a static program can't load the system's lookups. */
static void format_user(uid_t user, char *out, size_t len)
{
    struct passwd *entry = NULL;
    FILE *users = fopen("/etc/passwd", "re");
    while (users != NULL && (entry = fgetpwent(users)) != NULL && entry->pw_uid != user)
        ;
    if (entry != NULL)
        snprintf(out, len, "user %s", entry->pw_name);
    else
        snprintf(out, len, "user %u", user);
    if (users != NULL)
        fclose(users);
}

static bool complain_of_access(const char *path, const struct stat *file)
{
    char user[64] = "user who runs the server";
    if (file != NULL)
        format_user(file->st_uid, user, sizeof(user));
    cli_complain("the database in %s can't be opened: Permission denied; run this as the %s", path, user);
    return false;
}

/* The commonest mistakes, a wrong --data and a wrong user, get sentences that say what to do. What root would write
 * (the reserve, or a lock) the server's user could not open afterwards. */
static bool is_reachable(const struct options *options, enum store_mode mode, bool create)
{
    char path[PATH_LEN_MAX], full[PATH_LEN_MAX], user[64];
    struct stat file;
    const char *directory = full_path(options->data, full);
    bool is_file = stat(options->data, &file) == 0 && S_ISREG(file.st_mode);
    snprintf(path, sizeof(path), "%s%s", options->data, is_file ? "" : "/data.mdb");
    if (is_file && mode != STORE_READ_ONLY) {
        cli_complain("%s is a file; this needs a directory that the server can use (see \"helvino help restore\")",
                     directory);
        return false;
    }
    if (stat(path, &file) != 0) {
        if (errno == EACCES)
            return complain_of_access(directory, NULL);
        if (errno == ENOENT && !create)
            cli_complain(
                "there is no database in %s; name the server's directory with --data (\"helvino serve\" makes a "
                "new one, or \"org create --new-database\")",
                directory);
        return errno != ENOENT || create;
    }
    if (access(path, mode == STORE_READ_ONLY ? R_OK : R_OK | W_OK) != 0 && errno == EACCES)
        return complain_of_access(directory, &file);
    if (mode == STORE_READ_ONLY || geteuid() != 0 || file.st_uid == 0)
        return true;
    format_user(file.st_uid, user, sizeof(user));
    cli_complain("the database in %s belongs to the %s; run this as that user", directory, user);
    return false;
}

/* ---- opening ------------------------------------------------------------------------------------------------- */

static bool open_store(struct admin *admin, const struct options *options, const struct store_config *config)
{
    char why[STORE_WHY_LEN];
    *admin = (struct admin){.options = options};
    log_line_setup(LOG_WARN, LOG_FORMAT_TEXT);
    if (!is_reachable(options, config->is_alone ? STORE_ADMIN : config->mode, config->create))
        return false;
    if (sodium_init() < 0) {
        cli_complain("the system gives no random numbers");
        return false;
    }
    admin->store = store_open(config, why);
    if (admin->store == NULL) {
        cli_complain("%s", why);
        return false;
    }
    admin->reader = reader_open(admin->store);
    return true;
}

bool admin_open(struct admin *admin, const struct options *options, enum store_mode mode)
{
    return open_store(
        admin, options,
        &(struct store_config){.directory = options->data, .mode = mode, .create = options->new_database});
}

bool admin_open_or_create(struct admin *admin, const struct options *options)
{
    return open_store(admin, options,
                      &(struct store_config){.directory = options->data, .mode = STORE_ADMIN, .create = true});
}

bool admin_open_alone(struct admin *admin, const struct options *options)
{
    return open_store(admin, options,
                      &(struct store_config){.directory = options->data, .mode = STORE_READ_ONLY, .is_alone = true});
}

void admin_close(struct admin *admin)
{
    if (admin->txn != NULL)
        admin_read_end(admin);
    reader_close(admin->reader);
    store_close(admin->store);
}

int admin_run(const struct options *options, enum store_mode mode, bool (*task)(struct admin *admin))
{
    struct admin admin;
    if (!admin_open(&admin, options, mode))
        return EXIT_FAILED;
    bool is_fine = task(&admin);
    admin_close(&admin);
    return is_fine ? EXIT_FINE : EXIT_FAILED;
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

void admin_complain_of_no_org(const struct admin *admin, const char *key)
{
    cli_complain("there is no organisation \"%.64s\"; this lists them all: %s", key,
                 cli_command(admin->options, "org list"));
}

bool admin_find_org(struct admin *admin, const char *key, struct org *out)
{
    enum error error = ERR_NOT_FOUND;
    if (strlen(key) >= 1 && strlen(key) <= ORG_KEY_LEN_MAX)
        error = org_get_by_key(admin->txn, bytes_of_string(key), out);
    if (error == ERR_NOT_FOUND)
        admin_complain_of_no_org(admin, key);
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

bool admin_names_visitor(const struct options *options)
{
    if (options->org != NULL && options->visitor != NULL)
        return true;
    cli_complain("name the visitor with --visitor KEY, and its organisation with --org KEY");
    return false;
}

bool admin_find_visitor(struct admin *admin, const struct org *org, const char *key, struct visitor *out)
{
    struct id id;
    enum error error = ERR_NOT_FOUND;
    if (strlen(key) >= 1 && strlen(key) <= VISITOR_KEY_LEN_MAX)
        error = visitor_id_by_key(admin->txn, org->id, bytes_of_string(key), &id);
    if (error == OK)
        error = visitor_get(admin->txn, id, out);
    if (error == ERR_NOT_FOUND)
        cli_complain("the organisation \"%.*s\" has no visitor of this key", (int)org->key.len, org->key.data);
    else if (error != OK)
        cli_complain("%s", error_sentence(error));
    return error == OK;
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

void format_minute(int64_t time_ms, char out[MINUTE_TEXT_LEN + 1])
{
    char text[TIME_TEXT_LEN];
    time_format(time_ms, text);
    memcpy(out, text, MINUTE_TEXT_LEN);
    out[10] = ' ';
    out[MINUTE_TEXT_LEN] = '\0';
}

bool admin_each_org(struct admin *admin, void (*visit)(void *context, const struct org *org), void *context)
{
    struct bytes key, value;
    struct cursor *cursor = cursor_open(admin->txn, TABLE_ORGS);
    enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value);
    while (error == OK) {
        struct org org;
        error = org_decode(key, value, &org);
        if (error != OK)
            break;
        visit(context, &org);
        error = cursor_next(cursor, &key, &value);
    }
    cursor_close(cursor);
    if (error != ERR_NOT_FOUND)
        cli_complain("%s", error_sentence(error));
    return error == ERR_NOT_FOUND;
}
