/*
 * PATCH /conversations/:id and POST /conversations/bulk: what an agent, or a token, makes of a conversation, or of many
 * at once. Many are many commands, each with a number, an event and a refusal of its own; they reach the committer
 * together, and the answer comes when the last of them is done.
 */
#include <stdlib.h>

#include "api/internal.h"
#include "base/text.h"
#include "core/tags.h"
#include "core/work.h"

/* ---- what is asked for ----------------------------------------------------------------------------------------- */

/* A change while its members are read. What a member must be is said by the first one that is not. */
struct change {
    struct call *call;
    struct conversation_update *command;
    struct buffer add, remove; /* lines */
    const char *sentence;      /* NULL while all is well */
    bool is_any;
};

static const char status_sentence[] = "The field \"status\" must be open, pending, snoozed or resolved.";
static const char snooze_sentence[] =
    "The field \"snoozedUntil\" must be a time such as 2026-01-31T23:59:59.999Z, later than now and within a year.";
static const char agent_sentence[] =
    "The fields \"assigneeId\" and \"ifAssigneeId\" must be the id of an agent, null for nobody, or \"me\" for whoever "
    "is logged in.";
static const char priority_sentence[] = "The field \"priority\" must be none, low, medium, high or urgent.";
static const char tags_sentence[] =
    "The fields \"tags\", \"addTags\" and \"removeTags\" must be lists of at most 20 texts of one line with 1 to 40 "
    "bytes, without a blank at either end; \"tags\" not together with the others.";

static bool read_status(struct change *change, const struct json_value *value)
{
    struct bytes word;
    change->command->set_status = true;
    return json_string(value, &word) && status_parse(word, &change->command->status);
}

static bool read_snooze(struct change *change, const struct json_value *value)
{
    struct bytes text;
    int64_t *until_ms = &change->command->snoozed_until_ms, now_ms = change->command->at_ms;
    return json_is_null(value) || (json_string(value, &text) && time_parse(text, until_ms) && *until_ms > now_ms &&
                                   *until_ms <= now_ms + SNOOZE_MAX_MS);
}

static bool read_agent(const struct change *change, const struct json_value *value, bool *is_given, struct id *out)
{
    struct bytes text;
    *is_given = true;
    *out = ID_NONE;
    if (json_is_null(value))
        return true;
    if (!json_string(value, &text))
        return false;
    if (!bytes_equal(text, BYTES("me")))
        return id_parse(text, out);
    *out = change->call->agent;
    return !id_is_none(*out);
}

static bool read_assignee(struct change *change, const struct json_value *value)
{
    return read_agent(change, value, &change->command->set_assignee, &change->command->assignee);
}

static bool read_expected(struct change *change, const struct json_value *value)
{
    return read_agent(change, value, &change->command->if_assignee, &change->command->expected_assignee);
}

static bool read_priority(struct change *change, const struct json_value *value)
{
    struct bytes word;
    change->command->set_priority = true;
    change->command->priority = BYTES_NONE;
    if (json_is_null(value))
        return true;
    if (!json_string(value, &word))
        return false;
    change->command->priority = bytes_equal(word, BYTES("none")) ? BYTES_NONE : word;
    return priority_is_valid(change->command->priority);
}

struct tag_list {
    struct buffer *lines;
    bool is_valid;
};

static void on_tag(void *context, const struct json_value *value)
{
    struct tag_list *list = context;
    struct bytes tag;
    list->is_valid = list->is_valid && json_string(value, &tag) && tag_is_valid(tag);
    if (!list->is_valid)
        return;
    buffer_append(list->lines, "\n", list->lines->len != 0);
    buffer_append(list->lines, tag.data, tag.len);
}

static bool read_tag_list(const struct json_value *value, struct buffer *lines)
{
    struct tag_list list = {lines, json_is_array(value) && json_array_len(value) <= TAGS_MAX};
    if (list.is_valid)
        json_each_element(value, on_tag, &list);
    return list.is_valid;
}

static bool read_tags(struct change *change, const struct json_value *value)
{
    bool is_alone = change->add.len == 0 && change->remove.len == 0;
    change->command->set_tags = true;
    return is_alone && read_tag_list(value, &change->add);
}

static bool read_added(struct change *change, const struct json_value *value)
{
    return !change->command->set_tags && read_tag_list(value, &change->add);
}

static bool read_removed(struct change *change, const struct json_value *value)
{
    return !change->command->set_tags && read_tag_list(value, &change->remove);
}

static void on_member(void *context, struct bytes name, const struct json_value *value)
{
    static const struct {
        const char *name, *sentence;
        bool (*read)(struct change *change, const struct json_value *value);
    } members[] = {
        {"status", status_sentence, read_status},       {"snoozedUntil", snooze_sentence, read_snooze},
        {"assigneeId", agent_sentence, read_assignee},  {"ifAssigneeId", agent_sentence, read_expected},
        {"priority", priority_sentence, read_priority}, {"tags", tags_sentence, read_tags},
        {"addTags", tags_sentence, read_added},         {"removeTags", tags_sentence, read_removed},
    };
    struct change *change = context;
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]) && change->sentence == NULL; ++i) {
        if (!bytes_equal(name, bytes_of_string(members[i].name)))
            continue;
        change->is_any = true;
        if (!members[i].read(change, value))
            change->sentence = members[i].sentence;
    }
}

/* "snoozedUntil" alone snoozes; a snooze has to end. */
static void settle_snooze(struct change *change)
{
    struct conversation_update *command = change->command;
    if (!command->set_status && command->snoozed_until_ms != 0) {
        command->set_status = true;
        command->status = STATUS_SNOOZED;
    }
    bool is_snoozed = command->set_status && command->status == STATUS_SNOOZED;
    if (change->sentence == NULL && is_snoozed != (command->snoozed_until_ms != 0))
        change->sentence = "The field \"snoozedUntil\" goes with the status snoozed, and with no other.";
}

/* The command lives as long as the document and the change. */
static enum error read_change(struct change *change, const struct json_value *object)
{
    struct call *call = change->call;
    *change->command = (struct conversation_update){.org = call->org.id, .at_ms = call->now_ms, .agent = call->agent};
    if (json_is_object(object))
        json_each_member(object, on_member, change);
    settle_snooze(change);
    if (!change->is_any)
        change->sentence = "The change must name at least one of status, snoozedUntil, assigneeId, priority, tags, "
                           "addTags and removeTags.";
    change->command->add_tags = buffer_view(&change->add);
    change->command->remove_tags = buffer_view(&change->remove);
    return change->sentence == NULL ? OK : call_refuse(call, ERR_INVALID_FIELD, change->sentence);
}

static void change_dispose(struct change *change)
{
    buffer_dispose(&change->add);
    buffer_dispose(&change->remove);
}

/* ---- one ------------------------------------------------------------------------------------------------------- */

static void on_updated(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    struct conversation conversation;
    struct conversation_activity activity;
    struct buffer *json = &loop->json;
    enum error error = txn == NULL ? ERR_BUSY : conversation_get(txn, entry->outcome.id, &conversation);
    if (error == OK)
        error = conversation_activity(txn, &conversation, &activity);
    if (error != OK) {
        respond_error(request, error, NULL, 0);
        return;
    }
    buffer_clear(json);
    render_conversation_open(json, &conversation, &activity, VIEWER_ORG);
    json_close(json, '}');
    request_respond(request, 200, CONTENT_TYPE_JSON, buffer_view(json));
}

enum error handle_conversation_update(struct call *call)
{
    struct json_document *document;
    struct command command = {.kind = COMMAND_CONVERSATION_UPDATE};
    struct change change = {.call = call, .command = &command.conversation_update};
    struct id id;
    enum error error = body_needed(call, &document);
    if (error != OK)
        return error;
    error = path_id(call, &id);
    if (error == OK)
        error = read_change(&change, json_root(document));
    if (error == OK)
        error = rate_limit(call, LIMITED_WORK);
    command.conversation_update.conversation = id;
    if (error == OK)
        error = call_submit(call, &command, on_updated);
    change_dispose(&change);
    json_free(document);
    return error;
}

/* ---- many ------------------------------------------------------------------------------------------------------ */

/* One request for many; freed when the last of its commands has come back. */
struct bulk {
    struct ticket *ticket;
    unsigned count, waiting;
    struct bulk_item {
        struct id id; /* ID_NONE: what was sent is none */
        enum error error;
        char text[ID_TEXT_LEN];
    } items[BULK_CONVERSATIONS_MAX];
};

struct bulk_place {
    struct bulk *bulk;
    unsigned item;
};

static void render_item(struct buffer *json, const struct bulk_item *item)
{
    json_element(json);
    json_open(json, '{');
    json_member_string(json, "id", bytes_view(item->text, ID_TEXT_LEN));
    json_member_bool(json, "ok", item->error == OK);
    if (item->error != OK) {
        json_member_string(json, "error", bytes_of_string(error_sentence(item->error)));
        json_member_string(json, "code", bytes_of_string(error_code(item->error)));
    }
    json_close(json, '}');
}

static void respond_bulk(struct api_loop *loop, struct request *request, const struct bulk *bulk)
{
    struct buffer *json = &loop->json;
    buffer_clear(json);
    json_open(json, '{');
    json_key(json, BYTES("results"));
    json_open(json, '[');
    for (unsigned i = 0; i < bulk->count; ++i)
        render_item(json, &bulk->items[i]);
    json_close(json, ']');
    json_close(json, '}');
    request_respond(request, 200, CONTENT_TYPE_JSON, buffer_view(json));
}

static void on_one_updated(struct api_loop *loop, struct txn *txn, struct request *request,
                           const struct log_entry *entry)
{
    const struct bulk_place *place = entry_kept(entry);
    struct bulk *bulk = place->bulk;
    (void)txn, (void)request;
    bulk->items[place->item].error = entry->error;
    if (--bulk->waiting != 0)
        return;
    struct request *whose = ticket_redeem(bulk->ticket);
    if (whose != NULL)
        respond_bulk(loop, whose, bulk);
    free(bulk);
}

/* What can't be taken is said at its place. */
static void submit_items(struct call *call, struct bulk *bulk, struct command *command)
{
    for (unsigned i = 0; i < bulk->count; ++i) {
        struct bulk_item *item = &bulk->items[i];
        struct bulk_place place = {bulk, i};
        if (item->error != OK)
            continue;
        command->conversation_update.conversation = item->id;
        bool is_taken = loop_submit_keeping(call->loop, command, on_one_updated, &place, sizeof(place));
        item->error = is_taken ? OK : ERR_QUEUE_FULL;
        bulk->waiting += is_taken;
    }
}

/* An id that is none is not repeated in the answer: it could be of any length. */
static void on_bulk_id(void *context, const struct json_value *value)
{
    struct bulk *bulk = context;
    struct bulk_item *item = &bulk->items[bulk->count++];
    struct bytes text;
    bool is_id = json_string(value, &text) && id_parse(text, &item->id);
    item->error = is_id ? OK : ERR_NOT_FOUND;
    memset(item->text, '?', ID_TEXT_LEN);
    if (is_id)
        memcpy(item->text, text.data, ID_TEXT_LEN);
}

static enum error read_bulk_ids(struct call *call, const struct json_value *root, struct bulk *out)
{
    const struct json_value *ids = json_member(root, "ids");
    bool is_fit = json_is_array(ids) && json_array_len(ids) >= 1 && json_array_len(ids) <= BULK_CONVERSATIONS_MAX;
    if (!is_fit)
        return call_refuse(call, ERR_INVALID_FIELD,
                           "The field \"ids\" must be a list of 1 to 100 ids of conversations.");
    json_each_element(ids, on_bulk_id, out);
    return OK;
}

static enum error run_bulk(struct call *call, const struct json_value *root, struct bulk *bulk)
{
    struct command command = {.kind = COMMAND_CONVERSATION_UPDATE};
    struct change change = {.call = call, .command = &command.conversation_update};
    enum error error = read_bulk_ids(call, root, bulk);
    if (error == OK)
        error = read_change(&change, json_member(root, "change"));
    if (error == OK)
        error = rate_limit(call, LIMITED_WORK);
    if (error == OK && edge_stopping(call->loop->api->edge))
        error = ERR_STOPPING;
    if (error == OK)
        submit_items(call, bulk, &command);
    change_dispose(&change);
    return error;
}

enum error handle_conversation_bulk(struct call *call)
{
    struct json_document *document;
    enum error error = body_needed(call, &document);
    if (error != OK)
        return error;
    struct bulk *bulk = calloc(1, sizeof(*bulk));
    if (bulk == NULL)
        abort();
    error = run_bulk(call, json_root(document), bulk);
    json_free(document);
    if (error == OK && bulk->waiting != 0) {
        bulk->ticket = request_suspend(call->request);
        return OK;
    }
    if (error == OK)
        respond_bulk(call->loop, call->request, bulk);
    free(bulk);
    return error;
}
