#pragma once
/* What commands that work on the database beside the server share: opening it, finding an organisation, applying one
 * command. */
#include <stdio.h>

#include "base/random.h"
#include "cli/cli.h"
#include "log/log.h"
#include "store/records.h"

struct admin {
    struct store *store;
    struct reader *reader;
    struct txn *txn; /* the snapshot, while one is open */
    const struct options *options;
    struct random_pool random;
};

/* Opens the database of --data, and makes one only for --new-database. On failure says so and returns false, with
 * nothing to close. */
bool admin_open(struct admin *admin, const struct options *options, enum store_mode mode);
/* The same for writing, and makes a database where there is none. */
bool admin_open_or_create(struct admin *admin, const struct options *options);
/* To read, and to put another file in the place of the data: refused while anybody else uses the database, and keeps
 * everybody out until it is closed. Asks for the right to write. */
bool admin_open_alone(struct admin *admin, const struct options *options);
void admin_close(struct admin *admin);
/* Opens the database, runs the task and closes it; the status to exit with. */
int admin_run(const struct options *options, enum store_mode mode, bool (*task)(struct admin *admin));

/* A snapshot to read from; what is read lives until admin_read_end. No command can be applied in between. */
struct txn *admin_read(struct admin *admin);
void admin_read_end(struct admin *admin);
/* Within a snapshot: the organisation of this key, or false, once it has been said that there is none. */
bool admin_find_org(struct admin *admin, const char *key, struct org *out);
void admin_complain_of_no_org(const struct admin *admin, const char *key);
/* Within a snapshot: calls `visit` for each organisation, the deleted ones included; false, once it has been said, when
 * one can't be read. */
bool admin_each_org(struct admin *admin, void (*visit)(void *context, const struct org *org), void *context);
/* With its own snapshot, the id alone. */
bool admin_find_org_id(struct admin *admin, const char *key, struct id *out);

/* Whether --org and --visitor are both there; says so if not. */
bool admin_names_visitor(const struct options *options);
/* Within a snapshot: the organisation's visitor of this key, or false, once it has been said that there is none. */
bool admin_find_visitor(struct admin *admin, const struct org *org, const char *key, struct visitor *out);

/* Applies a command. A refusal is returned, and said in the words of errors.def unless it is `expected`. */
enum error admin_execute(struct admin *admin, const struct command *command, enum error expected,
                         struct outcome *outcome);

struct id admin_make_id(struct admin *admin, int64_t now_ms);

/* "2026-01-31 23:59", for tables; UTC. */
#define MINUTE_TEXT_LEN 16
void format_minute(int64_t time_ms, char out[MINUTE_TEXT_LEN + 1]);
