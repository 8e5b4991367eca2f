/*
 * The log: what comes back is on disk, in order for each port, once, from any number of threads; what is refused
 * touches nobody else; what is too much is refused at once; and closing finishes what was taken. Runs under the thread
 * sanitizer too.
 */
#include "ports.h"

#define PORTS 6

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    void *world;
    world_set_up(&world);
    bench->world = world;
    bench_open(bench);
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    void *world = bench->world;
    if (bench->log != NULL)
        log_close(bench->log);
    assert_int_equal(bench->failures, 0);
    world_tear_down(&world);
    free(bench);
    return 0;
}

/* Closes everything and opens the store again: what is there now was on disk. */
static void open_again(struct bench *bench)
{
    struct world *w = bench->world;
    if (bench->log != NULL)
        log_close(bench->log);
    bench->log = NULL;
    reader_close(w->reader);
    store_close(w->store);
    w->store = open_store(&w->directory);
    w->reader = reader_open(w->store);
}

static uint64_t figure(const _Atomic uint64_t *figure)
{
    return atomic_load(figure);
}

/* ---------------------------------------------------------------------------------------------------------------- */

static void test_what_comes_back_is_on_disk(void **state)
{
    struct bench *bench = *state;
    struct world *w = bench->world;
    struct box box;
    struct id ids[50];
    box_open(bench, &box);
    for (unsigned i = 0; i < 50; ++i) {
        struct command command = conversation_create(w, w->org, "v_one");
        struct outcome outcome;
        ids[i] = command.conversation_create.conversation;
        assert_int_equal(box_execute(&box, &command, &outcome), OK);
        /* A snapshot that begins after the delivery holds it. */
        assert_true(id_equal(conversation_of(w, outcome.id).org, w->org));
        assert_true(visitor_of(w, w->org, "v_one").conversation_count == i + 1);
        assert_true(figure(&log_figures(bench->log)->last_seq) == outcome.seq);
    }
    assert_false(pthread_equal(box.deliverer, pthread_self()));
    box_close(&box);
    open_again(bench);
    for (unsigned i = 0; i < 50; ++i)
        conversation_of(w, ids[i]);
    assert_sound(w);
}

static void test_entries_of_a_port_come_back_in_order_and_once(void **state)
{
    struct bench *bench = *state;
    struct world *w = bench->world;
    struct box boxes[3];
    struct id id = converse(w, w->org, NULL);
    uint64_t given[3] = {0}, seq_before = 0;
    for (unsigned i = 0; i < 3; ++i)
        box_open(bench, &boxes[i]);
    for (unsigned step = 0; step < 3000; ++step) {
        unsigned at = (step * 7 + step / 11) % 3;
        struct command command = message_create(w, w->org, id, NULL, "hello");
        assert_int_equal(box_add(&boxes[at], &command, given[at]++), OK);
        if (step % 13 == 0)
            log_port_flush(boxes[at].port);
        if (step % 500 == 499)
            log_port_flush(boxes[2].port);
    }
    for (unsigned i = 0; i < 3; ++i) {
        log_port_flush(boxes[i].port);
        seq_before = 0;
        for (uint64_t number = 0; number < given[i]; ++number) {
            struct log_entry *entry = box_take(&boxes[i]);
            assert_int_equal(entry->error, OK);
            assert_true(number_of(entry) == number && entry->port == boxes[i].port);
            assert_true(entry->outcome.seq > seq_before);
            seq_before = entry->outcome.seq;
            log_entry_free(entry);
        }
        box_close(&boxes[i]);
    }
    struct message last;
    assert_int_equal(message_get_last(look(w), id, &last), OK);
    assert_int_equal(last.ordinal, 3000);
    look_away(w);
    assert_true(figure(&log_figures(bench->log)->commands) == 3000);
    assert_true(figure(&log_figures(bench->log)->waiting) == 0 && figure(&log_figures(bench->log)->waiting_bytes) == 0);
}

/* ---- threads --------------------------------------------------------------------------------------------------- */

struct writer {
    pthread_t thread;
    struct bench *bench;
    struct box box;
    struct world own; /* ids and time of this thread */
    unsigned number, rounds;
    unsigned created, said, refused;
    uint64_t last_seq;
};

static void write_round(struct writer *writer, unsigned round)
{
    struct world *w = &writer->own;
    char key[16];
    unsigned count = 1 + (unsigned)(random_u64(&w->pool) % 60);
    struct id *ids = calloc(count, sizeof(*ids));
    snprintf(key, sizeof(key), "v_%u", (unsigned)(random_u64(&w->pool) % 4));
    for (unsigned i = 0; i < count; ++i) {
        struct command command = conversation_create(w, w->org, key);
        ids[i] = command.conversation_create.conversation;
        if (i % 5 == 4) {
            /* To nobody: refused among the good ones. */
            command = message_create(w, w->org, world_id(w), key, "nobody hears this");
        }
        assert_int_equal(box_add(&writer->box, &command, round * 1000 + i), OK);
    }
    log_port_flush(writer->box.port);
    for (unsigned i = 0; i < count; ++i) {
        struct log_entry *entry = box_take(&writer->box);
        assert_true(number_of(entry) == round * 1000 + i);
        assert_int_equal(entry->error, i % 5 == 4 ? ERR_NOT_FOUND : OK);
        if (entry->error == OK) {
            assert_true(id_equal(entry->outcome.id, ids[i]));
            assert_true(entry->outcome.seq > writer->last_seq);
            writer->last_seq = entry->outcome.seq;
            ++writer->created;
        } else {
            ++writer->refused;
        }
        log_entry_free(entry);
    }
    free(ids);
}

static void *write_in_a_thread(void *argument)
{
    struct writer *writer = argument;
    for (unsigned round = 0; round < writer->rounds; ++round)
        write_round(writer, round);
    return NULL;
}

/* Reads whole snapshots meanwhile: what a visitor counts must be there, at every moment. */
struct watcher {
    pthread_t thread;
    struct bench *bench;
    atomic_bool stop;
    unsigned looks;
};

static void *watch_in_a_thread(void *argument)
{
    struct watcher *watcher = argument;
    struct reader *reader = reader_open(watcher->bench->world->store);
    while (!atomic_load(&watcher->stop)) {
        struct txn *txn = begin_read(reader);
        struct id id;
        struct visitor visitor;
        struct conversation conversation;
        uint64_t seq, counted = 0;
        assert_int_equal(meta_get_u64(txn, META_SEQ, &seq), OK);
        if (visitor_id_by_key(txn, watcher->bench->world->org, BYTES("v_1"), &id) == OK) {
            assert_int_equal(visitor_get(txn, id, &visitor), OK);
            for (id = visitor.last_conversation; !id_is_none(id); id = conversation.previous_of_visitor) {
                assert_int_equal(conversation_get(txn, id, &conversation), OK);
                assert_true(conversation.changed_seq <= seq);
                ++counted;
            }
            assert_true(counted == visitor.conversation_count);
        }
        reader_end(reader);
        ++watcher->looks;
    }
    reader_close(reader);
    return NULL;
}

static void test_many_threads_write_at_once_and_lose_nothing(void **state)
{
    struct bench *bench = *state;
    struct world *w = bench->world;
    static struct writer writers[PORTS];
    struct watcher watcher = {.bench = bench};
    unsigned created = 0, refused = 0;
    struct rows before = count_rows(w);
    assert_int_equal(pthread_create(&watcher.thread, NULL, watch_in_a_thread, &watcher), 0);
    for (unsigned i = 0; i < PORTS; ++i) {
        writers[i] =
            (struct writer){.bench = bench, .number = i, .rounds = 40, .own = {.now_ms = NOW_MS, .org = w->org}};
        box_open(bench, &writers[i].box);
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_in_a_thread, &writers[i]), 0);
    }
    for (unsigned i = 0; i < PORTS; ++i) {
        assert_int_equal(pthread_join(writers[i].thread, NULL), 0);
        box_close(&writers[i].box);
        created += writers[i].created;
        refused += writers[i].refused;
    }
    atomic_store(&watcher.stop, true);
    assert_int_equal(pthread_join(watcher.thread, NULL), 0);
    assert_true(watcher.looks > 0);
    assert_rows_added(w, &before,
                      ROWS([TABLE_VISITORS] = 4, [TABLE_VISITOR_BY_KEY] = 4, [TABLE_VISITOR_BY_SEEN] = 4,
                           [TABLE_CONVERSATIONS] = created, [TABLE_CONVERSATION_OPEN] = created,
                           [TABLE_CONVERSATION_BY_ACTIVITY] = created, [TABLE_CONVERSATION_BY_UPDATED] = created));
    const struct log_figures *figures = log_figures(bench->log);
    assert_true(figure(&figures->commands) == created + refused && figure(&figures->refused) == refused);
    assert_true(figure(&figures->commits) <= created && figure(&figures->waiting) == 0);
    open_again(bench);
    assert_sound(w);
    uint64_t counted = 0;
    for (unsigned i = 0; i < 4; ++i) {
        char key[16];
        snprintf(key, sizeof(key), "v_%u", i);
        counted += visitor_of(w, w->org, key).conversation_count;
    }
    assert_true(counted == created);
}

/* The shell's way, at the same time as the server's. */
static void *execute_in_a_thread(void *argument)
{
    struct writer *writer = argument;
    for (unsigned i = 0; i < writer->rounds; ++i) {
        struct command command = conversation_create(&writer->own, writer->own.org, NULL);
        struct outcome outcome;
        assert_int_equal(log_execute(writer->bench->world->store, &command, &outcome), OK);
        assert_true(outcome.seq > writer->last_seq);
        writer->last_seq = outcome.seq;
    }
    return NULL;
}

static void test_single_commands_fit_between_batches(void **state)
{
    struct bench *bench = *state;
    struct world *w = bench->world;
    struct writer writer = {.bench = bench, .rounds = 200, .own = {.now_ms = NOW_MS, .org = w->other_org}};
    struct box box;
    struct rows before = count_rows(w);
    box_open(bench, &box);
    assert_int_equal(pthread_create(&writer.thread, NULL, execute_in_a_thread, &writer), 0);
    for (unsigned i = 0; i < 200; ++i) {
        struct command command = conversation_create(w, w->org, NULL);
        struct outcome outcome;
        assert_int_equal(box_execute(&box, &command, &outcome), OK);
    }
    assert_int_equal(pthread_join(writer.thread, NULL), 0);
    box_close(&box);
    assert_rows_added(w, &before,
                      ROWS([TABLE_CONVERSATIONS] = 400, [TABLE_CONVERSATION_OPEN] = 400,
                           [TABLE_CONVERSATION_BY_ACTIVITY] = 400, [TABLE_CONVERSATION_BY_UPDATED] = 400));
    assert_sound(w);
}

/* ---- batches --------------------------------------------------------------------------------------------------- */

static void test_what_is_handed_over_together_is_one_commit_a_batch(void **state)
{
    struct bench *bench = *state;
    struct world *w = bench->world;
    const struct log_figures *figures = log_figures(bench->log);
    struct box box;
    box_open(bench, &box);
    static const unsigned bursts[] = {1, 2, 3, 64, 1000, BATCH_COMMANDS_MAX, BATCH_COMMANDS_MAX + 1, 2500};
    for (size_t i = 0; i < sizeof(bursts) / sizeof(bursts[0]); ++i) {
        uint64_t commits = figure(&figures->commits);
        unsigned deliveries = box.deliveries;
        for (unsigned n = 0; n < bursts[i]; ++n) {
            struct command command = conversation_create(w, w->org, NULL);
            assert_int_equal(box_add(&box, &command, n), OK);
        }
        assert_true(figure(&figures->waiting) == bursts[i]);
        log_port_flush(box.port);
        for (unsigned n = 0; n < bursts[i]; ++n)
            log_entry_free(box_take(&box));
        unsigned batches = (bursts[i] + BATCH_COMMANDS_MAX - 1) / BATCH_COMMANDS_MAX;
        assert_true(figure(&figures->commits) - commits == batches);
        assert_int_equal(box.deliveries - deliveries, batches);
    }
    uint64_t batches = 0;
    for (unsigned slot = 0; slot < sizeof(figures->batch_sizes) / sizeof(figures->batch_sizes[0]); ++slot)
        batches += figure(&figures->batch_sizes[slot]);
    assert_true(batches == figure(&figures->commits));
    assert_true(figure(&figures->batch_sizes[0]) == 2 && figure(&figures->batch_sizes[10]) >= 4);
    box_close(&box);
}

static void test_a_batch_that_changes_nothing_commits_nothing(void **state)
{
    struct bench *bench = *state;
    struct world *w = bench->world;
    struct box box;
    struct buffer before = dump_store(w->store);
    box_open(bench, &box);
    for (unsigned n = 0; n < 100; ++n) {
        struct command command =
            n % 2 ? visitor_touch(w, w->org, "v_nobody") : message_create(w, w->org, world_id(w), NULL, "x");
        assert_int_equal(box_add(&box, &command, n), OK);
    }
    log_port_flush(box.port);
    for (unsigned n = 0; n < 100; ++n) {
        struct log_entry *entry = box_take(&box);
        assert_int_equal(entry->error, n % 2 ? OK : ERR_NOT_FOUND);
        log_entry_free(entry);
    }
    assert_true(figure(&log_figures(bench->log)->commits) == 0);
    struct buffer after = dump_store(w->store);
    assert_dumps_equal(&before, &after);
    buffer_dispose(&before);
    buffer_dispose(&after);
    box_close(&box);
}

static void test_a_refused_command_touches_no_neighbour(void **state)
{
    struct bench *bench = *state;
    struct world *w = bench->world;
    struct box box;
    struct id id = converse(w, w->org, "v_owner");
    uint64_t seq_before = 0;
    box_open(bench, &box);
    for (unsigned n = 0; n < 300; ++n) {
        struct command command = message_create(w, w->org, id, n % 3 == 0 ? "v_other" : "v_owner", "x");
        if (n % 3 == 1)
            command = org_create(w, "acme");
        assert_int_equal(box_add(&box, &command, n), OK);
    }
    log_port_flush(box.port);
    for (unsigned n = 0; n < 300; ++n) {
        struct log_entry *entry = box_take(&box);
        assert_int_equal(entry->error, n % 3 == 0 ? ERR_NOT_FOUND : n % 3 == 1 ? ERR_CONFLICT : OK);
        if (entry->error == OK) {
            /* Refused ones take no number. */
            assert_true(seq_before == 0 || entry->outcome.seq == seq_before + 1);
            seq_before = entry->outcome.seq;
        }
        log_entry_free(entry);
    }
    struct message last;
    assert_int_equal(message_get_last(look(w), id, &last), OK);
    assert_int_equal(last.ordinal, 100);
    look_away(w);
    assert_sound(w);
    box_close(&box);
}

/* Some fail only after they have written something: their clientId meets a damaged entry when it is noted. Each is
 * taken back alone. */
static void test_what_fails_half_way_is_taken_back_alone(void **state)
{
    struct bench *bench = *state;
    struct world *w = bench->world;
    struct box box;
    struct id damaged[3], sound = converse(w, w->org, NULL);
    for (unsigned i = 0; i < 3; ++i) {
        struct key slot, value;
        damaged[i] = converse(w, w->org, NULL);
        for (unsigned n = 0; n < CLIENT_ID_BLOCK_ENTRIES; ++n) {
            char client_id[16];
            snprintf(client_id, sizeof(client_id), "c-%u", n);
            say(w, w->org, damaged[i], client_id);
        }
        message_key(&slot, damaged[i], UINT64_C(3) << 62 | client_id_hash(BYTES("c-9")) >> 2);
        key_clear(&value);
        key_put_u32(&value, 4);
        struct txn *txn = begin_write(w->store);
        assert_int_equal(table_put(txn, TABLE_MESSAGES, key_view(&slot), key_view(&value)), OK);
        commit_write(txn);
    }
    struct rows rows = count_rows(w);
    uint64_t commits = figure(&log_figures(bench->log)->commits), seq_before = 0;
    box_open(bench, &box);
    for (unsigned n = 0; n < 60; ++n) {
        bool fails = n % 20 == 7;
        struct command command = message_create(w, w->org, fails ? damaged[n / 20] : sound, NULL, "hello");
        if (fails)
            command.message_create.client_id = BYTES("one more");
        assert_int_equal(box_add(&box, &command, n), OK);
    }
    log_port_flush(box.port);
    for (unsigned n = 0; n < 60; ++n) {
        struct log_entry *entry = box_take(&box);
        assert_true(number_of(entry) == n);
        assert_int_equal(entry->error, n % 20 == 7 ? ERR_CORRUPT : OK);
        if (entry->error == OK) {
            assert_true(seq_before == 0 || entry->outcome.seq == seq_before + 1);
            seq_before = entry->outcome.seq;
        }
        log_entry_free(entry);
    }
    /* The block of the sound one's clientIds has moved to slots once, and begun anew. */
    assert_rows_added(w, &rows,
                      ROWS([TABLE_MESSAGES] = 57 + CLIENT_ID_BLOCK_ENTRIES + 1, [TABLE_CONVERSATION_BY_ACTIVITY] = 57));
    assert_true(figure(&log_figures(bench->log)->commits) == commits + 1);
    assert_true(figure(&log_figures(bench->log)->refused) == 3);
    box_close(&box);
}

static void test_later_commands_of_a_batch_see_the_earlier_ones(void **state)
{
    struct bench *bench = *state;
    struct world *w = bench->world;
    struct box box;
    box_open(bench, &box);
    struct command create = conversation_create(w, w->org, "v_one");
    struct command message = message_create(w, w->org, create.conversation_create.conversation, "v_one", "x");
    message.message_create.client_id = BYTES("c-1");
    struct command delete = org_delete(w, w->org);
    struct command late = conversation_create(w, w->org, "v_one");
    const struct command *commands[] = {&message, &create, &message, &message, &delete, &late, &message, &delete};
    static const enum error expected[] = {ERR_NOT_FOUND, OK, OK, OK, OK, ERR_NOT_FOUND, ERR_NOT_FOUND, ERR_NOT_FOUND};
    for (unsigned n = 0; n < 8; ++n)
        assert_int_equal(box_add(&box, commands[n], n), OK);
    log_port_flush(box.port);
    for (unsigned n = 0; n < 8; ++n) {
        struct log_entry *entry = box_take(&box);
        assert_int_equal(entry->error, expected[n]);
        if (n == 3)
            assert_true(entry->outcome.replayed);
        log_entry_free(entry);
    }
    box_close(&box);
    assert_sound(w);
}

/* ---- limits ---------------------------------------------------------------------------------------------------- */

static void drain(struct box *box, unsigned count)
{
    while (count-- > 0)
        log_entry_free(box_take(box));
}

static void test_one_command_too_many_is_refused_until_there_is_room(void **state)
{
    struct bench *bench = *state;
    struct world *w = bench->world;
    const struct log_figures *figures = log_figures(bench->log);
    struct box first, second;
    struct command command = visitor_touch(w, w->org, "v_nobody");
    box_open(bench, &first);
    box_open(bench, &second);
    for (unsigned round = 0; round < 3; ++round) {
        /* Two ports share the limit; nothing is handed over yet. */
        for (unsigned n = 0; n < QUEUE_COMMANDS_MAX; ++n)
            assert_int_equal(box_add(n % 2 ? &first : &second, &command, n), OK);
        for (unsigned n = 0; n < 10; ++n)
            assert_int_equal(box_add(n % 2 ? &first : &second, &command, n), ERR_QUEUE_FULL);
        assert_true(figure(&figures->waiting) == QUEUE_COMMANDS_MAX &&
                    figure(&figures->queue_full) == 10 * (round + 1));
        log_port_flush(first.port);
        drain(&first, QUEUE_COMMANDS_MAX / 2);
        assert_int_equal(box_add(&first, &command, 0), OK);
        log_port_flush(first.port);
        log_port_flush(second.port);
        drain(&second, QUEUE_COMMANDS_MAX / 2);
        drain(&first, 1);
        assert_true(figure(&figures->waiting) == 0 && figure(&figures->waiting_bytes) == 0);
    }
    box_close(&first);
    box_close(&second);
}

static void test_too_many_bytes_are_refused_until_there_is_room(void **state)
{
    struct bench *bench = *state;
    struct world *w = bench->world;
    const struct log_figures *figures = log_figures(bench->log);
    struct box box;
    static char content[MESSAGE_CONTENT_LEN_MAX + 1];
    memset(content, 'x', MESSAGE_CONTENT_LEN_MAX);
    struct command command = message_create(w, w->org, world_id(w), NULL, content);
    box_open(bench, &box);
    unsigned added = 0;
    while (box_add(&box, &command, added) == OK)
        assert_true(++added < QUEUE_COMMANDS_MAX);
    assert_in_range(added, QUEUE_BYTES_MAX / (MESSAGE_CONTENT_LEN_MAX + 200),
                    QUEUE_BYTES_MAX / MESSAGE_CONTENT_LEN_MAX + 1);
    assert_true(figure(&figures->queue_full) == 1);
    log_port_flush(box.port);
    drain(&box, added);
    assert_true(figure(&figures->waiting_bytes) == 0);
    assert_int_equal(box_add(&box, &command, 0), OK);
    log_port_flush(box.port);
    drain(&box, 1);
    box_close(&box);
}

/* ---- the end --------------------------------------------------------------------------------------------------- */

static void test_closing_finishes_what_was_taken(void **state)
{
    struct bench *bench = *state;
    struct world *w = bench->world;
    for (unsigned round = 0; round < 10; ++round) {
        struct box boxes[3];
        unsigned count = 50 + 700 * round;
        struct rows before = count_rows(w);
        for (unsigned i = 0; i < 3; ++i)
            box_open(bench, &boxes[i]);
        for (unsigned n = 0; n < count; ++n) {
            struct command command = conversation_create(w, w->org, NULL);
            assert_int_equal(box_add(&boxes[n % 3], &command, n), OK);
        }
        for (unsigned i = 0; i < 3; ++i)
            log_port_flush(boxes[i].port);
        log_close(bench->log);
        bench->log = NULL;
        for (unsigned n = 0; n < count; ++n) {
            assert_true(boxes[n % 3].waiting > 0);
            struct log_entry *entry = box_take(&boxes[n % 3]);
            assert_true(entry->error == OK && number_of(entry) == n);
            log_entry_free(entry);
        }
        for (unsigned i = 0; i < 3; ++i)
            box_close(&boxes[i]);
        assert_rows_added(w, &before,
                          ROWS([TABLE_CONVERSATIONS] = count, [TABLE_CONVERSATION_OPEN] = count,
                               [TABLE_CONVERSATION_BY_ACTIVITY] = count, [TABLE_CONVERSATION_BY_UPDATED] = count));
        bench_open(bench);
    }
}

static void test_a_log_that_had_nothing_to_do_closes(void **state)
{
    struct bench *bench = *state;
    for (unsigned i = 0; i < 50; ++i) {
        struct box box;
        box_open(bench, &box);
        log_port_flush(box.port);
        box_close(&box);
        log_close(bench->log);
        bench_open(bench);
    }
}

static void test_numbers_go_on_after_a_new_start(void **state)
{
    struct bench *bench = *state;
    struct world *w = bench->world;
    uint64_t before = 0;
    for (unsigned round = 0; round < 5; ++round) {
        struct box box;
        struct outcome outcome;
        assert_true(round == 0 || figure(&log_figures(bench->log)->last_seq) == before);
        box_open(bench, &box);
        struct command command = conversation_create(w, w->org, NULL);
        assert_int_equal(box_execute(&box, &command, &outcome), OK);
        assert_true(outcome.seq > before && (round == 0 || outcome.seq == before + 1));
        before = outcome.seq;
        box_close(&box);
        open_again(bench);
        bench_open(bench);
    }
}

/* ---- many at once, in the calling thread ----------------------------------------------------------------------- */

/* `count` of them, every tenth refused. */
static struct log_entry *conversations_to_import(struct world *w, unsigned count)
{
    struct buffer scratch = {0};
    struct log_entry *first = NULL, **end = &first;
    for (unsigned n = 0; n < count; ++n) {
        struct command command = conversation_create(w, n % 10 == 3 ? world_id(w) : w->org, NULL);
        *end = log_entry_new(&command, &scratch, 0);
        end = &(*end)->next;
    }
    buffer_dispose(&scratch);
    return first;
}

static void test_an_import_goes_in_one_transaction_beside_the_log(void **state)
{
    struct bench *bench = *state;
    struct world *w = bench->world;
    struct box box;
    struct outcome outcome;
    uint64_t seq = 0;
    unsigned n = 0;
    struct rows rows = count_rows(w);
    struct log_entry *entries = conversations_to_import(w, EXECUTE_COMMANDS_MAX);
    assert_int_equal(log_execute_all(w->store, entries), OK);
    for (struct log_entry *entry = entries, *next; entry != NULL; entry = next, ++n) {
        next = entry->next;
        assert_int_equal(entry->error, n % 10 == 3 ? ERR_NOT_FOUND : OK);
        assert_true(entry->error != OK || seq == 0 || entry->outcome.seq == seq + 1);
        seq = entry->error == OK ? entry->outcome.seq : seq;
        log_entry_free(entry);
    }
    assert_int_equal(n, EXECUTE_COMMANDS_MAX);
    int64_t made = EXECUTE_COMMANDS_MAX / 10 * 9;
    assert_rows_added(w, &rows,
                      ROWS([TABLE_CONVERSATIONS] = made, [TABLE_CONVERSATION_OPEN] = made,
                           [TABLE_CONVERSATION_BY_ACTIVITY] = made, [TABLE_CONVERSATION_BY_UPDATED] = made));
    box_open(bench, &box);
    struct command command = conversation_create(w, w->org, NULL);
    assert_int_equal(box_execute(&box, &command, &outcome), OK);
    assert_true(outcome.seq == seq + 1);
    box_close(&box);
    assert_sound(w);
}

static void test_an_import_of_which_all_is_refused_has_worked(void **state)
{
    struct bench *bench = *state;
    struct world *w = bench->world;
    struct buffer scratch = {0}, before = dump_store(w->store);
    struct command command = conversation_create(w, world_id(w), NULL);
    struct log_entry *entry = log_entry_new(&command, &scratch, 0);
    assert_int_equal(log_execute_all(w->store, entry), OK);
    assert_int_equal(entry->error, ERR_NOT_FOUND);
    log_entry_free(entry);
    struct buffer after = dump_store(w->store);
    assert_dumps_equal(&before, &after);
    buffer_dispose(&before);
    buffer_dispose(&after);
    buffer_dispose(&scratch);
}

int main(void)
{
#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        LOG_TEST(test_what_comes_back_is_on_disk),
        LOG_TEST(test_entries_of_a_port_come_back_in_order_and_once),
        LOG_TEST(test_many_threads_write_at_once_and_lose_nothing),
        LOG_TEST(test_single_commands_fit_between_batches),
        LOG_TEST(test_what_is_handed_over_together_is_one_commit_a_batch),
        LOG_TEST(test_a_batch_that_changes_nothing_commits_nothing),
        LOG_TEST(test_a_refused_command_touches_no_neighbour),
        LOG_TEST(test_what_fails_half_way_is_taken_back_alone),
        LOG_TEST(test_later_commands_of_a_batch_see_the_earlier_ones),
        LOG_TEST(test_one_command_too_many_is_refused_until_there_is_room),
        LOG_TEST(test_too_many_bytes_are_refused_until_there_is_room),
        LOG_TEST(test_closing_finishes_what_was_taken),
        LOG_TEST(test_a_log_that_had_nothing_to_do_closes),
        LOG_TEST(test_numbers_go_on_after_a_new_start),
        LOG_TEST(test_an_import_goes_in_one_transaction_beside_the_log),
        LOG_TEST(test_an_import_of_which_all_is_refused_has_worked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
