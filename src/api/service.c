/* What a widget and a supervisor ask for: /api/bootloader and /health. */
#include "api/internal.h"
#include "base/version.h"

static void member_text(struct buffer *out, struct bytes name, struct bytes text, struct bytes fallback)
{
    json_key(out, name);
    json_put_string(out, text.len != 0 ? text : fallback);
}

static void put_config(struct buffer *json, const struct org *org, bool visitor_cookie)
{
    json_key(json, BYTES("config"));
    json_open(json, '{');
    member_text(json, BYTES("title"), org->widget_title, org->name);
    member_text(json, BYTES("subtitle"), org->widget_subtitle, BYTES(""));
    member_text(json, BYTES("color"), org->widget_color, BYTES("#2563eb"));
    member_text(json, BYTES("position"), org->widget_position, BYTES("right"));
    member_text(json, BYTES("language"), org->widget_language, BYTES("auto"));
    json_member_bool(json, "countVisits", org->count_visits);
    json_member_bool(json, "enabled", !org->widget_disabled);
    json_member_bool(json, "visitorCookie", visitor_cookie);
    json_close(json, '}');
}

/* What a launcher shows of a visitor who comes back; null for one who is not known. */
static enum error put_visitor(struct call *call)
{
    struct buffer *json = &call->loop->json;
    struct visitor visitor;
    struct id id;
    uint64_t unread;
    enum error error = call->visitor_key.data == NULL
                           ? ERR_NOT_FOUND
                           : visitor_id_by_key(call->txn, call->org.id, call->visitor_key, &id);
    if (error == ERR_NOT_FOUND) {
        json_member_null(json, "visitor");
        return OK;
    }
    if (error == OK)
        error = visitor_get(call->txn, id, &visitor);
    if (error == OK)
        error = unread_of_visitor(call->loop, call->txn, &visitor, &unread);
    if (error != OK)
        return error == ERR_NOT_FOUND ? ERR_CORRUPT : error;
    json_key(json, BYTES("visitor"));
    json_open(json, '{');
    json_member_integer(json, "conversationCount", (int64_t)visitor.conversation_count);
    json_member_integer(json, "unreadCount", (int64_t)unread);
    json_close(json, '}');
    return OK;
}

enum error handle_bootloader(struct call *call)
{
    struct buffer *json = &call->loop->json;
    const struct org *org = &call->org;
    json_open(json, '{');
    json_member_bool(json, "ok", true);
    json_key(json, BYTES("org"));
    json_open(json, '{');
    member_id(json, "id", org->id);
    json_member_string(json, "key", org->key);
    json_member_string(json, "name", org->name);
    json_close(json, '}');
    put_config(json, org, call_has_cookie(call));
    json_member_bool(json, "online", api_org_is_online(call->loop, org->id));
    api_render_opens_at(call->loop, json, org->id);
    enum error error = put_visitor(call);
    if (error != OK)
        return error;
    json_member_time(json, "timestamp", call->now_ms);
    json_close(json, '}');
    call_respond(call, 200, json);
    return OK;
}

enum error handle_health(struct call *call)
{
    struct buffer *json = &call->loop->json;
    uint64_t seq;
    enum error error = meta_get_u64(call->txn, META_SEQ, &seq);
    if (error != OK)
        return error;
    json_open(json, '{');
    json_member_bool(json, "ok", true);
    json_member_string(json, "version", BYTES(HELVINO_VERSION));
    json_member_integer(json, "seq", (int64_t)seq);
    json_close(json, '}');
    call_respond(call, 200, json);
    return OK;
}
