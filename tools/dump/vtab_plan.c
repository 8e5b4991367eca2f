/*
 * Which path of a scan serves the conditions and the order that a question asks for, and what it costs: one row of a
 * walk over a table is 1, a record at a random place COST_OF_LOOKUP. A path only has to find no row too few, since
 * SQLite checks every condition again.
 */
#include <string.h>

#include "base/clock.h"
#include "vtab_private.h"

/* ---- values of conditions --------------------------------------------------------------------------------------- */

int64_t vtab_first_time_from(struct bytes text)
{
    int64_t low = TIME_MS_MIN, high = TIME_MS_MAX + 1;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        char candidate[SQL_TIME_LEN];
        sql_time_format(middle, candidate);
        size_t len = text.len < SQL_TIME_LEN ? text.len : SQL_TIME_LEN;
        int order = memcmp(candidate, text.data, len);
        if (order < 0 || (order == 0 && text.len > SQL_TIME_LEN))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct bytes vtab_text_of(sqlite3_value *value)
{
    const void *text = sqlite3_value_text(value);
    return bytes_view(text, (size_t)sqlite3_value_bytes(value));
}

/* ---- choosing a path -------------------------------------------------------------------------------------------- */

/* The usable conditions on the columns that paths know: their place among the constraints, or -1. */
struct conditions {
    int id, id_min, id_max, org, key, time, time_min, time_max, visitor, conversation, limit;
};

static void note_bound(unsigned char op, int i, int *equal, int *min, int *max)
{
    if (op == SQLITE_INDEX_CONSTRAINT_EQ)
        *equal = i;
    else if (op == SQLITE_INDEX_CONSTRAINT_GT || op == SQLITE_INDEX_CONSTRAINT_GE)
        *min = i;
    else if (op == SQLITE_INDEX_CONSTRAINT_LT || op == SQLITE_INDEX_CONSTRAINT_LE)
        *max = i;
}

static void note_equal(unsigned char op, int i, int *equal)
{
    int ignored;
    note_bound(op, i, equal, &ignored, &ignored);
}

static void note_condition(const struct table_of_sql *table, int column, unsigned char op, int i,
                           struct conditions *out)
{
    if (column < 0)
        return;
    if (column == table->id)
        note_bound(op, i, &out->id, &out->id_min, &out->id_max);
    else if (column == table->time)
        note_bound(op, i, &out->time, &out->time_min, &out->time_max);
    else if (column == table->conversation)
        note_bound(op, i, &out->conversation, &out->id_min, &out->id_max);
    else if (column == table->org)
        note_equal(op, i, &out->org);
    else if (column == table->key)
        note_equal(op, i, &out->key);
    else if (column == table->visitor)
        note_equal(op, i, &out->visitor);
}

/* Paths compare bytes: a condition with another collation is SQLite's alone. */
static struct conditions read_conditions(const struct table_of_sql *table, sqlite3_index_info *info)
{
    struct conditions conditions;
    memset(&conditions, -1, sizeof(conditions));
    for (int i = 0; i < info->nConstraint; ++i) {
        const struct sqlite3_index_constraint *constraint = &info->aConstraint[i];
        if (constraint->op == SQLITE_INDEX_CONSTRAINT_LIMIT)
            conditions.limit = i;
        else if (constraint->usable && strcmp(sqlite3_vtab_collation(info, i), "BINARY") == 0)
            note_condition(table, constraint->iColumn, constraint->op, i, &conditions);
    }
    return conditions;
}

/* What xBestIndex decides, before it is told to SQLite. */
struct choice {
    enum scan_path path;
    bool descending, is_ordered, is_unique;
    double rows, cost;
    char letters[8]; /* of the values, in order; see filter_take */
    int values[8], value_count;
};

static void choice_use(struct choice *choice, char letter, int constraint)
{
    if (constraint < 0)
        return;
    choice->letters[choice->value_count] = letter;
    choice->values[choice->value_count++] = constraint;
}

#define COST_OF_LOOKUP 4.0 /* of a record at a random place, where one row of a scan is 1 */
#define SHARE_OF_TIME 0.1  /* what a bound of time leaves when its value is not known: people ask for what is recent */
#define SHARE_MIN 0.0001
#define SHARE_OF_BOUND 0.25 /* what one inequality leaves of the rows: SQLite's own guess */

static double average(struct txn *txn, enum table of, enum table in)
{
    return ((double)table_rows(txn, of) + 1) / ((double)table_rows(txn, in) + 1);
}

static struct choice choose_few(enum scan_path path, double rows, bool is_unique)
{
    return (struct choice){.path = path, .rows = rows, .cost = COST_OF_LOOKUP * (1 + rows), .is_unique = is_unique};
}

static bool choose_by_value(const struct table_of_sql *table, const struct conditions *at, struct choice *out)
{
    struct txn *txn = table->snapshot->txn;
    double orgs = (double)table->snapshot->org_count;
    if (at->id >= 0) {
        *out = choose_few(SCAN_ID, 1, true);
        choice_use(out, 'i', at->id);
    } else if (at->key >= 0) {
        bool is_one = at->org >= 0 || table->schema->kind == RECORD_ORGS;
        *out = choose_few(SCAN_KEY, is_one ? 1 : orgs, is_one);
        choice_use(out, 'k', at->key);
        choice_use(out, 'o', at->org);
    } else if (at->visitor >= 0) {
        *out = choose_few(SCAN_VISITOR, average(txn, TABLE_CONVERSATIONS, TABLE_VISITORS), false);
        choice_use(out, 'i', at->visitor);
    } else if (at->conversation >= 0) {
        *out = choose_few(SCAN_CONVERSATION, average(txn, TABLE_MESSAGES, TABLE_CONVERSATIONS), false);
        out->cost = 2 * COST_OF_LOOKUP + out->rows; /* they lie side by side */
        choice_use(out, 'i', at->conversation);
    } else {
        return false;
    }
    return true;
}

static struct choice choose_all(const struct table_of_sql *table, const struct conditions *at)
{
    struct choice choice = {.path = SCAN_ALL, .rows = (double)table_rows(table->snapshot->txn, table->schema->table)};
    choice_use(&choice, 'a', at->id_min);
    choice_use(&choice, 'b', at->id_max);
    for (int i = 0; i < choice.value_count; ++i)
        choice.rows *= SHARE_OF_BOUND;
    choice.cost = choice.rows + 1;
    return choice;
}

/* Entries of the index of minutes for each row: stale ones cost a look-up too. */
static double staleness(const struct table_of_sql *table)
{
    bool is_visitors = table->schema->kind == RECORD_VISITORS;
    return average(table->snapshot->txn, is_visitors ? TABLE_VISITOR_BY_SEEN : TABLE_CONVERSATION_BY_UPDATED,
                   table->schema->table);
}

/* What part of all rows lies above (or below) a bound: by its value when the question has it, else a guess. */
static double share_of_bound(struct table_of_sql *table, sqlite3_index_info *info, int constraint, bool is_above)
{
    sqlite3_value *value;
    if (!table->is_span_known)
        table->has_span = scan_time_span(table->snapshot, table->schema, &table->first_ms, &table->last_ms);
    table->is_span_known = true;
    if (!table->has_span || sqlite3_vtab_rhs_value(info, constraint, &value) != SQLITE_OK ||
        sqlite3_value_type(value) != SQLITE_TEXT)
        return SHARE_OF_TIME;
    int64_t bound_ms = vtab_first_time_from(vtab_text_of(value));
    double all = (double)(table->last_ms - table->first_ms) + 60000;
    double part = is_above ? (double)(table->last_ms - bound_ms) + 60000 : (double)(bound_ms - table->first_ms);
    return part <= 0 ? SHARE_MIN : part >= all ? 1 : part / all < SHARE_MIN ? SHARE_MIN : part / all;
}

static struct choice choose_by_time(struct table_of_sql *table, sqlite3_index_info *info, const struct conditions *at)
{
    struct choice choice = {.path = SCAN_TIME, .rows = (double)table_rows(table->snapshot->txn, table->schema->table)};
    choice_use(&choice, 'o', at->org);
    choice_use(&choice, '=', at->time);
    choice_use(&choice, '>', at->time_min);
    choice_use(&choice, '<', at->time_max);
    if (at->org >= 0 && table->snapshot->org_count > 1)
        choice.rows /= (double)table->snapshot->org_count;
    if (at->time >= 0)
        choice.rows = choice.rows / 1000 + 1;
    if (at->time < 0 && at->time_min >= 0)
        choice.rows *= share_of_bound(table, info, at->time_min, true);
    if (at->time < 0 && at->time_max >= 0)
        choice.rows *= share_of_bound(table, info, at->time_max, false);
    choice.cost =
        COST_OF_LOOKUP * (choice.rows * staleness(table) + (at->org >= 0 ? 1 : (double)table->snapshot->org_count + 1));
    return choice;
}

/* A walk over everybody, and a sort that is cheaper than SQLite's. */
static struct choice choose_sorted(const struct table_of_sql *table)
{
    double rows = (double)table_rows(table->snapshot->txn, TABLE_VISITORS);
    return (struct choice){.path = SCAN_SORTED, .rows = rows, .cost = 1.5 * rows + 1};
}

static bool can_be_sorted(const struct table_of_sql *table, const sqlite3_index_info *info)
{
    return table->schema->kind == RECORD_VISITORS && info->nOrderBy != 0 &&
           table_rows(table->snapshot->txn, TABLE_VISITORS) <= SCAN_SORTED_ROWS_MAX;
}

static struct choice choose_of_org(const struct table_of_sql *table, const struct conditions *at)
{
    double orgs = (double)table->snapshot->org_count + 1;
    double rows = (double)table_rows(table->snapshot->txn, table->schema->table) / orgs;
    double conversations = (double)table_rows(table->snapshot->txn, TABLE_CONVERSATIONS) / orgs;
    struct choice choice = {.path = SCAN_ORG, .rows = rows, .cost = rows + 3 * COST_OF_LOOKUP * (conversations + 1)};
    choice_use(&choice, 'o', at->org);
    return choice;
}

/* ---- the order of the rows -------------------------------------------------------------------------------------- */

/* Whether a path gives the asked-for order by itself, and in which direction. */
static bool gives_order(const struct table_of_sql *table, const sqlite3_index_info *info, struct choice *choice)
{
    bool is_by_time = choice->path == SCAN_TIME || choice->path == SCAN_SORTED;
    int first = is_by_time ? table->time : table->id, second = -1;
    if (is_by_time)
        second = table->id; /* equal times come in order of their ids */
    if (table->conversation >= 0) {
        first = table->conversation;
        second = table->seq;
    }
    if (choice->path == SCAN_CONVERSATION && info->nOrderBy >= 1 && info->aOrderBy[0].iColumn == table->seq) {
        first = table->seq; /* within one conversation the order is that of seq alone */
        second = -1;
    }
    bool can_descend = choice->path == SCAN_ALL || is_by_time;
    bool is_ordered_path = can_descend || choice->path == SCAN_CONVERSATION;
    if (info->nOrderBy < 1 || info->nOrderBy > (second < 0 ? 1 : 2) || !is_ordered_path || first < 0)
        return false;
    bool descending = info->aOrderBy[0].desc;
    for (int i = 0; i < info->nOrderBy; ++i)
        if (info->aOrderBy[i].iColumn != (i == 0 ? first : second) || info->aOrderBy[i].desc != descending)
            return false;
    choice->descending = descending;
    return !descending || can_descend;
}

/* SQLite sorts what is not in order: about a tenth of a row's cost for each doubling. */
static double cost_in_order(const struct table_of_sql *table, const sqlite3_index_info *info, struct choice *choice,
                            bool is_limited)
{
    double doublings = 1;
    if (info->nOrderBy == 0)
        return choice->cost;
    choice->is_ordered = gives_order(table, info, choice);
    if (choice->is_ordered)
        return is_limited && choice->path != SCAN_SORTED ? 1 + choice->cost / 100 : choice->cost;
    for (double rows = choice->rows; rows > 2; rows /= 2)
        ++doublings;
    return choice->cost + choice->rows * doublings / 5;
}

/* Merging organisations looks at each of them for every minute. */
static bool can_go_by_time(const struct table_of_sql *table, const struct conditions *at)
{
    return table->time >= 0 && (at->org >= 0 || at->limit >= 0 || table->snapshot->org_count <= SCAN_SPAN_ORGS_MAX);
}

static struct choice choose(struct table_of_sql *table, sqlite3_index_info *info, const struct conditions *at)
{
    struct choice best, other[3];
    int others = 0;
    if (choose_by_value(table, at, &best)) {
        best.is_ordered = info->nOrderBy != 0 && gives_order(table, info, &best);
        return best;
    }
    best = choose_all(table, at);
    if (can_go_by_time(table, at))
        other[others++] = choose_by_time(table, info, at);
    if (can_be_sorted(table, info))
        other[others++] = choose_sorted(table);
    if (table->schema->kind == RECORD_MESSAGES && at->org >= 0)
        other[others++] = choose_of_org(table, at);
    double least = cost_in_order(table, info, &best, at->limit >= 0);
    for (int i = 0; i < others; ++i) {
        double cost = cost_in_order(table, info, &other[i], at->limit >= 0);
        if (cost < least) {
            least = cost;
            best = other[i];
        }
    }
    return best;
}

/* colUsed leaves out the primary key, by which SQLite tells rows apart in some joins. */
static uint32_t key_columns(const struct schema *schema)
{
    uint32_t columns = 0;
    for (unsigned i = 0; i < schema->column_count; ++i)
        if (vtab_is_primary_key(schema, i))
            columns |= UINT32_C(1) << i;
    return columns;
}

int vtab_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    struct table_of_sql *table = (struct table_of_sql *)base;
    struct conditions at = read_conditions(table, info);
    struct choice choice = choose(table, info, &at);
    for (int i = 0; i < choice.value_count; ++i)
        info->aConstraintUsage[choice.values[i]].argvIndex = i + 1;
    info->idxNum = (int)choice.path | (choice.is_ordered && choice.descending ? VTAB_DESCENDING : 0);
    info->idxStr = sqlite3_mprintf("%u %s", (unsigned)info->colUsed | key_columns(table->schema), choice.letters);
    if (info->idxStr == NULL)
        return SQLITE_NOMEM;
    info->needToFreeIdxStr = 1;
    info->orderByConsumed = choice.is_ordered;
    info->estimatedCost = choice.cost;
    info->estimatedRows = (sqlite3_int64)choice.rows + 1;
    info->idxFlags = choice.is_unique ? SQLITE_INDEX_SCAN_UNIQUE : 0;
    return SQLITE_OK;
}
