/*
 * Every way to the rows gives the rows that a walk over the whole table gives, in the order that it promises: with
 * stale index entries, several organisations, one that is being deleted, and times that many rows share.
 */
#include "base/clock.h"
#include "dump/scan.h"
#include "world.h"

#define VISITORS 60
#define STEPS 900

struct scanned {
    struct world w;
    struct options options;
    struct snapshot snapshot;
    struct id orgs[4]; /* the last one has been deleted */
};

/* ---- data -------------------------------------------------------------------------------------------------------- */

static unsigned below(struct world *w, unsigned bound)
{
    return (unsigned)(random_u64(&w->pool) % bound);
}

/* Time stands still, or goes on by less than a minute, or by hours: entries share minutes and go stale. */
static void pass_time(struct world *w)
{
    static const int64_t steps_ms[] = {0, 0, 1, 30000, 7 * MINUTE_MS, 9 * 60 * MINUTE_MS};
    w->now_ms += steps_ms[below(w, 6)];
}

static void converse_at_random(struct scanned *s)
{
    struct world *w = &s->w;
    struct id conversations[STEPS];
    unsigned count = 0;
    for (unsigned i = 0; i < STEPS; ++i) {
        struct id org = s->orgs[below(w, 4)];
        char key[16];
        snprintf(key, sizeof(key), "v_%u", below(w, VISITORS));
        pass_time(w);
        if (count == 0 || below(w, 3) == 0) {
            conversations[count++] = converse(w, org, below(w, 8) == 0 ? NULL : key);
            continue;
        }
        struct command message = message_create(w, org, conversations[below(w, count)], NULL, "hello");
        struct outcome outcome;
        char client_id[24];
        snprintf(client_id, sizeof(client_id), "m-%u", i);
        message.message_create.by_org = true;
        if (below(w, 2) == 0)
            message.message_create.client_id = bytes_of_string(client_id);
        give(w, &message, &outcome); /* refused when the conversation is another organisation's */
        struct command touch = visitor_touch(w, org, key);
        give(w, &touch, &outcome);
    }
}

static int set_up(void **state)
{
    struct scanned *s = calloc(1, sizeof(*s));
    struct world *w;
    void *made;
    world_set_up(&made);
    w = made;
    s->w = *w;
    free(w);
    struct command third = org_create(&s->w, "third"), gone = org_create(&s->w, "gone");
    s->orgs[0] = s->w.org;
    s->orgs[1] = s->w.other_org;
    s->orgs[2] = must(&s->w, &third).id;
    s->orgs[3] = must(&s->w, &gone).id;
    converse_at_random(s);
    struct command deletion = org_delete(&s->w, s->orgs[3]);
    must(&s->w, &deletion);
    reader_close(s->w.reader);
    store_close(s->w.store);
    s->options.data = s->w.directory.path;
    assert_true(snapshot_open(&s->snapshot, &s->options));
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct scanned *s = *state;
    snapshot_close(&s->snapshot);
    directory_remove(&s->w.directory);
    free(s);
    return 0;
}

/* ---- rows as text --------------------------------------------------------------------------------------------------
 */

#define ROWS_MAX 4096
#define ROW_TEXT_MAX 512

struct row_list {
    size_t count;
    char (*text)[ROW_TEXT_MAX];
    struct id *id, *org;
    int64_t *time_ms;
    uint64_t *seq;
};

static struct row_list rows_new(void)
{
    return (struct row_list){0,
                             calloc(ROWS_MAX, ROW_TEXT_MAX),
                             calloc(ROWS_MAX, sizeof(struct id)),
                             calloc(ROWS_MAX, sizeof(struct id)),
                             calloc(ROWS_MAX, sizeof(int64_t)),
                             calloc(ROWS_MAX, sizeof(uint64_t))};
}

static void rows_free(struct row_list *rows)
{
    free(rows->text);
    free(rows->id);
    free(rows->org);
    free(rows->time_ms);
    free(rows->seq);
}

static void put_value(char *out, const struct value *value)
{
    size_t len = strlen(out);
    char text[ID_TEXT_LEN + 1] = "";
    switch (value->type) {
    case VALUE_NULL:
        snprintf(text, sizeof(text), "-");
        break;
    case VALUE_ID:
        id_format(value->id, text);
        break;
    case VALUE_TEXT:
        snprintf(out + len, ROW_TEXT_MAX - len, "%.*s|", (int)value->text.len, value->text.data);
        return;
    case VALUE_TIME:
        snprintf(text, sizeof(text), "%lld", (long long)value->time_ms);
        break;
    case VALUE_UINT:
        snprintf(text, sizeof(text), "%llu", (unsigned long long)value->number);
        break;
    case VALUE_BOOL:
        snprintf(text, sizeof(text), "%d", value->flag);
        break;
    }
    snprintf(out + len, ROW_TEXT_MAX - len, "%s|", text);
}

static void note_row(const struct schema *schema, struct scan *scan, struct row_list *rows)
{
    size_t i = rows->count++;
    assert_true(i < ROWS_MAX);
    for (unsigned column = 0; column < schema->column_count; ++column) {
        struct value value;
        const char *name = schema->columns[column].name;
        assert_int_equal(scan_value(scan, column, &value), OK);
        put_value(rows->text[i], &value);
        if (strcmp(name, "id") == 0)
            rows->id[i] = value.id;
        if (strcmp(name, "orgId") == 0)
            rows->org[i] = value.id;
        if (strcmp(name, "seq") == 0)
            rows->seq[i] = value.number;
        if (strcmp(name, schema->kind == RECORD_VISITORS ? "lastSeenAt" : "updatedAt") == 0)
            rows->time_ms[i] = value.time_ms;
    }
}

static struct row_list read_rows(struct scanned *s, enum record_kind kind, struct scan_request request)
{
    struct row_list rows = rows_new();
    struct scan *scan = scan_open(&s->snapshot, schemas[kind]);
    enum error error;
    request.columns = UINT32_MAX;
    scan_start(scan, &request);
    while ((error = scan_next(scan)) == OK)
        note_row(schemas[kind], scan, &rows);
    assert_int_equal(error, ERR_NOT_FOUND);
    scan_close(scan);
    return rows;
}

static struct row_list read_all(struct scanned *s, enum record_kind kind)
{
    return read_rows(s, kind, scan_everything(0));
}

/* Each row of `some` is in `all` once, and there are as many of them as `all` has rows for which `belongs` is true. */
static void assert_same_rows(const struct row_list *some, const struct row_list *all, const bool *belongs)
{
    size_t expected = 0;
    for (size_t i = 0; i < all->count; ++i) {
        size_t found = 0;
        for (size_t j = 0; j < some->count; ++j)
            found += strcmp(all->text[i], some->text[j]) == 0;
        assert_int_equal(found, belongs[i]);
        expected += belongs[i];
    }
    assert_int_equal(some->count, expected);
}

/* ---- promises ------------------------------------------------------------------------------------------------------
 */

static void a_deleted_organisation_has_no_rows(void **state)
{
    struct scanned *s = *state;
    static const enum record_kind kinds[] = {RECORD_VISITORS, RECORD_CONVERSATIONS, RECORD_MESSAGES};
    struct row_list orgs = read_all(s, RECORD_ORGS);
    assert_int_equal(orgs.count, 3);
    rows_free(&orgs);
    for (size_t k = 0; k < 3; ++k) {
        struct row_list rows = read_all(s, kinds[k]);
        assert_true(rows.count > 20);
        for (size_t i = 0; i < rows.count; ++i)
            assert_false(id_equal(rows.org[i], s->orgs[3]));
        rows_free(&rows);
    }
}

static void all_goes_up_and_down_between_two_ids(void **state)
{
    struct scanned *s = *state;
    struct row_list up = read_all(s, RECORD_CONVERSATIONS);
    for (size_t i = 1; i < up.count; ++i)
        assert_true(memcmp(&up.id[i - 1], &up.id[i], ID_LEN) < 0);
    struct scan_request request = scan_everything(0);
    request.id_min = up.id[3];
    request.id_max = up.id[up.count - 5];
    request.descending = true;
    struct row_list down = read_rows(s, RECORD_CONVERSATIONS, request);
    assert_int_equal(down.count, up.count - 7);
    for (size_t i = 0; i < down.count; ++i)
        assert_string_equal(down.text[i], up.text[up.count - 5 - i]);
    rows_free(&up);
    rows_free(&down);
}

static void check_time_path(struct scanned *s, enum record_kind kind, const struct row_list *all,
                            struct scan_request request)
{
    bool belongs[ROWS_MAX];
    struct row_list rows = read_rows(s, kind, request);
    for (size_t i = 0; i < all->count; ++i)
        belongs[i] = all->time_ms[i] >= request.time_min_ms && all->time_ms[i] <= request.time_max_ms &&
                     (!request.has_org || id_equal(all->org[i], request.org));
    assert_same_rows(&rows, all, belongs);
    for (size_t i = 1; i < rows.count; ++i) {
        assert_true(request.descending ? rows.time_ms[i - 1] >= rows.time_ms[i]
                                       : rows.time_ms[i - 1] <= rows.time_ms[i]);
        if (rows.time_ms[i - 1] == rows.time_ms[i])
            assert_true((memcmp(&rows.id[i - 1], &rows.id[i], ID_LEN) < 0) == !request.descending);
    }
    rows_free(&rows);
}

static void time_gives_exact_order_within_exact_bounds(void **state)
{
    struct scanned *s = *state;
    static const enum record_kind kinds[] = {RECORD_VISITORS, RECORD_CONVERSATIONS};
    for (size_t k = 0; k < 2; ++k) {
        struct row_list all = read_all(s, kinds[k]);
        for (unsigned i = 0; i < 60; ++i) {
            int64_t a = all.time_ms[below(&s->w, (unsigned)all.count)],
                    b = all.time_ms[below(&s->w, (unsigned)all.count)];
            struct scan_request request = {.path = SCAN_TIME, .descending = i & 1, .has_org = i % 3 == 0};
            request.org = s->orgs[below(&s->w, 4)];
            request.time_min_ms = i < 8 ? INT64_MIN : a < b ? a : b;
            request.time_max_ms = i < 8 ? INT64_MAX : a < b ? b : a;
            check_time_path(s, kinds[k], &all, request);
        }
        rows_free(&all);
    }
}

static void everybody_sorted_is_everybody_by_time(void **state)
{
    for (int descending = 0; descending < 2; ++descending) {
        struct scan_request request = {
            .path = SCAN_TIME, .descending = descending, .time_min_ms = INT64_MIN, .time_max_ms = INT64_MAX};
        struct row_list by_time = read_rows(*state, RECORD_VISITORS, request);
        request.path = SCAN_SORTED;
        struct row_list sorted = read_rows(*state, RECORD_VISITORS, request);
        assert_int_equal(sorted.count, by_time.count);
        for (size_t i = 0; i < sorted.count; ++i)
            assert_string_equal(sorted.text[i], by_time.text[i]);
        rows_free(&by_time);
        rows_free(&sorted);
    }
}

static void a_key_finds_its_visitor_in_one_organisation_or_in_each(void **state)
{
    struct scanned *s = *state;
    bool belongs[ROWS_MAX];
    struct row_list all = read_all(s, RECORD_VISITORS);
    for (unsigned n = 0; n < VISITORS; ++n) {
        char key[16], cell[20];
        snprintf(key, sizeof(key), "v_%u", n);
        snprintf(cell, sizeof(cell), "|%s|", key);
        for (int with_org = 0; with_org < 2; ++with_org) {
            struct scan_request request = {
                .path = SCAN_KEY, .key = bytes_of_string(key), .has_org = with_org, .org = s->orgs[n % 4]};
            struct row_list rows = read_rows(s, RECORD_VISITORS, request);
            for (size_t i = 0; i < all.count; ++i)
                belongs[i] = strstr(all.text[i], cell) != NULL && (!with_org || id_equal(all.org[i], request.org));
            assert_same_rows(&rows, &all, belongs);
            rows_free(&rows);
        }
    }
    rows_free(&all);
}

static void an_organisation_is_found_by_its_key(void **state)
{
    struct row_list rows =
        read_rows(*state, RECORD_ORGS, (struct scan_request){.path = SCAN_KEY, .key = BYTES("third")});
    assert_int_equal(rows.count, 1);
    rows_free(&rows);
    rows = read_rows(*state, RECORD_ORGS, (struct scan_request){.path = SCAN_KEY, .key = BYTES("gone")});
    assert_int_equal(rows.count, 0);
    rows_free(&rows);
}

static void a_chain_has_all_conversations_of_its_visitor(void **state)
{
    struct scanned *s = *state;
    bool belongs[ROWS_MAX];
    struct row_list visitors = read_all(s, RECORD_VISITORS), all = read_all(s, RECORD_CONVERSATIONS);
    for (size_t v = 0; v < visitors.count; ++v) {
        char id[ID_TEXT_LEN + 1] = {0};
        struct row_list rows =
            read_rows(s, RECORD_CONVERSATIONS, (struct scan_request){.path = SCAN_VISITOR, .id = visitors.id[v]});
        id_format(visitors.id[v], id);
        for (size_t i = 0; i < all.count; ++i)
            belongs[i] = strstr(all.text[i], id) != NULL;
        assert_same_rows(&rows, &all, belongs);
        rows_free(&rows);
    }
    rows_free(&visitors);
    rows_free(&all);
}

static void messages_come_by_conversation_and_by_organisation(void **state)
{
    struct scanned *s = *state;
    bool belongs[ROWS_MAX];
    struct row_list conversations = read_all(s, RECORD_CONVERSATIONS), all = read_all(s, RECORD_MESSAGES);
    for (size_t c = 0; c < conversations.count; ++c) {
        char id[ID_TEXT_LEN + 1] = {0};
        struct row_list rows =
            read_rows(s, RECORD_MESSAGES, (struct scan_request){.path = SCAN_CONVERSATION, .id = conversations.id[c]});
        id_format(conversations.id[c], id);
        for (size_t i = 0; i < all.count; ++i)
            belongs[i] = strstr(all.text[i], id) != NULL;
        assert_same_rows(&rows, &all, belongs);
        for (size_t i = 1; i < rows.count; ++i)
            assert_true(rows.seq[i - 1] < rows.seq[i]);
        rows_free(&rows);
    }
    for (unsigned o = 0; o < 4; ++o) {
        struct row_list rows =
            read_rows(s, RECORD_MESSAGES, (struct scan_request){.path = SCAN_ORG, .has_org = true, .org = s->orgs[o]});
        for (size_t i = 0; i < all.count; ++i)
            belongs[i] = id_equal(all.org[i], s->orgs[o]);
        assert_same_rows(&rows, &all, belongs);
        rows_free(&rows);
    }
    rows_free(&conversations);
    rows_free(&all);
}

static void an_id_finds_its_row_or_none(void **state)
{
    struct scanned *s = *state;
    struct row_list all = read_all(s, RECORD_VISITORS);
    struct row_list one = read_rows(s, RECORD_VISITORS, (struct scan_request){.path = SCAN_ID, .id = all.id[7]});
    assert_int_equal(one.count, 1);
    assert_string_equal(one.text[0], all.text[7]);
    rows_free(&one);
    one = read_rows(s, RECORD_CONVERSATIONS, (struct scan_request){.path = SCAN_ID, .id = all.id[7]});
    assert_int_equal(one.count, 0);
    rows_free(&one);
    rows_free(&all);
}

static void times_are_written_as_sql_has_them(void **state)
{
    static const struct {
        int64_t time_ms;
        const char *text;
    } times[] = {{0, "1970-01-01 00:00:00.000"},
                 {1, "1970-01-01 00:00:00.001"},
                 {59999, "1970-01-01 00:00:59.999"},
                 {60000, "1970-01-01 00:01:00.000"},
                 {-1, "1969-12-31 23:59:59.999"},
                 {1769903999999, "2026-01-31 23:59:59.999"},
                 {1769903999000, "2026-01-31 23:59:59.000"},
                 {TIME_MS_MAX, "9999-12-31 23:59:59.999"},
                 {TIME_MS_MIN, "0000-01-01 00:00:00.000"}};
    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); ++i) {
        char text[SQL_TIME_LEN + 1] = {0};
        sql_time_format(times[i].time_ms, text);
        assert_string_equal(text, times[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deleted_organisation_has_no_rows),
        cmocka_unit_test(all_goes_up_and_down_between_two_ids),
        cmocka_unit_test(time_gives_exact_order_within_exact_bounds),
        cmocka_unit_test(everybody_sorted_is_everybody_by_time),
        cmocka_unit_test(a_key_finds_its_visitor_in_one_organisation_or_in_each),
        cmocka_unit_test(an_organisation_is_found_by_its_key),
        cmocka_unit_test(a_chain_has_all_conversations_of_its_visitor),
        cmocka_unit_test(messages_come_by_conversation_and_by_organisation),
        cmocka_unit_test(an_id_finds_its_row_or_none),
        cmocka_unit_test(times_are_written_as_sql_has_them),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
