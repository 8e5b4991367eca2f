/*
 * Imports: what each row makes of the tables, that the same row again writes nothing, that times only widen, and that
 * what contradicts what is there is refused with not a byte changed.
 */
#include "world.h"

#define LATER_MS (NOW_MS + 10 * MINUTE_MS)

/* ---- rows ------------------------------------------------------------------------------------------------------ */

static struct command org_row(struct id id, const char *key)
{
    return (struct command){.kind = COMMAND_ORG_IMPORT,
                            .org_import = {.org = id,
                                           .key = bytes_of_string(key),
                                           .name = BYTES("Imported"),
                                           .origins = BYTES("https://a.example"),
                                           .created_at_ms = NOW_MS - DAY_MS,
                                           .updated_at_ms = NOW_MS,
                                           .widget_title = BYTES("Title"),
                                           .widget_subtitle = BYTES(""),
                                           .widget_color = BYTES("#123456"),
                                           .widget_position = BYTES("left"),
                                           .widget_language = BYTES("de"),
                                           .count_visits = true}};
}

static struct command visitor_row(struct world *w, struct id id, const char *key)
{
    return (struct command){.kind = COMMAND_VISITOR_IMPORT,
                            .visitor_import = {.org = w->org,
                                               .visitor = id,
                                               .visitor_key = bytes_of_string(key),
                                               .first_seen_at_ms = NOW_MS - DAY_MS,
                                               .last_seen_at_ms = NOW_MS,
                                               .user_agent = BYTES("old agent"),
                                               .created_at_ms = NOW_MS - DAY_MS,
                                               .updated_at_ms = NOW_MS}};
}

static struct command conversation_row(struct world *w, struct id id, struct id visitor)
{
    return (struct command){.kind = COMMAND_CONVERSATION_IMPORT,
                            .conversation_import = {.org = w->org,
                                                    .conversation = id,
                                                    .visitor = visitor,
                                                    .created_at_ms = NOW_MS - DAY_MS,
                                                    .updated_at_ms = NOW_MS}};
}

static struct command message_row(struct world *w, struct id conversation, const char *client_id, int64_t at_ms)
{
    return (struct command){.kind = COMMAND_MESSAGE_IMPORT,
                            .message_import = {.org = w->org,
                                               .conversation = conversation,
                                               .message = world_id(w),
                                               .role = BYTES("user"),
                                               .content = BYTES("an old text"),
                                               .at_ms = at_ms,
                                               .client_id = bytes_of_string(client_id)}};
}

static struct command alias_row(struct id org, const char *text, struct id target)
{
    return (struct command){.kind = COMMAND_ALIAS_IMPORT,
                            .alias_import = {.org = org, .alias = bytes_of_string(text), .target = target}};
}

/* ---- looking --------------------------------------------------------------------------------------------------- */

static void assert_replayed(struct world *w, const struct command *command)
{
    struct buffer before = dump_store(w->store);
    assert_true(must(w, command).replayed);
    struct buffer after = dump_store(w->store);
    assert_dumps_equal(&before, &after);
    buffer_dispose(&before);
    buffer_dispose(&after);
}

/* New, and the same again writes nothing. */
static struct outcome must_be_new(struct world *w, const struct command *command)
{
    struct outcome outcome = must(w, command);
    assert_false(outcome.replayed);
    assert_replayed(w, command);
    return outcome;
}

static struct id alias_target(struct world *w, struct id org, const char *text)
{
    struct alias alias = {.target = ID_NONE};
    enum error error = alias_get(look(w), org, bytes_of_string(text), &alias);
    look_away(w);
    assert_true(error == OK || error == ERR_NOT_FOUND);
    return error == OK ? alias.target : ID_NONE;
}

static const char *text_of(struct id id)
{
    static char text[ID_TEXT_LEN + 1];
    id_format(id, text);
    return text;
}

static struct conversation_activity activity_of(struct world *w, struct id id)
{
    struct conversation conversation;
    struct conversation_activity activity;
    struct txn *txn = look(w);
    assert_int_equal(conversation_get(txn, id, &conversation), OK);
    assert_int_equal(conversation_activity(txn, &conversation, &activity), OK);
    look_away(w);
    return activity;
}

/* ---- organisations --------------------------------------------------------------------------------------------- */

static void test_an_organisation_comes_with_all_that_it_has(void **state)
{
    struct world *w = *state;
    struct id id = world_id(w);
    struct command row = org_row(id, "imported");
    struct org org;
    struct rows before = count_rows(w);
    assert_true(id_equal(must_be_new(w, &row).id, id));
    assert_rows_added(w, &before, ROWS([TABLE_ORGS] = 1, [TABLE_ORG_BY_KEY] = 1));
    assert_int_equal(org_get_by_key(look(w), BYTES("imported"), &org), OK);
    assert_true(id_equal(org.id, id) && org.count_visits && !org.deleted);
    assert_true(bytes_equal(org.name, BYTES("Imported")) && bytes_equal(org.origins, BYTES("https://a.example")));
    assert_true(org.created_at_ms == NOW_MS - DAY_MS && org.updated_at_ms == NOW_MS);
    assert_true(bytes_equal(org.widget_title, BYTES("Title")) && bytes_equal(org.widget_color, BYTES("#123456")));
    assert_true(org.widget_subtitle.data != NULL && org.widget_subtitle.len == 0);
    assert_true(bytes_equal(org.widget_position, BYTES("left")) && bytes_equal(org.widget_language, BYTES("de")));
    look_away(w);
    assert_sound(w);
}

static void test_an_organisation_that_is_there_keeps_its_settings(void **state)
{
    struct world *w = *state;
    struct command row = org_row(w->org, "acme");
    assert_replayed(w, &row);
    struct org org;
    assert_int_equal(org_get(look(w), w->org, &org), OK);
    assert_true(bytes_equal(org.name, BYTES("A name")));
    look_away(w);
}

static void test_an_organisation_under_another_key_or_id_is_refused(void **state)
{
    struct world *w = *state;
    struct command rows[] = {org_row(w->org, "acme-2"), org_row(world_id(w), "acme"), org_row(w->org, "other"),
                             org_row(world_id(w), ""),  org_row(ID_NONE, "none"),     org_row(world_id(w), "time")};
    rows[5].org_import.created_at_ms = -1;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i)
        assert_refused(w, &rows[i], ERR_CONFLICT);
    struct command delete = org_delete(w, w->org), again = org_row(w->org, "acme");
    must(w, &delete);
    assert_refused(w, &again, ERR_CONFLICT);
    struct command fresh = org_row(world_id(w), "acme");
    must(w, &fresh);
    assert_sound(w);
}

/* ---- visitors -------------------------------------------------------------------------------------------------- */

static void test_a_visitor_comes_with_its_times(void **state)
{
    struct world *w = *state;
    struct id id = world_id(w);
    struct command row = visitor_row(w, id, "v_old");
    struct rows before = count_rows(w);
    assert_true(id_equal(must_be_new(w, &row).id, id));
    assert_rows_added(w, &before, ROWS([TABLE_VISITORS] = 1, [TABLE_VISITOR_BY_KEY] = 1, [TABLE_VISITOR_BY_SEEN] = 1));
    struct visitor visitor = visitor_of(w, w->org, "v_old");
    assert_true(id_equal(visitor.id, id) && bytes_equal(visitor.user_agent, BYTES("old agent")));
    assert_true(visitor.first_seen_at_ms == NOW_MS - DAY_MS && visitor.last_seen_at_ms == NOW_MS);
    assert_true(visitor.created_at_ms == NOW_MS - DAY_MS && visitor.updated_at_ms == NOW_MS);
    assert_true(visitor.conversation_count == 0 && id_is_none(visitor.last_conversation));
    assert_true(is_seen_in(w, w->org, NOW_MS, id));
    assert_sound(w);
}

/* What comes from an older or a newer copy of the same row: `seen` of the known one is NOW_MS - DAY_MS to NOW_MS. */
static void test_a_visitors_times_widen_and_never_narrow(void **state)
{
    struct world *w = *state;
    static const struct {
        int64_t first, last, updated;
        const char *agent;
        bool changes, takes_agent;
    } cases[] = {
        {1, 0, 0, "b", false, false}, /* later first, same last */
        {0, -5, -5, "b", false, false}, {-7, 0, 0, "b", true, false}, {0, 3, 0, "b", true, true},
        {0, 3, 0, NULL, true, false},   {0, 0, 9, "b", true, false},  {-7, 2 * MINUTE_MS, 9, "b", true, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        char key[16];
        snprintf(key, sizeof(key), "v_%zu", i);
        struct command row = visitor_row(w, world_id(w), key);
        must_be_new(w, &row);
        struct visitor_import *import = &row.visitor_import;
        import->first_seen_at_ms += cases[i].first;
        import->last_seen_at_ms += cases[i].last;
        import->updated_at_ms += cases[i].updated;
        import->user_agent = cases[i].agent == NULL ? BYTES_NONE : bytes_of_string(cases[i].agent);
        if (cases[i].changes)
            must_be_new(w, &row);
        else
            assert_replayed(w, &row);
        struct visitor visitor = visitor_of(w, w->org, key);
        int64_t first = cases[i].first < 0 ? cases[i].first : 0, last = cases[i].last > 0 ? cases[i].last : 0;
        assert_true(visitor.first_seen_at_ms == NOW_MS - DAY_MS + first && visitor.last_seen_at_ms == NOW_MS + last);
        assert_true(visitor.updated_at_ms == NOW_MS + (cases[i].updated > 0 ? cases[i].updated : 0));
        assert_true(bytes_equal(visitor.user_agent, cases[i].takes_agent ? BYTES("b") : BYTES("old agent")));
        assert_true(is_seen_in(w, w->org, NOW_MS + last, visitor.id));
    }
    assert_sound(w);
}

/* The newer row knows better; an older one must not bring back what has been forgotten since. */
static void test_a_visitors_address_is_that_of_the_newest_row(void **state)
{
    struct world *w = *state;
    static const struct {
        int64_t updated;
        const char *email, *kept;
    } cases[] = {
        {0, "a@x", "a@x"}, {0, "b@x", "a@x"},      {-1, "b@x", "a@x"},         {1, NULL, "a@x"},
        {2, "b@x", "b@x"}, {DAY_MS, "c@x", "c@x"}, {DAY_MS - 1, "b@x", "c@x"},
    };
    struct command row = visitor_row(w, world_id(w), "v_mail");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        row.visitor_import.updated_at_ms = NOW_MS + cases[i].updated;
        row.visitor_import.email = cases[i].email == NULL ? BYTES_NONE : bytes_of_string(cases[i].email);
        must(w, &row);
        assert_true(bytes_equal(visitor_of(w, w->org, "v_mail").email, bytes_of_string(cases[i].kept)));
        assert_replayed(w, &row);
    }
    w->now_ms += 2 * DAY_MS;
    struct command see = visitor_see(w, w->org, "v_mail", "");
    must(w, &see);
    assert_replayed(w, &row);
    assert_null(visitor_of(w, w->org, "v_mail").email.data);
    static const char *const none[] = {"", "x", "a b@x", "@x"};
    for (size_t i = 0; i < 4; ++i) {
        struct command refused = visitor_row(w, world_id(w), "v_new");
        refused.visitor_import.email = bytes_of_string(none[i]);
        assert_refused(w, &refused, ERR_CONFLICT);
    }
    assert_sound(w);
}

/* The server has met the visitor before the import did: the two are one. */
static void test_a_visitor_known_under_another_id_becomes_one_with_it(void **state)
{
    struct world *w = *state;
    struct id conversation = converse(w, w->org, "v_both"), old = world_id(w), known;
    known = visitor_of(w, w->org, "v_both").id;
    struct command row = visitor_row(w, old, "v_both");
    row.visitor_import.alias = BYTES("visitor-7");
    struct rows before = count_rows(w);
    assert_true(id_equal(must_be_new(w, &row).id, known));
    assert_rows_added(w, &before, ROWS([TABLE_ALIASES] = 2));
    struct visitor visitor = visitor_of(w, w->org, "v_both");
    assert_true(visitor.first_seen_at_ms == NOW_MS - DAY_MS && visitor.last_seen_at_ms == NOW_MS);
    assert_true(visitor.conversation_count == 1 && id_equal(visitor.last_conversation, conversation));
    assert_true(id_equal(alias_target(w, w->org, "visitor-7"), known));
    assert_true(id_equal(alias_target(w, w->org, text_of(old)), known));
    /* Its conversations name it by the old id. */
    struct id imported = world_id(w);
    struct command theirs = conversation_row(w, imported, old);
    must_be_new(w, &theirs);
    assert_true(id_equal(conversation_of(w, imported).visitor, known));
    assert_true(id_equal(conversation_of(w, imported).previous_of_visitor, conversation));
    assert_true(visitor_of(w, w->org, "v_both").conversation_count == 2);
    assert_sound(w);
}

static void test_a_visitor_that_contradicts_is_refused(void **state)
{
    struct world *w = *state;
    struct id id = world_id(w), other = world_id(w);
    char long_key[VISITOR_KEY_LEN_MAX + 2];
    memset(long_key, 'x', sizeof(long_key) - 1);
    long_key[sizeof(long_key) - 1] = '\0';
    struct command row = visitor_row(w, id, "v_one"), second = visitor_row(w, other, "v_two");
    row.visitor_import.alias = BYTES("one");
    must(w, &row);
    must(w, &second);
    struct command rows[] = {
        visitor_row(w, id, "v_two"),           visitor_row(w, id, "v_one"),         visitor_row(w, world_id(w), ""),
        visitor_row(w, world_id(w), long_key), visitor_row(w, world_id(w), "v_3"),  visitor_row(w, world_id(w), "v_3"),
        visitor_row(w, world_id(w), "v_3"),    visitor_row(w, ID_NONE, "v_3"),      visitor_row(w, world_id(w), "v_3"),
        visitor_row(w, world_id(w), "v_3"),    visitor_row(w, world_id(w), "v_two")};
    rows[1].visitor_import.org = w->other_org;
    rows[4].visitor_import.first_seen_at_ms = NOW_MS + 1;
    rows[5].visitor_import.first_seen_at_ms = -1;
    rows[6].visitor_import.last_seen_at_ms = INT64_C(253402300800000);
    rows[8].visitor_import.alias = BYTES("one");
    rows[9].visitor_import.alias = BYTES("not visible");
    rows[10].visitor_import.alias = BYTES("one");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i)
        assert_refused(w, &rows[i], ERR_CONFLICT);
    struct command nowhere = visitor_row(w, world_id(w), "v_3");
    nowhere.visitor_import.org = world_id(w);
    assert_refused(w, &nowhere, ERR_NOT_FOUND);
    assert_sound(w);
}

/* ---- conversations --------------------------------------------------------------------------------------------- */

static void test_a_conversation_joins_its_visitors_chain(void **state)
{
    struct world *w = *state;
    struct id visitor = world_id(w), ids[3];
    struct command row = visitor_row(w, visitor, "v_old");
    must(w, &row);
    struct rows before = count_rows(w);
    for (unsigned i = 0; i < 3; ++i) {
        char alias[32];
        ids[i] = world_id(w);
        snprintf(alias, sizeof(alias), "1770313654000-ab%u", i);
        row = conversation_row(w, ids[i], visitor);
        row.conversation_import.alias = bytes_of_string(alias);
        struct outcome outcome = must_be_new(w, &row);
        assert_true(id_equal(outcome.id, ids[i]) && is_active_at(w, w->org, outcome.seq, ids[i]));
        struct conversation conversation = conversation_of(w, ids[i]);
        assert_true(conversation.created_at_ms == NOW_MS - DAY_MS && conversation.changed_at_ms == NOW_MS);
        assert_true(conversation.changed_seq == outcome.seq && id_equal(conversation.visitor, visitor));
        assert_true(id_equal(conversation.previous_of_visitor, i == 0 ? ID_NONE : ids[i - 1]));
        assert_true(is_updated_in(w, w->org, NOW_MS, ids[i]));
        assert_true(id_equal(alias_target(w, w->org, alias), ids[i]));
    }
    assert_rows_added(w, &before,
                      ROWS([TABLE_CONVERSATIONS] = 3, [TABLE_CONVERSATION_BY_ACTIVITY] = 3,
                           [TABLE_CONVERSATION_BY_UPDATED] = 3, [TABLE_ALIASES] = 3));
    assert_true(visitor_of(w, w->org, "v_old").conversation_count == 3);
    row = conversation_row(w, world_id(w), ID_NONE);
    must_be_new(w, &row);
    assert_sound(w);
}

static void test_a_conversation_that_is_there_only_moves_on(void **state)
{
    struct world *w = *state;
    struct id id = world_id(w);
    struct command row = conversation_row(w, id, ID_NONE);
    must(w, &row);
    row.conversation_import.updated_at_ms = NOW_MS - 1;
    assert_replayed(w, &row);
    struct rows before = count_rows(w);
    row.conversation_import.updated_at_ms = NOW_MS + 1; /* the next minute */
    struct outcome outcome = must_be_new(w, &row);
    uint64_t seq = outcome.seq;
    assert_true(outcome.widened);
    assert_rows_added(w, &before, ROWS([TABLE_CONVERSATION_BY_ACTIVITY] = 1, [TABLE_CONVERSATION_BY_UPDATED] = 1));
    assert_true(activity_of(w, id).updated_at_ms == NOW_MS + 1 && activity_of(w, id).seq == seq);
    row.conversation_import.updated_at_ms = NOW_MS + 2;
    must_be_new(w, &row);
    assert_rows_added(w, &before, ROWS([TABLE_CONVERSATION_BY_ACTIVITY] = 2, [TABLE_CONVERSATION_BY_UPDATED] = 1));
    /* Behind its last message's time it changes nothing that a reader sees. */
    struct command message = message_row(w, id, "m-1", LATER_MS);
    must(w, &message);
    row.conversation_import.updated_at_ms = LATER_MS;
    assert_replayed(w, &row);
    assert_true(activity_of(w, id).updated_at_ms == LATER_MS);
    assert_sound(w);
}

static void test_a_conversation_that_contradicts_is_refused(void **state)
{
    struct world *w = *state;
    struct id id = world_id(w), visitor = world_id(w), other = world_id(w), theirs = world_id(w);
    struct command setup[] = {visitor_row(w, visitor, "v_one"), visitor_row(w, other, "v_two"),
                              visitor_row(w, theirs, "v_one"), conversation_row(w, id, visitor)};
    setup[2].visitor_import.org = w->other_org;
    setup[3].conversation_import.alias = BYTES("taken");
    for (size_t i = 0; i < sizeof(setup) / sizeof(setup[0]); ++i)
        must(w, &setup[i]);
    struct command conflicts[] = {conversation_row(w, id, other),           conversation_row(w, id, ID_NONE),
                                  conversation_row(w, id, ID_NONE),         conversation_row(w, world_id(w), visitor),
                                  conversation_row(w, ID_NONE, visitor),    conversation_row(w, world_id(w), visitor),
                                  conversation_row(w, world_id(w), visitor)};
    conflicts[2].conversation_import.org = w->other_org;
    conflicts[3].conversation_import.alias = BYTES("taken");
    conflicts[5].conversation_import.updated_at_ms = -1;
    conflicts[6].conversation_import.created_at_ms = INT64_C(253402300800000);
    for (size_t i = 0; i < sizeof(conflicts) / sizeof(conflicts[0]); ++i)
        assert_refused(w, &conflicts[i], ERR_CONFLICT);
    struct command nowhere[] = {conversation_row(w, world_id(w), world_id(w)), conversation_row(w, world_id(w), theirs),
                                conversation_row(w, world_id(w), ID_NONE)};
    nowhere[2].conversation_import.org = world_id(w);
    for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); ++i)
        assert_refused(w, &nowhere[i], ERR_NOT_FOUND);
    assert_sound(w);
}

/* ---- messages -------------------------------------------------------------------------------------------------- */

static void test_messages_follow_each_other_whatever_their_time(void **state)
{
    struct world *w = *state;
    static const int64_t times[] = {0, 5 * MINUTE_MS, -DAY_MS, 5 * MINUTE_MS + 1, MINUTE_MS / 2};
    struct id id = world_id(w);
    struct command row = conversation_row(w, id, ID_NONE);
    must(w, &row);
    for (unsigned i = 0; i < sizeof(times) / sizeof(times[0]); ++i) {
        char client_id[16];
        snprintf(client_id, sizeof(client_id), "m-%u", i);
        row = message_row(w, id, client_id, NOW_MS + times[i]);
        struct outcome outcome = must_be_new(w, &row);
        assert_true(id_equal(outcome.id, id) && must(w, &row).seq == outcome.seq);
        struct conversation_activity activity = activity_of(w, id);
        assert_true(activity.message_count == i + 1 && activity.seq == outcome.seq);
        assert_true(activity.updated_at_ms == NOW_MS + (times[i] > 0 ? times[i] : 0));
        assert_true(is_updated_in(w, w->org, activity.updated_at_ms, id));
        assert_sound(w);
    }
    /* The same clientId in the other role is another message. */
    row = message_row(w, id, "m-1", NOW_MS);
    row.message_import.role = BYTES("assistant");
    must_be_new(w, &row);
    assert_true(activity_of(w, id).message_count == 6);
    assert_sound(w);
}

/* What the API took without a clientId is known again when its export comes back; a clientId stands for one message. */
static void test_a_message_of_the_api_is_known_by_its_id(void **state)
{
    struct world *w = *state;
    struct id conversation = converse(w, w->org, "v_a");
    struct command spoken = message_create(w, w->org, conversation, "v_a", "hello");
    uint64_t seq = must(w, &spoken).seq;
    say(w, w->org, conversation, "later");
    /* Its export shows no clientId, and the importer puts its id's text in that place. */
    struct command row =
        message_row(w, conversation, text_of(spoken.message_create.message), w->now_ms - 2 * 60 * MINUTE_MS);
    row.message_import.message = spoken.message_create.message;
    assert_replayed(w, &row);
    assert_int_equal(must(w, &row).seq, seq);
    struct command other = message_row(w, conversation, "later", w->now_ms);
    assert_refused(w, &other, ERR_CONFLICT);
    assert_sound(w);
}

static void test_a_message_that_cannot_be_one_is_refused(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, NULL), theirs = converse(w, w->other_org, NULL);
    char long_id[CLIENT_ID_LEN_MAX + 2];
    memset(long_id, 'x', sizeof(long_id) - 1);
    long_id[sizeof(long_id) - 1] = '\0';
    struct command nowhere[] = {message_row(w, theirs, "m", NOW_MS), message_row(w, world_id(w), "m", NOW_MS),
                                message_row(w, id, "m", NOW_MS)};
    nowhere[2].message_import.org = world_id(w);
    for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); ++i)
        assert_refused(w, &nowhere[i], ERR_NOT_FOUND);
    struct command bad[] = {message_row(w, id, "", NOW_MS),  message_row(w, id, long_id, NOW_MS),
                            message_row(w, id, "m", -1),     message_row(w, id, "m", NOW_MS),
                            message_row(w, id, "m", NOW_MS), message_row(w, id, "m", NOW_MS)};
    bad[3].message_import.role = BYTES("system");
    bad[4].message_import.content = BYTES("");
    bad[5].message_import.message = ID_NONE;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); ++i)
        assert_refused(w, &bad[i], ERR_CONFLICT);
}

/* ---- aliases --------------------------------------------------------------------------------------------------- */

static void test_an_alias_stands_for_one_thing_of_its_organisation(void **state)
{
    struct world *w = *state;
    struct id here = converse(w, w->org, "v_one"), there = converse(w, w->other_org, "v_one");
    struct id visitor = visitor_of(w, w->org, "v_one").id;
    struct command rows[] = {alias_row(w->org, "1", here), alias_row(w->org, "2", visitor),
                             alias_row(w->other_org, "1", there)};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i)
        must_be_new(w, &rows[i]);
    assert_true(id_equal(alias_target(w, w->org, "1"), here) && id_equal(alias_target(w, w->other_org, "1"), there));
    struct command nowhere[] = {alias_row(w->org, "3", there), alias_row(w->org, "3", world_id(w)),
                                alias_row(w->org, "3", w->org), alias_row(world_id(w), "3", here),
                                alias_row(w->org, "3", visitor_of(w, w->other_org, "v_one").id)};
    for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); ++i)
        assert_refused(w, &nowhere[i], ERR_NOT_FOUND);
    struct command conflicts[] = {
        alias_row(w->org, "1", visitor), alias_row(w->org, "", here), alias_row(w->org, "a b", here),
        alias_row(w->org, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0", here)};
    for (size_t i = 0; i < sizeof(conflicts) / sizeof(conflicts[0]); ++i)
        assert_refused(w, &conflicts[i], ERR_CONFLICT);
    assert_sound(w);
}

/* ---- in a deleted organisation --------------------------------------------------------------------------------- */

static void test_a_deleted_organisation_takes_nothing(void **state)
{
    struct world *w = *state;
    struct id id = converse(w, w->org, "v_one");
    struct command delete = org_delete(w, w->org);
    must(w, &delete);
    struct command rows[] = {visitor_row(w, world_id(w), "v_two"), conversation_row(w, world_id(w), ID_NONE),
                             message_row(w, id, "m", NOW_MS), alias_row(w->org, "1", id)};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i)
        assert_refused(w, &rows[i], ERR_NOT_FOUND);
}

/* ---- many at once ---------------------------------------------------------------------------------------------- */

/* A small database: visitors, some of them merged, conversations, messages, and rows that are refused. */
static struct command nth_row(struct world *w, const struct id *ids, unsigned n)
{
    static char texts[600][16];
    unsigned which = n / 6;
    snprintf(texts[n], sizeof(texts[n]), "t-%u", which % 40);
    switch (n % 6) {
    case 0:
        return visitor_row(w, ids[which % 40], texts[n]);
    case 1:
        return visitor_row(w, ids[100 + which % 20], texts[n]);
    case 2:
        return conversation_row(w, ids[200 + which % 50], ids[which % 3 == 0 ? which % 40 : 100 + which % 20]);
    case 3:
        return conversation_row(w, ids[200 + which % 50], which % 5 == 0 ? ids[299] : ids[which % 40]);
    default: {
        struct command row = message_row(w, ids[200 + which % 70], texts[n], NOW_MS + which * 7000);
        row.message_import.message = ids[150 + n % 40];
        return row;
    }
    }
}

static void apply_rows(struct world *w, struct store *store, const struct id *ids, unsigned together, bool again)
{
    struct buffer scratch = {0};
    for (unsigned n = 0; n < 600;) {
        struct log_entry *first = NULL, **end = &first;
        for (unsigned i = 0; i < together && n < 600; ++i, ++n) {
            struct command row = nth_row(w, ids, n);
            *end = log_entry_new(&row, &scratch, 0);
            end = &(*end)->next;
        }
        assert_int_equal(log_execute_all(store, first), OK);
        for (struct log_entry *entry = first, *next; entry != NULL; entry = next) {
            next = entry->next;
            assert_true(entry->error == OK || entry->error == ERR_CONFLICT || entry->error == ERR_NOT_FOUND);
            assert_true(!again || entry->error != OK || entry->outcome.replayed);
            log_entry_free(entry);
        }
    }
    buffer_dispose(&scratch);
}

static struct command same_org(struct id id, const char *key)
{
    return (struct command){
        .kind = COMMAND_ORG_CREATE,
        .org_create = {.org = id, .key = bytes_of_string(key), .name = BYTES("n"), .at_ms = NOW_MS}};
}

static void test_the_same_rows_give_the_same_bytes_in_batches_of_any_size(void **state)
{
    struct world *w = *state;
    static const unsigned sizes[] = {1, 7, 64, 600};
    struct id ids[300];
    struct buffer first = {0};
    for (unsigned i = 0; i < 300; ++i)
        ids[i] = world_id(w);
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); ++i) {
        struct directory directory = directory_make();
        struct store *store = open_store(&directory);
        struct outcome outcome;
        struct command org = same_org(w->org, "acme");
        assert_int_equal(log_execute(store, &org, &outcome), OK);
        apply_rows(w, store, ids, sizes[i], false);
        struct buffer dump = dump_store(store);
        if (i == 0)
            first = dump;
        else
            assert_dumps_equal(&first, &dump);
        /* Merged visitors and late rows have found their place by now; from here on nothing is new. */
        apply_rows(w, store, ids, 600, false);
        struct buffer settled = dump_store(store);
        apply_rows(w, store, ids, 600, true);
        struct buffer again = dump_store(store);
        assert_dumps_equal(&settled, &again);
        buffer_dispose(&settled);
        buffer_dispose(&again);
        if (i != 0)
            buffer_dispose(&dump);
        struct reader *reader = reader_open(store);
        struct check_report report;
        check_store(begin_read(reader), print_broken, NULL, &report);
        assert_int_equal(report.broken, 0);
        assert_true(report.rows[TABLE_CONVERSATIONS] >= 40 && report.rows[TABLE_ALIASES] > 10);
        reader_end(reader);
        reader_close(reader);
        store_close(store);
        directory_remove(&directory);
    }
    buffer_dispose(&first);
}

static void test_a_purge_leaves_nothing_of_an_import(void **state)
{
    struct world *w = *state;
    struct id ids[300];
    struct rows before = count_rows(w);
    for (unsigned i = 0; i < 300; ++i)
        ids[i] = world_id(w);
    apply_rows(w, w->store, ids, 600, false);
    struct command delete = org_delete(w, w->org), purge = org_purge(w->org, 7);
    must(w, &delete);
    while (must(w, &purge).more)
        assert_sound(w);
    assert_rows_added(w, &before, ROWS([TABLE_ORGS] = -1, [TABLE_ORG_BY_KEY] = -1));
    assert_sound(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_an_organisation_comes_with_all_that_it_has),
        WORLD_TEST(test_an_organisation_that_is_there_keeps_its_settings),
        WORLD_TEST(test_an_organisation_under_another_key_or_id_is_refused),
        WORLD_TEST(test_a_visitor_comes_with_its_times),
        WORLD_TEST(test_a_visitors_times_widen_and_never_narrow),
        WORLD_TEST(test_a_visitors_address_is_that_of_the_newest_row),
        WORLD_TEST(test_a_visitor_known_under_another_id_becomes_one_with_it),
        WORLD_TEST(test_a_visitor_that_contradicts_is_refused),
        WORLD_TEST(test_a_conversation_joins_its_visitors_chain),
        WORLD_TEST(test_a_conversation_that_is_there_only_moves_on),
        WORLD_TEST(test_a_conversation_that_contradicts_is_refused),
        WORLD_TEST(test_messages_follow_each_other_whatever_their_time),
        WORLD_TEST(test_a_message_of_the_api_is_known_by_its_id),
        WORLD_TEST(test_a_message_that_cannot_be_one_is_refused),
        WORLD_TEST(test_an_alias_stands_for_one_thing_of_its_organisation),
        WORLD_TEST(test_a_deleted_organisation_takes_nothing),
        WORLD_TEST(test_the_same_rows_give_the_same_bytes_in_batches_of_any_size),
        WORLD_TEST(test_a_purge_leaves_nothing_of_an_import),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
