/* /sessions, and the end of /session: where an agent is logged in, and logging out, here or elsewhere. */
#include "api/login.h"

/* ---- all of an agent ---- */

static enum error each_session(struct txn *txn, struct id agent,
                               void (*visit)(void *context, const struct session *session), void *context)
{
    struct bytes key;
    struct cursor *cursor = cursor_open(txn, TABLE_SESSION_BY_AGENT);
    enum error error = cursor_seek(cursor, id_view(&agent), &key, NULL);
    while (error == OK && memcmp(key.data, agent.bytes, ID_LEN) == 0) {
        struct session session;
        size_t offset = ID_LEN;
        if (session_get(txn, key_get_id(key, &offset), &session) == OK)
            visit(context, &session);
        error = cursor_next(cursor, &key, NULL);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

struct search {
    struct bytes address;
    bool found;
};

static void look_for_address(void *context, const struct session *session)
{
    struct search *search = context;
    search->found |= session->address.data != NULL && bytes_equal(session->address, search->address);
}

enum error session_is_from(struct txn *txn, struct id agent, struct bytes address, bool *out)
{
    struct search search = {.address = address};
    enum error error = each_session(txn, agent, look_for_address, &search);
    *out = search.found;
    return error;
}

/* ---- listing ---- */

static void render_listed(void *context, const struct session *session)
{
    struct call *call = context;
    struct buffer *json = &call->loop->json;
    json_element(json);
    json_open(json, '{');
    member_id(json, "id", session->id);
    json_member_bool(json, "current", id_equal(session->id, call->session));
    json_member_time(json, "createdAt", session->created_at_ms);
    json_member_time(json, "lastUsedAt", session->used_at_ms);
    render_text(json, BYTES("userAgent"), session->user_agent);
    render_text(json, BYTES("address"), session->address);
    json_close(json, '}');
}

enum error handle_session_list(struct call *call)
{
    struct buffer *json = &call->loop->json;
    json_open(json, '{');
    json_key(json, BYTES("sessions"));
    json_open(json, '[');
    enum error error = each_session(call->txn, call->agent, render_listed, call);
    json_close(json, ']');
    json_close(json, '}');
    if (error == OK)
        call_respond(call, 200, json);
    return error;
}

/* ---- logging out ---- */

static void on_ended(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    const bool *is_own = entry_kept(entry);
    (void)loop, (void)txn;
    if (entry->error != OK && !*is_own) {
        respond_error(request, entry->error, NULL, 0);
        return;
    }
    if (*is_own)
        session_cookie_forget(request);
    request_respond(request, 204, NULL, BYTES_NONE);
}

static enum error end_sessions(struct call *call, struct id session, struct id kept)
{
    bool is_own = id_equal(session, call->session);
    struct command command = {
        .kind = COMMAND_SESSION_END,
        .session_end = {.agent = call->agent,
                        .session = session,
                        .kept = kept,
                        .at_ms = call->now_ms,
                        .by = call->agent,
                        .from = request_address_text(call->request)},
    };
    return call_submit_keeping(call, &command, on_ended, &is_own, sizeof(is_own));
}

enum error handle_session_end(struct call *call)
{
    return end_sessions(call, call->session, ID_NONE);
}

enum error handle_sessions_end(struct call *call)
{
    return end_sessions(call, ID_NONE, call->session);
}

enum error handle_session_end_other(struct call *call)
{
    struct id id;
    return id_parse(request_path_param(call->request, 0), &id) ? end_sessions(call, id, ID_NONE) : ERR_NOT_FOUND;
}
