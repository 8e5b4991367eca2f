#pragma once
/*
 * Erasures that were noted elsewhere: by another database, or in an export. What they know is taken over, and whoever
 * is here though one of them says otherwise is erased again. Failures are said here. Main thread.
 */
#include "cli/admin.h"

struct erasures {
    struct erasures_org {
        struct id id;                  /* there */
        char key[ORG_KEY_LEN_MAX + 1]; /* empty: not known, so the id is the one here too */
    } * orgs;
    size_t org_count;
    struct erasures_entry {
        struct erasure_import command; /* its org is the one there; visitor_hash is `hash` */
        char hash[ERASURE_HASH_LEN];
    } * entries;
    size_t count, room;
};

void erasures_add_org(struct erasures *erasures, struct id id, struct bytes key);
void erasures_add(struct erasures *erasures, const struct erasure_import *command);
void erasures_dispose(struct erasures *erasures);

/* Of PATH: a data directory, the file of a backup, or an export as ndjson or csv. False with a sentence, and nothing to
 * dispose. */
bool erasures_read(const char *path, const struct options *options, struct erasures *out);
/* The same of an export (tools/dump/import_told.c). */
bool erasures_read_export(const char *path, struct erasures *out);

/* Takes them over; those of organisations that are not here are passed over. */
bool erasures_take(struct admin *admin, const struct erasures *erasures);

struct erasures_done {
    uint64_t visitors, conversations, messages, anonymized;
};

/* Erases whoever is here and was there before its erasure, as it was erased then. Ends early after Ctrl-C
 * (interrupt_was_noted), and can be repeated. No snapshot may be open. */
bool erasures_apply(struct admin *admin, struct erasures_done *out);
/* "3 visitors were erased again, with 4 conversations and 17 messages". */
void erasures_describe(const struct erasures_done *done, struct buffer *out);
