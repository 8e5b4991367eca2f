/*
 * What each command means: its whole effect, row by row, and each refusal with not a byte changed. Long random runs are
 * in test_rules_random.c, clientIds and Idempotency-Keys in test_rules_replay.c.
 */
#include "world.h"

/* ---- organisations --------------------------------------------------------------------------------------------- */

static struct org org_of(struct world *w, struct id id)
{
    struct org org;
    assert_int_equal(org_get(look(w), id, &org), OK);
    look_away(w);
    return org;
}

static enum error org_by_key(struct world *w, const char *key, struct org *out)
{
    enum error error = org_get_by_key(look(w), bytes_of_string(key), out);
    look_away(w);
    return error;
}

static void test_an_organisation_is_made(void **state)
{
    struct world *w = *state;
    struct rows before = count_rows(w);
    struct command command = org_create(w, "new-org");
    struct org org;
    command.org_create.origins = BYTES("https://a.example\nhttps://b.example");
    assert_true(id_equal(must(w, &command).id, command.org_create.org));
    assert_rows_added(w, &before, ROWS([TABLE_ORGS] = 1, [TABLE_ORG_BY_KEY] = 1, [TABLE_AUDIT] = 1));
    assert_int_equal(org_by_key(w, "new-org", &org), OK);
    assert_true(id_equal(org.id, command.org_create.org));
    assert_true(bytes_equal(org.key, BYTES("new-org")) && bytes_equal(org.name, BYTES("A name")));
    assert_true(bytes_equal(org.origins, command.org_create.origins));
    assert_true(org.created_at_ms == w->now_ms && org.updated_at_ms == w->now_ms);
    assert_null(org.widget_title.data);
    assert_null(org.widget_language.data);
    assert_false(org.count_visits || org.deleted);
    assert_sound(w);
}

static void test_a_key_names_one_organisation(void **state)
{
    struct world *w = *state;
    struct command command = org_create(w, "acme");
    assert_refused(w, &command, ERR_CONFLICT);
    struct command another = org_create(w, "ACME");
    must(w, &another);
}

static void test_an_update_changes_what_it_names_and_nothing_else(void **state)
{
    struct world *w = *state;
    struct rows before = count_rows(w);
    w->now_ms += 1000;
    struct command command = {.kind = COMMAND_ORG_UPDATE, .org_update = {.org = w->org, .at_ms = w->now_ms}};
    struct org_update *update = &command.org_update;
    struct {
        struct bytes *given;
        size_t member;
        struct bytes text;
    } texts[] = {
        {&update->name, offsetof(struct org, name), BYTES("Another name")},
        {&update->origins, offsetof(struct org, origins), BYTES("https://c.example")},
        {&update->widget_title, offsetof(struct org, widget_title), BYTES("Title")},
        {&update->widget_subtitle, offsetof(struct org, widget_subtitle), BYTES("Subtitle")},
        {&update->widget_color, offsetof(struct org, widget_color), BYTES("#123456")},
        {&update->widget_position, offsetof(struct org, widget_position), BYTES("left")},
        {&update->widget_language, offsetof(struct org, widget_language), BYTES("de")},
    };
    enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };
    must(w, &command);
    struct org org = org_of(w, w->org);
    assert_true(bytes_equal(org.name, BYTES("A name")) && org.updated_at_ms == w->now_ms);
    for (size_t i = 0; i < TEXTS; ++i) {
        *texts[i].given = texts[i].text;
        must(w, &command);
        *texts[i].given = BYTES_NONE;
        org = org_of(w, w->org);
        for (size_t j = 0; j < TEXTS; ++j) {
            const struct bytes *member = (const void *)((const char *)&org + texts[j].member);
            if (j <= i)
                assert_true(bytes_equal(*member, texts[j].text));
            else
                assert_true(j == 0 || member->data == NULL);
        }
        assert_false(org.count_visits);
    }
    /* Empty is a value, not an absence. */
    update->widget_title = BYTES("");
    update->count_visits = true;
    must(w, &command);
    org = org_of(w, w->org);
    assert_int_equal(org.widget_title.len, 0);
    assert_false(org.count_visits);
    update->widget_title = BYTES_NONE;
    update->set_count_visits = true;
    must(w, &command);
    assert_true(org_of(w, w->org).count_visits);
    update->count_visits = false;
    must(w, &command);
    assert_false(org_of(w, w->org).count_visits);
    org = org_of(w, w->org);
    assert_true(bytes_equal(org.key, BYTES("acme")) && org.created_at_ms == NOW_MS);
    assert_rows_added(w, &before, ROWS([TABLE_AUDIT] = 11));
    assert_true(bytes_equal(org_of(w, w->other_org).name, BYTES("A name")));
    assert_sound(w);
}

static void test_a_deleted_organisation_is_unknown_at_once(void **state)
{
    struct world *w = *state;
    struct command token = token_create(w, w->org);
    struct id conversation = converse(w, w->org, "v_one"), anonymous = converse(w, w->org, NULL);
    struct org org;
    must(w, &token);
    struct rows before = count_rows(w);
    w->now_ms += 1000;
    struct command delete = org_delete(w, w->org);
    must(w, &delete);
    assert_rows_added(w, &before, ROWS([TABLE_ORG_BY_KEY] = -1, [TABLE_AUDIT] = 1));
    assert_int_equal(org_by_key(w, "acme", &org), ERR_NOT_FOUND);
    org = org_of(w, w->org);
    assert_true(org.deleted && org.updated_at_ms == w->now_ms && org.created_at_ms == NOW_MS);
    assert_true(bytes_equal(org.key, BYTES("acme")));

    struct command refused[] = {
        delete,
        {.kind = COMMAND_ORG_UPDATE, .org_update = {.org = w->org, .at_ms = w->now_ms, .name = BYTES("x")}},
        conversation_create(w, w->org, "v_one"),
        conversation_create(w, w->org, NULL),
        message_create(w, w->org, conversation, "v_one", "x"),
        message_create(w, w->org, anonymous, NULL, "x"),
        token_create(w, w->org),
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); ++i)
        assert_refused(w, &refused[i], ERR_NOT_FOUND);
    assert_sound(w);
}

static void test_the_key_of_a_deleted_organisation_is_free(void **state)
{
    struct world *w = *state;
    struct id conversation = converse(w, w->org, "v_one");
    struct command delete = org_delete(w, w->org), create = org_create(w, "acme");
    struct org org;
    must(w, &delete);
    must(w, &create);
    assert_int_equal(org_by_key(w, "acme", &org), OK);
    assert_true(id_equal(org.id, create.org_create.org));
    /* Nothing of the one before is the new one's. */
    struct command message = message_create(w, org.id, conversation, "v_one", "x");
    assert_refused(w, &message, ERR_NOT_FOUND);
    converse(w, org.id, "v_one");
    assert_true(visitor_of(w, org.id, "v_one").conversation_count == 1);
    assert_sound(w);
}

static void test_what_names_no_organisation_is_refused(void **state)
{
    struct world *w = *state;
    struct id conversation = converse(w, w->org, NULL), nobody[] = {world_id(w), ID_NONE};
    for (size_t i = 0; i < 2; ++i) {
        struct command refused[] = {
            org_delete(w, nobody[i]),
            org_purge(nobody[i], 10),
            {.kind = COMMAND_ORG_UPDATE, .org_update = {.org = nobody[i], .at_ms = w->now_ms}},
            conversation_create(w, nobody[i], "v_one"),
            conversation_create(w, nobody[i], NULL),
            message_create(w, nobody[i], conversation, NULL, "x"),
            token_create(w, nobody[i]),
        };
        for (size_t j = 0; j < sizeof(refused) / sizeof(refused[0]); ++j)
            assert_refused(w, &refused[j], ERR_NOT_FOUND);
    }
}

static void test_purging_asks_for_a_deleted_organisation(void **state)
{
    struct world *w = *state;
    struct command purge = org_purge(w->org, 10);
    assert_refused(w, &purge, ERR_CONFLICT);
}

/* ---- tokens ---------------------------------------------------------------------------------------------------- */

static void test_tokens_of_one_organisation_are_a_hundred_at_most(void **state)
{
    struct world *w = *state;
    for (unsigned made = 0; made < TOKENS_PER_ORG_MAX; ++made) {
        struct command create = token_create(w, w->org);
        must(w, &create);
    }
    struct command one_more = token_create(w, w->org);
    assert_refused(w, &one_more, ERR_LIMIT_REACHED);
    struct command elsewhere = token_create(w, w->other_org);
    must(w, &elsewhere);
}

static void test_a_token_is_made_and_revoked(void **state)
{
    struct world *w = *state;
    struct rows before = count_rows(w);
    struct command create = token_create(w, w->org);
    struct token token;
    assert_true(id_equal(must(w, &create).id, create.token_create.token));
    assert_rows_added(w, &before, ROWS([TABLE_TOKENS] = 1, [TABLE_AUDIT] = 1));
    assert_int_equal(token_get(look(w), create.token_create.token, &token), OK);
    assert_true(id_equal(token.org, w->org) && token.created_at_ms == w->now_ms);
    assert_true(bytes_equal(token.name, create.token_create.name));
    assert_true(bytes_equal(token.secret_hash, create.token_create.secret_hash));
    look_away(w);
    struct command revoke = {.kind = COMMAND_TOKEN_REVOKE,
                             .token_revoke = {.org = w->other_org, .token = create.token_create.token}};
    assert_refused(w, &revoke, ERR_NOT_FOUND);
    revoke.token_revoke.org = w->org;
    must(w, &revoke);
    assert_rows_added(w, &before, ROWS([TABLE_AUDIT] = 2));
    assert_refused(w, &revoke, ERR_NOT_FOUND);
    assert_sound(w);
}

/* ---- conversations and their visitors -------------------------------------------------------------------------- */

static void test_a_first_conversation_makes_its_visitor(void **state)
{
    struct world *w = *state;
    struct rows before = count_rows(w);
    struct command command = conversation_create(w, w->org, "v_one");
    struct outcome outcome = must(w, &command);
    assert_false(outcome.replayed);
    assert_true(outcome.at_ms == w->now_ms && id_equal(outcome.id, command.conversation_create.conversation));
    assert_rows_added(
        w, &before,
        ROWS([TABLE_VISITORS] = 1, [TABLE_VISITOR_BY_KEY] = 1, [TABLE_VISITOR_BY_SEEN] = 1, [TABLE_CONVERSATIONS] = 1,
             [TABLE_CONVERSATION_OPEN] = 1, [TABLE_CONVERSATION_BY_ACTIVITY] = 1, [TABLE_CONVERSATION_BY_UPDATED] = 1));
    struct visitor visitor = visitor_of(w, w->org, "v_one");
    assert_true(id_equal(visitor.id, command.conversation_create.visitor) && id_equal(visitor.org, w->org));
    assert_true(bytes_equal(visitor.visitor_key, BYTES("v_one")) && bytes_equal(visitor.user_agent, BYTES("an agent")));
    assert_true(visitor.first_seen_at_ms == w->now_ms && visitor.last_seen_at_ms == w->now_ms);
    assert_true(visitor.created_at_ms == w->now_ms && visitor.updated_at_ms == w->now_ms);
    assert_true(visitor.conversation_count == 1 && id_equal(visitor.last_conversation, outcome.id));
    assert_true(is_seen_in(w, w->org, w->now_ms, visitor.id));
    struct conversation conversation = conversation_of(w, outcome.id);
    assert_true(id_equal(conversation.org, w->org) && id_equal(conversation.visitor, visitor.id));
    assert_true(conversation.created_at_ms == w->now_ms && conversation.changed_at_ms == w->now_ms);
    assert_true(conversation.changed_seq == outcome.seq && id_is_none(conversation.previous_of_visitor));
    assert_true(is_active_at(w, w->org, outcome.seq, outcome.id));
    assert_sound(w);
}

static void test_a_conversation_of_nobody_has_no_visitor(void **state)
{
    struct world *w = *state;
    struct rows before = count_rows(w);
    struct id id = converse(w, w->org, NULL);
    assert_rows_added(w, &before,
                      ROWS([TABLE_CONVERSATIONS] = 1, [TABLE_CONVERSATION_OPEN] = 1,
                           [TABLE_CONVERSATION_BY_ACTIVITY] = 1, [TABLE_CONVERSATION_BY_UPDATED] = 1));
    assert_true(id_is_none(conversation_of(w, id).visitor));
    assert_sound(w);
}

static void test_a_known_visitor_is_updated_and_linked(void **state)
{
    struct world *w = *state;
    struct id first = converse(w, w->org, "v_one");
    struct visitor before = visitor_of(w, w->org, "v_one");
    struct rows rows = count_rows(w);
    w->now_ms += 1;
    struct command command = conversation_create(w, w->org, "v_one");
    command.conversation_create.user_agent = BYTES("another agent");
    struct outcome outcome = must(w, &command);
    /* One millisecond later it is another minute: the index gets a second entry, and the first is stale. */
    assert_rows_added(w, &rows,
                      ROWS([TABLE_VISITOR_BY_SEEN] = 1, [TABLE_CONVERSATIONS] = 1, [TABLE_CONVERSATION_OPEN] = 1,
                           [TABLE_CONVERSATION_BY_ACTIVITY] = 1, [TABLE_CONVERSATION_BY_UPDATED] = 1));
    struct visitor visitor = visitor_of(w, w->org, "v_one");
    assert_true(id_equal(visitor.id, before.id));
    assert_true(visitor.first_seen_at_ms == NOW_MS && visitor.created_at_ms == NOW_MS);
    assert_true(visitor.last_seen_at_ms == w->now_ms && visitor.updated_at_ms == w->now_ms);
    assert_true(bytes_equal(visitor.user_agent, BYTES("another agent")));
    assert_true(visitor.conversation_count == 2 && id_equal(visitor.last_conversation, outcome.id));
    assert_true(id_equal(conversation_of(w, outcome.id).previous_of_visitor, first));
    assert_true(is_seen_in(w, w->org, w->now_ms, visitor.id) && is_seen_in(w, w->org, NOW_MS, visitor.id));
    assert_int_equal(assert_sound(w).stale_seen, 1);
    /* Within the minute it gets none. */
    rows = count_rows(w);
    w->now_ms += MINUTE_MS - 1;
    command = conversation_create(w, w->org, "v_one");
    command.conversation_create.user_agent = BYTES_NONE;
    must(w, &command);
    assert_rows_added(w, &rows,
                      ROWS([TABLE_CONVERSATIONS] = 1, [TABLE_CONVERSATION_OPEN] = 1,
                           [TABLE_CONVERSATION_BY_ACTIVITY] = 1, [TABLE_CONVERSATION_BY_UPDATED] = 1));
    assert_true(bytes_equal(visitor_of(w, w->org, "v_one").user_agent, BYTES("another agent")));
    assert_sound(w);
}

static void test_last_seen_never_moves_back_and_first_seen_never_moves(void **state)
{
    struct world *w = *state;
    converse(w, w->org, "v_one");
    static const int64_t steps[] = {-1, 5000, -70000, 70000, 0, -DAY_MS, 3 * DAY_MS, -2 * DAY_MS, 1};
    int64_t latest = w->now_ms;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); ++i) {
        w->now_ms += steps[i];
        latest = w->now_ms > latest ? w->now_ms : latest;
        struct command touch = visitor_touch(w, w->org, "v_one");
        must(w, &touch);
        assert_true(visitor_of(w, w->org, "v_one").last_seen_at_ms == latest);
        converse(w, w->org, "v_one");
        struct visitor visitor = visitor_of(w, w->org, "v_one");
        assert_true(visitor.last_seen_at_ms == latest && visitor.first_seen_at_ms == NOW_MS);
        assert_true(is_seen_in(w, w->org, latest, visitor.id));
        assert_sound(w);
    }
}

static void test_a_visitors_key_is_its_organisations_alone(void **state)
{
    struct world *w = *state;
    struct id here = converse(w, w->org, "v_one"), there = converse(w, w->other_org, "v_one");
    struct visitor ours = visitor_of(w, w->org, "v_one"), theirs = visitor_of(w, w->other_org, "v_one");
    assert_false(id_equal(ours.id, theirs.id));
    assert_true(ours.conversation_count == 1 && theirs.conversation_count == 1);
    assert_true(id_equal(ours.last_conversation, here) && id_equal(theirs.last_conversation, there));
    assert_sound(w);
}

static void test_a_visitors_conversations_are_a_chain(void **state)
{
    struct world *w = *state;
    enum { CONVERSATIONS = 25 };
    struct id ids[CONVERSATIONS];
    for (unsigned i = 0; i < CONVERSATIONS; ++i) {
        ids[i] = converse(w, w->org, "v_one");
        converse(w, w->org, i % 2 ? "v_two" : NULL);
    }
    struct id at = visitor_of(w, w->org, "v_one").last_conversation;
    for (unsigned i = CONVERSATIONS; i-- > 0;) {
        assert_true(id_equal(at, ids[i]));
        at = conversation_of(w, at).previous_of_visitor;
    }
    assert_true(id_is_none(at));
    assert_sound(w);
}

/* ---- messages -------------------------------------------------------------------------------------------------- */

#define FIRST_MESSAGE_ROWS 2 /* itself, and the block of its conversation's clientIds */

static void test_a_message_is_written(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one");
    struct conversation before = conversation_of(w, id);
    struct rows rows = count_rows(w);
    w->now_ms += 5;
    struct command command = message_create(w, w->org, id, "v_one", "hello \xe2\x80\x9cyou\xe2\x80\x9d");
    struct outcome outcome = must(w, &command);
    assert_true(!outcome.replayed && id_equal(outcome.id, id) && outcome.seq > before.changed_seq);
    assert_rows_added(w, &rows,
                      ROWS([TABLE_MESSAGES] = FIRST_MESSAGE_ROWS, [TABLE_CONVERSATION_BY_ACTIVITY] = 1,
                           [TABLE_CONVERSATION_BY_UPDATED] = 1, [TABLE_VISITOR_BY_SEEN] = 1));
    struct message message;
    assert_int_equal(message_get(look(w), id, outcome.seq, &message), OK);
    assert_true(id_equal(message.id, command.message_create.message) && id_equal(message.org, w->org));
    assert_true(bytes_equal(message.role, BYTES("user")));
    assert_true(bytes_equal(message.content, command.message_create.content));
    assert_true(message.at_ms == w->now_ms && message.ordinal == 1);
    look_away(w);
    assert_true(is_active_at(w, w->org, outcome.seq, id));
    assert_true(visitor_of(w, w->org, "v_one").last_seen_at_ms == w->now_ms);
    struct conversation after = conversation_of(w, id);
    struct buffer records[2] = {{0}, {0}};
    codec_encode(&record_shapes[RECORD_CONVERSATIONS], 1, &before, &records[0]);
    codec_encode(&record_shapes[RECORD_CONVERSATIONS], 1, &after, &records[1]);
    assert_dumps_equal(&records[0], &records[1]);
    buffer_dispose(&records[0]);
    buffer_dispose(&records[1]);
    assert_int_equal(assert_sound(w).stale_activity, 1);
}

/* In every place that a clientId can be kept, and in either role: the id finds the message. */
static void test_a_message_without_a_clientid_has_the_text_of_its_id_there(void **state)
{
    enum { COUNT = CLIENT_ID_BLOCK_ENTRIES + 2 };
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one");
    struct command commands[COUNT];
    uint64_t seqs[COUNT];
    for (unsigned i = 0; i < COUNT; ++i) {
        commands[i] = message_create(w, w->org, id, "v_one", "hello");
        commands[i].message_create.by_org = i % 2 == 1;
        commands[i].message_create.role = i % 2 == 1 ? BYTES("assistant") : BYTES("user");
        struct outcome outcome = must(w, &commands[i]);
        assert_false(outcome.replayed);
        seqs[i] = outcome.seq;
    }
    for (unsigned i = 0; i < COUNT; ++i) {
        struct message message;
        struct bytes block;
        char own[ID_TEXT_LEN];
        uint64_t seq = 0;
        id_format(commands[i].message_create.message, own);
        struct bytes client_id = bytes_view(own, ID_TEXT_LEN);
        assert_int_equal(message_get(look(w), id, seqs[i], &message), OK);
        assert_true(bytes_equal(message.client_id, client_id));
        look_away(w);
        assert_int_equal(client_id_find(look(w), id, commands[i].message_create.role, client_id, &block, &seq), OK);
        assert_true(seq == seqs[i]);
        look_away(w);
    }
    assert_sound(w);
}

static void test_a_clientid_that_came_stays_as_it_is(void **state)
{
    struct world *w = *state;
    struct message message;
    struct id id = converse(w, w->org, NULL);
    uint64_t seq = say(w, w->org, id, "m-1");
    assert_int_equal(message_get(look(w), id, seq, &message), OK);
    assert_true(bytes_equal(message.client_id, BYTES("m-1")));
    look_away(w);
}

static void test_messages_are_numbered_in_their_conversation(void **state)
{
    struct world *w = *state;
    struct id ids[] = {converse(w, w->org, "v_one"), converse(w, w->org, NULL), converse(w, w->other_org, NULL)};
    uint64_t before = 0;
    for (unsigned i = 0; i < 60; ++i) {
        struct id org = i % 3 == 2 ? w->other_org : w->org;
        uint64_t seq = say(w, org, ids[i % 3], NULL);
        struct message message;
        assert_true(seq > before);
        before = seq;
        assert_int_equal(message_get(look(w), ids[i % 3], seq, &message), OK);
        assert_true(message.ordinal == i / 3 + 1);
        look_away(w);
    }
    assert_sound(w);
}

static void test_a_message_of_32_kib_is_kept(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, NULL);
    char *content = malloc(MESSAGE_CONTENT_LEN_MAX + 1);
    memset(content, 'x', MESSAGE_CONTENT_LEN_MAX);
    content[MESSAGE_CONTENT_LEN_MAX] = '\0';
    struct command command = message_create(w, w->org, id, NULL, content);
    uint64_t seq = must(w, &command).seq;
    struct message message;
    assert_int_equal(message_get(look(w), id, seq, &message), OK);
    assert_true(bytes_equal(message.content, bytes_of_string(content)));
    look_away(w);
    free(content);
    assert_sound(w);
}

/* Who may write where, as a table. */
static void test_a_conversation_is_written_by_its_visitor_or_the_token_alone(void **state)
{
    struct world *w = *state;
    struct id owned = converse(w, w->org, "v_owner"), anonymous = converse(w, w->org, NULL);
    converse(w, w->org, "v_known");
    converse(w, w->other_org, "v_owner");
    static const struct {
        const char *visitor_key;
        bool by_org, may_owned, may_anonymous;
    } callers[] = {
        {"v_owner", false, true, true},   {"v_known", false, false, true}, {"v_unknown", false, false, true},
        {NULL, false, false, true},       {NULL, true, true, true},        {"v_known", true, true, true},
        {"v_unknown2", true, true, true}, {"v_owner", true, true, true},
    };
    for (unsigned org = 0; org < 2; ++org)
        for (size_t i = 0; i < sizeof(callers) / sizeof(callers[0]); ++i)
            for (unsigned which = 0; which < 2; ++which) {
                struct command command = message_create(w, org == 0 ? w->org : w->other_org,
                                                        which == 0 ? owned : anonymous, callers[i].visitor_key, "x");
                command.message_create.by_org = callers[i].by_org;
                bool may = org == 0 && (which == 0 ? callers[i].may_owned : callers[i].may_anonymous);
                if (may)
                    must(w, &command);
                else
                    assert_refused(w, &command, ERR_NOT_FOUND);
            }
    assert_sound(w);
}

static void test_writing_to_nobodys_conversation_makes_the_visitor_known(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, NULL);
    struct rows rows = count_rows(w);
    struct command command = message_create(w, w->org, id, "v_new", "x");
    must(w, &command);
    assert_rows_added(w, &rows,
                      ROWS([TABLE_MESSAGES] = FIRST_MESSAGE_ROWS, [TABLE_CONVERSATION_BY_ACTIVITY] = 1,
                           [TABLE_VISITORS] = 1, [TABLE_VISITOR_BY_KEY] = 1, [TABLE_VISITOR_BY_SEEN] = 1));
    struct visitor visitor = visitor_of(w, w->org, "v_new");
    assert_true(id_equal(visitor.id, command.message_create.visitor));
    assert_true(visitor.conversation_count == 0 && id_is_none(visitor.last_conversation));
    assert_true(id_is_none(conversation_of(w, id).visitor));
    assert_sound(w);
}

static void test_the_token_does_not_make_visitors(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, NULL);
    struct rows rows = count_rows(w);
    struct command command = message_create(w, w->org, id, "v_new", "x");
    command.message_create.by_org = true;
    must(w, &command);
    assert_rows_added(w, &rows, ROWS([TABLE_MESSAGES] = FIRST_MESSAGE_ROWS, [TABLE_CONVERSATION_BY_ACTIVITY] = 1));
}

static void test_a_message_to_no_conversation_is_refused(void **state)
{
    struct world *w = *state;
    struct id nothing[] = {world_id(w), ID_NONE};
    for (size_t i = 0; i < 2; ++i) {
        struct command command = message_create(w, w->org, nothing[i], "v_one", "x");
        assert_refused(w, &command, ERR_NOT_FOUND);
        command.message_create.by_org = true;
        assert_refused(w, &command, ERR_NOT_FOUND);
    }
}

/* ---- touches --------------------------------------------------------------------------------------------------- */

static void test_a_touch_moves_last_seen(void **state)
{
    struct world *w = *state;
    converse(w, w->org, "v_one");
    struct visitor before = visitor_of(w, w->org, "v_one");
    struct rows rows = count_rows(w);
    w->now_ms += 1;
    struct command touch = visitor_touch(w, w->org, "v_one");
    must(w, &touch);
    assert_rows_added(w, &rows, ROWS([TABLE_VISITOR_BY_SEEN] = 1));
    struct visitor after = visitor_of(w, w->org, "v_one");
    assert_true(after.last_seen_at_ms == w->now_ms && after.first_seen_at_ms == before.first_seen_at_ms);
    assert_true(after.conversation_count == 1 && bytes_equal(after.user_agent, BYTES("an agent")));
    w->now_ms += 10;
    touch = visitor_touch(w, w->org, "v_one");
    must(w, &touch);
    assert_rows_added(w, &rows, ROWS([TABLE_VISITOR_BY_SEEN] = 1));
    assert_sound(w);
}

static void test_touching_nobody_changes_nothing(void **state)
{
    struct world *w = *state;
    converse(w, w->org, "v_one");
    struct command touches[] = {visitor_touch(w, w->org, "v_two"), visitor_touch(w, w->other_org, "v_one"),
                                visitor_touch(w, world_id(w), "v_one")};
    for (size_t i = 0; i < sizeof(touches) / sizeof(touches[0]); ++i)
        assert_refused(w, &touches[i], OK);
}

/* ---- all together ---------------------------------------------------------------------------------------------- */

static void test_nothing_of_a_command_that_does_not_decode_is_applied(void **state)
{
    struct world *w = *state;
    struct outcome outcome;
    struct txn *txn = begin_write(w->store);
    struct command unknown = {.kind = (enum command_kind)63};
    assert_int_equal(rules_apply(txn, 100, &unknown, &outcome), ERR_CORRUPT);
    assert_true(txn_changes(txn) == 0);
    write_abort(txn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_an_organisation_is_made),
        WORLD_TEST(test_a_key_names_one_organisation),
        WORLD_TEST(test_an_update_changes_what_it_names_and_nothing_else),
        WORLD_TEST(test_a_deleted_organisation_is_unknown_at_once),
        WORLD_TEST(test_the_key_of_a_deleted_organisation_is_free),
        WORLD_TEST(test_what_names_no_organisation_is_refused),
        WORLD_TEST(test_purging_asks_for_a_deleted_organisation),
        WORLD_TEST(test_a_token_is_made_and_revoked),
        WORLD_TEST(test_tokens_of_one_organisation_are_a_hundred_at_most),
        WORLD_TEST(test_a_first_conversation_makes_its_visitor),
        WORLD_TEST(test_a_conversation_of_nobody_has_no_visitor),
        WORLD_TEST(test_a_known_visitor_is_updated_and_linked),
        WORLD_TEST(test_last_seen_never_moves_back_and_first_seen_never_moves),
        WORLD_TEST(test_a_visitors_key_is_its_organisations_alone),
        WORLD_TEST(test_a_visitors_conversations_are_a_chain),
        WORLD_TEST(test_a_message_is_written),
        WORLD_TEST(test_a_message_without_a_clientid_has_the_text_of_its_id_there),
        WORLD_TEST(test_a_clientid_that_came_stays_as_it_is),
        WORLD_TEST(test_messages_are_numbered_in_their_conversation),
        WORLD_TEST(test_a_message_of_32_kib_is_kept),
        WORLD_TEST(test_a_conversation_is_written_by_its_visitor_or_the_token_alone),
        WORLD_TEST(test_writing_to_nobodys_conversation_makes_the_visitor_known),
        WORLD_TEST(test_the_token_does_not_make_visitors),
        WORLD_TEST(test_a_message_to_no_conversation_is_refused),
        WORLD_TEST(test_a_touch_moves_last_seen),
        WORLD_TEST(test_touching_nobody_changes_nothing),
        WORLD_TEST(test_nothing_of_a_command_that_does_not_decode_is_applied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
