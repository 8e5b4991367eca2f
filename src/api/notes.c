/* POST /conversations/:id/notes: what the organisation's side writes down beside a conversation. */
#include "api/internal.h"

static enum error read_content(struct call *call, const struct json_value *root, struct bytes *out)
{
    static const char sentence[] = "The field \"content\" must be a text of 1 to 16384 bytes.";
    if (!json_string(json_member(root, "content"), out) || out->len == 0)
        return call_refuse(call, ERR_INVALID_FIELD, sentence);
    return out->len > NOTE_CONTENT_LEN_MAX ? call_refuse(call, ERR_BODY_TOO_LARGE, sentence) : OK;
}

/* ---- whom it mentions ------------------------------------------------------------------------------------------ */

struct mentions {
    struct buffer ids; /* one behind the other */
    bool is_valid;
};

static void on_mention(void *context, const struct json_value *value)
{
    struct mentions *mentions = context;
    struct bytes text;
    struct id id;
    mentions->is_valid = mentions->is_valid && json_string(value, &text) && id_parse(text, &id);
    if (mentions->is_valid)
        buffer_append(&mentions->ids, id.bytes, ID_LEN);
}

static enum error read_mentions(struct call *call, const struct json_value *root, struct mentions *out)
{
    const struct json_value *list = json_member(root, "mentions");
    if (list == NULL)
        return OK;
    out->is_valid = json_is_array(list) && json_array_len(list) <= NOTE_MENTIONS_MAX;
    if (out->is_valid)
        json_each_element(list, on_mention, out);
    return out->is_valid ? OK
                         : call_refuse(call, ERR_INVALID_FIELD,
                                       "The field \"mentions\" must be a list of at most 20 ids of agents.");
}

/* "@" and an id in the text. Who is no agent of the organisation is left out by the rules. */
static void find_mentions(struct bytes content, struct mentions *out)
{
    struct id id;
    for (size_t at = 0; at + ID_TEXT_LEN < content.len; ++at)
        if (content.data[at] == '@' && out->ids.len < NOTE_MENTIONS_MAX * ID_LEN &&
            id_parse(bytes_view(content.data + at + 1, ID_TEXT_LEN), &id))
            buffer_append(&out->ids, id.bytes, ID_LEN);
}

/* ---- the note -------------------------------------------------------------------------------------------------- */

static void on_noted(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    struct note note;
    enum error error = txn == NULL ? ERR_BUSY : note_get(txn, entry->outcome.id, entry->outcome.seq, &note);
    if (error != OK) {
        respond_error(request, error, NULL, 0);
        return;
    }
    buffer_clear(&loop->json);
    render_note(&loop->json, &note);
    request_respond(request, entry->outcome.replayed ? 200 : 201, CONTENT_TYPE_JSON, buffer_view(&loop->json));
}

static enum error create(struct call *call, const struct json_value *root, struct mentions *mentions)
{
    struct command command = {
        .kind = COMMAND_NOTE_CREATE,
        .note_create = {.org = call->org.id, .at_ms = call->now_ms, .agent = call->agent},
    };
    struct note_create *note = &command.note_create;
    enum error error = path_id(call, &note->conversation);
    if (error == OK)
        error = read_content(call, root, &note->content);
    if (error == OK)
        error = field_client_id(call, root, &note->client_id);
    if (error == OK)
        error = read_mentions(call, root, mentions);
    if (error == OK)
        error = rate_limit(call, LIMITED_WORK);
    if (error != OK)
        return error;
    find_mentions(note->content, mentions);
    note->note = id_make(call->now_ms, &call->loop->random);
    note->mentions = buffer_view(&mentions->ids);
    return call_submit(call, &command, on_noted);
}

enum error handle_note_create(struct call *call)
{
    struct json_document *document;
    struct mentions mentions = {.is_valid = true};
    enum error error = body_needed(call, &document);
    if (error != OK)
        return error;
    error = create(call, json_root(document), &mentions);
    buffer_dispose(&mentions.ids);
    json_free(document);
    return error;
}
