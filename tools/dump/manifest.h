#pragma once
/*
 * What an export says about itself: manifest.json in its directory, or PATH.manifest.json beside its one file. It is
 * written last, so a directory without one is an export that did not end. Main thread.
 *
 *     {"format":"helvino-export","version":"2.0","kind":"ndjson","helvino":"0.1.0","sequence":42,
 *      "madeAt":"2026-01-31T23:59:59.999Z","organisation":null,"visitor":null,"csvSafe":false,
 *      "tables":{"visitors":{"rows":1,"file":"visitors.ndjson","bytes":205,"sha256":"…"},…}}
 *
 * An export in one file has "file", "bytes" and "sha256" once, before "tables".
 *
 * The version: a column or a table more raises the number behind the point, and every reader passes over what it does
 * not know. What an older reader would misread raises the one before the point, and it refuses the whole. 2.0: an
 * anonymized conversation, which is the organisation's alone, looks like one of nobody, which whoever knows its id may
 * read.
 */
#include "schema.h"
#include "sink.h"

#define MANIFEST_FORMAT "helvino-export"
#define MANIFEST_VERSION "2.0"
#define MANIFEST_VERSION_MAJOR 2
#define MANIFEST_NAME "manifest.json"    /* in a directory */
#define MANIFEST_SUFFIX ".manifest.json" /* behind the name of a file */
#define MANIFEST_FILE_LEN_MAX 255        /* bytes of the name of a file */
#define MANIFEST_LEN_MAX 1048576         /* bytes of a manifest that is read */
#define MANIFEST_WHY_LEN 512

struct manifest_file {
    char name[MANIFEST_FILE_LEN_MAX + 1]; /* without its folder; empty: there is none */
    uint64_t bytes;
    char sha256[DIGEST_TEXT_LEN + 1];
};

struct manifest_table {
    const char *name;
    uint64_t rows;
    struct manifest_file file; /* of an export with a file for each table */
};

struct manifest {
    const char *kind; /* the word of --format */
    uint64_t sequence;
    int64_t made_at_ms;
    struct bytes organisation, visitor; /* keys; BYTES_NONE for all of them */
    bool csv_safe;                      /* text may have a ' before it that is not its own */
    struct manifest_file file;          /* of an export in one file */
    size_t table_count;
    struct manifest_table tables[SCHEMA_EXPORTED_COUNT];
};

void manifest_put(struct buffer *out, const struct manifest *manifest);

enum manifest_found {
    MANIFEST_NONE,   /* there is no such file: rows from elsewhere */
    MANIFEST_FINE,   /* rows that can be imported */
    MANIFEST_REFUSED /* with a sentence */
};

/* For the importer: whether the export in this directory is one to import, and its files are as long as they were. */
enum manifest_found manifest_look(const char *directory, char why[MANIFEST_WHY_LEN]);
