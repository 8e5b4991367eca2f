/*
 * /replies: texts that are kept to be answered with often. A text has variables in double braces, which are filled in
 * when it is asked for with a conversation; what is no variable, or has no value there, stays as it is, so that whoever
 * answers sees it.
 */
#include "api/internal.h"

/* ---- listing and showing --------------------------------------------------------------------------------------- */

static bool page_is_long(struct call *call)
{
    bool is_long = call->loop->json.len > ANSWER_BYTES_MAX;
    if (is_long)
        count(&call->loop->figures.limited[LIMIT_ANSWER_BYTES], 1);
    return is_long;
}

/* Those behind `after`, in the order in which they were made; *next is the last one when there are more. */
static enum error render_replies(struct call *call, struct id after, struct id *next)
{
    struct bytes key, value;
    struct key from;
    struct buffer *json = &call->loop->json;
    struct reply reply = {.id = after};
    pair_key(&from, call->org.id, after);
    struct cursor *cursor = cursor_open(call->txn, TABLE_REPLIES);
    enum error error = cursor_seek(cursor, key_view(&from), &key, &value);
    if (error == OK && bytes_equal(key, key_view(&from)))
        error = cursor_next(cursor, &key, &value);
    while (error == OK && memcmp(key.data, call->org.id.bytes, ID_LEN) == 0) {
        if (page_is_long(call)) {
            *next = reply.id;
            break;
        }
        error = reply_decode(key, value, &reply);
        if (error != OK)
            break;
        json_element(json);
        render_reply(json, &reply);
        error = cursor_next(cursor, &key, &value);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum error read_after(struct call *call, struct id *out)
{
    struct bytes text;
    enum error error = query_text(call, "after", &text);
    *out = ID_NONE;
    return error == OK && text.data != NULL && !id_parse(text, out)
               ? call_refuse(call, ERR_INVALID_QUERY,
                             "The parameter \"after\" must be the \"next\" of the page before.")
               : error;
}

enum error handle_reply_list(struct call *call)
{
    struct buffer *json = &call->loop->json;
    struct id after, next = ID_NONE;
    enum error error = read_after(call, &after);
    if (error != OK)
        return error;
    json_open(json, '{');
    json_key(json, BYTES("replies"));
    json_open(json, '[');
    error = render_replies(call, after, &next);
    if (error != OK)
        return error;
    json_close(json, ']');
    member_id(json, "next", next);
    json_close(json, '}');
    call_respond(call, 200, json);
    return OK;
}

static enum error get_reply(struct call *call, struct reply *out)
{
    struct id id;
    return id_parse(request_path_param(call->request, 0), &id) ? reply_get(call->txn, call->org.id, id, out)
                                                               : ERR_NOT_FOUND;
}

enum error handle_reply_show(struct call *call)
{
    struct reply reply;
    enum error error = get_reply(call, &reply);
    if (error != OK)
        return error;
    render_reply(&call->loop->json, &reply);
    call_respond(call, 200, &call->loop->json);
    return OK;
}

/* ---- filling in ------------------------------------------------------------------------------------------------ */

/* What variables stand for; what is not known is NULL. */
struct values {
    struct id conversation, visitor;
    struct bytes visitor_email, agent_name, agent_email, org_name, org_key;
    char conversation_text[ID_TEXT_LEN], visitor_text[ID_TEXT_LEN];
};

static struct bytes id_text(struct id id, char text[ID_TEXT_LEN])
{
    if (id_is_none(id))
        return BYTES_NONE;
    id_format(id, text);
    return bytes_view(text, ID_TEXT_LEN);
}

/* NULL when it is no variable, or has no value. */
static struct bytes value_of(struct values *values, struct bytes name)
{
    const struct {
        const char *name;
        struct bytes value;
    } variables[] = {
        {"visitor.id", id_text(values->visitor, values->visitor_text)},
        {"visitor.email", values->visitor_email},
        {"agent.name", values->agent_name},
        {"agent.email", values->agent_email},
        {"organization.name", values->org_name},
        {"organization.key", values->org_key},
        {"conversation.id", id_text(values->conversation, values->conversation_text)},
    };
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); ++i)
        if (bytes_equal(name, bytes_of_string(variables[i].name)))
            return variables[i].value;
    return BYTES_NONE;
}

static struct bytes trim(struct bytes text)
{
    while (text.len != 0 && text.data[0] == ' ')
        text = bytes_view(text.data + 1, text.len - 1);
    while (text.len != 0 && text.data[text.len - 1] == ' ')
        --text.len;
    return text;
}

/* The next "{{ name }}" of *rest: what stands before it, its name, and itself. False when there is none. */
static bool next_variable(struct bytes *rest, struct bytes *before, struct bytes *name, struct bytes *whole)
{
    const char *open = rest->len == 0 ? NULL : memmem(rest->data, rest->len, "{{", 2);
    const char *close = open == NULL ? NULL : memmem(open, (size_t)(rest->data + rest->len - open), "}}", 2);
    if (close == NULL)
        return false;
    /* "{{ {{name}}": the inner one is meant */
    for (const char *inner = open; inner != NULL; inner = memmem(open + 1, (size_t)(close - open - 1), "{{", 2))
        open = inner;
    *before = bytes_view(rest->data, (size_t)(open - rest->data));
    *whole = bytes_view(open, (size_t)(close + 2 - open));
    *name = trim(bytes_view(open + 2, (size_t)(close - open - 2)));
    size_t used = before->len + whole->len;
    *rest = bytes_view(rest->data + used, rest->len - used);
    return true;
}

static void fill_in(struct bytes text, struct values *values, struct buffer *out, struct buffer *unfilled)
{
    struct bytes before, name, whole;
    while (next_variable(&text, &before, &name, &whole)) {
        struct bytes value = value_of(values, name);
        buffer_append(out, before.data, before.len);
        if (value.data == NULL) {
            json_element(unfilled);
            json_put_string(unfilled, name);
            value = whole;
        }
        buffer_append(out, value.data, value.len);
    }
    buffer_append(out, text.data, text.len);
}

/* Of the conversation that is named, which must be the organisation's. */
static enum error read_values(struct call *call, struct values *out)
{
    struct bytes text;
    struct conversation conversation;
    struct visitor visitor;
    *out = (struct values){
        .agent_name = id_is_none(call->agent) ? BYTES_NONE : call->me.name,
        .agent_email = id_is_none(call->agent) ? BYTES_NONE : call->me.email,
        .org_name = call->org.name,
        .org_key = call->org.key,
    };
    enum error error = query_text(call, "conversation", &text);
    if (error != OK || text.data == NULL)
        return error;
    if (!id_parse(text, &out->conversation))
        return call_refuse(call, ERR_INVALID_QUERY, "The parameter \"conversation\" must be the id of a conversation.");
    error = conversation_get(call->txn, out->conversation, &conversation);
    if (error == OK && !id_equal(conversation.org, call->org.id))
        error = ERR_NOT_FOUND;
    if (error != OK || id_is_none(conversation.visitor))
        return error;
    out->visitor = conversation.visitor;
    error = visitor_get(call->txn, conversation.visitor, &visitor);
    if (error == OK)
        out->visitor_email = visitor.email;
    return error == ERR_NOT_FOUND ? OK : error;
}

enum error handle_reply_text(struct call *call)
{
    struct buffer *json = &call->loop->json, *text = &call->loop->scratch, unfilled = {0};
    struct reply reply;
    struct values values;
    enum error error = get_reply(call, &reply);
    if (error == OK)
        error = read_values(call, &values);
    if (error != OK)
        return error;
    buffer_clear(text);
    json_open(&unfilled, '[');
    fill_in(reply.text, &values, text, &unfilled);
    json_close(&unfilled, ']');
    json_open(json, '{');
    json_member_string(json, "text", buffer_view(text));
    json_key(json, BYTES("unfilled"));
    buffer_append(json, unfilled.data, unfilled.len);
    json_close(json, '}');
    buffer_dispose(&unfilled);
    call_respond(call, 200, json);
    return OK;
}

/* ---- changing -------------------------------------------------------------------------------------------------- */

static const char shortcut_sentence[] =
    "The field \"shortcut\" must be a text of 1 to 40 bytes without a blank, that no other reply has.";
static const char text_sentence[] = "The field \"text\" must be a text of 1 to 8192 bytes.";

/* NULL when absent. */
static enum error read_fields(struct call *call, const struct json_value *root, struct bytes *shortcut,
                              struct bytes *text)
{
    const struct json_value *value = json_member(root, "shortcut");
    *shortcut = *text = BYTES_NONE;
    if (value != NULL && (!json_string(value, shortcut) || !reply_shortcut_is_valid(*shortcut)))
        return call_refuse(call, ERR_INVALID_FIELD, shortcut_sentence);
    value = json_member(root, "text");
    if (value != NULL && (!json_string(value, text) || text->len == 0))
        return call_refuse(call, ERR_INVALID_FIELD, text_sentence);
    return text->len > REPLY_TEXT_LEN_MAX ? call_refuse(call, ERR_BODY_TOO_LARGE, text_sentence) : OK;
}

/* What the answer needs beside the command. */
struct written {
    struct id org;
    bool is_new;
};

static void on_written(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    struct reply reply;
    const struct written *written = entry_kept(entry);
    enum error error = entry->error;
    if (error == OK)
        error = txn == NULL ? ERR_BUSY : reply_get(txn, written->org, entry->outcome.id, &reply);
    if (error != OK) {
        respond_error(request, error, error == ERR_CONFLICT ? "Another reply has this shortcut." : NULL, 0);
        return;
    }
    buffer_clear(&loop->json);
    render_reply(&loop->json, &reply);
    request_respond(request, written->is_new ? 201 : 200, CONTENT_TYPE_JSON, buffer_view(&loop->json));
}

static enum error submit(struct call *call, const struct command *command, bool is_new)
{
    struct written written = {call->org.id, is_new};
    enum error error = rate_limit(call, LIMITED_WORK);
    return error == OK ? call_submit_keeping(call, command, on_written, &written, sizeof(written)) : error;
}

static enum error create(struct call *call, const struct json_value *root)
{
    struct command command = {
        .kind = COMMAND_REPLY_CREATE,
        .reply_create = {.org = call->org.id,
                         .reply = id_make(call->now_ms, &call->loop->random),
                         .at_ms = call->now_ms},
    };
    struct reply_create *reply = &command.reply_create;
    enum error error = read_fields(call, root, &reply->shortcut, &reply->text);
    if (error == OK && reply->shortcut.data == NULL)
        error = call_refuse(call, ERR_INVALID_FIELD, shortcut_sentence);
    if (error == OK && reply->text.data == NULL)
        error = call_refuse(call, ERR_INVALID_FIELD, text_sentence);
    return error == OK ? submit(call, &command, true) : error;
}

static enum error update(struct call *call, const struct json_value *root)
{
    struct command command = {
        .kind = COMMAND_REPLY_UPDATE,
        .reply_update = {.org = call->org.id, .at_ms = call->now_ms},
    };
    struct reply_update *reply = &command.reply_update;
    if (!id_parse(request_path_param(call->request, 0), &reply->reply))
        return ERR_NOT_FOUND;
    enum error error = read_fields(call, root, &reply->shortcut, &reply->text);
    return error == OK ? submit(call, &command, false) : error;
}

static enum error with_body(struct call *call, enum error (*take)(struct call *call, const struct json_value *root))
{
    struct json_document *document;
    enum error error = body_needed(call, &document);
    if (error != OK)
        return error;
    error = take(call, json_root(document));
    json_free(document);
    return error;
}

enum error handle_reply_create(struct call *call)
{
    return with_body(call, create);
}

enum error handle_reply_update(struct call *call)
{
    return with_body(call, update);
}

static void on_deleted(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    (void)loop, (void)txn, (void)entry;
    request_respond(request, 204, NULL, BYTES_NONE);
}

enum error handle_reply_delete(struct call *call)
{
    struct command command = {
        .kind = COMMAND_REPLY_DELETE,
        .reply_delete = {.org = call->org.id, .at_ms = call->now_ms},
    };
    if (!id_parse(request_path_param(call->request, 0), &command.reply_delete.reply))
        return ERR_NOT_FOUND;
    return call_submit(call, &command, on_deleted);
}
