#pragma once
/*
 * For tests of what commands mean: a store with short ways to give it commands and to look at what they made of it.
 * Commands go through log_execute, one transaction each, as the shell's subcommands do.
 */
#include "core/work.h"
#include "log/log.h"
#include "rules/check.h"
#include "store/records.h"
#include "stores.h"

#define NOW_MS \
    INT64_C(1769903999999) /* 2026-01-31T23:59:59.999Z: the last millisecond of a minute, of a day and of a month */
#define MINUTE_MS INT64_C(60000)
#define DAY_MS INT64_C(86400000)

struct world {
    struct directory directory;
    struct store *store;
    struct reader *reader;
    struct random_pool pool;
    int64_t now_ms;
    struct id org, other_org; /* "acme" and "other" */
};

static inline enum error give(struct world *w, const struct command *command, struct outcome *outcome)
{
    memset(outcome, 0, sizeof(*outcome));
    return log_execute(w->store, command, outcome);
}

static inline struct outcome must(struct world *w, const struct command *command)
{
    struct outcome outcome;
    assert_int_equal(give(w, command, &outcome), OK);
    return outcome;
}

static inline struct id world_id(struct world *w)
{
    return id_make(w->now_ms, &w->pool);
}

/* ---- commands -------------------------------------------------------------------------------------------------- */

static inline struct command org_create(struct world *w, const char *key)
{
    return (struct command){
        .kind = COMMAND_ORG_CREATE,
        .org_create = {.org = world_id(w), .key = bytes_of_string(key), .name = BYTES("A name"), .at_ms = w->now_ms}};
}

static inline struct command org_delete(struct world *w, struct id org)
{
    return (struct command){.kind = COMMAND_ORG_DELETE, .org_delete = {.org = org, .at_ms = w->now_ms}};
}

static inline struct command org_purge(struct id org, uint64_t limit)
{
    return (struct command){.kind = COMMAND_ORG_PURGE, .org_purge = {.org = org, .limit = limit}};
}

static inline struct command token_create(struct world *w, struct id org)
{
    return (struct command){.kind = COMMAND_TOKEN_CREATE,
                            .token_create = {.token = world_id(w),
                                             .org = org,
                                             .name = BYTES("a token"),
                                             .secret_hash = BYTES("0123456789abcdef0123456789abcdef"),
                                             .at_ms = w->now_ms}};
}

/* With a password; role NULL: a member of nothing. By the shell. */
static inline struct command agent_create(struct world *w, const char *email, struct id org, const char *role)
{
    return (struct command){.kind = COMMAND_AGENT_CREATE,
                            .agent_create = {.agent = world_id(w),
                                             .email = bytes_of_string(email),
                                             .name = BYTES("Somebody"),
                                             .password_hash = BYTES("a hash"),
                                             .org = org,
                                             .role = role == NULL ? BYTES_NONE : bytes_of_string(role),
                                             .at_ms = w->now_ms}};
}

/* The same, without a password, and with a link to choose one. */
static inline struct command agent_invite(struct world *w, const char *email, struct id org, const char *role)
{
    struct command command = agent_create(w, email, org, role);
    command.agent_create.password_hash = BYTES_NONE;
    command.agent_create.link = world_id(w);
    command.agent_create.link_hash = BYTES("0123456789abcdef0123456789abcdef");
    command.agent_create.link_expires_at_ms = w->now_ms + INVITATION_KEPT_MS;
    return command;
}

static inline struct command agent_disable(struct world *w, struct id agent, bool disabled)
{
    return (struct command){.kind = COMMAND_AGENT_DISABLE,
                            .agent_disable = {.agent = agent, .disabled = disabled, .at_ms = w->now_ms}};
}

/* By the shell: neither by a session nor by a link. */
static inline struct command agent_password(struct world *w, struct id agent, const char *hash)
{
    return (struct command){
        .kind = COMMAND_AGENT_PASSWORD,
        .agent_password = {.agent = agent, .password_hash = bytes_of_string(hash), .at_ms = w->now_ms}};
}

static inline struct command member_set(struct world *w, struct id org, struct id agent, const char *role)
{
    return (struct command){
        .kind = COMMAND_MEMBER_SET,
        .member_set = {.org = org, .agent = agent, .role = bytes_of_string(role), .at_ms = w->now_ms}};
}

static inline struct command member_remove(struct world *w, struct id org, struct id agent)
{
    return (struct command){.kind = COMMAND_MEMBER_REMOVE,
                            .member_remove = {.org = org, .agent = agent, .at_ms = w->now_ms}};
}

static inline struct command session_create(struct world *w, struct id agent)
{
    return (struct command){.kind = COMMAND_SESSION_CREATE,
                            .session_create = {.session = world_id(w),
                                               .agent = agent,
                                               .secret_hash = BYTES("0123456789abcdef0123456789abcdef"),
                                               .user_agent = BYTES("a browser"),
                                               .address = BYTES("192.0.2.1"),
                                               .at_ms = w->now_ms}};
}

/* ID_NONE for the agent: of setup. */
static inline struct command link_create(struct world *w, struct id agent, const char *kind)
{
    return (struct command){.kind = COMMAND_LINK_CREATE,
                            .link_create = {.link = world_id(w),
                                            .kind = bytes_of_string(kind),
                                            .agent = agent,
                                            .secret_hash = BYTES("0123456789abcdef0123456789abcdef"),
                                            .expires_at_ms = w->now_ms + RESET_KEPT_MS,
                                            .at_ms = w->now_ms}};
}

/* visitor_key NULL: nobody's conversation. */
static inline struct command conversation_create(struct world *w, struct id org, const char *visitor_key)
{
    struct command command = {.kind = COMMAND_CONVERSATION_CREATE,
                              .conversation_create = {.org = org, .conversation = world_id(w), .at_ms = w->now_ms}};
    if (visitor_key != NULL) {
        command.conversation_create.visitor_key = bytes_of_string(visitor_key);
        command.conversation_create.visitor = world_id(w);
        command.conversation_create.user_agent = BYTES("an agent");
    }
    return command;
}

/* visitor_key NULL: by nobody known; see by_org. */
static inline struct command message_create(struct world *w, struct id org, struct id conversation,
                                            const char *visitor_key, const char *content)
{
    struct command command = {.kind = COMMAND_MESSAGE_CREATE,
                              .message_create = {.org = org,
                                                 .conversation = conversation,
                                                 .message = world_id(w),
                                                 .at_ms = w->now_ms,
                                                 .role = BYTES("user"),
                                                 .content = bytes_of_string(content)}};
    if (visitor_key != NULL) {
        command.message_create.visitor_key = bytes_of_string(visitor_key);
        command.message_create.visitor = world_id(w);
        command.message_create.user_agent = BYTES("an agent");
    }
    return command;
}

static inline struct command visitor_touch(struct world *w, struct id org, const char *visitor_key)
{
    return (struct command){
        .kind = COMMAND_VISITOR_TOUCH,
        .visitor_touch = {.org = org, .visitor_key = bytes_of_string(visitor_key), .at_ms = w->now_ms}};
}

/* email NULL: stays as it is. */
static inline struct command visitor_see(struct world *w, struct id org, const char *visitor_key, const char *email)
{
    return (struct command){.kind = COMMAND_VISITOR_SEE,
                            .visitor_see = {.org = org,
                                            .visitor_key = bytes_of_string(visitor_key),
                                            .visitor = world_id(w),
                                            .at_ms = w->now_ms,
                                            .user_agent = BYTES("an agent"),
                                            .email = email == NULL ? BYTES_NONE : bytes_of_string(email)}};
}

static inline struct command visitor_erase(struct world *w, struct id org, const char *visitor_key)
{
    return (struct command){
        .kind = COMMAND_VISITOR_ERASE,
        .visitor_erase = {.org = org, .visitor_key = bytes_of_string(visitor_key), .at_ms = w->now_ms}};
}

/* visitor_key NULL: by nobody known; see by_org. */
static inline struct command conversation_read(struct world *w, struct id org, struct id conversation,
                                               const char *visitor_key, uint64_t read_seq)
{
    return (struct command){
        .kind = COMMAND_CONVERSATION_READ,
        .conversation_read = {.org = org,
                              .conversation = conversation,
                              .visitor_key = visitor_key == NULL ? BYTES_NONE : bytes_of_string(visitor_key),
                              .read_seq = read_seq,
                              .at_ms = w->now_ms}};
}

/* The caller sets what changes. */
static inline struct command conversation_update(struct world *w, struct id org, struct id conversation)
{
    return (struct command){.kind = COMMAND_CONVERSATION_UPDATE,
                            .conversation_update = {.org = org, .conversation = conversation, .at_ms = w->now_ms}};
}

static inline struct command note_create(struct world *w, struct id org, struct id conversation, const char *content)
{
    return (struct command){.kind = COMMAND_NOTE_CREATE,
                            .note_create = {.org = org,
                                            .conversation = conversation,
                                            .note = world_id(w),
                                            .at_ms = w->now_ms,
                                            .content = bytes_of_string(content)}};
}

static inline struct command reply_create(struct world *w, struct id org, const char *shortcut, const char *text)
{
    return (struct command){.kind = COMMAND_REPLY_CREATE,
                            .reply_create = {.org = org,
                                             .reply = world_id(w),
                                             .at_ms = w->now_ms,
                                             .shortcut = bytes_of_string(shortcut),
                                             .text = bytes_of_string(text)}};
}

static inline struct command visitor_block(struct world *w, struct id org, struct id visitor, bool blocked)
{
    return (struct command){.kind = COMMAND_VISITOR_BLOCK,
                            .visitor_block = {.org = org, .visitor = visitor, .blocked = blocked, .at_ms = w->now_ms}};
}

static inline struct command sweep(struct world *w, uint64_t limit, struct bytes from_seen, struct bytes from_activity,
                                   struct bytes from_updated)
{
    return (struct command){.kind = COMMAND_SWEEP,
                            .sweep = {.at_ms = w->now_ms,
                                      .limit = limit,
                                      .from_seen = from_seen,
                                      .from_activity = from_activity,
                                      .from_updated = from_updated}};
}

static inline struct command webhook_create(struct world *w, struct id org, const char *events)
{
    return (struct command){.kind = COMMAND_WEBHOOK_CREATE,
                            .webhook_create = {.org = org,
                                               .webhook = world_id(w),
                                               .at_ms = w->now_ms,
                                               .url = BYTES("https://example.com/hook"),
                                               .secret = BYTES("whsec_a secret"),
                                               .events = bytes_of_string(events),
                                               .enabled = true}};
}

/* HOOK_RETRY: due again at once. */
static inline struct command webhook_result(struct world *w, struct id webhook, uint64_t seq, enum hook_event event,
                                            enum hook_verdict verdict, unsigned status)
{
    return (struct command){.kind = COMMAND_WEBHOOK_RESULT,
                            .webhook_result = {.webhook = webhook,
                                               .seq = seq,
                                               .event = event,
                                               .at_ms = w->now_ms,
                                               .verdict = verdict,
                                               .status = status,
                                               .next_at_ms = verdict == HOOK_RETRY ? w->now_ms : 0}};
}

static inline struct command webhook_retry(struct world *w, struct id org, struct id webhook, uint64_t seq,
                                           enum hook_event event)
{
    return (struct command){
        .kind = COMMAND_WEBHOOK_RETRY,
        .webhook_retry = {.org = org, .webhook = webhook, .seq = seq, .event = event, .at_ms = w->now_ms}};
}

/* ---- short ways ------------------------------------------------------------------------------------------------ */

static inline struct id converse(struct world *w, struct id org, const char *visitor_key)
{
    struct command command = conversation_create(w, org, visitor_key);
    struct outcome outcome = must(w, &command);
    assert_true(id_equal(outcome.id, command.conversation_create.conversation));
    return outcome.id;
}

/* An agent who has a password, and is a member of that organisation unless role is NULL. */
static inline struct id join(struct world *w, const char *email, struct id org, const char *role)
{
    struct command command = agent_create(w, email, org, role);
    return must(w, &command).id;
}

static inline struct id begin_session(struct world *w, struct id agent)
{
    struct command command = session_create(w, agent);
    return must(w, &command).id;
}

/* By the organisation's token. */
static inline uint64_t say(struct world *w, struct id org, struct id conversation, const char *client_id)
{
    struct command command = message_create(w, org, conversation, NULL, "hello");
    command.message_create.by_org = true;
    if (client_id != NULL)
        command.message_create.client_id = bytes_of_string(client_id);
    return must(w, &command).seq;
}

/* By the organisation's token; gives the number of the command. */
static inline uint64_t read_by_org(struct world *w, struct id org, struct id conversation, uint64_t read_seq)
{
    struct command command = conversation_read(w, org, conversation, NULL, read_seq);
    command.conversation_read.by_org = true;
    return must(w, &command).seq;
}

/* An agent of the organisation; `name` makes its address too. */
static inline struct id hire(struct world *w, struct id org, const char *name)
{
    char email[64];
    snprintf(email, sizeof(email), "%s@agents.example", name);
    struct command command = {.kind = COMMAND_AGENT_CREATE,
                              .agent_create = {.agent = world_id(w),
                                               .email = bytes_of_string(email),
                                               .name = bytes_of_string(name),
                                               .org = org,
                                               .role = BYTES("agent"),
                                               .at_ms = w->now_ms}};
    return must(w, &command).id;
}

static inline void dismiss(struct world *w, struct id org, struct id agent)
{
    struct command command = {.kind = COMMAND_MEMBER_REMOVE,
                              .member_remove = {.org = org, .agent = agent, .at_ms = w->now_ms}};
    must(w, &command);
}

/* snoozed_until_ms 0 unless it is snoozed. */
static inline struct outcome set_status(struct world *w, struct id org, struct id conversation, enum status status,
                                        int64_t snoozed_until_ms)
{
    struct command command = conversation_update(w, org, conversation);
    command.conversation_update.set_status = true;
    command.conversation_update.status = status;
    command.conversation_update.snoozed_until_ms = snoozed_until_ms;
    return must(w, &command);
}

static inline struct outcome assign(struct world *w, struct id org, struct id conversation, struct id agent)
{
    struct command command = conversation_update(w, org, conversation);
    command.conversation_update.set_assignee = true;
    command.conversation_update.assignee = agent;
    return must(w, &command);
}

/* Gives the note's number. */
static inline uint64_t note(struct world *w, struct id org, struct id conversation, const char *content)
{
    struct command command = note_create(w, org, conversation, content);
    return must(w, &command).seq;
}

/* ---- looking --------------------------------------------------------------------------------------------------- */

/* What a look gives lives until the next command or look. */
static inline struct txn *look(struct world *w)
{
    return begin_read(w->reader);
}

static inline void look_away(struct world *w)
{
    reader_end(w->reader);
}

static inline struct visitor visitor_of(struct world *w, struct id org, const char *visitor_key)
{
    struct id id;
    struct visitor visitor;
    struct txn *txn = look(w);
    assert_int_equal(visitor_id_by_key(txn, org, bytes_of_string(visitor_key), &id), OK);
    assert_int_equal(visitor_get(txn, id, &visitor), OK);
    look_away(w);
    return visitor;
}

static inline struct agent agent_of(struct world *w, struct id id)
{
    struct agent agent;
    assert_int_equal(agent_get(look(w), id, &agent), OK);
    look_away(w);
    return agent;
}

static inline struct conversation conversation_of(struct world *w, struct id id)
{
    struct conversation conversation;
    assert_int_equal(conversation_get(look(w), id, &conversation), OK);
    look_away(w);
    return conversation;
}

struct rows {
    int64_t of[TABLE_COUNT];
};

static inline struct rows count_rows(struct world *w)
{
    struct rows rows;
    struct txn *txn = look(w);
    for (int table = 0; table < TABLE_COUNT; ++table)
        rows.of[table] = (int64_t)table_rows(txn, (enum table)table);
    look_away(w);
    return rows;
}

/* The tables have grown by exactly `added` since `before`; META aside. */
static inline void assert_rows_added(struct world *w, const struct rows *before, struct rows added)
{
    struct rows after = count_rows(w);
    for (int table = TABLE_META + 1; table < TABLE_COUNT; ++table)
        if (after.of[table] - before->of[table] != added.of[table])
            fail_msg("%s has %lld more rows, not %lld", table_name((enum table)table),
                     (long long)(after.of[table] - before->of[table]), (long long)added.of[table]);
}
#define ROWS(...) ((struct rows){.of = {__VA_ARGS__}})

/* Refused with this error, and not a byte of any table has changed. */
static inline void assert_refused(struct world *w, const struct command *command, enum error expected)
{
    struct outcome outcome;
    struct buffer before = dump_store(w->store);
    enum error error = give(w, command, &outcome);
    if (error != expected)
        fail_msg("%s in place of %s", error_code(error), error_code(expected));
    struct buffer after = dump_store(w->store);
    assert_dumps_equal(&before, &after);
    buffer_dispose(&before);
    buffer_dispose(&after);
}

/* Whether an entry of an index is there and leads to the id; with no id, whether it is there. */
static inline bool index_has(struct world *w, enum table table, const struct key *key, struct id id)
{
    struct bytes value;
    enum error error = table_get(look(w), table, key_view(key), &value);
    bool has = error == OK && (id_is_none(id) || bytes_equal(value, bytes_view(id.bytes, ID_LEN)));
    look_away(w);
    assert_true(error == OK || error == ERR_NOT_FOUND);
    return has;
}

static inline bool is_seen_in(struct world *w, struct id org, int64_t at_ms, struct id visitor)
{
    struct key key;
    visitor_seen_key(&key, org, at_ms, visitor);
    return index_has(w, TABLE_VISITOR_BY_SEEN, &key, ID_NONE);
}

static inline bool is_active_at(struct world *w, struct id org, uint64_t seq, struct id conversation)
{
    struct key key;
    activity_key(&key, org, seq);
    return index_has(w, TABLE_CONVERSATION_BY_ACTIVITY, &key, conversation);
}

static inline bool is_marked_at(struct world *w, struct id org, uint64_t seq, struct id conversation)
{
    struct key key;
    mark_key(&key, org, seq);
    return index_has(w, TABLE_CONVERSATION_BY_MARK, &key, conversation);
}

static inline bool is_worked_at(struct world *w, struct id org, uint64_t seq, struct id conversation)
{
    struct key key;
    work_key(&key, org, seq);
    return index_has(w, TABLE_CONVERSATION_BY_WORK, &key, conversation);
}

static inline bool is_open_as(struct world *w, struct id org, enum status status, struct id assignee,
                              struct id conversation)
{
    struct key key;
    open_key(&key, org, status, assignee, conversation);
    return index_has(w, TABLE_CONVERSATION_OPEN, &key, ID_NONE);
}

static inline bool is_snoozed_until(struct world *w, struct id org, int64_t until_ms, struct id conversation)
{
    struct key key;
    snooze_key(&key, until_ms, conversation);
    return index_has(w, TABLE_CONVERSATION_BY_SNOOZE, &key, org);
}

static inline bool is_updated_in(struct world *w, struct id org, int64_t at_ms, struct id conversation)
{
    struct key key;
    conversation_updated_key(&key, org, at_ms, conversation);
    return index_has(w, TABLE_CONVERSATION_BY_UPDATED, &key, ID_NONE);
}

static inline void print_broken(void *context, const char *sentence)
{
    (void)context;
    print_error("check: %s\n", sentence);
}

/* Every invariant that `helvino check` knows. */
static inline struct check_report assert_sound(struct world *w)
{
    struct check_report report;
    check_store(look(w), print_broken, NULL, &report);
    look_away(w);
    assert_int_equal(report.broken, 0);
    return report;
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

static inline int world_set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    log_line_setup((enum log_level)(LOG_ERROR + 1), LOG_FORMAT_TEXT);
    w->directory = directory_make();
    w->store = open_store(&w->directory);
    w->reader = reader_open(w->store);
    w->now_ms = NOW_MS;
    struct command acme = org_create(w, "acme"), other = org_create(w, "other");
    w->org = must(w, &acme).id;
    w->other_org = must(w, &other).id;
    *state = w;
    return 0;
}

static inline int world_tear_down(void **state)
{
    struct world *w = *state;
    reader_close(w->reader);
    store_close(w->store);
    directory_remove(&w->directory);
    free(w);
    return 0;
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
