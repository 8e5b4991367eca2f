/*
 * Ten thousand random commands: a small model in memory says what each must answer and what must be in the tables at
 * the end; two stores that got the same commands in batches of different sizes must hold the same bytes; and at every
 * stop along the way all invariants hold.
 *
 * HELVINO_SEED repeats a run; the seed is printed when something fails.
 */
#include "core/redacted.h"
#include "dice.h"
#include "world.h"

#include "log/apply.h"
#include "rules/retention.h"

#define COMMANDS 10000
#define ORGS_MAX 64
#define KEYS 24
#define VISITORS_MAX (ORGS_MAX * KEYS)
#define CONVERSATIONS_MAX COMMANDS
#define MESSAGES_MAX COMMANDS
#define CLIENT_IDS 6
#define HASHES 40
#define HOOKS_MAX (2 * ORGS_MAX)
#define DELIVERIES_MAX (8 * COMMANDS)
#define TAGS 4 /* "tag-<n>" */
#define PRIORITIES 3

/* ---- the model ------------------------------------------------------------------------------------------------- */

struct model_org {
    struct id id;
    unsigned key; /* "org-<n>" */
    bool exists, deleted;
    int64_t created_at_ms, updated_at_ms;
    unsigned days[4]; /* by kind of retention: visitors, messages, empty conversations */
    bool redacts;
};

struct model_visitor {
    unsigned org, key; /* "v_<n>" */
    bool exists;
    struct id id;
    int64_t first_seen_at_ms, last_seen_at_ms, created_at_ms, updated_at_ms;
    unsigned agent; /* "agent-<n>"; 0: none */
    int last_conversation;
    unsigned conversations;
    unsigned email;       /* "m@<n>"; 0: none */
    int64_t erased_at_ms; /* the last one of this key */
    int64_t blocked_at_ms;
};

/* Of one organisation; may leave it. */
struct model_agent {
    struct id id;
    unsigned org;
    bool is_member;
};

struct model_conversation {
    struct id id;
    unsigned org;
    int visitor; /* or -1 */
    int64_t created_at_ms, changed_at_ms;
    int previous; /* of the visitor, or -1 */
    unsigned messages;
    int last_message; /* or -1 */
    bool exists, erased;
    int by_client_id[2][CLIENT_IDS]; /* of the user, of the assistant: message, or -1 */
    bool anonymized;
    unsigned removed;
    int read[2]; /* up to which message, by its visitor and by the organisation; or -1 */
    uint64_t marked_seq, worked_seq;
    enum status status;
    int64_t snoozed_until_ms, resolved_at_ms;
    int assignee; /* or -1 */
    unsigned priority, tags, notes;
};

struct model_message {
    struct id id;
    unsigned conversation, ordinal, content; /* content is its number */
    uint64_t seq;
    int64_t at_ms;
    int client_id; /* or -1 */
    bool by_assistant, removed, redacted;
};

struct model_answer {
    unsigned hash;
    int conversation;
    int64_t at_ms;
};

struct model_hook {
    struct id id;
    unsigned org;
    uint64_t wishes;
    bool exists, enabled;
};

/* What a webhook has to be told. */
struct model_delivery {
    unsigned hook;
    enum hook_event event;
    int conversation, visitor; /* that it names, or -1 */
    bool waits;
    uint64_t seq; /* 0: not known, or not yet */
};

static struct {
    struct model_org orgs[ORGS_MAX];
    unsigned org_count;
    struct model_visitor visitors[VISITORS_MAX];
    struct model_conversation conversations[CONVERSATIONS_MAX];
    unsigned conversation_count;
    struct model_message messages[MESSAGES_MAX];
    unsigned message_count;
    struct model_agent agents[COMMANDS];
    unsigned agent_count;
    struct model_answer answers[COMMANDS];
    unsigned answer_count;
    int64_t now_ms;
    struct key next_seen, next_activity, next_updated;
    struct model_hook hooks[HOOKS_MAX];
    unsigned hook_count;
    struct model_delivery deliveries[DELIVERIES_MAX];
    unsigned delivery_count;
} model;

/* What a command must answer, and what the model has to learn from the answer. */
struct expectation {
    enum error error;
    bool checks_id, replayed;
    struct id id;
    int64_t at_ms;
    int replayed_message, fresh_message, purged_org, marked, worked; /* or -1 */
    bool is_sweep;
    enum event_kind event;
    uint64_t erased_conversations, erased_messages, anonymized_conversations;
    unsigned first_delivery, delivery_count; /* that it adds */
};

static struct model_org *living_org(struct id id)
{
    for (unsigned i = 0; i < model.org_count; ++i)
        if (model.orgs[i].exists && !model.orgs[i].deleted && id_equal(model.orgs[i].id, id))
            return &model.orgs[i];
    return NULL;
}

static struct model_visitor *visitor_at(unsigned org, unsigned key)
{
    return &model.visitors[org * KEYS + key];
}

/* ---- texts that outlive their command -------------------------------------------------------------------------- */

static struct bytes numbered(const char *prefix, unsigned number)
{
    static char texts[6][64 * 1024][24];
    static const char *prefixes[6];
    unsigned which = 0;
    while (prefixes[which] != NULL && strcmp(prefixes[which], prefix) != 0)
        ++which;
    prefixes[which] = prefix;
    char *text = texts[which][number];
    int len = snprintf(text, sizeof(texts[0][0]), "%s%u", prefix, number);
    return bytes_view(text, (size_t)len);
}

/* What a message without a clientId has there. */
static struct bytes text_of(struct id id)
{
    static char text[ID_TEXT_LEN];
    id_format(id, text);
    return bytes_view(text, ID_TEXT_LEN);
}

static struct bytes hash_text(unsigned number)
{
    static char texts[HASHES][17];
    snprintf(texts[number], sizeof(texts[0]), "hash %011u", number);
    return bytes_view(texts[number], IDEMPOTENCY_HASH_LEN);
}

static struct bytes content_text(unsigned number)
{
    static char text[4000];
    int len = snprintf(text, sizeof(text), "content %u ", number);
    size_t more = number % 11 == 0 ? number % 3500 : number % 60;
    memset(text + len, 'a' + (int)(number % 26), more);
    return bytes_view(text, (size_t)len + more);
}

/* ---- the commands ---------------------------------------------------------------------------------------------- */

static unsigned any_org(void)
{
    /* The newest one or two most of the time: the others are mostly gone. */
    return below(20) == 0 ? below(model.org_count)
                          : model.org_count - 1 - below(model.org_count < 3 ? model.org_count : 3);
}

/* It happens in the organisation, and waits for each of its webhooks that wants to hear of it. */
static void model_tells(struct expectation *expected, unsigned org, enum hook_event event, int conversation,
                        int visitor)
{
    for (unsigned i = 0; i < model.hook_count; ++i) {
        const struct model_hook *hook = &model.hooks[i];
        if (!hook->exists || hook->org != org || !hook->enabled || (hook->wishes & HOOK_BIT(event)) == 0)
            continue;
        assert_true(model.delivery_count < DELIVERIES_MAX);
        if (expected->delivery_count++ == 0)
            expected->first_delivery = model.delivery_count;
        model.deliveries[model.delivery_count++] = (struct model_delivery){i, event, conversation, visitor, true, 0};
    }
}

static void model_tells_visitor(struct expectation *expected, unsigned org, const struct model_visitor *visitor,
                                bool was_there)
{
    if (visitor != NULL && !was_there)
        model_tells(expected, org, HOOK_VISITOR_CREATED, -1, (int)(visitor - model.visitors));
}

/* Applies the sighting of a visitor to the model, as each write of one does. */
static void model_sees(struct model_visitor *visitor, struct id fresh, unsigned org, unsigned key, unsigned agent)
{
    if (!visitor->exists)
        *visitor = (struct model_visitor){.erased_at_ms = visitor->erased_at_ms,
                                          .org = org,
                                          .key = key,
                                          .exists = true,
                                          .id = fresh,
                                          .first_seen_at_ms = model.now_ms,
                                          .last_seen_at_ms = model.now_ms,
                                          .created_at_ms = model.now_ms,
                                          .last_conversation = -1};
    if (model.now_ms > visitor->last_seen_at_ms)
        visitor->last_seen_at_ms = model.now_ms;
    visitor->updated_at_ms = model.now_ms;
    if (agent != 0)
        visitor->agent = agent;
}

/* Only while its conversation is there; and the hash of another organisation's caller would be another. */
static const struct model_answer *kept_answer(unsigned org, unsigned hash)
{
    for (unsigned i = model.answer_count; i-- > 0;) {
        const struct model_answer *answer = &model.answers[i];
        const struct model_conversation *conversation = &model.conversations[answer->conversation];
        if (answer->hash == hash)
            return conversation->exists && !conversation->anonymized && conversation->org == org &&
                           model.now_ms - answer->at_ms < DAY_MS
                       ? answer
                       : NULL;
    }
    return NULL;
}

static struct command random_org_create(struct expectation *expected)
{
    struct model_org *org = &model.orgs[model.org_count];
    unsigned key = below(3 * ORGS_MAX);
    struct command command = {
        .kind = COMMAND_ORG_CREATE,
        .org_create = {.org = next_id(), .key = numbered("org-", key), .name = BYTES("name"), .at_ms = model.now_ms}};
    for (unsigned i = 0; i < model.org_count; ++i)
        if (model.orgs[i].exists && !model.orgs[i].deleted && model.orgs[i].key == key)
            expected->error = ERR_CONFLICT;
    if (model.org_count == ORGS_MAX - 1)
        expected->error = ERR_CONFLICT, command.org_create.key = numbered("org-", model.orgs[0].key);
    if (expected->error != OK)
        return command;
    *org = (struct model_org){.id = command.org_create.org,
                              .key = key,
                              .exists = true,
                              .created_at_ms = model.now_ms,
                              .updated_at_ms = model.now_ms};
    ++model.org_count;
    expected->checks_id = true;
    expected->id = org->id;
    expected->at_ms = INT64_MIN;
    return command;
}

static struct command random_org_delete(struct expectation *expected)
{
    struct model_org *org = &model.orgs[1 + below(model.org_count - 1)];
    struct command command = {.kind = COMMAND_ORG_DELETE, .org_delete = {.org = org->id, .at_ms = model.now_ms}};
    expected->error = org->exists && !org->deleted ? OK : ERR_NOT_FOUND;
    if (expected->error == OK) {
        org->deleted = true;
        org->updated_at_ms = model.now_ms;
    }
    return command;
}

static struct command random_org_purge(struct expectation *expected)
{
    unsigned at = below(model.org_count);
    struct model_org *org = &model.orgs[at];
    expected->error = !org->exists ? ERR_NOT_FOUND : !org->deleted ? ERR_CONFLICT : OK;
    expected->purged_org = expected->error == OK ? (int)at : -1;
    return (struct command){.kind = COMMAND_ORG_PURGE,
                            .org_purge = {.org = org->id, .limit = below(4) == 0 ? 1 + below(3) : 1 + below(200)}};
}

/* A new conversation of this visitor, or of nobody; gives its number. */
static int model_converses(struct id id, unsigned org, struct model_visitor *visitor, int64_t created_at_ms,
                           int64_t changed_at_ms)
{
    int number = (int)model.conversation_count++;
    struct model_conversation *conversation = &model.conversations[number];
    *conversation = (struct model_conversation){.id = id,
                                                .org = org,
                                                .visitor = visitor == NULL ? -1 : (int)(visitor - model.visitors),
                                                .created_at_ms = created_at_ms,
                                                .changed_at_ms = changed_at_ms,
                                                .previous = visitor == NULL ? -1 : visitor->last_conversation,
                                                .last_message = -1,
                                                .exists = true};
    conversation->assignee = -1;
    for (unsigned i = 0; i < CLIENT_IDS; ++i)
        conversation->by_client_id[0][i] = conversation->by_client_id[1][i] = -1;
    conversation->read[0] = conversation->read[1] = -1;
    if (visitor != NULL) {
        visitor->last_conversation = number;
        ++visitor->conversations;
    }
    return number;
}

static bool is_blocked(const struct model_visitor *visitor)
{
    return visitor != NULL && visitor->exists && visitor->blocked_at_ms != 0;
}

static struct command random_conversation_create(struct expectation *expected)
{
    unsigned org = any_org(), key = below(KEYS), agent = below(3), hash = below(HASHES);
    bool with_visitor = below(4) != 0, with_hash = below(5) == 0;
    struct command command = {
        .kind = COMMAND_CONVERSATION_CREATE,
        .conversation_create = {.org = model.orgs[org].id,
                                .conversation = next_id(),
                                .at_ms = model.now_ms,
                                .visitor_key = with_visitor ? numbered("v_", key) : BYTES_NONE,
                                .visitor = with_visitor ? next_id() : ID_NONE,
                                .user_agent = with_visitor && agent != 0 ? numbered("agent-", agent) : BYTES_NONE,
                                .idempotency = with_hash ? hash_text(hash) : BYTES_NONE}};
    if (living_org(model.orgs[org].id) == NULL) {
        expected->error = ERR_NOT_FOUND;
        return command;
    }
    const struct model_answer *answer = with_hash ? kept_answer(org, hash) : NULL;
    struct model_visitor *visitor = with_visitor ? visitor_at(org, key) : NULL;
    bool was_there = visitor != NULL && visitor->exists;
    if (is_blocked(visitor)) {
        expected->error = ERR_BLOCKED;
        return command;
    }
    if (visitor != NULL)
        model_sees(visitor, command.conversation_create.visitor, org, key, agent);
    expected->checks_id = true;
    if (answer != NULL) {
        expected->replayed = true;
        expected->id = model.conversations[answer->conversation].id;
        expected->at_ms = answer->at_ms;
        return command;
    }
    int number = model_converses(command.conversation_create.conversation, org, visitor, model.now_ms, model.now_ms);
    model.conversations[number].status = STATUS_OPEN;
    if (with_hash)
        model.answers[model.answer_count++] = (struct model_answer){hash, number, model.now_ms};
    model_tells_visitor(expected, org, visitor, was_there);
    model_tells(expected, org, HOOK_CONVERSATION_CREATED, number,
                visitor == NULL ? -1 : (int)(visitor - model.visitors));
    expected->id = command.conversation_create.conversation;
    expected->at_ms = model.now_ms;
    expected->event = EVENT_CONVERSATION;
    return command;
}

static bool model_lets_write(unsigned org, const struct model_conversation *conversation, bool by_org,
                             bool with_visitor, unsigned key)
{
    if (!conversation->exists || conversation->org != org || living_org(model.orgs[org].id) == NULL)
        return false;
    if (by_org || (conversation->visitor < 0 && !conversation->anonymized))
        return true;
    return with_visitor && conversation->visitor == (int)(org * KEYS + key) && visitor_at(org, key)->exists;
}

static enum error model_refusal(unsigned org, const struct model_conversation *conversation, bool by_org,
                                bool with_visitor, unsigned key)
{
    if (living_org(model.orgs[org].id) != NULL && !by_org && with_visitor && is_blocked(visitor_at(org, key)))
        return ERR_BLOCKED;
    return model_lets_write(org, conversation, by_org, with_visitor, key) ? OK : ERR_NOT_FOUND;
}

/* Whoever has left loses what is opened again. */
static void model_sets_status(struct model_conversation *conversation, enum status status, int64_t until_ms)
{
    bool was_resolved = conversation->status == STATUS_RESOLVED;
    conversation->status = status;
    conversation->snoozed_until_ms = status == STATUS_SNOOZED ? until_ms : 0;
    if (status != STATUS_RESOLVED)
        conversation->resolved_at_ms = 0;
    else if (!was_resolved)
        conversation->resolved_at_ms = model.now_ms;
    if (was_resolved && status != STATUS_RESOLVED && conversation->assignee >= 0 &&
        !model.agents[conversation->assignee].is_member)
        conversation->assignee = -1;
}

/* What the organisation's side knows of it is another thing now. */
static void model_works(struct expectation *expected, unsigned at, bool has_another_status)
{
    const struct model_conversation *conversation = &model.conversations[at];
    expected->worked = (int)at;
    if (has_another_status)
        model_tells(expected, conversation->org, HOOK_CONVERSATION_STATUS, (int)at, conversation->visitor);
}

static void model_says(struct id id, unsigned at, int64_t at_ms, int client_id, bool by_assistant)
{
    struct model_conversation *conversation = &model.conversations[at];
    unsigned number = model.message_count++;
    model.messages[number] = (struct model_message){.id = id,
                                                    .conversation = at,
                                                    .ordinal = ++conversation->messages,
                                                    .content = number,
                                                    .at_ms = at_ms,
                                                    .client_id = client_id,
                                                    .by_assistant = by_assistant};
    conversation->last_message = (int)number;
    if (client_id >= 0)
        conversation->by_client_id[by_assistant][client_id] = (int)number;
}

static struct command random_message_create(struct expectation *expected)
{
    /* Mostly one of the newest conversations, mostly by its own organisation and visitor. */
    unsigned at = below(8) == 0 || model.conversation_count < 20 ? below(model.conversation_count)
                                                                 : model.conversation_count - 1 - below(20);
    struct model_conversation *conversation = &model.conversations[at];
    unsigned org = below(10) == 0 ? any_org() : conversation->org, agent = below(3);
    unsigned key = conversation->visitor >= 0 && below(4) != 0 ? (unsigned)conversation->visitor % KEYS : below(KEYS);
    bool by_org = below(4) == 0, with_visitor = below(5) != 0;
    int client_id = below(3) == 0 ? (int)below(CLIENT_IDS) : -1;
    unsigned number = model.message_count;
    struct command command = {
        .kind = COMMAND_MESSAGE_CREATE,
        .message_create = {.org = model.orgs[org].id,
                           .conversation = conversation->id,
                           .message = next_id(),
                           .at_ms = model.now_ms,
                           .role = by_org ? BYTES("assistant") : BYTES("user"),
                           .content = content_text(number),
                           .client_id = client_id < 0 ? BYTES_NONE : numbered("client-", (unsigned)client_id),
                           .by_org = by_org,
                           .visitor_key = with_visitor ? numbered("v_", key) : BYTES_NONE,
                           .visitor = with_visitor ? next_id() : ID_NONE,
                           .user_agent = with_visitor && agent != 0 ? numbered("agent-", agent) : BYTES_NONE}};
    expected->error = model_refusal(org, conversation, by_org, with_visitor, key);
    if (expected->error != OK)
        return command;
    struct model_visitor *visitor = with_visitor ? visitor_at(org, key) : NULL;
    bool was_there = visitor == NULL || visitor->exists;
    if (visitor != NULL && (visitor->exists || (!by_org && conversation->visitor < 0)))
        model_sees(visitor, command.message_create.visitor, org, key, agent);
    model_tells_visitor(expected, org, visitor, was_there || !visitor->exists);
    expected->checks_id = true;
    expected->id = conversation->id;
    expected->at_ms = INT64_MIN;
    if (client_id >= 0 && conversation->by_client_id[by_org][client_id] >= 0) {
        expected->replayed = true;
        expected->replayed_message = conversation->by_client_id[by_org][client_id];
        return command;
    }
    if (!by_org && (conversation->status == STATUS_RESOLVED || conversation->status == STATUS_SNOOZED)) {
        model_sets_status(conversation, STATUS_OPEN, 0);
        model_works(expected, at, true);
    }
    model_says(command.message_create.message, at, model.now_ms, client_id, by_org);
    model_tells(expected, org, HOOK_MESSAGE_CREATED, (int)at, conversation->visitor);
    expected->fresh_message = (int)number;
    expected->event = EVENT_MESSAGE;
    return command;
}

/* ---- what a visitor does about itself, and reading -------------------------------------------------------------- */

static struct bytes email_text(unsigned email)
{
    return email == 0 ? BYTES_NONE : numbered("m@", email);
}

static struct command random_visitor_see(struct expectation *expected)
{
    unsigned org = any_org(), key = below(KEYS), agent = below(3), email = below(5);
    bool forgets = below(4) == 0;
    struct model_visitor *visitor = visitor_at(org, key);
    struct command command = {.kind = COMMAND_VISITOR_SEE,
                              .visitor_see = {.org = model.orgs[org].id,
                                              .visitor_key = numbered("v_", key),
                                              .visitor = next_id(),
                                              .at_ms = model.now_ms,
                                              .user_agent = agent != 0 ? numbered("agent-", agent) : BYTES_NONE,
                                              .email = forgets ? BYTES("") : email_text(email)}};
    if (living_org(model.orgs[org].id) == NULL) {
        expected->error = ERR_NOT_FOUND;
        return command;
    }
    if (is_blocked(visitor)) {
        expected->error = ERR_BLOCKED;
        return command;
    }
    expected->replayed = visitor->exists;
    model_sees(visitor, command.visitor_see.visitor, org, key, agent);
    model_tells_visitor(expected, org, visitor, expected->replayed);
    if (forgets || email != 0)
        visitor->email = forgets ? 0 : email;
    expected->checks_id = true;
    expected->id = visitor->id;
    expected->at_ms = INT64_MIN;
    return command;
}

/* One of the conversation's messages whose number is known by now; -1 when there is none. */
static int any_numbered_message(unsigned conversation)
{
    int number = -1;
    for (unsigned i = model.message_count; i-- > 0;)
        if (model.messages[i].conversation == conversation && model.messages[i].seq != 0 &&
            !model.messages[i].removed && (number < 0 || below(3) == 0))
            number = (int)i;
    return number;
}

static struct command random_conversation_read(struct expectation *expected)
{
    unsigned at =
        model.conversation_count < 40 ? below(model.conversation_count) : model.conversation_count - 1 - below(40);
    struct model_conversation *conversation = &model.conversations[at];
    unsigned org = below(10) == 0 ? any_org() : conversation->org;
    unsigned key = conversation->visitor >= 0 && below(4) != 0 ? (unsigned)conversation->visitor % KEYS : below(KEYS);
    bool by_org = below(3) == 0, with_visitor = !by_org || below(5) == 0, to_the_end = below(2) == 0;
    bool is_empty = conversation->messages == conversation->removed;
    int to = is_empty ? -1 : to_the_end ? conversation->last_message : any_numbered_message(at);
    struct command command = {.kind = COMMAND_CONVERSATION_READ,
                              .conversation_read = {.org = model.orgs[org].id,
                                                    .conversation = conversation->id,
                                                    .by_org = by_org,
                                                    .visitor_key = with_visitor ? numbered("v_", key) : BYTES_NONE,
                                                    .read_seq = to_the_end ? UINT64_MAX
                                                                : to < 0   ? 0
                                                                           : model.messages[to].seq,
                                                    .at_ms = model.now_ms}};
    expected->error = model_refusal(org, conversation, by_org, with_visitor, key);
    if (expected->error != OK)
        return command;
    if (with_visitor && visitor_at(org, key)->exists)
        model_sees(visitor_at(org, key), ID_NONE, org, key, 0);
    expected->checks_id = true;
    expected->id = conversation->id;
    expected->at_ms = INT64_MIN;
    if (to <= conversation->read[by_org])
        return command;
    conversation->read[by_org] = to;
    expected->marked = (int)at;
    expected->event = EVENT_CONVERSATION;
    return command;
}

/* What waits and names the visitor, or a conversation that has gone with it. */
static void model_forgets(const struct model_visitor *visitor)
{
    for (unsigned i = 0; i < model.delivery_count; ++i) {
        struct model_delivery *delivery = &model.deliveries[i];
        if (delivery->visitor == (int)(visitor - model.visitors) ||
            (delivery->conversation >= 0 && model.conversations[delivery->conversation].erased))
            delivery->waits = false;
    }
}

static struct command random_visitor_erase(struct expectation *expected)
{
    unsigned org = any_org(), key = below(KEYS), names = below(4);
    struct model_visitor *visitor = visitor_at(org, key);
    struct command command = {.kind = COMMAND_VISITOR_ERASE,
                              .visitor_erase = {.org = model.orgs[org].id,
                                                .visitor_key = numbered("v_", key),
                                                .at_ms = model.now_ms,
                                                .visitor = names == 0   ? next_id()
                                                           : names == 1 ? visitor->id
                                                                        : ID_NONE,
                                                .anonymizes = below(2) == 0,
                                                .by_visitor = below(2) == 0,
                                                .receipt = next_id()}};
    if (living_org(model.orgs[org].id) == NULL || !visitor->exists || names == 0) {
        expected->error = ERR_NOT_FOUND;
        return command;
    }
    for (int at = visitor->last_conversation, next; at >= 0; at = next) {
        struct model_conversation *conversation = &model.conversations[at];
        next = conversation->previous;
        if (command.visitor_erase.anonymizes) {
            conversation->anonymized = true;
            conversation->visitor = conversation->previous = -1;
            ++expected->anonymized_conversations;
        } else {
            conversation->exists = false;
            conversation->erased = true;
            ++expected->erased_conversations;
            expected->erased_messages += conversation->messages - conversation->removed;
        }
    }
    visitor->exists = false;
    visitor->erased_at_ms = model.now_ms > visitor->erased_at_ms ? model.now_ms : visitor->erased_at_ms;
    model_forgets(visitor);
    model_tells(expected, org, HOOK_VISITOR_ERASED, -1, -1);
    expected->checks_id = true;
    expected->id = visitor->id;
    expected->at_ms = model.now_ms;
    expected->event = EVENT_ERASED;
    return command;
}

/* ---- what agents do --------------------------------------------------------------------------------------------- */

static unsigned any_recent_conversation(void)
{
    return model.conversation_count < 60 ? below(model.conversation_count) : model.conversation_count - 1 - below(60);
}

static int64_t any_time(void)
{
    return model.now_ms - (int64_t)below(2000) * 1700 + 200000;
}

static struct command random_hire(struct expectation *expected)
{
    unsigned org = any_org();
    struct command command = {.kind = COMMAND_AGENT_CREATE,
                              .agent_create = {.agent = next_id(),
                                               .email = numbered("agent@", model.agent_count),
                                               .name = BYTES("name"),
                                               .org = model.orgs[org].id,
                                               .role = BYTES("agent"),
                                               .at_ms = model.now_ms}};
    expected->error = living_org(model.orgs[org].id) == NULL ? ERR_NOT_FOUND : OK;
    if (expected->error == OK)
        model.agents[model.agent_count++] = (struct model_agent){command.agent_create.agent, org, true};
    return command;
}

/* Also of an organisation that is being deleted; then purging may have been there before. */
static struct command random_dismissal(struct expectation *expected)
{
    struct model_agent *agent = &model.agents[below(model.agent_count)];
    struct command command = {
        .kind = COMMAND_MEMBER_REMOVE,
        .member_remove = {.org = living_org(model.orgs[agent->org].id) == NULL ? ID_NONE : model.orgs[agent->org].id,
                          .agent = agent->id,
                          .at_ms = model.now_ms}};
    expected->error = agent->is_member && !id_is_none(command.member_remove.org) ? OK : ERR_NOT_FOUND;
    if (expected->error == OK)
        agent->is_member = false;
    return command;
}

static struct bytes tag_lines(unsigned tags)
{
    static char texts[2][TAGS * 8];
    static unsigned which;
    char *text = texts[which++ % 2];
    int len = 0;
    for (unsigned i = TAGS; i-- > 0;) /* in any order */
        if ((tags >> i & 1) != 0)
            len += snprintf(text + len, sizeof(texts[0]) - (size_t)len, "%stag-%u", len == 0 ? "" : "\n", i);
    return len == 0 ? BYTES_NONE : bytes_view(text, (size_t)len);
}

static struct bytes priority_text(unsigned priority)
{
    static const struct bytes texts[PRIORITIES] = {{NULL, 0}, {"low", 3}, {"urgent", 6}};
    return texts[priority];
}

static bool is_the_same_work(const struct model_conversation *a, const struct model_conversation *b)
{
    return a->status == b->status && a->snoozed_until_ms == b->snoozed_until_ms && a->assignee == b->assignee &&
           a->priority == b->priority && a->tags == b->tags;
}

static void set_randomly(struct conversation_update *update, struct model_conversation *model_after,
                         struct expectation *expected)
{
    unsigned more = below(1 << TAGS), less = below(1 << TAGS);
    if (below(2) == 0) {
        update->set_status = true;
        update->status = below(STATUSES);
        update->snoozed_until_ms = update->status == STATUS_SNOOZED ? model.now_ms + 1 + below(600000) : 0;
        model_sets_status(model_after, (enum status)update->status, update->snoozed_until_ms);
    }
    if (below(2) == 0 && model.agent_count != 0) {
        unsigned agent = model.agent_count - 1 - below(model.agent_count < 8 ? model.agent_count : 8);
        bool is_somebody = below(3) != 0,
             is_fit = model.agents[agent].is_member && model.agents[agent].org == model_after->org;
        update->set_assignee = true;
        update->assignee = is_somebody ? model.agents[agent].id : ID_NONE;
        if (is_somebody && !is_fit && model_after->assignee != (int)agent)
            expected->error = ERR_ASSIGNEE_UNKNOWN;
        model_after->assignee = is_somebody ? (int)agent : -1;
    }
    if (below(3) == 0) {
        update->set_priority = true;
        model_after->priority = below(PRIORITIES);
        update->priority = priority_text(model_after->priority);
    }
    if (below(2) == 0) {
        update->set_tags = below(3) == 0;
        update->add_tags = tag_lines(more);
        update->remove_tags = tag_lines(less);
        model_after->tags = ((update->set_tags ? 0 : model_after->tags) | more) & ~less;
    }
}

static struct command random_update(struct expectation *expected)
{
    unsigned at = any_recent_conversation();
    struct model_conversation *conversation = &model.conversations[at], after = *conversation;
    unsigned org = below(10) == 0 ? any_org() : conversation->org;
    struct command command = {
        .kind = COMMAND_CONVERSATION_UPDATE,
        .conversation_update = {.org = model.orgs[org].id, .conversation = conversation->id, .at_ms = model.now_ms}};
    set_randomly(&command.conversation_update, &after, expected);
    if (!model_lets_write(org, conversation, true, false, 0))
        expected->error = ERR_NOT_FOUND;
    if (expected->error != OK)
        return command;
    expected->checks_id = true;
    expected->id = conversation->id;
    expected->at_ms = INT64_MIN;
    expected->replayed = is_the_same_work(conversation, &after);
    if (expected->replayed)
        return command;
    bool has_another_status = conversation->status != after.status;
    *conversation = after;
    model_works(expected, at, has_another_status);
    expected->event = EVENT_WORK;
    return command;
}

static struct command random_wake(struct expectation *expected)
{
    unsigned at = any_recent_conversation();
    struct model_conversation *conversation = &model.conversations[at];
    bool is_there = conversation->exists && living_org(model.orgs[conversation->org].id) != NULL;
    struct command command = {.kind = COMMAND_CONVERSATION_WAKE,
                              .conversation_wake = {.org = model.orgs[conversation->org].id,
                                                    .conversation = conversation->id,
                                                    .until_ms = conversation->snoozed_until_ms,
                                                    .at_ms = model.now_ms}};
    if (!is_there || conversation->status != STATUS_SNOOZED) {
        command.conversation_wake.until_ms = 1; /* that is in no index */
        return command;
    }
    expected->replayed = conversation->snoozed_until_ms > model.now_ms;
    if (expected->replayed)
        return command;
    model_sets_status(conversation, STATUS_OPEN, 0);
    model_works(expected, at, true);
    expected->event = EVENT_WORK;
    return command;
}

static struct command random_release(struct expectation *expected)
{
    unsigned at = any_recent_conversation();
    struct model_conversation *conversation = &model.conversations[at];
    int assignee = conversation->assignee;
    struct command command = {
        .kind = COMMAND_CONVERSATION_RELEASE,
        .conversation_release = {.org = model.orgs[conversation->org].id,
                                 .conversation = conversation->id,
                                 .agent = assignee < 0 ? conversation->id : model.agents[assignee].id,
                                 .at_ms = model.now_ms}};
    if (!model_lets_write(conversation->org, conversation, true, false, 0)) {
        expected->error = ERR_NOT_FOUND;
        return command;
    }
    expected->replayed = assignee < 0 || model.agents[assignee].is_member;
    if (expected->replayed)
        return command;
    conversation->assignee = -1;
    expected->worked = (int)at;
    expected->event = EVENT_WORK;
    return command;
}

static struct command random_note(struct expectation *expected)
{
    unsigned at = any_recent_conversation();
    struct model_conversation *conversation = &model.conversations[at];
    unsigned org = below(10) == 0 ? any_org() : conversation->org;
    bool is_import = below(4) == 0;
    struct command command = {.kind = COMMAND_NOTE_CREATE,
                              .note_create = {.org = model.orgs[org].id,
                                              .conversation = conversation->id,
                                              .note = next_id(),
                                              .at_ms = model.now_ms,
                                              .content = BYTES("a note")}};
    if (is_import)
        command = (struct command){.kind = COMMAND_NOTE_IMPORT,
                                   .note_import = {.org = model.orgs[org].id,
                                                   .conversation = conversation->id,
                                                   .note = next_id(),
                                                   .content = BYTES("a note"),
                                                   .at_ms = any_time()}};
    if (!model_lets_write(org, conversation, true, false, 0)) {
        expected->error = ERR_NOT_FOUND;
        return command;
    }
    ++conversation->notes;
    expected->worked = (int)at;
    expected->event = is_import ? EVENT_NONE : EVENT_NOTE;
    return command;
}

static struct command random_block(struct expectation *expected)
{
    unsigned org = any_org(), key = below(KEYS);
    struct model_visitor *visitor = visitor_at(org, key);
    bool blocked = below(3) == 0;
    struct command command = {.kind = COMMAND_VISITOR_BLOCK,
                              .visitor_block = {.org = model.orgs[org].id,
                                                .visitor = visitor->exists ? visitor->id : next_id(),
                                                .blocked = blocked,
                                                .at_ms = model.now_ms}};
    if (living_org(model.orgs[org].id) == NULL || !visitor->exists) {
        expected->error = ERR_NOT_FOUND;
        return command;
    }
    expected->replayed = blocked == (visitor->blocked_at_ms != 0);
    if (!expected->replayed)
        visitor->blocked_at_ms = blocked ? model.now_ms : 0;
    return command;
}

/* ---- imports --------------------------------------------------------------------------------------------------- */

/* What is there widens; only the row that changes nothing is a replay. */
static bool model_widens(struct model_visitor *visitor, const struct visitor_import *row, unsigned agent,
                         unsigned email)
{
    struct model_visitor before = *visitor;
    if (row->first_seen_at_ms < visitor->first_seen_at_ms)
        visitor->first_seen_at_ms = row->first_seen_at_ms;
    if (row->updated_at_ms > visitor->updated_at_ms) {
        visitor->updated_at_ms = row->updated_at_ms;
        visitor->email = email != 0 ? email : visitor->email;
    }
    if (row->last_seen_at_ms > visitor->last_seen_at_ms) {
        visitor->last_seen_at_ms = row->last_seen_at_ms;
        visitor->agent = agent != 0 ? agent : visitor->agent;
    }
    return before.first_seen_at_ms != visitor->first_seen_at_ms || before.updated_at_ms != visitor->updated_at_ms ||
           before.last_seen_at_ms != visitor->last_seen_at_ms;
}

static struct command random_visitor_import(struct expectation *expected)
{
    unsigned org = any_org(), key = below(KEYS), agent = below(3), email = below(5);
    struct model_visitor *visitor = visitor_at(org, key);
    bool is_same = visitor->exists && below(2) == 0;
    int64_t first = any_time();
    struct command command = {.kind = COMMAND_VISITOR_IMPORT,
                              .visitor_import = {.org = model.orgs[org].id,
                                                 .visitor = is_same ? visitor->id : next_id(),
                                                 .visitor_key = numbered("v_", key),
                                                 .first_seen_at_ms = first,
                                                 .last_seen_at_ms = first + below(100000),
                                                 .user_agent = agent != 0 ? numbered("agent-", agent) : BYTES_NONE,
                                                 .created_at_ms = first + 1,
                                                 .updated_at_ms = any_time(),
                                                 .email = email_text(email)}};
    const struct visitor_import *row = &command.visitor_import;
    if (living_org(row->org) == NULL) {
        expected->error = ERR_NOT_FOUND;
        return command;
    }
    if (row->created_at_ms < visitor->erased_at_ms) {
        expected->error = ERR_ERASED;
        return command;
    }
    if (visitor->exists)
        expected->replayed = !model_widens(visitor, row, agent, email) && is_same;
    else
        *visitor = (struct model_visitor){org,
                                          key,
                                          true,
                                          row->visitor,
                                          row->first_seen_at_ms,
                                          row->last_seen_at_ms,
                                          row->created_at_ms,
                                          row->updated_at_ms,
                                          agent,
                                          -1,
                                          0,
                                          email,
                                          visitor->erased_at_ms,
                                          0};
    expected->checks_id = true;
    expected->id = visitor->id;
    expected->at_ms = INT64_MIN;
    return command;
}

static struct command random_conversation_import(struct expectation *expected)
{
    unsigned org = any_org(), key = below(KEYS);
    struct model_visitor *visitor = below(4) != 0 && visitor_at(org, key)->exists ? visitor_at(org, key) : NULL;
    struct command command = {.kind = COMMAND_CONVERSATION_IMPORT,
                              .conversation_import = {.org = model.orgs[org].id,
                                                      .conversation = next_id(),
                                                      .visitor = visitor == NULL ? ID_NONE : visitor->id,
                                                      .created_at_ms = any_time(),
                                                      .updated_at_ms = any_time()}};
    const struct conversation_import *row = &command.conversation_import;
    if (living_org(row->org) == NULL) {
        expected->error = ERR_NOT_FOUND;
        return command;
    }
    int number = model_converses(row->conversation, org, visitor, row->created_at_ms, row->updated_at_ms);
    struct model_conversation *conversation = &model.conversations[number];
    conversation->status = (enum status)below(STATUSES);
    conversation->snoozed_until_ms = conversation->status == STATUS_SNOOZED ? any_time() : 0;
    conversation->resolved_at_ms = conversation->status == STATUS_RESOLVED && below(2) == 0 ? any_time() : 0;
    conversation->priority = below(PRIORITIES);
    command.conversation_import.status = conversation->status;
    command.conversation_import.snoozed_until_ms = conversation->snoozed_until_ms;
    command.conversation_import.resolved_at_ms = conversation->resolved_at_ms;
    command.conversation_import.priority = priority_text(conversation->priority);
    if (below(3) == 0) {
        conversation->tags = 3;
        command.conversation_import.tags = BYTES("tag-0\ntag-1");
    }
    expected->checks_id = true;
    expected->id = row->conversation;
    expected->at_ms = INT64_MIN;
    return command;
}

static struct command random_message_import(struct expectation *expected)
{
    unsigned back = model.conversation_count < 20 ? model.conversation_count : 20;
    unsigned at = model.conversation_count - 1 - below(back), number = model.message_count;
    struct model_conversation *conversation = &model.conversations[at];
    unsigned org = below(10) == 0 ? any_org() : conversation->org, client_id = below(CLIENT_IDS);
    bool by_assistant = below(2) == 0;
    struct command command = {.kind = COMMAND_MESSAGE_IMPORT,
                              .message_import = {.org = model.orgs[org].id,
                                                 .conversation = conversation->id,
                                                 .message = next_id(),
                                                 .role = by_assistant ? BYTES("assistant") : BYTES("user"),
                                                 .content = content_text(number),
                                                 .at_ms = any_time(),
                                                 .client_id = numbered("client-", client_id)}};
    if (!conversation->exists || conversation->org != org || living_org(model.orgs[org].id) == NULL) {
        expected->error = ERR_NOT_FOUND;
        return command;
    }
    expected->checks_id = true;
    expected->id = conversation->id;
    expected->at_ms = INT64_MIN;
    int known = conversation->by_client_id[by_assistant][client_id], last = conversation->last_message;
    if (last >= 0 && !model.messages[last].removed && model.messages[last].client_id < 0 &&
        below(2) == 0) { /* the API took it without a clientId */
        command.message_import.message = model.messages[last].id;
        command.message_import.role = model.messages[last].by_assistant ? BYTES("assistant") : BYTES("user");
        command.message_import.client_id = text_of(model.messages[last].id);
        expected->replayed_message = last;
        expected->replayed = true;
        return command;
    }
    if (known >= 0 && below(2) == 0) { /* another message has its clientId */
        expected->error = ERR_CONFLICT;
        expected->checks_id = false;
        return command;
    }
    expected->replayed_message = known;
    expected->replayed = known >= 0;
    if (expected->replayed) {
        command.message_import.message = model.messages[known].id;
        return command;
    }
    model_says(command.message_import.message, at, command.message_import.at_ms, (int)client_id, by_assistant);
    expected->fresh_message = (int)number;
    return command;
}

/* ---- webhooks ---------------------------------------------------------------------------------------------------- */

static struct command random_webhook_create(struct expectation *expected)
{
    static const struct {
        const char *events;
        uint64_t wishes;
    } choices[] = {
        {"message.created", HOOK_BIT(HOOK_MESSAGE_CREATED)},
        {"conversation.created visitor.created", HOOK_BIT(HOOK_CONVERSATION_CREATED) | HOOK_BIT(HOOK_VISITOR_CREATED)},
        {"conversation.status message.created", HOOK_BIT(HOOK_CONVERSATION_STATUS) | HOOK_BIT(HOOK_MESSAGE_CREATED)},
        {"message.created visitor.erased visitor.identified",
         HOOK_BIT(HOOK_MESSAGE_CREATED) | HOOK_BIT(HOOK_VISITOR_ERASED) | HOOK_BIT(HOOK_VISITOR_IDENTIFIED)},
    };
    unsigned org = any_org(), choice = below(4);
    struct command command = {.kind = COMMAND_WEBHOOK_CREATE,
                              .webhook_create = {.org = model.orgs[org].id,
                                                 .webhook = next_id(),
                                                 .at_ms = model.now_ms,
                                                 .url = BYTES("https://example.com/"),
                                                 .secret = BYTES("whsec_x"),
                                                 .events = bytes_of_string(choices[choice].events),
                                                 .enabled = below(4) != 0}};
    if (living_org(model.orgs[org].id) == NULL) {
        expected->error = ERR_NOT_FOUND;
        return command;
    }
    assert_true(model.hook_count < HOOKS_MAX);
    model.hooks[model.hook_count++] = (struct model_hook){command.webhook_create.webhook, org, choices[choice].wishes,
                                                          true, command.webhook_create.enabled};
    expected->checks_id = true;
    expected->id = command.webhook_create.webhook;
    expected->at_ms = INT64_MIN;
    return command;
}

/* One of a living organisation; NULL when luck finds none. */
static struct model_hook *any_hook(void)
{
    for (unsigned tries = 0; tries < 20 && model.hook_count != 0; ++tries) {
        struct model_hook *hook = &model.hooks[below(model.hook_count)];
        if (hook->exists && living_org(model.orgs[hook->org].id) != NULL)
            return hook;
    }
    return NULL;
}

static struct command random_webhook_change(struct expectation *expected)
{
    struct model_hook *hook = any_hook();
    if (hook == NULL)
        return random_webhook_create(expected);
    struct id org = model.orgs[hook->org].id;
    if (below(5) == 0) {
        hook->exists = false;
        for (unsigned i = 0; i < model.delivery_count; ++i)
            model.deliveries[i].waits &= model.deliveries[i].hook != (unsigned)(hook - model.hooks);
        return (struct command){.kind = COMMAND_WEBHOOK_DELETE,
                                .webhook_delete = {.org = org, .webhook = hook->id, .at_ms = model.now_ms}};
    }
    hook->enabled = below(3) != 0;
    return (struct command){
        .kind = COMMAND_WEBHOOK_UPDATE,
        .webhook_update = {
            .org = org, .webhook = hook->id, .at_ms = model.now_ms, .set_enabled = true, .enabled = hook->enabled}};
}

static struct command random_webhook_result(struct expectation *expected)
{
    static const enum hook_verdict verdicts[] = {HOOK_DELIVERED, HOOK_DELIVERED, HOOK_DELIVERED, HOOK_RETRY,
                                                 HOOK_PARK,      HOOK_GONE,      HOOK_VOID};
    struct model_delivery *delivery = NULL;
    for (unsigned tries = 0; tries < 50 && model.delivery_count != 0 && delivery == NULL; ++tries) {
        struct model_delivery *found = &model.deliveries[below(model.delivery_count)];
        if (found->waits && found->seq != 0 && living_org(model.orgs[model.hooks[found->hook].org].id) != NULL)
            delivery = found;
    }
    if (delivery == NULL)
        return random_webhook_create(expected);
    struct model_hook *hook = &model.hooks[delivery->hook];
    enum hook_verdict verdict = verdicts[below(7)];
    delivery->waits = verdict == HOOK_RETRY || verdict == HOOK_GONE;
    hook->enabled &= verdict != HOOK_GONE;
    return (struct command){.kind = COMMAND_WEBHOOK_RESULT,
                            .webhook_result = {.webhook = hook->id,
                                               .seq = delivery->seq,
                                               .event = delivery->event,
                                               .at_ms = model.now_ms,
                                               .verdict = verdict,
                                               .status = below(600)}};
}

/* ---- retention -------------------------------------------------------------------------------------------------- */

static struct command random_org_update(struct expectation *expected)
{
    struct model_org *org = &model.orgs[any_org()];
    unsigned days[4] = {0, below(3), below(3), below(3)};
    bool redacts = below(2) == 0;
    struct command command = {.kind = COMMAND_ORG_UPDATE,
                              .org_update = {.org = org->id,
                                             .at_ms = model.now_ms,
                                             .retain_visitors = days[1] + 1,
                                             .retain_messages = days[2] + 1,
                                             .retain_empty = days[3] + 1,
                                             .set_redact_messages = true,
                                             .redact_messages = redacts}};
    expected->error = org->exists && !org->deleted ? OK : ERR_NOT_FOUND;
    if (expected->error != OK)
        return command;
    memcpy(org->days, days, sizeof(days));
    org->redacts = redacts;
    org->updated_at_ms = model.now_ms;
    return command;
}

static bool is_left(unsigned conversation, const struct model_message *message)
{
    return message->conversation == conversation && !message->removed;
}

static void model_removes(unsigned at, struct model_message *message)
{
    struct model_conversation *conversation = &model.conversations[at];
    message->removed = true;
    if (message->client_id >= 0)
        conversation->by_client_id[message->by_assistant][message->client_id] = -1;
    if (++conversation->removed < conversation->messages)
        return;
    int64_t last_ms = model.messages[conversation->last_message].at_ms;
    conversation->changed_at_ms = last_ms > conversation->changed_at_ms ? last_ms : conversation->changed_at_ms;
    conversation->read[0] = conversation->read[1] = -1;
    conversation->marked_seq = 0;
}

/* From the front, up to one that is not old enough. */
static void model_retains_messages(unsigned at, int64_t before_ms, bool redacts)
{
    for (unsigned i = 0; i < model.message_count; ++i) {
        struct model_message *message = &model.messages[i];
        if (!is_left(at, message) || (redacts && message->redacted))
            continue;
        if (message->at_ms >= before_ms)
            return;
        if (redacts)
            message->redacted = true;
        else
            model_removes(at, message);
    }
}

static void model_retains_visitor(struct model_visitor *visitor)
{
    for (int at = visitor->last_conversation; at >= 0; at = model.conversations[at].previous)
        model.conversations[at].exists = false;
    visitor->exists = false;
    /* What waits is told, and whoever has the key next is somebody else. */
    for (unsigned i = 0; i < model.delivery_count; ++i)
        if (model.deliveries[i].visitor == (int)(visitor - model.visitors))
            model.deliveries[i].visitor = -1;
}

/* The conversation that the visitor had next, or -1. */
static int newer_than(unsigned at)
{
    const struct model_conversation *conversation = &model.conversations[at];
    if (conversation->visitor < 0)
        return -1;
    int newer = -1, each = model.visitors[conversation->visitor].last_conversation;
    for (; each >= 0 && each != (int)at; each = model.conversations[each].previous)
        newer = each;
    return newer;
}

static void model_retains_empty(unsigned at, int newer)
{
    struct model_conversation *conversation = &model.conversations[at];
    conversation->exists = false;
    if (conversation->visitor < 0)
        return;
    struct model_visitor *visitor = &model.visitors[conversation->visitor];
    --visitor->conversations;
    if (newer < 0)
        visitor->last_conversation = conversation->previous;
    else
        model.conversations[newer].previous = conversation->previous;
}

static bool is_gone_or_young(const struct model_conversation *conversation, int64_t before_ms)
{
    return !conversation->exists || conversation->messages != conversation->removed ||
           conversation->created_at_ms >= before_ms || conversation->changed_at_ms >= before_ms;
}

static struct command random_retain(struct expectation *expected)
{
    static struct id subject[2];
    unsigned at = model.conversation_count < 200 || below(3) == 0 ? below(model.conversation_count)
                                                                  : model.conversation_count - 1 - below(200);
    struct model_conversation *conversation = &model.conversations[at];
    unsigned org = conversation->org, kind = 1 + below(3);
    struct model_visitor *visitor = visitor_at(org, below(KEYS));
    int newer = newer_than(at);
    bool wrong = below(6) == 0;
    int64_t at_ms = model.now_ms + (int64_t)below(4) * DAY_MS; /* as if it were later: it comes in the command */
    int64_t before_ms = at_ms - (int64_t)model.orgs[org].days[kind] * DAY_MS;
    subject[0] = kind == 1 ? visitor->id : conversation->id;
    if (kind == 3) {
        subject[0] = wrong ? next_id() : newer < 0 ? ID_NONE : model.conversations[newer].id;
        subject[1] = conversation->id;
    }
    struct command command = {
        .kind = COMMAND_RETAIN,
        .retain = {.org = model.orgs[org].id,
                   .kind = kind,
                   .at_ms = at_ms,
                   .limit = UINT64_MAX,
                   .subjects = bytes_view(subject, kind == 3 ? sizeof(subject) : sizeof(subject[0]))}};
    if (living_org(model.orgs[org].id) == NULL)
        expected->error = ERR_NOT_FOUND;
    if (expected->error != OK || model.orgs[org].days[kind] == 0)
        return command;
    if (kind == 1 && visitor->exists && visitor->last_seen_at_ms < before_ms)
        model_retains_visitor(visitor);
    if (kind == 2 && conversation->exists)
        model_retains_messages(at, before_ms, model.orgs[org].redacts);
    if (kind == 3 && !is_gone_or_young(conversation, before_ms) && (!wrong || conversation->visitor < 0))
        model_retains_empty(at, newer);
    return command;
}

/* ---- maintenance ----------------------------------------------------------------------------------------------- */

static struct command random_touch(void)
{
    unsigned org = any_org(), key = below(KEYS);
    struct model_visitor *visitor = visitor_at(org, key);
    struct command command = {
        .kind = COMMAND_VISITOR_TOUCH,
        .visitor_touch = {.org = model.orgs[org].id, .visitor_key = numbered("v_", key), .at_ms = model.now_ms}};
    /* Also while its organisation is being deleted, for as long as it is there: then its record goes anyway. */
    if (visitor->exists)
        model_sees(visitor, ID_NONE, org, key, 0);
    return command;
}

static struct command random_sweep(struct expectation *expected)
{
    expected->is_sweep = true;
    return (struct command){.kind = COMMAND_SWEEP,
                            .sweep = {.at_ms = model.now_ms,
                                      .limit = 1 + below(below(3) == 0 ? 500 : 20),
                                      .from_seen = key_view(&model.next_seen),
                                      .from_activity = key_view(&model.next_activity),
                                      .from_updated = key_view(&model.next_updated)}};
}

/* Keeping up the search index changes no answer of any other command. */
static struct command random_search_step(struct expectation *expected)
{
    struct id org = model.orgs[any_org()].id;
    if (below(4) == 0)
        return (struct command){.kind = COMMAND_SEARCH_BUILD, .search_build = {.limit = 1 + below(200)}};
    if (below(300) == 0)
        return (struct command){.kind = COMMAND_SEARCH_REBUILD, .search_rebuild = {.at_ms = model.now_ms}};
    expected->error = living_org(org) == NULL ? ERR_NOT_FOUND : OK;
    return (struct command){.kind = COMMAND_SEARCH_INDEX,
                            .search_index = {.org = org, .limit = 1 + below(below(3) ? 8 : 200)}};
}

static void advance_time(void)
{
    static const int64_t steps[] = {0, 0, 1, 7, 400, 2000, 30000, MINUTE_MS, 7 * MINUTE_MS, -3000, -70000};
    model.now_ms += steps[below(sizeof(steps) / sizeof(steps[0]))];
    if (below(500) == 0)
        model.now_ms += DAY_MS / 3;
}

static struct command random_command(struct expectation *expected)
{
    *expected =
        (struct expectation){.replayed_message = -1, .fresh_message = -1, .purged_org = -1, .marked = -1, .worked = -1};
    advance_time();
    unsigned dice = below(1000);
    if (model.org_count < 2 || dice < 8)
        return random_org_create(expected);
    if (dice < 13)
        return random_org_delete(expected);
    if (dice < 60)
        return random_org_purge(expected);
    if (dice < 330 || model.conversation_count == 0)
        return random_conversation_create(expected);
    if (dice < 630)
        return random_message_create(expected);
    if (dice < 670)
        return random_update(expected);
    if (dice < 680)
        return random_wake(expected);
    if (dice < 690)
        return random_note(expected);
    if (dice < 696)
        return random_hire(expected);
    if (dice < 702 && model.agent_count != 0)
        return random_dismissal(expected);
    if (dice < 706)
        return random_release(expected);
    if (dice < 710)
        return random_block(expected);
    if (dice < 720)
        return random_retain(expected);
    if (dice < 760)
        return random_visitor_import(expected);
    if (dice < 790)
        return random_conversation_import(expected);
    if (dice < 830)
        return random_message_import(expected);
    if (dice < 870)
        return random_touch();
    if (dice < 890)
        return random_visitor_see(expected);
    if (dice < 945)
        return random_conversation_read(expected);
    if (dice < 955)
        return random_visitor_erase(expected);
    if (dice < 958 && model.hook_count < HOOKS_MAX - 1)
        return random_webhook_create(expected);
    if (dice < 961 && model.hook_count < HOOKS_MAX - 1)
        return random_webhook_change(expected);
    if (dice < 970 && model.hook_count < HOOKS_MAX - 1)
        return random_webhook_result(expected);
    if (dice < 978)
        return random_org_update(expected);
    if (dice < 986)
        return random_retain(expected);
    if (dice < 993)
        return random_search_step(expected);
    return random_sweep(expected);
}

/* ---- applying -------------------------------------------------------------------------------------------------- */

#define TOGETHER_MAX 64

/* A batch for two stores: the same commands, one entry for each. */
struct batch {
    struct log_entry *entries[TOGETHER_MAX];
    struct expectation expected[TOGETHER_MAX];
    unsigned count;
};

static void apply_entries(struct store *store, struct log_entry **entries, unsigned count)
{
    struct log_figures figures = {0};
    struct batch_span span;
    for (unsigned i = 0; i < count; ++i)
        entries[i]->next = i + 1 < count ? entries[i + 1] : NULL;
    assert_int_equal(batch_apply(store, entries[0], &figures, &span), BATCH_DONE);
}

static void learn_purge(const struct outcome *outcome, unsigned at)
{
    if (outcome->more)
        return;
    model.orgs[at].exists = false;
    for (unsigned i = 0; i < model.conversation_count; ++i)
        if (model.conversations[i].org == at)
            model.conversations[i].exists = false;
    for (unsigned key = 0; key < KEYS; ++key)
        visitor_at(at, key)->exists = false;
    for (unsigned i = 0; i < model.hook_count; ++i)
        model.hooks[i].exists &= model.hooks[i].org != at;
}

static uint64_t seq_before;

static enum command_kind command_kind_of(const struct log_entry *entry)
{
    struct command command = {.kind = 0};
    (void)command_decode(bytes_view(entry->bytes + entry->extra_len, entry->command_len), &command);
    return command.kind;
}

static void check_entry(const struct log_entry *entry, const struct expectation *expected)
{
    const struct outcome *outcome = &entry->outcome;
    if (entry->error != expected->error)
        fail_msg("%s in place of %s, of command %u", error_code(entry->error), error_code(expected->error),
                 (unsigned)command_kind_of(entry));
    if (entry->error != OK)
        return;
    assert_int_equal(outcome->replayed, expected->replayed);
    assert_int_equal(outcome->event.kind, expected->event);
    assert_true(outcome->event.kind == EVENT_NONE || outcome->event.seq == outcome->seq);
    assert_true(outcome->erased_conversations == expected->erased_conversations);
    assert_true(outcome->erased_messages == expected->erased_messages);
    assert_true(outcome->anonymized_conversations == expected->anonymized_conversations);
    if (expected->checks_id)
        assert_true(id_equal(outcome->id, expected->id));
    if (expected->checks_id && expected->at_ms != INT64_MIN)
        assert_true(outcome->at_ms == expected->at_ms);
    if (expected->replayed_message >= 0)
        assert_true(outcome->seq == model.messages[expected->replayed_message].seq);
    if (expected->fresh_message >= 0) {
        assert_true(outcome->seq > seq_before);
        seq_before = model.messages[expected->fresh_message].seq = outcome->seq;
    }
    if (expected->marked >= 0)
        model.conversations[expected->marked].marked_seq = outcome->seq;
    assert_true(expected->delivery_count == 0 || outcome->hooked);
    assert_int_equal(outcome->hooks_lost, 0);
    /* The number of a replayed message is the first one's, and not that under which its new visitor is told of. */
    for (unsigned i = 0; i < expected->delivery_count; ++i)
        model.deliveries[expected->first_delivery + i].seq = expected->replayed_message >= 0 ? 0 : outcome->seq;
    if (expected->worked >= 0)
        model.conversations[expected->worked].worked_seq = outcome->seq;
    if (expected->purged_org >= 0)
        learn_purge(outcome, (unsigned)expected->purged_org);
    if (expected->is_sweep) {
        model.next_seen = outcome->next_seen;
        model.next_activity = outcome->next_activity;
        model.next_updated = outcome->next_updated;
    }
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

static void check_visitor(struct txn *txn, const struct model_visitor *expected)
{
    struct id id;
    struct visitor visitor;
    struct id org = model.orgs[expected->org].id;
    assert_int_equal(visitor_id_by_key(txn, org, numbered("v_", expected->key), &id), OK);
    assert_true(id_equal(id, expected->id));
    assert_int_equal(visitor_get(txn, id, &visitor), OK);
    assert_true(id_equal(visitor.org, org) && bytes_equal(visitor.visitor_key, numbered("v_", expected->key)));
    assert_true(visitor.first_seen_at_ms == expected->first_seen_at_ms);
    assert_true(visitor.last_seen_at_ms == expected->last_seen_at_ms);
    assert_true(visitor.updated_at_ms == expected->updated_at_ms && visitor.created_at_ms == expected->created_at_ms);
    assert_true(
        bytes_equal(visitor.user_agent, expected->agent == 0 ? BYTES_NONE : numbered("agent-", expected->agent)));
    assert_true(bytes_equal(visitor.email, email_text(expected->email)));
    assert_true(visitor.conversation_count == expected->conversations);
    assert_true(visitor.blocked_at_ms == expected->blocked_at_ms);
    struct id at = visitor.last_conversation;
    for (int number = expected->last_conversation; number >= 0; number = model.conversations[number].previous) {
        struct conversation conversation;
        assert_true(id_equal(at, model.conversations[number].id));
        assert_int_equal(conversation_get(txn, at, &conversation), OK);
        at = conversation.previous_of_visitor;
    }
    assert_true(id_is_none(at));
}

static uint64_t seq_of(int message)
{
    return message < 0 ? 0 : model.messages[message].seq;
}

static void check_marks(const struct conversation *conversation, const struct model_conversation *expected)
{
    assert_true(conversation->visitor_read_seq == seq_of(expected->read[0]));
    assert_true(conversation->agent_read_seq == seq_of(expected->read[1]));
    assert_true(conversation->marked_seq == expected->marked_seq);
}

static struct bytes sorted_tags(unsigned tags)
{
    static char text[TAGS * 8];
    int len = 0;
    for (unsigned i = 0; i < TAGS; ++i)
        if ((tags >> i & 1) != 0)
            len += snprintf(text + len, sizeof(text) - (size_t)len, "%stag-%u", len == 0 ? "" : "\n", i);
    return len == 0 ? BYTES_NONE : bytes_view(text, (size_t)len);
}

static void check_work(struct txn *txn, const struct conversation *conversation,
                       const struct model_conversation *expected)
{
    struct note last = {.ordinal = 0};
    enum error error = note_get_last(txn, expected->id, &last);
    assert_true(error == OK || error == ERR_NOT_FOUND);
    assert_int_equal(last.ordinal, expected->notes);
    assert_int_equal(conversation->status, expected->status);
    assert_true(conversation->snoozed_until_ms == expected->snoozed_until_ms);
    assert_true(conversation->resolved_at_ms == expected->resolved_at_ms);
    assert_true(
        id_equal(conversation->assignee, expected->assignee < 0 ? ID_NONE : model.agents[expected->assignee].id));
    assert_true(bytes_equal(conversation->priority, priority_text(expected->priority)));
    assert_true(bytes_equal(conversation->tags, sorted_tags(expected->tags)));
    assert_true(conversation->worked_seq == expected->worked_seq);
}

static void check_conversation(struct txn *txn, const struct model_conversation *expected)
{
    struct conversation conversation;
    struct conversation_activity activity;
    assert_int_equal(conversation_get(txn, expected->id, &conversation), OK);
    assert_true(id_equal(conversation.org, model.orgs[expected->org].id));
    assert_true(id_equal(conversation.visitor, expected->visitor < 0 ? ID_NONE : model.visitors[expected->visitor].id));
    assert_true(conversation.created_at_ms == expected->created_at_ms);
    check_marks(&conversation, expected);
    check_work(txn, &conversation, expected);
    assert_int_equal(conversation_activity(txn, &conversation, &activity), OK);
    assert_true(activity.message_count == expected->messages - expected->removed);
    assert_true(conversation.anonymized == expected->anonymized);
    if (expected->last_message >= 0)
        assert_true(activity.seq == model.messages[expected->last_message].seq);
    struct key key;
    struct bytes value;
    activity_key(&key, conversation.org, activity.seq);
    assert_int_equal(table_get(txn, TABLE_CONVERSATION_BY_ACTIVITY, key_view(&key), &value), OK);
    assert_true(bytes_equal(value, bytes_view(expected->id.bytes, ID_LEN)));
    int64_t last_ms = expected->last_message < 0 ? 0 : model.messages[expected->last_message].at_ms;
    int64_t updated_at_ms = last_ms > expected->changed_at_ms ? last_ms : expected->changed_at_ms;
    assert_true(activity.updated_at_ms == updated_at_ms);
    conversation_updated_key(&key, conversation.org, updated_at_ms, expected->id);
    assert_int_equal(table_get(txn, TABLE_CONVERSATION_BY_UPDATED, key_view(&key), NULL), OK);
}

static void check_message(struct txn *txn, const struct model_message *expected)
{
    const struct model_conversation *conversation = &model.conversations[expected->conversation];
    struct message message;
    assert_int_equal(message_get(txn, conversation->id, expected->seq, &message),
                     expected->removed ? ERR_NOT_FOUND : OK);
    if (expected->removed)
        return;
    assert_true(id_equal(message.id, expected->id) && id_equal(message.org, model.orgs[conversation->org].id));
    assert_true(message.ordinal == expected->ordinal && message.at_ms == expected->at_ms);
    assert_true(
        bytes_equal(message.content, expected->redacted ? BYTES(REDACTED_TEXT) : content_text(expected->content)));
    assert_true(bytes_equal(message.role, expected->by_assistant ? BYTES("assistant") : BYTES("user")));
    assert_true(bytes_equal(message.client_id, expected->client_id < 0
                                                   ? text_of(expected->id)
                                                   : numbered("client-", (unsigned)expected->client_id)));
}

/* Gives how many deliveries wait for webhooks of living organisations. */
static uint64_t check_hooks(struct txn *txn)
{
    uint64_t waiting = 0;
    for (unsigned i = 0; i < model.delivery_count; ++i) {
        const struct model_delivery *expected = &model.deliveries[i];
        const struct model_hook *hook = &model.hooks[expected->hook];
        struct delivery delivery;
        if (!hook->exists || living_org(model.orgs[hook->org].id) == NULL)
            continue;
        waiting += expected->waits;
        if (expected->seq == 0)
            continue;
        enum error error = delivery_get(txn, hook->id, expected->seq, expected->event, &delivery);
        assert_int_equal(error, expected->waits ? OK : ERR_NOT_FOUND);
        if (error == OK && expected->conversation >= 0)
            assert_true(id_equal(delivery.conversation, model.conversations[expected->conversation].id));
    }
    for (unsigned i = 0; i < model.hook_count; ++i) {
        const struct model_hook *expected = &model.hooks[i];
        struct webhook webhook;
        if (living_org(model.orgs[expected->org].id) == NULL)
            continue;
        assert_int_equal(webhook_get(txn, expected->id, &webhook), expected->exists ? OK : ERR_NOT_FOUND);
        assert_true(!expected->exists || webhook.enabled == expected->enabled);
    }
    return waiting;
}

static void check_everything(struct txn *txn)
{
    uint64_t orgs = 0, keys = 0, visitors = 0, conversations = 0, marked = 0, deleted = 0;
    uint64_t worked = 0, open = 0, snoozed = 0, notes = 0;
    for (unsigned i = 0; i < model.org_count; ++i) {
        struct org org;
        const struct model_org *expected = &model.orgs[i];
        assert_int_equal(org_get(txn, expected->id, &org), expected->exists ? OK : ERR_NOT_FOUND);
        orgs += expected->exists;
        deleted += expected->exists && expected->deleted;
        keys += expected->exists && !expected->deleted;
        if (expected->exists)
            assert_true(org.deleted == expected->deleted && org.created_at_ms == expected->created_at_ms &&
                        org.updated_at_ms == expected->updated_at_ms);
    }
    assert_true(table_rows(txn, TABLE_ORGS) == orgs && table_rows(txn, TABLE_ORG_BY_KEY) == keys);
    /* What is being purged may be half gone. */
    for (unsigned i = 0; i < VISITORS_MAX; ++i)
        if (model.visitors[i].exists && !model.orgs[model.visitors[i].org].deleted) {
            check_visitor(txn, &model.visitors[i]);
            ++visitors;
        }
    for (unsigned i = 0; i < model.conversation_count; ++i)
        if (model.conversations[i].exists && !model.orgs[model.conversations[i].org].deleted) {
            check_conversation(txn, &model.conversations[i]);
            ++conversations;
            marked += model.conversations[i].marked_seq != 0;
            worked += model.conversations[i].worked_seq != 0;
            open += model.conversations[i].status != STATUS_RESOLVED;
            snoozed += model.conversations[i].status == STATUS_SNOOZED;
            notes += model.conversations[i].notes;
        }
    for (unsigned i = 0; i < model.message_count; ++i) {
        const struct model_conversation *conversation = &model.conversations[model.messages[i].conversation];
        if (conversation->exists && !model.orgs[conversation->org].deleted)
            check_message(txn, &model.messages[i]);
    }
    uint64_t waiting = check_hooks(txn);
    if (deleted == 0) {
        assert_true(table_rows(txn, TABLE_WEBHOOK_QUEUE) == waiting);
        assert_true(table_rows(txn, TABLE_VISITORS) == visitors && table_rows(txn, TABLE_VISITOR_BY_KEY) == visitors);
        assert_true(table_rows(txn, TABLE_CONVERSATIONS) == conversations);
        assert_true(table_rows(txn, TABLE_CONVERSATION_BY_MARK) == marked);
        assert_true(table_rows(txn, TABLE_CONVERSATION_BY_WORK) == worked);
        assert_true(table_rows(txn, TABLE_CONVERSATION_OPEN) == open);
        assert_true(table_rows(txn, TABLE_CONVERSATION_BY_SNOOZE) == snoozed);
        assert_true(table_rows(txn, TABLE_NOTES) == notes);
    }
}

static void check_sound(struct store *store)
{
    struct check_report report;
    struct reader *reader = reader_open(store);
    check_store(begin_read(reader), print_broken, NULL, &report);
    assert_int_equal(report.broken, 0);
    reader_end(reader);
    reader_close(reader);
}

static struct log_entry *copy_of(const struct log_entry *entry)
{
    size_t size = sizeof(*entry) + entry->extra_len + entry->command_len;
    struct log_entry *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, entry, size);
    return copy;
}

static void test_ten_thousand_commands_do_what_a_model_says_and_the_same_twice(void **state)
{
    (void)state;
    struct directory directories[2] = {directory_make(), directory_make()};
    struct store *stores[2] = {open_store(&directories[0]), open_store(&directories[1])};
    static struct log_entry *later[COMMANDS]; /* for the second store, in batches of its own */
    static struct batch batch;
    struct buffer scratch = {0};
    unsigned given = 0, done_later = 0;
    model.now_ms = NOW_MS;
    while (given < COMMANDS) {
        unsigned wanted = 1 + below(below(2) ? 4 : TOGETHER_MAX);
        /* A sweep goes on where the one before ended, and a purge's answer says what is left: both end a batch. */
        for (batch.count = 0; batch.count < wanted && given < COMMANDS;) {
            struct expectation *expected = &batch.expected[batch.count];
            struct command command = random_command(expected);
            batch.entries[batch.count] = log_entry_new(&command, &scratch, 0);
            later[given++] = copy_of(batch.entries[batch.count++]);
            if (expected->is_sweep || expected->purged_org >= 0)
                break;
        }
        apply_entries(stores[0], batch.entries, batch.count);
        for (unsigned i = 0; i < batch.count; ++i) {
            check_entry(batch.entries[i], &batch.expected[i]);
            log_entry_free(batch.entries[i]);
        }
        if (below(200) == 0)
            check_sound(stores[0]);
    }
    while (done_later < given) {
        unsigned count = 1 + below(TOGETHER_MAX);
        count = count > given - done_later ? given - done_later : count;
        apply_entries(stores[1], later + done_later, count);
        for (unsigned i = 0; i < count; ++i)
            log_entry_free(later[done_later + i]);
        done_later += count;
    }
    struct reader *reader = reader_open(stores[0]);
    check_everything(begin_read(reader));
    reader_end(reader);
    reader_close(reader);
    check_sound(stores[0]);
    struct buffer dumps[2] = {dump_store(stores[0]), dump_store(stores[1])};
    assert_dumps_equal(&dumps[0], &dumps[1]);
    unsigned removed = 0, redacted = 0;
    for (unsigned i = 0; i < model.message_count; ++i)
        removed += model.messages[i].removed, redacted += model.messages[i].redacted;
    assert_true(removed + redacted > 0);
    assert_true(model.conversation_count > 2000 && model.message_count > 1500);
    for (unsigned i = 0; i < 2; ++i) {
        buffer_dispose(&dumps[i]);
        store_close(stores[i]);
        directory_remove(&directories[i]);
    }
    buffer_dispose(&scratch);
}

int main(void)
{
    dice_begin();
    log_line_setup((enum log_level)(LOG_ERROR + 1), LOG_FORMAT_TEXT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ten_thousand_commands_do_what_a_model_says_and_the_same_twice),
    };
    return dice_end(cmocka_run_group_tests(tests, NULL, NULL));
}
