/*
 * Full maps, full disks and failing disks. The limit of the map is a real one; a full disk is /dev/full in the place of
 * the data file's descriptor (reading goes through the map), and, where a name space of one's own may be made, a file
 * system of a few megabytes; a failing disk is a descriptor that can't be written.
 */
#include "ports.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "log/apply.h"
#include "store/internal.h"

#define MIB (UINT64_C(1) << 20)

struct full {
    struct bench bench;
    struct box box;
};

static void open_server(struct world *w, uint64_t data_bytes_max)
{
    w->store = open_config(&(struct store_config){
        .directory = w->directory.path, .mode = STORE_SERVE, .map_bytes = MIB, .data_bytes_max = data_bytes_max});
    w->reader = reader_open(w->store);
}

static struct full *full_open(uint64_t data_bytes_max)
{
    struct full *full = calloc(1, sizeof(*full));
    struct world *w = calloc(1, sizeof(*w));
    log_line_setup((enum log_level)(LOG_ERROR + 1), LOG_FORMAT_TEXT);
    w->directory = directory_make();
    w->now_ms = NOW_MS;
    open_server(w, data_bytes_max);
    struct command acme = org_create(w, "acme"), other = org_create(w, "other");
    w->org = must(w, &acme).id;
    w->other_org = must(w, &other).id;
    full->bench.world = w;
    bench_open(&full->bench);
    box_open(&full->bench, &full->box);
    return full;
}

static void full_close(struct full *full)
{
    void *world = full->bench.world;
    log_close(full->bench.log);
    box_close(&full->box);
    world_tear_down(&world);
    free(full);
}

static void full_open_again(struct full *full, uint64_t data_bytes_max)
{
    struct world *w = full->bench.world;
    log_close(full->bench.log);
    box_close(&full->box);
    reader_close(w->reader);
    store_close(w->store);
    open_server(w, data_bytes_max);
    bench_open(&full->bench);
    box_open(&full->bench, &full->box);
}

static enum error execute(struct full *full, struct command command, struct outcome *outcome)
{
    return box_execute(&full->box, &command, outcome);
}

static struct command message_to(struct world *w, struct id org, struct id conversation, const char *content)
{
    struct command command = message_create(w, org, conversation, NULL, content);
    command.message_create.by_org = true;
    return command;
}

static const char *large_text(void)
{
    static char text[3000];
    memset(text, 'x', sizeof(text) - 1);
    return text;
}

/* Writes until that is refused for want of space; gives how many messages are there. */
static unsigned fill(struct full *full, struct id org, struct id conversation, unsigned most)
{
    struct world *w = full->bench.world;
    for (unsigned n = 0; n < most; ++n) {
        struct command command = message_to(w, org, conversation, large_text());
        struct outcome outcome;
        enum error error = execute(full, command, &outcome);
        if (error == ERR_STORE_FULL)
            return n;
        assert_int_equal(error, OK);
    }
    fail_msg("never full");
    return 0;
}

static struct id converse_here(struct full *full, struct id org)
{
    struct outcome outcome;
    assert_int_equal(execute(full, conversation_create(full->bench.world, org, "v_one"), &outcome), OK);
    return outcome.id;
}

/* Deletes an organisation and all that is of it, as the shell does: one command after the other. */
static void erase(struct full *full, struct id org)
{
    struct world *w = full->bench.world;
    struct outcome outcome;
    assert_int_equal(execute(full, org_delete(w, org), &outcome), OK);
    do
        assert_int_equal(execute(full, org_purge(org, 50), &outcome), OK);
    while (outcome.more);
}

static uint64_t map_bytes(struct store *store)
{
    uint64_t used, map;
    unsigned readers;
    store_usage(store, &used, &map, &readers);
    return map;
}

/* What would otherwise be looked at once a second is looked at now. */
static void let_time_pass(struct store *store)
{
    store->room_looked_ns = 0;
    store->ripened_ns = 0;
}

/* ---- a map that can grow --------------------------------------------------------------------------------------- */

static void test_a_map_that_can_grow_never_refuses(void **state)
{
    struct full *full = full_open(0);
    struct world *w = full->bench.world;
    struct id id = converse_here(full, w->org);
    (void)state;
    unsigned given = 1;
    for (unsigned batch = 1; batch < 300; ++batch) {
        unsigned count = 1 + batch % 40;
        for (unsigned n = 0; n < count; ++n) {
            struct command command = message_to(w, w->org, id, large_text() + (n * 71) % 2900);
            assert_int_equal(box_add(&full->box, &command, n), OK);
        }
        log_port_flush(full->box.port);
        for (unsigned n = 0; n < count; ++n) {
            struct log_entry *entry = box_take(&full->box);
            assert_true(number_of(entry) == n);
            if (entry->error != OK)
                fail_msg("batch %u: %s", batch, error_code(entry->error));
            log_entry_free(entry);
        }
        given += count;
    }
    struct message last;
    assert_int_equal(message_get_last(look(w), id, &last), OK);
    assert_true(last.ordinal == given - 1);
    look_away(w);
    assert_true(atomic_load(&log_figures(full->bench.log)->map_growths) >= 3);
    assert_true(atomic_load(&log_figures(full->bench.log)->store_full) == 0);
    assert_sound(w);
    full_close(full);
}

static void test_a_batch_larger_than_the_whole_map_is_applied(void **state)
{
    struct full *full = full_open(0);
    struct world *w = full->bench.world;
    struct id id = converse_here(full, w->org);
    (void)state;
    for (unsigned n = 0; n < BATCH_COMMANDS_MAX; ++n) {
        struct command command = message_to(w, w->org, id, large_text());
        assert_int_equal(box_add(&full->box, &command, n), OK);
    }
    log_port_flush(full->box.port);
    uint64_t seq_before = 0;
    for (unsigned n = 0; n < BATCH_COMMANDS_MAX; ++n) {
        struct log_entry *entry = box_take(&full->box);
        assert_true(entry->error == OK && (n == 0 || entry->outcome.seq == seq_before + 1));
        seq_before = entry->outcome.seq;
        log_entry_free(entry);
    }
    assert_sound(w);
    full_close(full);
}

/* ---- a map at its limit ---------------------------------------------------------------------------------------- */

#define LIMIT (6 * MIB)

static void test_at_the_limit_writing_is_refused_and_reading_goes_on(void **state)
{
    struct full *full = full_open(LIMIT);
    struct world *w = full->bench.world;
    struct id id = converse_here(full, w->org);
    (void)state;
    unsigned kept = fill(full, w->org, id, 5000);
    assert_in_range(kept, 500, 2000);
    struct rows rows = count_rows(w);
    for (unsigned n = 0; n < 50; ++n) {
        struct outcome outcome;
        assert_int_equal(execute(full, message_to(w, w->org, id, large_text()), &outcome), ERR_STORE_FULL);
        struct message last;
        assert_int_equal(message_get_last(look(w), id, &last), OK);
        assert_true(last.ordinal == kept);
        look_away(w);
    }
    assert_rows_added(w, &rows, ROWS(0));
    assert_true(atomic_load(&log_figures(full->bench.log)->store_full) >= 50);
    assert_true(map_bytes(w->store) <= LIMIT + LIMIT / 4);
    assert_sound(w);
    full_close(full);
}

static void test_at_the_limit_erasing_succeeds_and_makes_room(void **state)
{
    struct full *full = full_open(LIMIT);
    struct world *w = full->bench.world;
    struct id ours = converse_here(full, w->org), theirs = converse_here(full, w->other_org);
    (void)state;
    for (unsigned n = 0; n < 600; ++n) {
        struct outcome outcome;
        assert_int_equal(execute(full, message_to(w, w->other_org, theirs, large_text()), &outcome), OK);
    }
    fill(full, w->org, ours, 5000);
    erase(full, w->other_org);
    struct command gone = org_purge(w->other_org, 1);
    struct outcome outcome;
    assert_int_equal(box_execute(&full->box, &gone, &outcome), ERR_NOT_FOUND);
    let_time_pass(w->store);
    for (unsigned n = 0; n < 100; ++n)
        assert_int_equal(execute(full, message_to(w, w->org, ours, large_text()), &outcome), OK);
    assert_sound(w);
    full_close(full);
}

/* Over and over: the reserve must be there each time, and a new start in between must not change that. */
static void test_a_store_can_be_filled_and_emptied_again_and_again(void **state)
{
    struct full *full = full_open(LIMIT);
    struct world *w = full->bench.world;
    struct id ours = converse_here(full, w->org);
    unsigned first = 0;
    (void)state;
    for (unsigned round = 0; round < 8; ++round) {
        char key[16];
        struct outcome outcome;
        snprintf(key, sizeof(key), "round-%u", round);
        let_time_pass(w->store);
        struct command create = org_create(w, key);
        assert_int_equal(box_execute(&full->box, &create, &outcome), OK);
        struct id org = outcome.id, id = converse_here(full, org);
        unsigned kept = fill(full, org, id, 5000);
        first = round == 0 ? kept : first;
        /* What is free inside must not trickle away. */
        if (kept < first / 2)
            fail_msg("round %u: only %u of %u messages fit", round, kept, first);
        if (round % 3 == 2)
            full_open_again(full, LIMIT);
        erase(full, org);
        assert_true(map_bytes(w->store) <= LIMIT + LIMIT / 4);
    }
    let_time_pass(w->store);
    struct outcome outcome;
    assert_int_equal(execute(full, message_to(w, w->org, ours, large_text()), &outcome), OK);
    assert_sound(w);
    full_close(full);
}

static void test_in_one_batch_erasing_succeeds_beside_what_is_refused(void **state)
{
    struct full *full = full_open(LIMIT);
    struct world *w = full->bench.world;
    struct id ours = converse_here(full, w->org);
    struct outcome outcome;
    struct command token = token_create(w, w->org);
    (void)state;
    assert_int_equal(execute(full, token, &outcome), OK);
    fill(full, w->org, ours, 5000);
    /* Small enough to fit into what is left, were it tried alone: so the refused one must be the large one's doing. */
    struct command batch[] = {
        message_to(w, w->org, ours, large_text()),
        {.kind = COMMAND_TOKEN_REVOKE, .token_revoke = {.org = w->org, .token = token.token_create.token}},
        message_to(w, w->org, ours, large_text()),
        org_delete(w, w->other_org),
        message_to(w, w->org, ours, large_text()),
        org_purge(w->other_org, 100)};
    for (unsigned round = 0; round < 2; ++round) {
        for (unsigned n = 0; n < 6; ++n)
            assert_int_equal(box_add(&full->box, &batch[n], n), OK);
        log_port_flush(full->box.port);
        for (unsigned n = 0; n < 6; ++n) {
            struct log_entry *entry = box_take(&full->box);
            enum error erased = round == 0 ? OK : ERR_NOT_FOUND;
            if (n % 2 == 1)
                assert_int_equal(entry->error, erased);
            else
                assert_true(entry->error == ERR_STORE_FULL || entry->error == OK);
            log_entry_free(entry);
        }
    }
    assert_sound(w);
    full_close(full);
}

/* ---- a full disk ----------------------------------------------------------------------------------------------- */

/* Puts another file in the place of the data file's descriptor; gives a copy of the true one. */
static int swap_data_file(struct store *store, const char *path, int flags)
{
    int fd, other = open(path, flags | O_CLOEXEC);
    assert_true(other >= 0);
    assert_int_equal(mdb_env_get_fd(store->env, &fd), 0);
    int kept = dup(fd);
    assert_int_equal(dup2(other, fd), fd);
    close(other);
    return kept;
}

static void put_back(struct store *store, int kept)
{
    int fd;
    assert_int_equal(mdb_env_get_fd(store->env, &fd), 0);
    assert_int_equal(dup2(kept, fd), fd);
    close(kept);
}

static void test_on_a_full_disk_writing_is_refused_until_there_is_room(void **state)
{
    struct full *full = full_open(0);
    struct world *w = full->bench.world;
    struct id id = converse_here(full, w->org);
    (void)state;
    for (unsigned round = 0; round < 3; ++round) {
        struct rows rows = count_rows(w);
        struct outcome outcome;
        int kept = swap_data_file(w->store, "/dev/full", O_RDWR);
        for (unsigned n = 0; n < 10; ++n) {
            assert_int_equal(execute(full, message_to(w, w->org, id, "x"), &outcome), ERR_STORE_FULL);
            assert_rows_added(w, &rows, ROWS(0));
        }
        put_back(w->store, kept);
        let_time_pass(w->store);
        assert_int_equal(execute(full, message_to(w, w->org, id, "x"), &outcome), OK);
        int64_t with_block = round == 0; /* of its clientIds, which comes with a conversation's first message */
        assert_rows_added(w, &rows, ROWS([TABLE_MESSAGES] = 1 + with_block, [TABLE_CONVERSATION_BY_ACTIVITY] = 1));
    }
    assert_int_equal(full->bench.failures, 0);
    full_open_again(full, 0);
    assert_sound(w);
    full_close(full);
}

static void test_a_full_disk_does_not_make_the_map_grow(void **state)
{
    struct full *full = full_open(0);
    struct world *w = full->bench.world;
    struct id ours = converse_here(full, w->org), theirs = converse_here(full, w->other_org);
    struct outcome outcome;
    (void)state;
    for (unsigned n = 0; n < 300; ++n)
        assert_int_equal(execute(full, message_to(w, w->other_org, theirs, large_text()), &outcome), OK);
    erase(full, w->other_org);
    uint64_t before = map_bytes(w->store);
    int kept = swap_data_file(w->store, "/dev/full", O_RDWR);
    for (unsigned n = 0; n < 20; ++n) {
        let_time_pass(w->store);
        assert_int_equal(execute(full, message_to(w, w->org, ours, "x"), &outcome), ERR_STORE_FULL);
    }
    put_back(w->store, kept);
    assert_true(map_bytes(w->store) == before);
    full_close(full);
}

static void test_the_reserve_is_spent_for_erasing_alone_and_made_again(void **state)
{
    struct full *full = full_open(0);
    struct world *w = full->bench.world;
    struct id id = converse_here(full, w->org);
    struct outcome outcome;
    struct stat reserve;
    char path[160];
    (void)state;
    snprintf(path, sizeof(path), "%s/reserve", w->directory.path);
    assert_int_equal(stat(path, &reserve), 0);
    assert_true(reserve.st_size >= STORE_RESERVE_BYTES && (uint64_t)reserve.st_blocks * 512 >= STORE_RESERVE_BYTES);
    int kept = swap_data_file(w->store, "/dev/full", O_RDWR);
    assert_int_equal(execute(full, message_to(w, w->org, id, "x"), &outcome), ERR_STORE_FULL);
    assert_int_equal(stat(path, &reserve), 0);
    assert_true(reserve.st_size >= STORE_RESERVE_BYTES);
    assert_int_equal(execute(full, org_delete(w, w->other_org), &outcome), ERR_STORE_FULL);
    assert_int_equal(stat(path, &reserve), 0);
    assert_int_equal(reserve.st_size, 0);
    put_back(w->store, kept);
    let_time_pass(w->store);
    assert_int_equal(execute(full, message_to(w, w->org, id, "x"), &outcome), OK);
    assert_int_equal(stat(path, &reserve), 0);
    assert_true(reserve.st_size >= STORE_RESERVE_BYTES);
    full_close(full);
}

/* ---- a full file system ---------------------------------------------------------------------------------------- */

/* In a child with a name space of its own: 77 when such a thing can't be had here. */
static int in_a_small_file_system(const char *directory, int (*scenario)(const char *directory))
{
    char options[64];
    uid_t uid = getuid();
    if (unshare(CLONE_NEWNS | (uid != 0 ? CLONE_NEWUSER : 0)) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return 77;
    snprintf(options, sizeof(options), "size=%u,mode=700", 40u << 20);
    if (mount("tmpfs", directory, "tmpfs", 0, options) != 0)
        return 77;
    setenv("TMPDIR", directory, 1);
    return scenario(directory);
}

static void run_in_a_small_file_system(int (*scenario)(const char *directory))
{
    struct directory directory = directory_make();
    int status;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct sigaction plain = {.sa_handler = SIG_DFL};
        for (int number = 1; number < 32; ++number)
            sigaction(number, &plain, NULL);
        _exit(in_a_small_file_system(directory.path, scenario));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    directory_remove(&directory);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("the scenario ended with status %x", (unsigned)status);
}

#define REQUIRE(condition)                                          \
    do {                                                            \
        if (!(condition)) {                                         \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
            _exit(1);                                               \
        }                                                           \
    } while (0)

/* Messages of ever another size, so that the disk is full in the middle of a write as often as between two. */
static unsigned fill_disk(struct store *store, struct world *w, struct id org, struct id conversation)
{
    static char text[MESSAGE_CONTENT_LEN_MAX];
    unsigned refused = 0, kept = 0;
    memset(text, 'x', sizeof(text) - 1);
    for (unsigned n = 0; refused < 20 && n < 20000; ++n) {
        struct command command =
            message_to(w, org, conversation, text + sizeof(text) - 1 - (n * 7919) % (sizeof(text) - 2));
        command.message_create.by_org = true;
        struct outcome outcome;
        if (command.message_create.content.len == 0)
            continue;
        enum error error = log_execute(store, &command, &outcome);
        if (error != OK && error != ERR_STORE_FULL) {
            fprintf(stderr, "message %u: %s\n", n, error_code(error));
            _exit(1);
        }
        refused += error == ERR_STORE_FULL;
        kept += error == OK;
    }
    REQUIRE(refused == 20);
    return kept;
}

static struct id make_org(struct store *store, struct world *w, const char *key, struct id *conversation)
{
    struct outcome outcome;
    struct command create = org_create(w, key);
    REQUIRE(log_execute(store, &create, &outcome) == OK);
    struct id org = outcome.id;
    struct command talk = conversation_create(w, org, "v_one");
    REQUIRE(log_execute(store, &talk, &outcome) == OK);
    *conversation = outcome.id;
    return org;
}

static int purge_org(struct store *store, struct world *w, struct id org)
{
    struct outcome outcome;
    struct command delete = org_delete(w, org), purge = org_purge(org, 100);
    enum error error = log_execute(store, &delete, &outcome);
    while (error == OK) {
        error = log_execute(store, &purge, &outcome);
        if (error == OK && !outcome.more)
            return OK;
    }
    fprintf(stderr, "erasing: %s\n", error_code(error));
    return (int)error;
}

static int fill_and_erase_as_a_server(const char *directory)
{
    struct world w = {.now_ms = NOW_MS};
    char why[STORE_WHY_LEN];
    struct id conversation, kept_conversation;
    unsigned first = 0;
    struct store *store = store_open(&(struct store_config){.directory = directory, .mode = STORE_SERVE}, why);
    REQUIRE(store != NULL);
    make_org(store, &w, "kept", &kept_conversation);
    for (unsigned round = 0; round < 4; ++round) {
        char key[16];
        snprintf(key, sizeof(key), "round-%u", round);
        let_time_pass(store);
        struct id org = make_org(store, &w, key, &conversation);
        unsigned kept = fill_disk(store, &w, org, conversation);
        first = round == 0 ? kept : first;
        REQUIRE(kept > 100 && kept > first / 2);
        REQUIRE(purge_org(store, &w, org) == OK);
    }
    store_close(store);
    return 0;
}

static void test_a_full_file_system_can_be_emptied_again(void **state)
{
    (void)state;
    run_in_a_small_file_system(fill_and_erase_as_a_server);
}

/* A server filled it and is gone, or still there; the shell erases. */
static int fill_as_a_server_and_erase_from_the_shell(const char *directory)
{
    struct world w = {.now_ms = NOW_MS};
    char why[STORE_WHY_LEN];
    struct id conversation;
    struct store *store = store_open(&(struct store_config){.directory = directory, .mode = STORE_SERVE}, why);
    REQUIRE(store != NULL);
    struct id org = make_org(store, &w, "full", &conversation);
    fill_disk(store, &w, org, conversation);
    store_close(store);
    store = store_open(&(struct store_config){.directory = directory, .mode = STORE_ADMIN}, why);
    REQUIRE(store != NULL);
    REQUIRE(purge_org(store, &w, org) == OK);
    store_close(store);
    store = store_open(&(struct store_config){.directory = directory, .mode = STORE_SERVE}, why);
    REQUIRE(store != NULL);
    org = make_org(store, &w, "again", &conversation);
    REQUIRE(fill_disk(store, &w, org, conversation) > 100);
    store_close(store);
    return 0;
}

static void test_the_shell_can_erase_on_a_full_file_system(void **state)
{
    (void)state;
    run_in_a_small_file_system(fill_as_a_server_and_erase_from_the_shell);
}

/* ---- a failing disk -------------------------------------------------------------------------------------------- */

static void test_a_failing_disk_ends_an_import(void **state)
{
    struct full *full = full_open(0);
    struct world *w = full->bench.world;
    struct buffer scratch = {0};
    struct command command = conversation_create(w, w->org, NULL);
    struct log_entry *entry = log_entry_new(&command, &scratch, 0);
    (void)state;
    int kept = swap_data_file(w->store, "/dev/null", O_RDONLY);
    assert_int_equal(log_execute_all(w->store, entry), ERR_OUTCOME_UNKNOWN);
    assert_int_equal(entry->error, ERR_OUTCOME_UNKNOWN);
    put_back(w->store, kept);
    log_entry_free(entry);
    buffer_dispose(&scratch);
    full_close(full);
}

static void test_a_failing_disk_ends_all_writing(void **state)
{
    struct full *full = full_open(0);
    struct world *w = full->bench.world;
    struct id id = converse_here(full, w->org);
    (void)state;
    struct rows rows = count_rows(w);
    int kept = swap_data_file(w->store, "/dev/null", O_RDONLY); /* EBADF for each write */
    for (unsigned n = 0; n < 50; ++n) {
        struct command command = message_to(w, w->org, id, "x");
        assert_int_equal(box_add(&full->box, &command, n), OK);
    }
    log_port_flush(full->box.port);
    for (unsigned n = 0; n < 50; ++n) {
        struct log_entry *entry = box_take(&full->box);
        assert_true(number_of(entry) == n);
        assert_int_equal(entry->error, ERR_OUTCOME_UNKNOWN);
        log_entry_free(entry);
    }
    /* Also when the disk is well again: what was written since nobody knows. */
    put_back(w->store, kept);
    for (unsigned n = 0; n < 5; ++n) {
        struct outcome outcome;
        assert_int_equal(execute(full, message_to(w, w->org, id, "x"), &outcome), ERR_OUTCOME_UNKNOWN);
        assert_int_equal(execute(full, org_delete(w, w->other_org), &outcome), ERR_OUTCOME_UNKNOWN);
    }
    assert_rows_added(w, &rows, ROWS(0));
    full_open_again(full, 0);
    assert_int_equal(full->bench.failures, 1);
    assert_rows_added(w, &rows, ROWS(0));
    struct outcome outcome;
    assert_int_equal(execute(full, message_to(w, w->org, id, "x"), &outcome), OK);
    assert_sound(w);
    full_close(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_map_that_can_grow_never_refuses),
        cmocka_unit_test(test_a_batch_larger_than_the_whole_map_is_applied),
        cmocka_unit_test(test_at_the_limit_writing_is_refused_and_reading_goes_on),
        cmocka_unit_test(test_at_the_limit_erasing_succeeds_and_makes_room),
        cmocka_unit_test(test_a_store_can_be_filled_and_emptied_again_and_again),
        cmocka_unit_test(test_in_one_batch_erasing_succeeds_beside_what_is_refused),
        cmocka_unit_test(test_on_a_full_disk_writing_is_refused_until_there_is_room),
        cmocka_unit_test(test_a_full_disk_does_not_make_the_map_grow),
        cmocka_unit_test(test_the_reserve_is_spent_for_erasing_alone_and_made_again),
        cmocka_unit_test(test_a_full_file_system_can_be_emptied_again),
        cmocka_unit_test(test_the_shell_can_erase_on_a_full_file_system),
        cmocka_unit_test(test_a_failing_disk_ends_an_import),
        cmocka_unit_test(test_a_failing_disk_ends_all_writing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
