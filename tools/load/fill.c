/*
 * Fills a database for the load tests, beside no server: the same commands and rules as always, but tens of thousands
 * of them in one transaction. Each visitor opens one conversation; the first of them get messages too, and are listed
 * on standard output as lines "conversation visitorKey". Visitors came over the last ninety days; the messages are of
 * the last seconds, in turn.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/logline.h"
#include "rules/rules.h"
#include "store/records.h"

#define BATCH 20000 /* commands; LMDB's list of dirty pages holds 131,072 */
#define SPREAD_MS (INT64_C(90) * 24 * 3600 * 1000)
#define USER_AGENT \
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
#define TEXT "Hello, I ordered the blue one on Tuesday (number 48213). When will it get here, please?"

struct options {
    const char *directory, *org_key;
    unsigned long visitors, listed, messages;
};

struct visitor_row {
    char key[40];
    struct id conversation;
};

static struct options options = {.org_key = "bench", .visitors = 1000};
static struct store *store;
static struct id org;
static struct random_pool pool;
static struct visitor_row *rows;
static int64_t begin_ms;

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "fill: %s: %s\n", what, why);
    exit(1);
}

/* ---- the commands, by their number ---- */

static uint64_t command_count(void)
{
    return options.visitors + (uint64_t)options.listed * options.messages;
}

static int64_t time_of(uint64_t number)
{
    uint64_t share = number < options.visitors ? number : options.visitors;
    return begin_ms + (int64_t)((double)share / (double)options.visitors * (double)SPREAD_MS);
}

static void make_key(struct visitor_row *row)
{
    uint64_t a = random_u64(&pool), b = random_u64(&pool);
    snprintf(row->key, sizeof(row->key), "v_%08x-%04x-4%03x-8%03x-%012llx", (unsigned)(a >> 32),
             (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff), (unsigned)(b >> 52),
             (unsigned long long)(b & 0xffffffffffff));
}

static struct command creation(uint64_t number)
{
    struct visitor_row *row = &rows[number];
    int64_t at_ms = time_of(number);
    make_key(row);
    row->conversation = id_make(at_ms, &pool);
    return (struct command){
        .kind = COMMAND_CONVERSATION_CREATE,
        .conversation_create = {.org = org,
                                .conversation = row->conversation,
                                .at_ms = at_ms,
                                .visitor_key = bytes_of_string(row->key),
                                .visitor = id_make(at_ms, &pool),
                                .user_agent = BYTES(USER_AGENT)},
    };
}

/* client_id: room for the text that the command borrows. */
static struct command message(uint64_t number, char client_id[32])
{
    const struct visitor_row *row = &rows[(number - options.visitors) % options.listed];
    int64_t at_ms = time_of(number);
    snprintf(client_id, 32, "fill-%020llu", (unsigned long long)number);
    return (struct command){
        .kind = COMMAND_MESSAGE_CREATE,
        .message_create = {.org = org,
                           .conversation = row->conversation,
                           .message = id_make(at_ms, &pool),
                           .at_ms = at_ms,
                           .role = BYTES("user"),
                           .content = BYTES(TEXT),
                           .client_id = bytes_of_string(client_id),
                           .visitor_key = bytes_of_string(row->key),
                           .user_agent = BYTES(USER_AGENT)},
    };
}

/* ---- applying them ---- */

static enum error apply(struct txn *txn, uint64_t seq, uint64_t number)
{
    char client_id[32];
    struct command command = number < options.visitors ? creation(number) : message(number, client_id);
    struct outcome outcome;
    txn_arena_reset(txn);
    return rules_apply(txn, seq, &command, &outcome);
}

static enum error try_batch(uint64_t from, uint64_t to)
{
    struct txn *txn;
    uint64_t seq;
    enum error error = write_begin(store, &txn);
    if (error != OK)
        return error;
    error = meta_get_u64(txn, META_SEQ, &seq);
    for (uint64_t number = from; number < to && error == OK; ++number)
        error = apply(txn, ++seq, number);
    if (error == OK)
        error = meta_put_u64(txn, META_SEQ, seq);
    if (error == OK)
        return write_commit(txn);
    write_abort(txn);
    return error;
}

static void fill(void)
{
    for (uint64_t from = 0, to; from < command_count(); from = to) {
        enum error error;
        to = from + BATCH < command_count() ? from + BATCH : command_count();
        do
            error = try_batch(from, to);
        while (error == ERR_STORE_FULL && store_grow(store, false));
        if (error != OK)
            fail("applying a batch", error_sentence(error));
    }
}

/* ---- the process ---- */

static void find_org(void)
{
    struct reader *reader = reader_open(store);
    struct txn *txn = reader_begin(reader);
    struct org found;
    if (txn == NULL || org_get_by_key(txn, bytes_of_string(options.org_key), &found) != OK)
        fail(options.org_key, "no such organisation");
    org = found.id;
    reader_end(reader);
    reader_close(reader);
}

static void read_options(int argc, char **argv)
{
    struct {
        const char *name;
        unsigned long *number;
    } numbers[] = {{"--visitors", &options.visitors}, {"--listed", &options.listed}, {"--messages", &options.messages}};
    for (int i = 1; i + 1 < argc; i += 2) {
        bool known = strcmp(argv[i], "--data") == 0 || strcmp(argv[i], "--org") == 0;
        if (known)
            *(argv[i][2] == 'd' ? &options.directory : &options.org_key) = argv[i + 1];
        for (size_t n = 0; n < sizeof(numbers) / sizeof(numbers[0]) && !known; ++n)
            if ((known = strcmp(argv[i], numbers[n].name) == 0))
                *numbers[n].number = strtoul(argv[i + 1], NULL, 10);
        if (!known)
            fail(argv[i], "unknown option");
    }
    if (options.directory == NULL || argc % 2 == 0 || options.listed > options.visitors)
        fail("usage", "fill --data DIR [--org KEY] [--visitors N] [--listed N] [--messages N]");
}

int main(int argc, char **argv)
{
    char why[STORE_WHY_LEN];
    log_line_setup(LOG_WARN, LOG_FORMAT_AUTO);
    read_options(argc, argv);
    store = store_open(&(struct store_config){.directory = options.directory, .mode = STORE_ADMIN}, why);
    if (store == NULL)
        fail(options.directory, why);
    rows = calloc(options.visitors + 1, sizeof(*rows));
    if (rows == NULL)
        abort();
    find_org();
    begin_ms = clock_now_ms() - SPREAD_MS;
    fill();
    for (unsigned long i = 0; i < options.listed; ++i) {
        char id[ID_TEXT_LEN + 1] = {0};
        id_format(rows[i].conversation, id);
        printf("%s %s\n", id, rows[i].key);
    }
    free(rows);
    store_close(store);
    return 0;
}
