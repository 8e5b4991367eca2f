#pragma once
/*
 * What the files of `helvino import` share. import_files.c finds the files and walks over their records, import_csv.c
 * and import_json.c take a record apart into cells, import_tables.c has the names of these, import_rows.c makes a
 * command of the cells, import.c applies commands in batches, import_verdicts.c says why one was refused,
 * import_rejects.c writes down what could not be taken, import_erased.c remembers what is not to come back. Main
 * thread.
 */
#include "cli/admin.h"
#include "cli/progress.h"
#include "schema.h"
#include "sink.h"

#define IMPORT_ROW_LEN_MAX 1048576        /* bytes of a row in its file */
#define IMPORT_COLUMNS_MAX 64             /* of a CSV file */
#define IMPORT_BATCH_COMMANDS 1000        /* rows in one transaction, to begin with and at least */
#define IMPORT_BATCH_NS 100000000         /* what a transaction may take: a running server's writes wait that long */
#define IMPORT_REJECTED_ROW_LEN_MAX 65536 /* bytes of a row that the rejects file shows */
#define IMPORT_REASONS_MAX 100            /* that are counted apart */
#define IMPORT_SECRET_ID_LEN_MIN 16       /* characters, and letters among them: an id that nobody guesses */
#define IMPORT_UNKNOWN_MAX 16             /* unknown columns of a file that are named */
#define IMPORT_FILE_LEN_MAX (INT64_C(1) << 40) /* what an index can address */

/* ---- tables and their cells ------------------------------------------------------------------------------------ */

enum import_organization {
    ORGANIZATION_ID,
    ORGANIZATION_KEY,
    ORGANIZATION_NAME,
    ORGANIZATION_ORIGINS,
    ORGANIZATION_CREATED_AT,
    ORGANIZATION_UPDATED_AT,
    ORGANIZATION_WIDGET_TITLE,
    ORGANIZATION_WIDGET_SUBTITLE,
    ORGANIZATION_WIDGET_COLOR,
    ORGANIZATION_WIDGET_POSITION,
    ORGANIZATION_WIDGET_LANGUAGE,
    ORGANIZATION_COUNT_VISITS,
    ORGANIZATION_RETAIN_VISITORS,
    ORGANIZATION_RETAIN_MESSAGES,
    ORGANIZATION_REDACT_MESSAGES,
    ORGANIZATION_RETAIN_EMPTY,
    ORGANIZATION_RETAIN_AUDIT,
    ORGANIZATION_RETAIN_ERASURES,
    ORGANIZATION_ADDRESSES
};
enum import_erasure {
    ERASURE_ORG,
    ERASURE_VISITOR_HASH,
    ERASURE_ERASED_AT,
    ERASURE_VISITORS,
    ERASURE_CONVERSATIONS,
    ERASURE_MESSAGES,
    ERASURE_ANONYMIZED,
    ERASURE_RECEIPT
};
enum import_visitor {
    VISITOR_ID,
    VISITOR_ORG,
    VISITOR_KEY,
    VISITOR_FIRST_SEEN_AT,
    VISITOR_LAST_SEEN_AT,
    VISITOR_USER_AGENT,
    VISITOR_CREATED_AT,
    VISITOR_UPDATED_AT,
    VISITOR_EMAIL,
    VISITOR_ADDRESS,
    VISITOR_BLOCKED_AT
};
enum import_conversation {
    CONVERSATION_ID,
    CONVERSATION_ORG,
    CONVERSATION_VISITOR,
    CONVERSATION_CREATED_AT,
    CONVERSATION_UPDATED_AT,
    CONVERSATION_ANONYMIZED,
    CONVERSATION_STATUS,
    CONVERSATION_SNOOZED_UNTIL,
    CONVERSATION_RESOLVED_AT,
    CONVERSATION_PRIORITY,
    CONVERSATION_TAGS
};
enum import_message {
    MESSAGE_ID,
    MESSAGE_CONVERSATION,
    MESSAGE_ORG,
    MESSAGE_ROLE,
    MESSAGE_CONTENT,
    MESSAGE_TIMESTAMP,
    MESSAGE_CLIENT_ID
};
enum import_alias { ALIAS_ORG, ALIAS_TEXT, ALIAS_TARGET };
enum import_note {
    NOTE_ID,
    NOTE_CONVERSATION,
    NOTE_ORG,
    NOTE_AGENT, /* known, and not taken: agents don't move along */
    NOTE_CONTENT,
    NOTE_TIMESTAMP,
    NOTE_CLIENT_ID
};

#define IMPORT_MEMBERS_MAX 19
#define IMPORT_NAMES_MAX 3
#define IMPORT_NO_MEMBER (-1)

/* What a table of a file is read into: one cell for each member. */
struct import_table {
    const char *name;
    enum record_kind kind;
    struct import_member {
        const char *names[IMPORT_NAMES_MAX]; /* the first one that a file has counts */
        bool is_required, is_number;
    } members[IMPORT_MEMBERS_MAX]; /* up to one without a name */
    int time;  /* the member that rows are in order of, or IMPORT_NO_MEMBER when it does not matter */
    int group; /* order within each group of neighbours is enough; or IMPORT_NO_MEMBER */
};

/* In schema_export_order (import_tables.c). */
extern const struct import_table import_tables[SCHEMA_EXPORTED_COUNT];

/* The member of this name, and how late in its list the name is; IMPORT_NO_MEMBER when there is none. */
int import_member_find(const struct import_table *table, struct bytes name, unsigned *rank);

/* ---- why a row is not taken ------------------------------------------------------------------------------------ */

#define IMPORT_REASON_LEN 160
#define IMPORT_DETAIL_LEN 128

struct import_reason {
    char kind[IMPORT_REASON_LEN];   /* by which rows are counted */
    char detail[IMPORT_DETAIL_LEN]; /* what this row has; may be empty */
    bool is_erased;                 /* it is no mistake: the row belongs to somebody who was erased here */
};

/* Sets the kind, and no detail; returns false, so that whoever refuses a row can return it. */
__attribute__((format(printf, 2, 3))) bool import_refuse(struct import_reason *reason, const char *format, ...);
/* The detail is the text in quotes, cut. Returns false too. */
bool import_refuse_text(struct import_reason *reason, struct bytes text);
bool import_refuse_id(struct import_reason *reason, struct id id);

/* ---- import_csv.c ---------------------------------------------------------------------------------------------- */

struct csv_field {
    struct bytes text; /* as it is in the file, without the quotes around it */
    bool is_quoted, has_doubled_quotes;
};

struct csv_record {
    struct bytes text;    /* without its line end */
    size_t len;           /* with it */
    uint64_t lines;       /* that it spans */
    size_t field_count;   /* IMPORT_COLUMNS_MAX of them at most are in `fields` */
    bool is_open;         /* a quote was not closed until the end of the file */
    bool has_stray_quote; /* in a field that does not begin with one, or behind the closing one */
    struct csv_field fields[IMPORT_COLUMNS_MAX];
};

/* The record that `rest` begins with; rest must not be empty. */
void csv_read(struct bytes rest, struct csv_record *out);
/* What the field means: data NULL for a NULL. A view into the file, or into scratch, which must have room for the
 * field. */
struct bytes csv_value(const struct csv_field *field, struct buffer *scratch);

/* ---- files ----------------------------------------------------------------------------------------------------- */

struct import_place {
    uint64_t time_and_offset; /* 48 bits of time, 16 of the offset */
    uint64_t offset_and_line; /* 24 of the offset, 40 of the line */
};

struct import_file {
    const struct import_table *table;
    const char *name; /* the last part of path */
    char *path;
    bool is_csv;
    struct bytes data;   /* the file in memory */
    size_t first_offset; /* of the first row */
    uint64_t first_line;
    bool keeps_order;            /* an export of ours: its messages are in the order that counts */
    uint64_t rows;               /* counted by the first look */
    struct import_place *places; /* in order of time, when the file is not; else NULL */
    /* CSV: the member of each column */
    int columns[IMPORT_COLUMNS_MAX];
    size_t column_count;
    /* columns that are not known here */
    char *unknown[IMPORT_UNKNOWN_MAX];
    size_t unknown_count;
    /* the record that was read last */
    struct csv_record csv;
    struct json_document *json;
    struct buffer scratch;
};

/* One row as it lies in its file. */
struct import_record {
    struct bytes text;
    uint64_t line;
    struct bytes cells[IMPORT_MEMBERS_MAX]; /* data NULL: NULL, or no such column */
};

struct import_cursor {
    size_t offset;
    uint64_t line, nth;
};

/* Opens PATH, a directory or one file, and reads the heads of CSV files. `files` are by table; those without a path are
 * not there. False with a sentence; close them in both cases. */
bool import_files_open(struct import_file files[SCHEMA_EXPORTED_COUNT], const char *path);
void import_files_close(struct import_file files[SCHEMA_EXPORTED_COUNT]);
/* From here on the file is not there. */
void import_file_close(struct import_file *file);

/* To the next row, in the order in which rows are to be applied; its cells are not read yet. False at the end. */
bool import_next(struct import_file *file, struct import_cursor *cursor, struct import_record *record);
struct import_cursor import_begin(const struct import_file *file);
/* Takes it apart; cells live until the next call. False with a reason. */
bool import_cells(struct import_file *file, struct import_record *record, struct import_reason *reason);
/* A column that is not known, to be named once. */
void import_note_unknown(struct import_file *file, struct bytes name);
/* Names them on standard error. */
void import_name_unknown(struct import_file *file);

/* ---- import_look.c ---------------------------------------------------------------------------------------------- */

/* Reads all files once, before anything is imported: counts rows, compares with the manifest of an export of ours, and
 * puts rows in order of time where that matters. Returns an exit status; EXIT_FAILED after a sentence. */
int import_look(struct import_file files[SCHEMA_EXPORTED_COUNT]);

/* ---- import_json.c --------------------------------------------------------------------------------------------- */

bool import_json_cells(struct import_file *file, struct import_record *record, struct import_reason *reason);

/* ---- import_erased.c ------------------------------------------------------------------------------------------- */

/* Visitors and conversations that were erased here, and so are not taken again. */
struct import_erased {
    struct id *ids;
    size_t count, room, sorted; /* the first ones of them are in order */
};

/* Whether the command was refused for no other reason than that; if so, what depends on it is refused for it too. */
bool import_is_erased(struct import_erased *erased, const struct command *command, enum error verdict);
bool import_erased_has(struct import_erased *erased, struct id id);
void import_erased_dispose(struct import_erased *erased);

/* ---- import_rows.c --------------------------------------------------------------------------------------------- */

/* An organisation of the file, and the one here that its rows go to: another one when its key was known already. */
struct import_org {
    struct id from, to;
};

/* What reading rows needs to remember. */
struct import_rows {
    struct import_org *orgs; /* those of the file that were taken */
    size_t org_count;
    struct txn *txn;             /* a snapshot to look up what messages don't say; or NULL */
    uint64_t agents_cut;         /* user agents that were too long */
    uint64_t links_dropped;      /* conversations of nobody whose old id could be guessed */
    struct id conversation, org; /* looked up last */
    bool is_looked_up;
    struct import_erased erased;
    char client_id[ID_TEXT_LEN];
};

/* Texts of the command are views into the record, the file or *rows. False with a reason. */
bool import_command(struct import_rows *rows, const struct import_table *table, const struct import_record *record,
                    struct command *out, struct import_reason *reason);

/* From here on rows of `from` are read as rows of `to`. */
void import_adopt_org(struct import_rows *rows, struct id from, struct id to);
/* Whether an organisation of the file has become this one. */
bool import_has_org(const struct import_rows *rows, struct id to);

/* ---- import_verdicts.c ----------------------------------------------------------------------------------------- */

/* Why the rules refused a command. `txn` is a snapshot after its batch. */
void import_explain(struct txn *txn, const struct command *command, enum error verdict, struct import_reason *reason);

/* ---- import_rejects.c ------------------------------------------------------------------------------------------ */

struct import_rejects {
    const char *path;
    struct sink sink;
    bool is_open, has_failed, has_replaced;
    uint64_t count;
    size_t reason_count;
    struct import_counted {
        const struct import_table *table;
        char kind[IMPORT_REASON_LEN];
        uint64_t count;
    } reasons[IMPORT_REASONS_MAX];
    uint64_t other_reasons; /* rows whose reason no longer fits above */
};

/* Writes the row down. False with a sentence when the file can't be written. */
bool import_reject(struct import_rejects *rejects, const struct import_file *file, uint64_t line, struct bytes row,
                   const struct import_reason *reason);
/* Puts the file in its place, if there is one. False with a sentence. */
bool import_rejects_finish(struct import_rejects *rejects);
/* What was refused and why, on standard error. */
void import_rejects_print(const struct import_rejects *rejects);

/* ---- import_trial.c -------------------------------------------------------------------------------------------- */

/* A copy of the database to try an import on, in a directory that import_trial_end removes. */
struct import_trial {
    char *directory;
};

/* Copies the database of options->data, or begins with an empty one. False with a sentence or after Ctrl-C,
 * and nothing to end. */
bool import_trial_begin(struct import_trial *trial, const struct options *options, bool has_database);
void import_trial_end(struct import_trial *trial);
