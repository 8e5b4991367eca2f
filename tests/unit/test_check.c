/*
 * What `check` must find: a small database is made by the rules, one thing in it is broken by hand, and exactly that
 * must be named. A database that only the rules have touched must be clean at every moment, also half-way through a
 * deletion.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/logline.h"
#include "core/work.h"
#include "log/log.h"
#include "rules/check.h"
#include "store/records.h"

#define NOW_MS INT64_C(1769903999999)

/* ---- a small database ---------------------------------------------------------------------------------------- */

struct fixture {
    char directory[64];
    struct store *store;
    struct random_pool random;
    struct id org, other_org, token, visitor, other_visitor;
    struct id first, second, anonymous; /* conversations: two of the visitor, one of nobody */
    uint64_t message_seqs[3];           /* of `first` */
    uint64_t marked_seq;                /* of `first`, whose first message has been read */
    uint64_t note_seqs[2];              /* of `second`, which is snoozed */
    struct id reply;
    struct buffer found; /* the sentences, one a line */
    struct check_report report;
};

static struct outcome apply(struct fixture *f, struct command command)
{
    struct outcome outcome;
    assert_int_equal(log_execute(f->store, &command, &outcome), OK);
    return outcome;
}

static struct id fresh(struct fixture *f)
{
    return id_make(NOW_MS, &f->random);
}

static struct id make_org(struct fixture *f, const char *key)
{
    struct id org = fresh(f);
    apply(f, (struct command){
                 .kind = COMMAND_ORG_CREATE,
                 .org_create = {.org = org, .key = bytes_of_string(key), .name = BYTES("n"), .at_ms = NOW_MS}});
    return org;
}

static struct id converse(struct fixture *f, struct bytes visitor_key, struct id visitor)
{
    return apply(f, (struct command){.kind = COMMAND_CONVERSATION_CREATE,
                                     .conversation_create = {.org = f->org,
                                                             .conversation = fresh(f),
                                                             .at_ms = NOW_MS,
                                                             .visitor_key = visitor_key,
                                                             .visitor = visitor,
                                                             .user_agent = BYTES("agent"),
                                                             .idempotency = BYTES_NONE}})
        .id;
}

static uint64_t say(struct fixture *f, struct id conversation, struct bytes client_id)
{
    return apply(f, (struct command){.kind = COMMAND_MESSAGE_CREATE,
                                     .message_create = {.org = f->org,
                                                        .conversation = conversation,
                                                        .message = fresh(f),
                                                        .at_ms = NOW_MS + 60000,
                                                        .role = BYTES("user"),
                                                        .content = BYTES("hello"),
                                                        .client_id = client_id,
                                                        .by_org = true}})
        .seq;
}

/* By the organisation, or by the visitor. */
static uint64_t read_up_to(struct fixture *f, struct id conversation, uint64_t read_seq, bool by_org)
{
    return apply(f, (struct command){.kind = COMMAND_CONVERSATION_READ,
                                     .conversation_read = {.org = f->org,
                                                           .conversation = conversation,
                                                           .by_org = by_org,
                                                           .visitor_key = by_org ? BYTES_NONE : BYTES("v_one"),
                                                           .read_seq = read_seq,
                                                           .at_ms = NOW_MS}})
        .seq;
}

#define SNOOZED_UNTIL_MS (NOW_MS + 3600000)

static uint64_t work_on(struct fixture *f, struct id conversation)
{
    apply(f, (struct command){.kind = COMMAND_CONVERSATION_UPDATE,
                              .conversation_update = {.org = f->org,
                                                      .conversation = conversation,
                                                      .at_ms = NOW_MS,
                                                      .set_status = true,
                                                      .status = STATUS_SNOOZED,
                                                      .snoozed_until_ms = SNOOZED_UNTIL_MS,
                                                      .set_priority = true,
                                                      .priority = BYTES("high"),
                                                      .add_tags = BYTES("a tag")}});
    return apply(f, (struct command){.kind = COMMAND_NOTE_CREATE,
                                     .note_create = {.org = f->org,
                                                     .conversation = conversation,
                                                     .note = fresh(f),
                                                     .at_ms = NOW_MS,
                                                     .content = BYTES("a note")}})
        .seq;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char why[STORE_WHY_LEN];
    log_line_setup(LOG_ERROR, LOG_FORMAT_TEXT);
    snprintf(f->directory, sizeof(f->directory), "/tmp/helvino-check-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    f->store = store_open(&(struct store_config){.directory = f->directory, .mode = STORE_ADMIN, .create = true}, why);
    assert_non_null(f->store);
    f->org = make_org(f, "acme");
    f->other_org = make_org(f, "other");
    f->token = fresh(f);
    apply(f, (struct command){.kind = COMMAND_TOKEN_CREATE,
                              .token_create = {.token = f->token,
                                               .org = f->org,
                                               .name = BYTES("t"),
                                               .secret_hash = BYTES("0123456789abcdef0123456789abcdef"),
                                               .at_ms = NOW_MS}});
    f->visitor = fresh(f);
    f->other_visitor = fresh(f);
    f->first = converse(f, BYTES("v_one"), f->visitor);
    f->second = converse(f, BYTES("v_one"), fresh(f));
    converse(f, BYTES("v_two"), f->other_visitor);
    f->anonymous = converse(f, BYTES_NONE, ID_NONE);
    f->message_seqs[0] = say(f, f->first, BYTES("client-1"));
    f->message_seqs[1] = say(f, f->first, BYTES_NONE);
    f->message_seqs[2] = say(f, f->first, BYTES("client-3"));
    say(f, f->anonymous, BYTES("client-1"));
    read_up_to(f, f->first, f->message_seqs[0], true);
    f->marked_seq = read_up_to(f, f->first, f->message_seqs[0], false);
    f->note_seqs[0] = work_on(f, f->second);
    f->note_seqs[1] = work_on(f, f->second);
    f->reply = fresh(f);
    apply(f,
          (struct command){
              .kind = COMMAND_REPLY_CREATE,
              .reply_create = {
                  .org = f->org, .reply = f->reply, .at_ms = NOW_MS, .shortcut = BYTES("hi"), .text = BYTES("Hello")}});
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[128];
    store_close(f->store);
    snprintf(command, sizeof(command), "rm -r %s", f->directory);
    assert_int_equal(system(command), 0);
    buffer_dispose(&f->found);
    free(f);
    return 0;
}

/* ---- looking ------------------------------------------------------------------------------------------------- */

static void on_broken(void *context, const char *sentence)
{
    struct fixture *f = context;
    buffer_printf(&f->found, "%s\n", sentence);
}

static void look(struct fixture *f)
{
    struct reader *reader = reader_open(f->store);
    struct txn *txn = reader_begin(reader);
    assert_non_null(txn);
    buffer_clear(&f->found);
    check_store(txn, on_broken, f, &f->report);
    reader_end(reader);
    reader_close(reader);
    buffer_append(&f->found, "", 1);
}

static void assert_clean(struct fixture *f)
{
    look(f);
    assert_string_equal(f->found.data, "");
    assert_int_equal(f->report.broken, 0);
}

/* Each of the sentences, and no more things than `count`, must have been found. */
static void assert_found(struct fixture *f, uint64_t count, const char *sentence)
{
    look(f);
    if (strstr(f->found.data, sentence) == NULL || f->report.broken != count)
        fail_msg("expected %llu with \"%s\", found:\n%s", (unsigned long long)count, sentence, f->found.data);
    assert_null(strstr(f->found.data, "v_one"));
}

/* ---- breaking ------------------------------------------------------------------------------------------------ */

static struct txn *begin(struct fixture *f)
{
    struct txn *txn;
    assert_int_equal(write_begin(f->store, &txn), OK);
    return txn;
}

static struct bytes id_bytes(const struct id *id)
{
    return bytes_view(id->bytes, ID_LEN);
}

static void put(struct fixture *f, enum table table, struct bytes key, struct bytes value)
{
    struct txn *txn = begin(f);
    assert_int_equal(table_put(txn, table, key, value), OK);
    assert_int_equal(write_commit(txn), OK);
}

static void del(struct fixture *f, enum table table, struct bytes key)
{
    struct txn *txn = begin(f);
    assert_int_equal(table_del(txn, table, key), OK);
    assert_int_equal(write_commit(txn), OK);
}

/* An agent of `org` who is logged in, and may choose a new password. */
struct account {
    struct id agent, session, link;
};

static struct account make_account(struct fixture *f)
{
    struct account account = {fresh(f), fresh(f), fresh(f)};
    apply(f, (struct command){.kind = COMMAND_AGENT_CREATE,
                              .agent_create = {.agent = account.agent,
                                               .email = BYTES("jane@example.com"),
                                               .name = BYTES("Jane"),
                                               .org = f->org,
                                               .role = BYTES("owner"),
                                               .at_ms = NOW_MS}});
    apply(f, (struct command){.kind = COMMAND_SESSION_CREATE,
                              .session_create = {.session = account.session,
                                                 .agent = account.agent,
                                                 .secret_hash = BYTES("0123456789abcdef0123456789abcdef"),
                                                 .at_ms = NOW_MS}});
    apply(f, (struct command){.kind = COMMAND_LINK_CREATE,
                              .link_create = {.link = account.link,
                                              .kind = BYTES("reset"),
                                              .agent = account.agent,
                                              .secret_hash = BYTES("0123456789abcdef0123456789abcdef"),
                                              .expires_at_ms = NOW_MS + 1,
                                              .at_ms = NOW_MS}});
    return account;
}

static struct key pair_of(struct id one, struct id other)
{
    struct key key;
    pair_key(&key, one, other);
    return key;
}

/* Reads a record, lets the statement change it, and writes it back. */
#define CHANGE(f, record, key, ...)                                 \
    do {                                                            \
        struct txn *change_txn = begin(f);                          \
        struct record it;                                           \
        assert_int_equal(record##_get(change_txn, (key), &it), OK); \
        __VA_ARGS__;                                                \
        assert_int_equal(record##_put(change_txn, &it), OK);        \
        assert_int_equal(write_commit(change_txn), OK);             \
    } while (0)

#define CHANGE_MESSAGE(f, index, ...)                                                             \
    do {                                                                                          \
        struct txn *change_txn = begin(f);                                                        \
        struct message it;                                                                        \
        assert_int_equal(message_get(change_txn, (f)->first, (f)->message_seqs[index], &it), OK); \
        __VA_ARGS__;                                                                              \
        assert_int_equal(message_put(change_txn, &it), OK);                                       \
        assert_int_equal(write_commit(change_txn), OK);                                           \
    } while (0)

static void put_alias(struct fixture *f, const char *text, struct id target)
{
    struct txn *txn = begin(f);
    struct alias alias = {.org = f->org, .text = bytes_of_string(text), .target = target};
    assert_int_equal(alias_put(txn, &alias), OK);
    assert_int_equal(write_commit(txn), OK);
}

/* ---- clean --------------------------------------------------------------------------------------------------- */

static void test_what_the_rules_have_made_is_clean(void **state)
{
    struct fixture *f = *state;
    assert_clean(f);
    assert_int_equal(f->report.rows[TABLE_ORGS], 2);
    assert_int_equal(f->report.rows[TABLE_VISITORS], 2);
    assert_int_equal(f->report.rows[TABLE_CONVERSATIONS], 4);
    assert_int_equal(f->report.rows[TABLE_MESSAGES], 4 + 2);
    assert_int_equal(f->report.rows[TABLE_CONVERSATION_BY_MARK], 1);
    assert_int_equal(f->report.stale_activity, 4);
    assert_int_equal(f->report.stale_seen, 0);
    assert_int_equal(f->report.stale_updated, 2); /* two conversations have messages of the minute after */
}

static void test_a_visitor_seen_again_leaves_a_stale_entry(void **state)
{
    struct fixture *f = *state;
    apply(f,
          (struct command){.kind = COMMAND_VISITOR_TOUCH,
                           .visitor_touch = {.org = f->org, .visitor_key = BYTES("v_one"), .at_ms = NOW_MS + 120000}});
    assert_clean(f);
    assert_int_equal(f->report.stale_seen, 1);
}

static void test_each_step_of_a_deletion_is_clean(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = {.more = true};
    put_alias(f, "old-1", f->first);
    put_alias(f, "old-2", f->visitor);
    make_account(f);
    apply(f, (struct command){.kind = COMMAND_ORG_DELETE, .org_delete = {.org = f->org, .at_ms = NOW_MS}});
    assert_clean(f);
    assert_int_equal(f->report.orgs_deleted, 1);
    for (unsigned steps = 0; outcome.more; ++steps) {
        assert_true(steps < 100);
        outcome = apply(f, (struct command){.kind = COMMAND_ORG_PURGE, .org_purge = {.org = f->org, .limit = 1}});
        assert_clean(f);
    }
    assert_int_equal(f->report.orgs_deleted, 0);
    assert_int_equal(f->report.rows[TABLE_ORGS], 1);
    static const enum table emptied[] = {TABLE_TOKENS,
                                         TABLE_VISITORS,
                                         TABLE_VISITOR_BY_KEY,
                                         TABLE_VISITOR_BY_SEEN,
                                         TABLE_CONVERSATIONS,
                                         TABLE_CONVERSATION_BY_ACTIVITY,
                                         TABLE_CONVERSATION_BY_UPDATED,
                                         TABLE_CONVERSATION_BY_MARK,
                                         TABLE_MESSAGES,
                                         TABLE_ALIASES,
                                         TABLE_MEMBERS,
                                         TABLE_MEMBER_BY_AGENT};
    for (size_t i = 0; i < sizeof(emptied) / sizeof(emptied[0]); ++i)
        assert_int_equal(f->report.rows[emptied[i]], 0);
}

/* ---- broken -------------------------------------------------------------------------------------------------- */

static void test_organisations(void **state)
{
    struct fixture *f = *state;
    del(f, TABLE_ORG_BY_KEY, BYTES("acme"));
    assert_found(f, 1, "org_by_key does not lead to it");
    put(f, TABLE_ORG_BY_KEY, BYTES("acme"), id_bytes(&f->other_org));
    assert_found(f, 2, "org_by_key \"acme\": its organisation has another key");
    put(f, TABLE_ORG_BY_KEY, BYTES("acme"), id_bytes(&f->visitor));
    assert_found(f, 2, "org_by_key \"acme\": its organisation does not exist");
    put(f, TABLE_ORG_BY_KEY, BYTES("acme"), BYTES("short"));
    assert_found(f, 2, "org_by_key \"acme\": the value has 5 bytes and should have 16");
    put(f, TABLE_ORG_BY_KEY, BYTES("acme"), id_bytes(&f->org));
    assert_clean(f);
    CHANGE(f, org, f->other_org, it.deleted = true);
    assert_found(f, 1, "org_by_key \"other\": its organisation is deleted");
    CHANGE(f, org, f->other_org, it.deleted = false, it.updated_at_ms = -1);
    assert_found(f, 1, "one of its times is out of range");
}

static void test_tokens(void **state)
{
    struct fixture *f = *state;
    CHANGE(f, token, f->token, it.org = f->visitor);
    assert_found(f, 1, "does not exist");
    CHANGE(f, token, f->token, it.org = f->org, it.secret_hash = BYTES("short"));
    assert_found(f, 1, "the hash of its secret has 5 bytes");
}

static void test_a_visitor_and_its_key(void **state)
{
    struct fixture *f = *state;
    struct key key;
    visitor_key_key(&key, f->org, BYTES("v_one"));
    del(f, TABLE_VISITOR_BY_KEY, key_view(&key));
    assert_found(f, 1, "visitor_by_key does not lead to it");
    put(f, TABLE_VISITOR_BY_KEY, key_view(&key), id_bytes(&f->other_visitor));
    assert_found(f, 2, "its visitor has another key");
    put(f, TABLE_VISITOR_BY_KEY, key_view(&key), id_bytes(&f->token));
    assert_found(f, 2, "its visitor does not exist");
    put(f, TABLE_VISITOR_BY_KEY, key_view(&key), id_bytes(&f->visitor));
    visitor_key_key(&key, f->other_org, BYTES("v_one"));
    put(f, TABLE_VISITOR_BY_KEY, key_view(&key), id_bytes(&f->visitor));
    assert_found(f, 1, "its visitor is of another organisation");
}

static void test_a_visitor_and_when_it_was_seen(void **state)
{
    struct fixture *f = *state;
    struct key key;
    visitor_seen_key(&key, f->org, NOW_MS, f->visitor);
    del(f, TABLE_VISITOR_BY_SEEN, key_view(&key));
    assert_found(f, 1, "visitor_by_seen has no entry for when it was last seen");
    visitor_seen_key(&key, f->other_org, NOW_MS, f->visitor);
    put(f, TABLE_VISITOR_BY_SEEN, key_view(&key), BYTES_NONE);
    assert_found(f, 2, "its visitor is of another organisation");
    put(f, TABLE_VISITOR_BY_SEEN, BYTES("x"), BYTES_NONE);
    assert_found(f, 3, "the key has 1 bytes and should have 36");
}

static void test_a_visitors_chain(void **state)
{
    struct fixture *f = *state;
    CHANGE(f, visitor, f->visitor, it.conversation_count = 3);
    assert_found(f, 1, "it counts 3 conversations, and its chain has 2");
    CHANGE(f, visitor, f->visitor, it.conversation_count = 1);
    assert_found(f, 1, "it counts 1 conversations, and its chain has more");
    CHANGE(f, visitor, f->visitor, it.conversation_count = 2, it.last_conversation = f->anonymous);
    assert_found(f, 3, "which is not its own");
    CHANGE(f, visitor, f->visitor, it.last_conversation = f->org);
    assert_found(f, 3, "which does not exist");
    CHANGE(f, visitor, f->visitor, it.last_conversation = f->second);
    assert_clean(f);
    CHANGE(f, conversation, f->second, it.previous_of_visitor = f->second);
    assert_found(f, 2, "its chain has more");
}

static void test_a_conversation_that_no_chain_reaches_is_named(void **state)
{
    struct fixture *f = *state;
    char id[ID_TEXT_LEN + 1] = "", sentence[128];
    CHANGE(f, conversation, f->anonymous, it.visitor = f->visitor);
    id_format(f->anonymous, id);
    snprintf(sentence, sizeof(sentence), "conversations %s: the chain of its visitor", id);
    assert_found(f, 1, sentence);
}

static void test_a_conversation_and_its_visitor(void **state)
{
    struct fixture *f = *state;
    CHANGE(f, conversation, f->anonymous, it.visitor = f->token);
    assert_found(f, 1, "its visitor");
    CHANGE(f, conversation, f->anonymous, it.visitor = ID_NONE, it.previous_of_visitor = f->first);
    assert_found(f, 1, "it has no visitor and yet one before it");
    CHANGE(f, conversation, f->anonymous, it.previous_of_visitor = ID_NONE, it.org = f->token);
    look(f);
    assert_non_null(strstr(f->found.data, "its organisation"));
}

static void test_a_conversation_and_its_activity(void **state)
{
    struct fixture *f = *state;
    struct key key;
    activity_key(&key, f->org, f->message_seqs[2]);
    del(f, TABLE_CONVERSATION_BY_ACTIVITY, key_view(&key));
    assert_found(f, 2, "conversation_by_activity has no entry for its last change");
    assert_found(f, 2, "it is not in the search index, and will never be");
    put(f, TABLE_CONVERSATION_BY_ACTIVITY, key_view(&key), id_bytes(&f->second));
    assert_found(f, 1, "conversation_by_activity has no entry for its last change");
    put(f, TABLE_CONVERSATION_BY_ACTIVITY, key_view(&key), id_bytes(&f->first));
    activity_key(&key, f->org, 1000);
    put(f, TABLE_CONVERSATION_BY_ACTIVITY, key_view(&key), id_bytes(&f->second));
    assert_found(f, 1, "its sequence number is beyond the last one");
    del(f, TABLE_CONVERSATION_BY_ACTIVITY, key_view(&key));
    activity_key(&key, f->other_org, 1);
    put(f, TABLE_CONVERSATION_BY_ACTIVITY, key_view(&key), id_bytes(&f->first));
    assert_found(f, 1, "is of another organisation");
}

static void test_a_conversation_and_when_it_was_updated(void **state)
{
    struct fixture *f = *state;
    struct key key;
    conversation_updated_key(&key, f->org, NOW_MS + 60000, f->first);
    del(f, TABLE_CONVERSATION_BY_UPDATED, key_view(&key));
    assert_found(f, 1, "conversation_by_updated has no entry for when it was updated");
    put(f, TABLE_CONVERSATION_BY_UPDATED, key_view(&key), BYTES("x"));
    assert_found(f, 1, "the value has 1 bytes and should have 0");
    put(f, TABLE_CONVERSATION_BY_UPDATED, key_view(&key), BYTES_NONE);
    assert_clean(f);
    conversation_updated_key(&key, f->other_org, NOW_MS + 60000, f->first);
    put(f, TABLE_CONVERSATION_BY_UPDATED, key_view(&key), BYTES_NONE);
    assert_found(f, 1, "its conversation is of another organisation");
    del(f, TABLE_CONVERSATION_BY_UPDATED, key_view(&key));
    conversation_updated_key(&key, f->token, NOW_MS, f->first);
    put(f, TABLE_CONVERSATION_BY_UPDATED, key_view(&key), BYTES_NONE);
    assert_found(f, 2, "does not exist");
    del(f, TABLE_CONVERSATION_BY_UPDATED, key_view(&key));
    put(f, TABLE_CONVERSATION_BY_UPDATED, BYTES("x"), BYTES_NONE);
    assert_found(f, 1, "the key has 1 bytes and should have 36");
    del(f, TABLE_CONVERSATION_BY_UPDATED, BYTES("x"));
    uint64_t stale = f->report.stale_updated;
    conversation_updated_key(&key, f->org, NOW_MS, f->visitor);
    put(f, TABLE_CONVERSATION_BY_UPDATED, key_view(&key), BYTES_NONE);
    assert_clean(f);
    assert_int_equal(f->report.stale_updated, stale + 1);
}

static void test_a_conversation_and_its_marks(void **state)
{
    struct fixture *f = *state;
    uint64_t last = f->message_seqs[2];
    CHANGE(f, conversation, f->first, it.visitor_read_seq = last + 1);
    assert_found(f, 1, "its visitor has read up to");
    CHANGE(f, conversation, f->first, it.visitor_read_seq = last, it.agent_read_seq = last + 1);
    assert_found(f, 1, "its organisation has read up to");
    CHANGE(f, conversation, f->first, it.agent_read_seq = last);
    assert_clean(f);
    CHANGE(f, conversation, f->first, it.visitor_read_seq = it.agent_read_seq = 0);
    assert_found(f, 1, "it has been marked, and never read");
    CHANGE(f, conversation, f->first, it.visitor_read_seq = last);
    CHANGE(f, conversation, f->second, it.agent_read_seq = 1); /* it has no message */
    assert_found(f, 2, "its organisation has read up to 1, and its last message is 0");
    assert_found(f, 2, "it has been read, and never marked");
}

static void test_a_mark_and_its_entry(void **state)
{
    struct fixture *f = *state;
    struct key key, other;
    char sentence[128], id[ID_TEXT_LEN + 1] = "";
    mark_key(&key, f->org, f->marked_seq);
    del(f, TABLE_CONVERSATION_BY_MARK, key_view(&key));
    assert_found(f, 1, "conversation_by_mark has no entry for when its marks moved");
    put(f, TABLE_CONVERSATION_BY_MARK, key_view(&key), id_bytes(&f->second));
    assert_found(f, 2, "conversation_by_mark has no entry for when its marks moved");
    assert_found(f, 2, "last moved at 0");
    put(f, TABLE_CONVERSATION_BY_MARK, key_view(&key), id_bytes(&f->token));
    assert_found(f, 2, "does not exist");
    put(f, TABLE_CONVERSATION_BY_MARK, key_view(&key), BYTES("x"));
    assert_found(f, 2, "the value has 1 bytes and should have 16");
    put(f, TABLE_CONVERSATION_BY_MARK, key_view(&key), id_bytes(&f->first));
    assert_clean(f);
    mark_key(&other, f->org, 1);
    put(f, TABLE_CONVERSATION_BY_MARK, key_view(&other), id_bytes(&f->first));
    id_format(f->org, id);
    snprintf(sentence, sizeof(sentence), "conversation_by_mark %s/1: the marks of its conversation", id);
    assert_found(f, 1, sentence);
    del(f, TABLE_CONVERSATION_BY_MARK, key_view(&other));
    mark_key(&other, f->other_org, f->marked_seq);
    put(f, TABLE_CONVERSATION_BY_MARK, key_view(&other), id_bytes(&f->first));
    assert_found(f, 1, "is of another organisation");
    del(f, TABLE_CONVERSATION_BY_MARK, key_view(&other));
    mark_key(&other, f->token, 1);
    put(f, TABLE_CONVERSATION_BY_MARK, key_view(&other), id_bytes(&f->first));
    assert_found(f, 1, "its organisation");
    del(f, TABLE_CONVERSATION_BY_MARK, key_view(&other));
    mark_key(&other, f->org, 1000);
    CHANGE(f, conversation, f->first, it.marked_seq = 1000);
    del(f, TABLE_CONVERSATION_BY_MARK, key_view(&key));
    put(f, TABLE_CONVERSATION_BY_MARK, key_view(&other), id_bytes(&f->first));
    assert_found(f, 1, "its marks moved at 1000, beyond the last sequence number");
}

/* ---- what agents have made of it ---- */

static void test_a_conversation_and_what_is_made_of_it(void **state)
{
    struct fixture *f = *state;
    CHANGE(f, conversation, f->second, it.status = STATUSES);
    assert_found(f, 2, "its status is none"); /* and its entry says something else */
    CHANGE(f, conversation, f->second, it.status = STATUS_OPEN, it.snoozed_until_ms = 0);
    assert_found(f, 3, "conversation_open does not have it as that and its assignee's");
    CHANGE(f, conversation, f->second, it.status = STATUS_SNOOZED);
    assert_found(f, 3, "it is snoozed, and has a time of another status");
    CHANGE(f, conversation, f->second, it.snoozed_until_ms = SNOOZED_UNTIL_MS, it.resolved_at_ms = 5);
    assert_found(f, 1, "it is snoozed, and has a time of another status");
    CHANGE(f, conversation, f->second, it.resolved_at_ms = -1);
    assert_found(f, 2, "one of its times is out of range");
    CHANGE(f, conversation, f->second, it.resolved_at_ms = 0, it.priority = BYTES("soon"));
    assert_found(f, 1, "its priority is none, or one of its tags is no tag");
    CHANGE(f, conversation, f->second, it.priority = BYTES_NONE, it.tags = BYTES("b\na"));
    assert_found(f, 1, "its priority is none, or one of its tags is no tag");
    CHANGE(f, conversation, f->second, it.tags = BYTES_NONE);
    assert_clean(f);
    CHANGE(f, conversation, f->second, it.assignee = f->token); /* whoever has left may still be named, at its place */
    assert_found(f, 2, "its conversation has another status, or another assignee");
}

static void test_the_places_of_a_conversation(void **state)
{
    struct fixture *f = *state;
    struct key open, snooze, other;
    open_key(&open, f->org, STATUS_SNOOZED, ID_NONE, f->second);
    snooze_key(&snooze, SNOOZED_UNTIL_MS, f->second);
    del(f, TABLE_CONVERSATION_OPEN, key_view(&open));
    assert_found(f, 1, "it is snoozed, and conversation_open does not have it");
    put(f, TABLE_CONVERSATION_OPEN, key_view(&open), BYTES("x"));
    assert_found(f, 1, "the value has 1 bytes and should have 0");
    put(f, TABLE_CONVERSATION_OPEN, key_view(&open), BYTES_NONE);
    open_key(&other, f->org, STATUS_PENDING, ID_NONE, f->second);
    put(f, TABLE_CONVERSATION_OPEN, key_view(&other), BYTES_NONE);
    assert_found(f, 1, "its conversation has another status, or another assignee");
    del(f, TABLE_CONVERSATION_OPEN, key_view(&other));
    open_key(&other, f->other_org, STATUS_SNOOZED, ID_NONE, f->second);
    put(f, TABLE_CONVERSATION_OPEN, key_view(&other), BYTES_NONE);
    assert_found(f, 1, "is of another organisation");
    del(f, TABLE_CONVERSATION_OPEN, key_view(&other));
    del(f, TABLE_CONVERSATION_BY_SNOOZE, key_view(&snooze));
    assert_found(f, 1, "conversation_by_snooze has no entry for when its snooze is over");
    put(f, TABLE_CONVERSATION_BY_SNOOZE, key_view(&snooze), id_bytes(&f->other_org));
    assert_found(f, 2, "is of another organisation");
    put(f, TABLE_CONVERSATION_BY_SNOOZE, key_view(&snooze), id_bytes(&f->org));
    snooze_key(&other, SNOOZED_UNTIL_MS + 1, f->second);
    put(f, TABLE_CONVERSATION_BY_SNOOZE, key_view(&other), id_bytes(&f->org));
    assert_found(f, 1, "its conversation is not snoozed until then");
    del(f, TABLE_CONVERSATION_BY_SNOOZE, key_view(&other));
    assert_clean(f);
}

static void test_work_and_its_entry(void **state)
{
    struct fixture *f = *state;
    struct key key, other;
    work_key(&key, f->org, f->note_seqs[1]);
    del(f, TABLE_CONVERSATION_BY_WORK, key_view(&key));
    assert_found(f, 1, "conversation_by_work has no entry for when it was worked on");
    put(f, TABLE_CONVERSATION_BY_WORK, key_view(&key), id_bytes(&f->first));
    assert_found(f, 2, "was last worked on at 0");
    put(f, TABLE_CONVERSATION_BY_WORK, key_view(&key), id_bytes(&f->second));
    work_key(&other, f->org, 1000);
    CHANGE(f, conversation, f->second, it.worked_seq = 1000);
    del(f, TABLE_CONVERSATION_BY_WORK, key_view(&key));
    put(f, TABLE_CONVERSATION_BY_WORK, key_view(&other), id_bytes(&f->second));
    assert_found(f, 1, "it was worked on at 1000, beyond the last sequence number");
}

#define CHANGE_NOTE(f, index, ...)                                                           \
    do {                                                                                     \
        struct txn *change_txn = begin(f);                                                   \
        struct note it;                                                                      \
        assert_int_equal(note_get(change_txn, (f)->second, (f)->note_seqs[index], &it), OK); \
        __VA_ARGS__;                                                                         \
        assert_int_equal(note_put(change_txn, &it), OK);                                     \
        assert_int_equal(write_commit(change_txn), OK);                                      \
    } while (0)

static void test_a_note(void **state)
{
    struct fixture *f = *state;
    CHANGE_NOTE(f, 0, it.content = BYTES(""));
    assert_found(f, 1, "its content is no text");
    CHANGE_NOTE(f, 0, it.content = BYTES("\xff"));
    assert_found(f, 1, "its content is no text");
    CHANGE_NOTE(f, 0, it.content = BYTES("fine"), it.id = ID_NONE);
    assert_found(f, 1, "its id is missing");
    CHANGE_NOTE(f, 0, it.id = f->reply, it.mentions = BYTES("short"));
    assert_found(f, 1, "whom it mentions can't be read");
    CHANGE_NOTE(f, 0, it.mentions = BYTES_NONE, it.ordinal = 2);
    assert_found(f, 1, "it is number 2 of its conversation and follows number 2");
    CHANGE_NOTE(f, 0, it.ordinal = 1, it.org = f->other_org);
    assert_found(f, 1, "is of another organisation");
    CHANGE_NOTE(f, 0, it.org = f->org);
    assert_clean(f);
    CHANGE_NOTE(f, 1, it.conversation = f->anonymous, it.ordinal = 1);
    assert_found(f, 1, "its conversation was last worked on before it, at 0");
}

static void test_a_reply(void **state)
{
    struct fixture *f = *state;
    struct txn *txn = begin(f);
    struct reply reply = {.org = f->org, .id = f->reply, .shortcut = BYTES("a b"), .text = BYTES("")};
    assert_int_equal(reply_put(txn, &reply), OK);
    assert_int_equal(write_commit(txn), OK);
    assert_found(f, 2, "its shortcut is none");
    assert_found(f, 2, "its text is no text of 1 to 8192 bytes");
}

static void test_a_visitors_address(void **state)
{
    struct fixture *f = *state;
    CHANGE(f, visitor, f->visitor, it.email = BYTES("jane@example.org"));
    assert_found(f, 1, "visitor_by_email lacks a word of its address");
    CHANGE(f, visitor, f->visitor, it.email = BYTES(""));
    assert_found(f, 1, "its e-mail address is none");
    CHANGE(f, visitor, f->visitor, it.email = BYTES("no address of v_one"));
    assert_found(f, 2, "its e-mail address is none");
}

/* Erasing leaves entries that lead nowhere; and the number of what is still to be swept is one of ours. */
static void test_what_an_erasure_leaves_is_stale(void **state)
{
    struct fixture *f = *state;
    for (int64_t minute = 1; minute < 4; ++minute)
        apply(f, (struct command){.kind = COMMAND_VISITOR_TOUCH,
                                  .visitor_touch = {
                                      .org = f->org, .visitor_key = BYTES("v_one"), .at_ms = NOW_MS + minute * 60000}});
    apply(f, (struct command){.kind = COMMAND_VISITOR_ERASE,
                              .visitor_erase = {.org = f->org, .visitor_key = BYTES("v_one"), .at_ms = NOW_MS}});
    assert_clean(f);
    assert_int_equal(f->report.rows[TABLE_VISITORS], 1);
    assert_int_equal(f->report.rows[TABLE_CONVERSATIONS], 2);
    assert_int_equal(f->report.rows[TABLE_CONVERSATION_BY_MARK], 0);
    assert_int_equal(f->report.stale_seen, 1); /* of the minute that no message and no record names */
    put(f, TABLE_META, BYTES(META_ERASED), BYTES("x"));
    assert_found(f, 1, "meta \"erased\": the value has 1 bytes and should have 8");
}

static void test_an_alias_and_what_it_stands_for(void **state)
{
    struct fixture *f = *state;
    struct key key;
    put_alias(f, "1770313654000-ab12cd34e", f->first);
    put_alias(f, "old visitor's id is no text", f->visitor);
    assert_found(f, 1, "its text is not 1 to 64 visible ASCII characters");
    alias_key(&key, f->org, BYTES("old visitor's id is no text"));
    del(f, TABLE_ALIASES, key_view(&key));
    put_alias(f, "v-7", f->visitor);
    assert_clean(f);
    assert_int_equal(f->report.rows[TABLE_ALIASES], 2);
    put_alias(f, "v-7", f->token);
    assert_clean(f); /* what retention removes, the alias follows */
    assert_int_equal(f->report.stale_aliases, 1);
    put_alias(f, "v-7", f->visitor);
    alias_key(&key, f->other_org, BYTES("v-7"));
    struct txn *txn = begin(f);
    struct alias theirs = {.org = f->other_org, .text = BYTES("v-7"), .target = f->visitor};
    assert_int_equal(alias_put(txn, &theirs), OK);
    assert_int_equal(write_commit(txn), OK);
    assert_found(f, 1, "is of another organisation");
    put(f, TABLE_ALIASES, key_view(&key), BYTES("\xff not msgpack"));
    assert_found(f, 1, "the record can't be decoded");
    del(f, TABLE_ALIASES, key_view(&key));
    alias_key(&key, f->token, BYTES("v-7"));
    theirs.org = f->token;
    txn = begin(f);
    assert_int_equal(alias_put(txn, &theirs), OK);
    assert_int_equal(write_commit(txn), OK);
    assert_found(f, 1, "does not exist");
}

static void test_an_agent_and_its_address(void **state)
{
    struct fixture *f = *state;
    struct account account = make_account(f);
    struct key key, other;
    assert_clean(f);
    agent_email_key(&key, BYTES("JANE@example.com"));
    agent_email_key(&other, BYTES("joan@example.com"));
    del(f, TABLE_AGENT_BY_EMAIL, key_view(&key));
    assert_found(f, 1, "agent_by_email does not lead to it");
    put(f, TABLE_AGENT_BY_EMAIL, key_view(&key), id_bytes(&f->token));
    assert_found(f, 2, "its agent does not exist");
    assert_found(f, 2, "agent_by_email does not lead to it");
    put(f, TABLE_AGENT_BY_EMAIL, key_view(&key), BYTES("x"));
    assert_found(f, 2, "the value has 1 bytes and should have 16");
    put(f, TABLE_AGENT_BY_EMAIL, key_view(&key), id_bytes(&account.agent));
    put(f, TABLE_AGENT_BY_EMAIL, key_view(&other), id_bytes(&account.agent));
    assert_found(f, 1, "its agent has another address");
    del(f, TABLE_AGENT_BY_EMAIL, key_view(&other));
    char longest[EMAIL_LEN_MAX + 50];
    memset(longest, 'a', sizeof(longest));
    longest[1] = '@';
    struct bytes none[] = {BYTES("no address"), bytes_view(longest, sizeof(longest)), BYTES_NONE};
    for (size_t i = 0; i < 3; ++i) {
        CHANGE(f, agent, account.agent, it.email = none[i]);
        assert_found(f, 1, "its e-mail address is none");
    }
}

static void test_a_member_and_its_other_direction(void **state)
{
    struct fixture *f = *state;
    struct account account = make_account(f);
    struct key key = pair_of(account.agent, f->org);
    del(f, TABLE_MEMBER_BY_AGENT, key_view(&key));
    assert_found(f, 1, "member_by_agent does not lead to it");
    put(f, TABLE_MEMBER_BY_AGENT, key_view(&key), BYTES("x"));
    assert_found(f, 2, "the value has 1 bytes and should have 0");
    put(f, TABLE_MEMBER_BY_AGENT, key_view(&key), BYTES_NONE);
    key = pair_of(account.agent, f->other_org);
    put(f, TABLE_MEMBER_BY_AGENT, key_view(&key), BYTES_NONE);
    assert_found(f, 1, "the agent is no member there");
    del(f, TABLE_MEMBER_BY_AGENT, key_view(&key));
    struct txn *txn = begin(f);
    struct member member = {f->org, account.agent, BYTES("boss"), NOW_MS, {BYTES_NONE, 0}};
    assert_int_equal(member_put(txn, &member), OK);
    assert_int_equal(write_commit(txn), OK);
    assert_found(f, 1, "its role is none");
    member = (struct member){f->other_org, f->token, BYTES("agent"), NOW_MS, {BYTES_NONE, 0}};
    txn = begin(f);
    assert_int_equal(member_put(txn, &member), OK);
    assert_int_equal(write_commit(txn), OK);
    assert_found(f, 3, "does not exist");
    assert_found(f, 3, "member_by_agent does not lead to it");
}

static void test_a_session_and_its_agent(void **state)
{
    struct fixture *f = *state;
    struct account account = make_account(f);
    struct key key = pair_of(account.agent, account.session);
    del(f, TABLE_SESSION_BY_AGENT, key_view(&key));
    assert_found(f, 1, "session_by_agent does not lead to it");
    put(f, TABLE_SESSION_BY_AGENT, key_view(&key), BYTES_NONE);
    key = pair_of(account.agent, f->token);
    put(f, TABLE_SESSION_BY_AGENT, key_view(&key), BYTES_NONE);
    assert_found(f, 1, "the agent has no such session");
    del(f, TABLE_SESSION_BY_AGENT, key_view(&key));
    key = pair_of(f->token, account.session);
    put(f, TABLE_SESSION_BY_AGENT, key_view(&key), BYTES_NONE);
    assert_found(f, 1, "the agent has no such session");
    del(f, TABLE_SESSION_BY_AGENT, key_view(&key));
    CHANGE(f, session, account.session, it.secret_hash = BYTES("short"));
    assert_found(f, 1, "the hash of its secret has 5 bytes");
    CHANGE(f, session, account.session, it.secret_hash = BYTES("0123456789abcdef0123456789abcdef"),
           it.agent = f->token);
    assert_found(f, 3, "its agent");
    assert_found(f, 3, "session_by_agent does not lead to it");
}

static void test_a_link_and_its_agent(void **state)
{
    struct fixture *f = *state;
    struct account account = make_account(f);
    CHANGE(f, link, account.link, it.agent = f->token);
    assert_found(f, 1, "does not exist");
    CHANGE(f, link, account.link, it.agent = ID_NONE);
    assert_clean(f);
    CHANGE(f, link, account.link, it.secret_hash = BYTES("short"));
    assert_found(f, 1, "the hash of its secret has 5 bytes");
}

static void test_an_entry_of_the_audit_log(void **state)
{
    struct fixture *f = *state;
    static const struct {
        uint64_t seq;
        struct bytes action;
        int64_t at_ms;
        const char *found; /* NULL: it is fine */
    } cases[] = {{1, BYTES("act"), NOW_MS, NULL},
                 {1, BYTES(""), NOW_MS, "it does not say what was done, or when"},
                 {1, BYTES("act"), -1, "it does not say what was done, or when"},
                 {1000, BYTES("act"), NOW_MS, "its number is beyond the last one"}};
    struct id orgs[] = {f->other_org, ID_NONE, f->token};
    for (size_t i = 0; i < 4; ++i)
        for (size_t j = 0; j < 3; ++j) {
            struct key key;
            struct txn *txn = begin(f);
            struct audit entry = {
                .org = orgs[j], .seq = cases[i].seq, .at_ms = cases[i].at_ms, .action = cases[i].action};
            assert_int_equal(audit_put(txn, &entry), OK);
            assert_int_equal(write_commit(txn), OK);
            uint64_t expected = (cases[i].found != NULL) + (j == 2);
            if (expected == 0)
                assert_clean(f);
            else
                assert_found(f, expected, j == 2 ? "its organisation" : cases[i].found);
            audit_key(&key, orgs[j], cases[i].seq);
            del(f, TABLE_AUDIT, key_view(&key));
        }
}

static void test_messages_are_numbered_without_a_gap(void **state)
{
    struct fixture *f = *state;
    struct key key;
    message_key(&key, f->first, f->message_seqs[1]);
    del(f, TABLE_MESSAGES, key_view(&key));
    assert_found(f, 2, "it is number 3 of its conversation and follows number 1");
    assert_found(f, 2, "does not exist"); /* where its clientId leads to */
    message_key(&key, f->first, f->message_seqs[2]);
    del(f, TABLE_MESSAGES, key_view(&key));
    assert_found(f, 2, "does not exist");
}

static void test_a_messages_fields(void **state)
{
    struct fixture *f = *state;
    CHANGE_MESSAGE(f, 1, it.role = BYTES("boss"));
    assert_found(f, 1, "its role is neither user nor assistant");
    CHANGE_MESSAGE(f, 1, it.role = BYTES("assistant"), it.content = BYTES("\xff"));
    assert_found(f, 1, "its content is no text of 1 to 32768 bytes");
    CHANGE_MESSAGE(f, 1, it.content = BYTES("x"), it.org = f->other_org);
    assert_found(f, 1, "it is of another organisation than its conversation");
    CHANGE_MESSAGE(f, 1, it.org = f->org, it.id = ID_NONE);
    assert_found(f, 1, "its id is missing or its time out of range");
}

static void test_a_message_and_its_client_id(void **state)
{
    struct fixture *f = *state;
    CHANGE_MESSAGE(f, 1, it.client_id = BYTES("client-2"));
    assert_found(f, 2, "no entry leads to it by its clientId");
    assert_found(f, 2, "has another clientId");
    CHANGE_MESSAGE(f, 1, it.client_id = BYTES("client-1"));
    assert_found(f, 2, "its clientId leads to another message");
    CHANGE_MESSAGE(f, 1, it.client_id = BYTES_NONE);
    assert_found(f, 1, "has no clientId");
    CHANGE_MESSAGE(f, 0, it.client_id = BYTES_NONE);
    assert_found(f, 2, "has no clientId");
}

/* An older helvino noted nothing for a message that came without a clientId. */
static void test_a_message_of_older_data_may_have_no_client_id(void **state)
{
    struct fixture *f = *state;
    struct key block, entries;
    CHANGE_MESSAGE(f, 1, it.client_id = BYTES_NONE);
    message_key(&block, f->first, MESSAGE_CLIENT_BIT);
    key_clear(&entries);
    key_put_u64(&entries, client_id_hash(BYTES("client-1")));
    key_put_u64(&entries, f->message_seqs[0]);
    key_put_u64(&entries, client_id_hash(BYTES("client-3")));
    key_put_u64(&entries, f->message_seqs[2]);
    put(f, TABLE_MESSAGES, key_view(&block), key_view(&entries));
    assert_clean(f);
}

static void test_a_message_without_a_conversation(void **state)
{
    struct fixture *f = *state;
    del(f, TABLE_CONVERSATIONS, id_bytes(&f->anonymous));
    assert_found(f, 2, "its conversation does not exist");
}

static void test_idempotency(void **state)
{
    struct fixture *f = *state;
    struct txn *txn = begin(f);
    struct idempotency first = {.day = 1, .hash = BYTES("0123456789abcdef"), .created_at_ms = NOW_MS};
    assert_int_equal(idempotency_put(txn, &first), OK);
    assert_int_equal(write_commit(txn), OK);
    assert_found(f, 2, "it is kept under another day than its own");
}

static void test_the_last_sequence_number(void **state)
{
    struct fixture *f = *state;
    struct txn *txn = begin(f);
    assert_int_equal(meta_put_u64(txn, META_SEQ, 1), OK);
    assert_int_equal(write_commit(txn), OK);
    look(f);
    assert_non_null(strstr(f->found.data, "is beyond the last one, 1"));
    put(f, TABLE_META, BYTES(META_SEQ), BYTES("x"));
    look(f);
    assert_non_null(strstr(f->found.data, "meta \"seq\": the value has 1 bytes and should have 8"));
}

static void test_records_that_cannot_be_decoded(void **state)
{
    struct fixture *f = *state;
    static const enum table tables[] = {TABLE_ORGS,   TABLE_TOKENS,   TABLE_VISITORS, TABLE_CONVERSATIONS,
                                        TABLE_AGENTS, TABLE_SESSIONS, TABLE_LINKS,    TABLE_IDEMPOTENCY};
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); ++i) {
        struct bytes key = BYTES("0123456789abcdef0123");
        if (tables[i] != TABLE_IDEMPOTENCY)
            key.len = ID_LEN;
        put(f, tables[i], key, BYTES("\xff not msgpack"));
        assert_found(f, 1, "the record can't be decoded");
        del(f, tables[i], key);
        put(f, tables[i], BYTES("short"), BYTES("\x90"));
        assert_found(f, 1, "the key has 5 bytes");
        del(f, tables[i], BYTES("short"));
    }
}

/* ---- damage under the tables --------------------------------------------------------------------------------- */

static void test_a_flipped_bit_is_named(void **state)
{
    struct fixture *f = *state;
    char path[128], *data = NULL;
    size_t len = 0;
    snprintf(path, sizeof(path), "%s/data.mdb", f->directory);
    store_close(f->store);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    data = malloc(1 << 20);
    len = fread(data, 1, 1 << 20, file);
    for (char *at = data; (at = memmem(at, len - (size_t)(at - data), "agent", 5)) != NULL; ++at)
        *at ^= 1;
    rewind(file);
    fwrite(data, 1, len, file);
    fclose(file);
    free(data);
    char why[STORE_WHY_LEN];
    f->store = store_open(&(struct store_config){.directory = f->directory, .mode = STORE_ADMIN}, why);
    assert_non_null(f->store);
    look(f);
    assert_non_null(strstr(f->found.data, "the checksum disagrees"));
    assert_true(f->report.broken >= 2); /* both visitors */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_the_rules_have_made_is_clean, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_visitor_seen_again_leaves_a_stale_entry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_each_step_of_a_deletion_is_clean, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_organisations, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tokens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_visitor_and_its_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_visitor_and_when_it_was_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_visitors_chain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_conversation_that_no_chain_reaches_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_conversation_and_its_visitor, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_conversation_and_its_activity, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_conversation_and_when_it_was_updated, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_conversation_and_its_marks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_mark_and_its_entry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_conversation_and_what_is_made_of_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_places_of_a_conversation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_work_and_its_entry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_note, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_reply, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_visitors_address, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_an_erasure_leaves_is_stale, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_alias_and_what_it_stands_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_agent_and_its_address, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_member_and_its_other_direction, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_session_and_its_agent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_link_and_its_agent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_entry_of_the_audit_log, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_messages_are_numbered_without_a_gap, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_messages_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_message_and_its_client_id, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_message_of_older_data_may_have_no_client_id, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_message_without_a_conversation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_idempotency, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_last_sequence_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_records_that_cannot_be_decoded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_flipped_bit_is_named, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
