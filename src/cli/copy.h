#pragma once
/*
 * What backup, restore and compact share: a file that has its name only when it is whole and sound, bytes from one
 * descriptor to another, and the verification of a copied database. Failures are said here, in a sentence on standard
 * error. Main thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/partial.h"
#include "cli/admin.h"

#define COPY_PATH_LEN 4096

/* ---- a file that is whole or not there ---- */

/* A new file (base/partial.h). A signal, or a fault in reading a database, removes it from now on, and `directory` too
 * unless it is NULL. */
bool copy_create(struct partial *partial, const char *path, const char *directory);
bool copy_sync(const struct partial *partial);
/* Gives it its name, which must be free unless it `replaces` what has it. On failure the file is gone. */
bool copy_finish(struct partial *partial, const char *path, bool replaces);
void copy_abandon(struct partial *partial);

/* ---- bytes ---- */

/* To the end of `from`, with a line of progress; total_bytes 0: unknown. The names are for the sentence. */
bool copy_bytes(int from, const char *from_name, int to, const char *to_name, uint64_t total_bytes);

/* ---- a database ---- */

/* Writes a compact copy of the database to fd, which is not synced, with a line of progress (copy_store.c). False with
 * the reason in why. */
bool copy_store(struct admin *admin, int fd, char why[STORE_WHY_LEN]);

struct copy_figures {
    uint64_t bytes, seq, rows, broken;
    bool is_older; /* of an older format, so that it can't be verified as it is; nothing has been said about that */
};

/* Opens the database and checks all of it: with STORE_READ_ONLY a file, with STORE_ADMIN a directory, which is brought
 * up to date without a copy of what it was. The first broken things are listed; sentences call it `name`. No other
 * store may be open. */
bool copy_verify(const char *path, const char *name, enum store_mode mode, struct copy_figures *out);
/* One line for people: the size, the sequence number, the rows. */
void copy_tell(const char *what, const struct copy_figures *figures);
