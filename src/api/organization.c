/* /organization: the settings, by those who may see and change them. Empty texts bring the default back. */
#include "api/internal.h"
#include "base/hours.h"

/* ---- showing ---- */

static void render_widget(struct buffer *json, const struct org *org)
{
    json_key(json, BYTES("widget"));
    json_open(json, '{');
    render_text(json, BYTES("title"), org->widget_title);
    render_text(json, BYTES("subtitle"), org->widget_subtitle);
    render_text(json, BYTES("color"), org->widget_color);
    render_text(json, BYTES("position"), org->widget_position);
    render_text(json, BYTES("language"), org->widget_language);
    json_close(json, '}');
}

static void render_organization(struct buffer *json, struct txn *txn, const struct org *org)
{
    struct bytes rest = org->origins, origin;
    json_open(json, '{');
    member_id(json, "id", org->id);
    json_member_string(json, "key", org->key);
    json_member_string(json, "name", org->name);
    json_key(json, BYTES("allowedOrigins"));
    json_open(json, '[');
    while (origin_next(&rest, &origin)) {
        json_element(json);
        json_put_string(json, origin);
    }
    json_close(json, ']');
    render_widget(json, org);
    json_member_bool(json, "countVisits", org->count_visits);
    render_text(json, BYTES("businessHours"), org->business_hours);
    retention_settings_render(json, txn, org);
    json_member_bool(json, "writeEnabled", !org->write_disabled);
    json_member_bool(json, "widgetEnabled", !org->widget_disabled);
    json_member_string(json, "blockedAnswer", org->blocked_answer.len != 0 ? org->blocked_answer : BYTES("silence"));
    json_member_time(json, "createdAt", org->created_at_ms);
    json_member_time(json, "updatedAt", org->updated_at_ms);
    json_close(json, '}');
}

enum error handle_organization_show(struct call *call)
{
    render_organization(&call->loop->json, call->txn, &call->org);
    call_respond(call, 200, &call->loop->json);
    return OK;
}

/* ---- changing ---- */

struct origins {
    struct buffer list; /* one a line */
    bool is_valid;
};

static void on_origin(void *context, const struct json_value *value)
{
    struct origins *origins = context;
    struct bytes text;
    char origin[ORIGIN_LEN_MAX + 1];
    origins->is_valid &= json_string(value, &text) && origin_read(text, origin);
    if (!origins->is_valid)
        return;
    buffer_append_string(&origins->list, origins->list.len == 0 ? "" : "\n");
    buffer_append_string(&origins->list, origin);
}

static enum error read_origins(struct call *call, const struct json_value *root, struct origins *out,
                               struct bytes *list)
{
    const struct json_value *value = json_member(root, "allowedOrigins");
    if (value == NULL)
        return OK;
    out->is_valid = json_is_array(value) && json_array_len(value) <= ORG_ORIGINS_MAX;
    if (out->is_valid)
        json_each_element(value, on_origin, out);
    *list = out->list.len == 0 ? BYTES("") : buffer_view(&out->list);
    return out->is_valid ? OK
                         : call_refuse(call, ERR_INVALID_FIELD,
                                       "The field \"allowedOrigins\" must be at most 32 origins such as "
                                       "https://www.example.com.");
}

static bool is_one_of(struct bytes text, const char *words)
{
    for (const char *word = words; *word != '\0';) {
        size_t len = strcspn(word, " ");
        if (bytes_equal(text, bytes_view(word, len)))
            return true;
        word += len + (word[len] == ' ');
    }
    return text.len == 0;
}

static enum error read_widget(struct call *call, const struct json_value *widget, struct org_update *out)
{
    if (widget != NULL && !json_is_object(widget))
        return call_refuse(call, ERR_INVALID_FIELD, "The field \"widget\" must be an object.");
    enum error error = field_text(call, widget, "title", 0, ORG_TEXT_LEN_MAX, &out->widget_title);
    if (error == OK)
        error = field_text(call, widget, "subtitle", 0, ORG_TEXT_LEN_MAX, &out->widget_subtitle);
    if (error == OK)
        error = field_text(call, widget, "color", 0, 7, &out->widget_color);
    if (error == OK && out->widget_color.len != 0 && !color_is_valid(out->widget_color))
        error = call_refuse(call, ERR_INVALID_FIELD, "The field \"color\" must be such as #2563eb.");
    if (error == OK)
        error = field_text(call, widget, "position", 0, 8, &out->widget_position);
    if (error == OK && !is_one_of(out->widget_position, "left right"))
        error = call_refuse(call, ERR_INVALID_FIELD, "The field \"position\" must be left or right.");
    if (error == OK)
        error = field_text(call, widget, "language", 0, 8, &out->widget_language);
    if (error == OK && !is_one_of(out->widget_language, "auto en tr de fr es ar"))
        error = call_refuse(call, ERR_INVALID_FIELD, "The field \"language\" must be auto, en, tr, de, fr, es or ar.");
    return error;
}

static enum error read_business_hours(struct call *call, const struct json_value *root, struct bytes *out)
{
    char *why = request_alloc(call->request, SETTING_WHY_LEN);
    enum error error = field_text(call, root, "businessHours", 0, HOURS_TEXT_LEN_MAX, out);
    return error == OK && !business_hours_are_valid(*out, why) ? call_refuse(call, ERR_INVALID_FIELD, why) : error;
}

static void on_changed(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    struct org org;
    enum error error = txn == NULL ? ERR_BUSY : org_get(txn, entry->outcome.id, &org);
    if (error != OK) {
        respond_error(request, error, NULL, 0);
        return;
    }
    buffer_clear(&loop->json);
    render_organization(&loop->json, txn, &org);
    request_respond(request, 200, CONTENT_TYPE_JSON, buffer_view(&loop->json));
}

/* Records have them the other way round, so that those from before say yes. */
static enum error read_enabled(struct call *call, const struct json_value *root, const char *name, bool *is_given,
                               bool *disabled)
{
    bool enabled = false;
    enum error error = field_flag(call, root, name, is_given, &enabled);
    *disabled = *is_given && !enabled;
    return error;
}

static enum error read_switches(struct call *call, const struct json_value *root, struct org_update *out)
{
    enum error error = read_enabled(call, root, "writeEnabled", &out->set_write_disabled, &out->write_disabled);
    if (error == OK)
        error = read_enabled(call, root, "widgetEnabled", &out->set_widget_disabled, &out->widget_disabled);
    if (error == OK)
        error = field_text(call, root, "blockedAnswer", 1, 8, &out->blocked_answer);
    return error == OK && !is_one_of(out->blocked_answer, "silence refuse")
               ? call_refuse(call, ERR_INVALID_FIELD, "The field \"blockedAnswer\" must be silence or refuse.")
               : error;
}

static enum error update(struct call *call, const struct json_value *root, struct origins *origins)
{
    struct command command = {
        .kind = COMMAND_ORG_UPDATE,
        .org_update = {.org = call->org.id,
                       .at_ms = call->now_ms,
                       .by = call_actor(call),
                       .from = request_address_text(call->request)},
    };
    struct org_update *change = &command.org_update;
    enum error error = field_text(call, root, "name", 1, ORG_NAME_LEN_MAX, &change->name);
    if (error == OK)
        error = read_origins(call, root, origins, &change->origins);
    if (error == OK)
        error = read_widget(call, json_member(root, "widget"), change);
    if (error == OK)
        error = field_flag(call, root, "countVisits", &change->set_count_visits, &change->count_visits);
    if (error == OK)
        error = read_business_hours(call, root, &change->business_hours);
    if (error == OK)
        error = retention_settings_read(call, root, change);
    if (error == OK)
        error = read_switches(call, root, change);
    return error == OK ? call_submit(call, &command, on_changed) : error;
}

enum error handle_organization_update(struct call *call)
{
    struct json_document *document;
    struct origins origins = {.is_valid = true};
    enum error error = body_needed(call, &document);
    if (error != OK)
        return error;
    error = update(call, json_root(document), &origins);
    buffer_dispose(&origins.list);
    json_free(document);
    return error;
}
