/*
 * What webhooks have waiting: exactly what happened and was wanted, in the transaction of what happened; what becomes
 * of it; that a queue is bounded; and that nothing of an erased visitor is left in it.
 */
#include "world.h"

#define ALL "conversation.created message.created visitor.created visitor.erased"

static struct id hook(struct world *w, struct id org, const char *events)
{
    struct command command = webhook_create(w, org, events);
    struct outcome outcome = must(w, &command);
    assert_true(outcome.hooked);
    assert_true(id_equal(outcome.id, command.webhook_create.webhook));
    return outcome.id;
}

static struct webhook webhook_of(struct world *w, struct id id)
{
    struct webhook webhook;
    assert_int_equal(webhook_get(look(w), id, &webhook), OK);
    look_away(w);
    return webhook;
}

static bool waits(struct world *w, struct id webhook, uint64_t seq, enum hook_event event, struct delivery *out)
{
    struct delivery delivery;
    enum error error = delivery_get(look(w), webhook, seq, event, &delivery);
    look_away(w);
    assert_true(error == OK || error == ERR_NOT_FOUND);
    if (out != NULL)
        *out = delivery;
    return error == OK;
}

static bool is_past(struct world *w, struct id webhook, enum past past, uint64_t seq, enum hook_event event,
                    struct delivery *out)
{
    struct delivery delivery;
    enum error error = past_get(look(w), webhook, past, seq, event, &delivery);
    look_away(w);
    if (out != NULL)
        *out = delivery;
    return error == OK;
}

static uint64_t wishes_of(struct world *w, struct id org)
{
    struct org record;
    assert_int_equal(org_get(look(w), org, &record), OK);
    look_away(w);
    return record.hook_events;
}

/* ---- what is noted --------------------------------------------------------------------------------------------- */

static void test_what_happens_waits_for_whoever_wants_it(void **state)
{
    struct world *w = *state;
    struct id all = hook(w, w->org, ALL), messages = hook(w, w->org, "message.created"),
              other = hook(w, w->other_org, ALL);
    struct delivery delivery;
    struct command create = conversation_create(w, w->org, "v_one");
    struct outcome created = must(w, &create);
    assert_true(created.hooked && created.hooks_lost == 0);
    assert_true(waits(w, all, created.seq, HOOK_CONVERSATION_CREATED, &delivery));
    assert_true(id_equal(delivery.conversation, created.id) && delivery.at_ms == NOW_MS && delivery.next_at_ms == 0);
    assert_true(waits(w, all, created.seq, HOOK_VISITOR_CREATED, &delivery));
    assert_true(id_is_none(delivery.conversation));
    assert_true(id_equal(delivery.visitor, visitor_of(w, w->org, "v_one").id));
    uint64_t said = say(w, w->org, created.id, "c-1");
    assert_true(waits(w, all, said, HOOK_MESSAGE_CREATED, &delivery));
    assert_true(id_equal(delivery.conversation, created.id));
    assert_true(waits(w, messages, said, HOOK_MESSAGE_CREATED, NULL));
    assert_int_equal(webhook_of(w, all).waiting, 3);
    assert_int_equal(webhook_of(w, messages).waiting, 1);
    assert_int_equal(webhook_of(w, other).waiting, 0);
    assert_sound(w);
}

/* A second conversation makes no second visitor, and a message that was there already is none. */
static void test_what_does_not_happen_again_is_not_told_again(void **state)
{
    struct world *w = *state;
    struct id all = hook(w, w->org, ALL), conversation = converse(w, w->org, "v_one");
    uint64_t said = say(w, w->org, conversation, "c-1");
    struct rows rows = count_rows(w);
    assert_int_equal(say(w, w->org, conversation, "c-1"), said);
    struct command see = visitor_see(w, w->org, "v_one", NULL), touch = visitor_touch(w, w->org, "v_one");
    must(w, &see);
    must(w, &touch);
    assert_rows_added(w, &rows, ROWS(0));
    converse(w, w->org, "v_one");
    assert_int_equal(webhook_of(w, all).waiting, 4);
    struct command fresh = visitor_see(w, w->org, "v_two", NULL);
    assert_true(waits(w, all, must(w, &fresh).seq, HOOK_VISITOR_CREATED, NULL));
    assert_sound(w);
}

static void test_an_organisation_without_webhooks_writes_nothing_for_them(void **state)
{
    struct world *w = *state;
    hook(w, w->other_org, ALL);
    struct rows rows = count_rows(w);
    struct command create = conversation_create(w, w->org, "v_one");
    struct outcome outcome = must(w, &create);
    assert_false(outcome.hooked);
    say(w, w->org, outcome.id, NULL);
    struct rows after = count_rows(w);
    for (int table = TABLE_WEBHOOKS; table <= TABLE_WEBHOOK_PAST; ++table)
        assert_int_equal(after.of[table], rows.of[table]);
    assert_true(wishes_of(w, w->org) == 0);
}

/* In one transaction with what came before: the note of the organisation must not outlive a change of its webhooks. */
static void test_a_new_webhook_counts_for_the_next_command_of_its_batch(void **state)
{
    struct world *w = *state;
    struct id conversation = converse(w, w->org, NULL);
    struct command before = message_create(w, w->org, conversation, NULL, "before"),
                   create = webhook_create(w, w->org, "message.created"),
                   after = message_create(w, w->org, conversation, NULL, "after");
    const struct command *commands[] = {&before, &create, &after};
    struct log_entry *first = NULL, **end = &first;
    struct buffer scratch = {0};
    for (unsigned i = 0; i < 3; ++i) {
        *end = log_entry_new(commands[i], &scratch, 0);
        end = &(*end)->next;
    }
    assert_int_equal(log_execute_all(w->store, first), OK);
    bool hooked[3];
    for (unsigned i = 0; i < 3; ++i) {
        struct log_entry *entry = first;
        assert_int_equal(entry->error, OK);
        hooked[i] = entry->outcome.hooked;
        first = entry->next;
        log_entry_free(entry);
    }
    assert_true(!hooked[0] && hooked[1] && hooked[2]);
    assert_int_equal(webhook_of(w, create.webhook_create.webhook).waiting, 1);
    buffer_dispose(&scratch);
    assert_sound(w);
}

static void test_an_import_tells_nobody(void **state)
{
    struct world *w = *state;
    struct id all = hook(w, w->org, ALL);
    struct command visitor = {.kind = COMMAND_VISITOR_IMPORT,
                              .visitor_import = {.org = w->org,
                                                 .visitor = world_id(w),
                                                 .visitor_key = BYTES("v_imported"),
                                                 .first_seen_at_ms = NOW_MS,
                                                 .last_seen_at_ms = NOW_MS,
                                                 .created_at_ms = NOW_MS,
                                                 .updated_at_ms = NOW_MS}};
    struct command conversation = {.kind = COMMAND_CONVERSATION_IMPORT,
                                   .conversation_import = {.org = w->org,
                                                           .conversation = world_id(w),
                                                           .visitor = visitor.visitor_import.visitor,
                                                           .created_at_ms = NOW_MS,
                                                           .updated_at_ms = NOW_MS}};
    must(w, &visitor);
    must(w, &conversation);
    assert_int_equal(webhook_of(w, all).waiting, 0);
}

/* ---- webhooks change ------------------------------------------------------------------------------------------- */

static struct command webhook_switch(struct world *w, struct id org, struct id webhook, bool enabled)
{
    return (struct command){
        .kind = COMMAND_WEBHOOK_UPDATE,
        .webhook_update = {
            .org = org, .webhook = webhook, .at_ms = w->now_ms, .set_enabled = true, .enabled = enabled}};
}

static void test_what_all_of_them_want_is_in_the_organisation(void **state)
{
    struct world *w = *state;
    struct id one = hook(w, w->org, "message.created"), two = hook(w, w->org, "message.created visitor.erased");
    uint64_t both = HOOK_BIT(HOOK_MESSAGE_CREATED) | HOOK_BIT(HOOK_VISITOR_ERASED);
    assert_true(wishes_of(w, w->org) == both);
    struct command off = webhook_switch(w, w->org, two, false), on = webhook_switch(w, w->org, two, true);
    must(w, &off);
    assert_true(wishes_of(w, w->org) == HOOK_BIT(HOOK_MESSAGE_CREATED));
    must(w, &on);
    assert_true(wishes_of(w, w->org) == both);
    struct command delete = {.kind = COMMAND_WEBHOOK_DELETE,
                             .webhook_delete = {.org = w->org, .webhook = two, .at_ms = NOW_MS}};
    must(w, &delete);
    assert_true(wishes_of(w, w->org) == HOOK_BIT(HOOK_MESSAGE_CREATED));
    delete.webhook_delete.webhook = one;
    must(w, &delete);
    assert_true(wishes_of(w, w->org) == 0);
    assert_sound(w);
}

static void test_what_happens_while_it_is_off_is_not_told(void **state)
{
    struct world *w = *state;
    struct id webhook = hook(w, w->org, "message.created"), conversation = converse(w, w->org, NULL);
    uint64_t before = say(w, w->org, conversation, NULL);
    struct command off = webhook_switch(w, w->org, webhook, false), on = webhook_switch(w, w->org, webhook, true);
    must(w, &off);
    say(w, w->org, conversation, NULL);
    must(w, &on);
    uint64_t after = say(w, w->org, conversation, NULL);
    assert_true(waits(w, webhook, before, HOOK_MESSAGE_CREATED, NULL));
    assert_true(waits(w, webhook, after, HOOK_MESSAGE_CREATED, NULL));
    assert_int_equal(webhook_of(w, webhook).waiting, 2);
}

static void test_what_is_no_webhook_is_refused(void **state)
{
    struct world *w = *state;
    struct command command = webhook_create(w, w->org, "message.created");
    struct bytes url = command.webhook_create.url;
    command.webhook_create.events = BYTES("message.deleted");
    assert_refused(w, &command, ERR_CONFLICT);
    command.webhook_create.events = BYTES("message.created");
    command.webhook_create.url = BYTES("");
    assert_refused(w, &command, ERR_CONFLICT);
    command.webhook_create.url = url;
    command.webhook_create.org = world_id(w);
    assert_refused(w, &command, ERR_NOT_FOUND);
    command.webhook_create.org = w->org;
    for (unsigned i = 0; i < WEBHOOKS_PER_ORG_MAX; ++i)
        hook(w, w->org, "visitor.erased");
    assert_refused(w, &command, ERR_CONFLICT);
    assert_sound(w);
}

static void test_it_is_its_organisations_alone(void **state)
{
    struct world *w = *state;
    struct id webhook = hook(w, w->org, ALL);
    uint64_t said = say(w, w->org, converse(w, w->org, NULL), NULL);
    struct command commands[] = {
        webhook_switch(w, w->other_org, webhook, false),
        {.kind = COMMAND_WEBHOOK_DELETE, .webhook_delete = {.org = w->other_org, .webhook = webhook, .at_ms = NOW_MS}},
        {.kind = COMMAND_WEBHOOK_ROTATE,
         .webhook_rotate = {.org = w->other_org, .webhook = webhook, .at_ms = NOW_MS, .secret = BYTES("whsec_theirs")}},
        webhook_retry(w, w->other_org, webhook, said, HOOK_MESSAGE_CREATED),
    };
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); ++i)
        assert_refused(w, &commands[i], ERR_NOT_FOUND);
}

static void test_deleting_it_takes_along_what_waits(void **state)
{
    struct world *w = *state;
    struct rows rows = count_rows(w);
    struct id webhook = hook(w, w->org, "message.created");
    struct id conversation = converse(w, w->org, NULL);
    uint64_t said = say(w, w->org, conversation, NULL);
    struct command result = webhook_result(w, webhook, said, HOOK_MESSAGE_CREATED, HOOK_PARK, 500);
    must(w, &result);
    say(w, w->org, conversation, NULL);
    struct command delete = {.kind = COMMAND_WEBHOOK_DELETE,
                             .webhook_delete = {.org = w->org, .webhook = webhook, .at_ms = NOW_MS}};
    must(w, &delete);
    struct rows after = count_rows(w);
    for (int table = TABLE_WEBHOOKS; table <= TABLE_WEBHOOK_PAST; ++table)
        assert_int_equal(after.of[table], rows.of[table]);
    assert_refused(w, &delete, ERR_NOT_FOUND);
}

/* ---- results --------------------------------------------------------------------------------------------------- */

static void test_each_result_leaves_what_it_says(void **state)
{
    struct world *w = *state;
    struct id webhook = hook(w, w->org, "message.created"), conversation = converse(w, w->org, NULL);
    uint64_t seqs[5];
    static const enum hook_verdict verdicts[] = {HOOK_DELIVERED, HOOK_RETRY, HOOK_PARK, HOOK_VOID, HOOK_GONE};
    for (unsigned i = 0; i < 5; ++i)
        seqs[i] = say(w, w->org, conversation, NULL);
    for (unsigned i = 0; i < 5; ++i) {
        struct command result = webhook_result(w, webhook, seqs[i], HOOK_MESSAGE_CREATED, verdicts[i], 200 + i);
        result.webhook_result.failure = i == 1 ? BYTES("too_slow") : BYTES_NONE;
        w->now_ms += 1000;
        must(w, &result);
        assert_sound(w);
    }
    struct delivery delivery;
    assert_true(is_past(w, webhook, PAST_DELIVERED, seqs[0], HOOK_MESSAGE_CREATED, &delivery));
    assert_true(delivery.tries == 1 && delivery.status == 200);
    assert_true(waits(w, webhook, seqs[1], HOOK_MESSAGE_CREATED, NULL));
    assert_true(is_past(w, webhook, PAST_PARKED, seqs[2], HOOK_MESSAGE_CREATED, &delivery));
    assert_true(delivery.status == 202);
    assert_false(waits(w, webhook, seqs[3], HOOK_MESSAGE_CREATED, NULL));
    assert_true(waits(w, webhook, seqs[4], HOOK_MESSAGE_CREATED, NULL));
    struct webhook now = webhook_of(w, webhook);
    assert_true(!now.enabled && now.waiting == 2 && now.parked == 1 && now.delivered == 1);
    assert_true(wishes_of(w, w->org) == 0);
    struct command again = webhook_result(w, webhook, seqs[0], HOOK_MESSAGE_CREATED, HOOK_DELIVERED, 200);
    assert_refused(w, &again, ERR_NOT_FOUND);
    again.webhook_result.seq = seqs[1];
    again.webhook_result.verdict = 6;
    assert_refused(w, &again, ERR_CONFLICT);
}

static void test_what_was_parked_can_be_tried_again(void **state)
{
    struct world *w = *state;
    struct id webhook = hook(w, w->org, "message.created");
    uint64_t said = say(w, w->org, converse(w, w->org, NULL), NULL);
    struct command park = webhook_result(w, webhook, said, HOOK_MESSAGE_CREATED, HOOK_PARK, 500);
    must(w, &park);
    uint64_t changed = webhook_of(w, webhook).changed_seq;
    w->now_ms += 3 * DAY_MS;
    struct command retry = webhook_retry(w, w->org, webhook, said, HOOK_MESSAGE_CREATED);
    assert_true(must(w, &retry).hooked);
    struct delivery delivery;
    assert_true(waits(w, webhook, said, HOOK_MESSAGE_CREATED, &delivery));
    assert_true(delivery.since_ms == w->now_ms && delivery.at_ms == NOW_MS && delivery.tries == 1);
    assert_false(is_past(w, webhook, PAST_PARKED, said, HOOK_MESSAGE_CREATED, NULL));
    assert_true(webhook_of(w, webhook).changed_seq > changed);
    assert_sound(w);
    must(w, &retry);
    struct command done = webhook_result(w, webhook, said, HOOK_MESSAGE_CREATED, HOOK_DELIVERED, 200);
    must(w, &done);
    assert_refused(w, &retry, ERR_NOT_FOUND);
    assert_sound(w);
}

/* ---- bounds ---------------------------------------------------------------------------------------------------- */

static void set_waiting(struct world *w, struct id id, uint64_t waiting)
{
    struct webhook webhook;
    struct txn *txn = begin_write(w->store);
    assert_int_equal(webhook_get(txn, id, &webhook), OK);
    webhook.waiting = waiting;
    assert_int_equal(webhook_put(txn, &webhook), OK);
    commit_write(txn);
}

static void test_a_full_queue_takes_no_more_and_counts_it(void **state)
{
    struct world *w = *state;
    struct id full = hook(w, w->org, "message.created"), other = hook(w, w->org, "message.created");
    struct id conversation = converse(w, w->org, NULL);
    set_waiting(w, full, WEBHOOK_WAITING_MAX - 1);
    uint64_t last = say(w, w->org, conversation, NULL);
    assert_true(waits(w, full, last, HOOK_MESSAGE_CREATED, NULL));
    struct command message = message_create(w, w->org, conversation, NULL, "one more");
    struct outcome outcome = must(w, &message);
    assert_true(outcome.hooked && outcome.hooks_lost == 1);
    assert_false(waits(w, full, outcome.seq, HOOK_MESSAGE_CREATED, NULL));
    assert_true(waits(w, other, outcome.seq, HOOK_MESSAGE_CREATED, NULL));
    assert_true(webhook_of(w, full).lost == 1 && webhook_of(w, full).waiting == WEBHOOK_WAITING_MAX);
    struct command done = webhook_result(w, full, last, HOOK_MESSAGE_CREATED, HOOK_DELIVERED, 200);
    must(w, &done);
    assert_true(waits(w, full, say(w, w->org, conversation, NULL), HOOK_MESSAGE_CREATED, NULL));
    assert_int_equal(webhook_of(w, full).lost, 1);
}

static void test_all_queues_together_have_a_limit_too(void **state)
{
    struct world *w = *state;
    struct id webhook = hook(w, w->org, "message.created"), conversation = converse(w, w->org, NULL);
    for (unsigned i = 0; i < 6; ++i)
        assert_true(store_grow(w->store, false));
    struct txn *txn = begin_write(w->store);
    for (uint64_t seq = 1; seq <= WEBHOOK_WAITING_ALL_MAX; ++seq) {
        struct key key;
        delivery_key(&key, w->other_org, seq, HOOK_MESSAGE_CREATED);
        assert_int_equal(table_put(txn, TABLE_WEBHOOK_QUEUE, key_view(&key), BYTES("\x91\x01")), OK);
    }
    commit_write(txn);
    struct command message = message_create(w, w->org, conversation, NULL, "one more");
    struct outcome outcome = must(w, &message);
    assert_true(!outcome.hooked && outcome.hooks_lost == 1);
    assert_int_equal(webhook_of(w, webhook).lost, 1);
}

static void test_what_is_kept_to_be_looked_at_has_a_limit(void **state)
{
    struct world *w = *state;
    struct id webhook = hook(w, w->org, "message.created"), conversation = converse(w, w->org, NULL);
    uint64_t first = 0, last = 0;
    for (unsigned i = 0; i < WEBHOOK_DELIVERED_MAX + 5; ++i) {
        last = say(w, w->org, conversation, NULL);
        first = first == 0 ? last : first;
        struct command done = webhook_result(w, webhook, last, HOOK_MESSAGE_CREATED, HOOK_DELIVERED, 200);
        must(w, &done);
    }
    assert_int_equal(webhook_of(w, webhook).delivered, WEBHOOK_DELIVERED_MAX);
    assert_false(is_past(w, webhook, PAST_DELIVERED, first, HOOK_MESSAGE_CREATED, NULL));
    assert_true(is_past(w, webhook, PAST_DELIVERED, last, HOOK_MESSAGE_CREATED, NULL));
    for (unsigned i = 0; i < WEBHOOK_PARKED_MAX + 3; ++i) {
        last = say(w, w->org, conversation, NULL);
        struct command park = webhook_result(w, webhook, last, HOOK_MESSAGE_CREATED, HOOK_PARK, 500);
        must(w, &park);
    }
    assert_int_equal(webhook_of(w, webhook).parked, WEBHOOK_PARKED_MAX);
    assert_sound(w);
}

/* ---- erasing --------------------------------------------------------------------------------------------------- */

static void test_nothing_of_an_erased_visitor_is_left(void **state)
{
    struct world *w = *state;
    struct id webhook = hook(w, w->org, ALL);
    struct id conversations[3], others = converse(w, w->org, "v_two");
    uint64_t kept = say(w, w->org, others, NULL);
    for (unsigned i = 0; i < 3; ++i) {
        conversations[i] = converse(w, w->org, "v_one");
        uint64_t said = say(w, w->org, conversations[i], NULL);
        struct command result = webhook_result(w, webhook, said, HOOK_MESSAGE_CREATED,
                                               i == 0   ? HOOK_PARK
                                               : i == 1 ? HOOK_DELIVERED
                                                        : HOOK_RETRY,
                                               500);
        must(w, &result);
    }
    struct id visitor = visitor_of(w, w->org, "v_one").id;
    struct command erase = visitor_erase(w, w->org, "v_one");
    struct outcome outcome = must(w, &erase);
    assert_sound(w);
    struct webhook now = webhook_of(w, webhook);
    /* Of the other one: two for its conversation and visitor, one for its message; and of the erased, that it is. */
    assert_true(now.waiting == 4 && now.parked == 0 && now.delivered == 0);
    assert_true(waits(w, webhook, kept, HOOK_MESSAGE_CREATED, NULL));
    struct delivery delivery;
    assert_true(waits(w, webhook, outcome.seq, HOOK_VISITOR_ERASED, &delivery));
    assert_true(id_equal(delivery.visitor, visitor) && id_is_none(delivery.conversation));
    assert_true(delivery.conversations == 3 && delivery.messages == 3);
    struct command done = webhook_result(w, webhook, outcome.seq, HOOK_VISITOR_ERASED, HOOK_DELIVERED, 200);
    must(w, &done);
    struct buffer dump = dump_store(w->store);
    for (unsigned i = 0; i < 3; ++i)
        assert_null(memmem(dump.data, dump.len, conversations[i].bytes, ID_LEN));
    struct txn *txn = look(w);
    for (int table = TABLE_WEBHOOKS; table <= TABLE_WEBHOOK_PAST; ++table) {
        struct bytes key, value;
        struct cursor *cursor = cursor_open(txn, (enum table)table);
        enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value);
        for (; error == OK; error = cursor_next(cursor, &key, &value))
            assert_null(memmem(value.data, value.len, visitor.bytes, ID_LEN));
        cursor_close(cursor);
    }
    look_away(w);
    buffer_dispose(&dump);
}

/* Also where nobody is told: what is left of a webhook that is off. */
static void test_a_webhook_that_is_off_keeps_nothing_either(void **state)
{
    struct world *w = *state;
    struct id webhook = hook(w, w->org, ALL);
    say(w, w->org, converse(w, w->org, "v_one"), NULL);
    struct command off = webhook_switch(w, w->org, webhook, false), erase = visitor_erase(w, w->org, "v_one");
    must(w, &off);
    must(w, &erase);
    assert_int_equal(webhook_of(w, webhook).waiting, 0);
    assert_sound(w);
}

/* ---- damage ---------------------------------------------------------------------------------------------------- */

static void test_a_damaged_webhook_keeps_nobody_from_writing(void **state)
{
    struct world *w = *state;
    struct id damaged = hook(w, w->org, ALL), sound = hook(w, w->org, ALL);
    struct txn *txn = begin_write(w->store);
    assert_int_equal(table_put(txn, TABLE_WEBHOOKS, bytes_view(damaged.bytes, ID_LEN), BYTES("\xff none")), OK);
    commit_write(txn);
    struct id conversation = converse(w, w->org, "v_one");
    assert_true(waits(w, sound, say(w, w->org, conversation, NULL), HOOK_MESSAGE_CREATED, NULL));
    struct command erase = visitor_erase(w, w->org, "v_one");
    must(w, &erase);
}

struct search {
    const char *sentence;
    bool found;
};

static void on_sentence(void *context, const char *sentence)
{
    struct search *search = context;
    search->found |= strstr(sentence, search->sentence) != NULL;
}

static uint64_t broken_things(struct world *w, const char *sentence)
{
    struct search search = {sentence, false};
    struct check_report report;
    check_store(look(w), on_sentence, &search, &report);
    look_away(w);
    if (!search.found)
        fail_msg("not found: %s", sentence);
    return report.broken;
}

static void test_check_finds_what_does_not_agree(void **state)
{
    struct world *w = *state;
    struct key key;
    struct id webhook = hook(w, w->org, "message.created");
    uint64_t said = say(w, w->org, converse(w, w->org, NULL), NULL);
    set_waiting(w, webhook, 7);
    assert_int_equal(broken_things(w, "it says that 7 deliveries wait, and there are 1"), 1);
    set_waiting(w, webhook, 1);
    struct org org;
    struct txn *txn = begin_write(w->store);
    assert_int_equal(org_get(txn, w->org, &org), OK);
    org.hook_events = 2;
    assert_int_equal(org_put(txn, &org), OK);
    commit_write(txn);
    assert_int_equal(broken_things(w, "it says that its webhooks want 2, and they want 8"), 1);
    txn = begin_write(w->store);
    org.hook_events = 8;
    assert_int_equal(org_put(txn, &org), OK);
    webhook_org_key(&key, w->org, webhook);
    assert_int_equal(table_del(txn, TABLE_WEBHOOK_BY_ORG, key_view(&key)), OK);
    commit_write(txn);
    assert_int_equal(broken_things(w, "webhook_by_org does not lead to it"), 2);
    txn = begin_write(w->store);
    assert_int_equal(table_put(txn, TABLE_WEBHOOK_BY_ORG, key_view(&key), bytes_view(webhook.bytes, ID_LEN)), OK);
    delivery_key(&key, world_id(w), said, HOOK_MESSAGE_CREATED);
    assert_int_equal(table_put(txn, TABLE_WEBHOOK_QUEUE, key_view(&key), BYTES("\x91\x01")), OK);
    commit_write(txn);
    assert_int_equal(broken_things(w, "its webhook does not exist"), 1);
    txn = begin_write(w->store);
    assert_int_equal(table_del(txn, TABLE_WEBHOOK_QUEUE, key_view(&key)), OK);
    delivery_key(&key, webhook, said + 1000, 99);
    assert_int_equal(table_put(txn, TABLE_WEBHOOK_QUEUE, key_view(&key), BYTES("\x91\x01")), OK);
    commit_write(txn);
    broken_things(w, "its event is not known");
    broken_things(w, "its sequence number is beyond the last one");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_what_happens_waits_for_whoever_wants_it),
        WORLD_TEST(test_what_does_not_happen_again_is_not_told_again),
        WORLD_TEST(test_an_organisation_without_webhooks_writes_nothing_for_them),
        WORLD_TEST(test_a_new_webhook_counts_for_the_next_command_of_its_batch),
        WORLD_TEST(test_an_import_tells_nobody),
        WORLD_TEST(test_what_all_of_them_want_is_in_the_organisation),
        WORLD_TEST(test_what_happens_while_it_is_off_is_not_told),
        WORLD_TEST(test_what_is_no_webhook_is_refused),
        WORLD_TEST(test_it_is_its_organisations_alone),
        WORLD_TEST(test_deleting_it_takes_along_what_waits),
        WORLD_TEST(test_each_result_leaves_what_it_says),
        WORLD_TEST(test_what_was_parked_can_be_tried_again),
        WORLD_TEST(test_a_full_queue_takes_no_more_and_counts_it),
        WORLD_TEST(test_all_queues_together_have_a_limit_too),
        WORLD_TEST(test_what_is_kept_to_be_looked_at_has_a_limit),
        WORLD_TEST(test_nothing_of_an_erased_visitor_is_left),
        WORLD_TEST(test_a_webhook_that_is_off_keeps_nothing_either),
        WORLD_TEST(test_a_damaged_webhook_keeps_nobody_from_writing),
        WORLD_TEST(test_check_finds_what_does_not_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
