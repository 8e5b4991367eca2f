/*
 * GET /openapi.json and the README's table, from the route table. What a route takes and gives beyond the table's
 * columns is a `details_<handler>` here: a route without one does not compile.
 */
#include "api/internal.h"
#include "api/openapi_components.h"
#include "base/version.h"

struct details {
    const char *parameters; /* names of components, by blanks: the query's and the headers' beyond the caller's own */
    const char *body;       /* schema of the request's body, or NULL */
    bool body_required;
    const char *statuses;     /* of success, by blanks */
    const char *content_type; /* of the answer */
    const char *answer;       /* its schema; NULL: a text */
};

#define JSON "application/json"
#define NOTHING NULL
#define DETAILS(handler, ...) static const struct details details_##handler = {__VA_ARGS__}

DETAILS(conversation_create, "IdempotencyKey", "Empty", false, "201 200", JSON, "ConversationCreated");
DETAILS(conversation_list, "Limit Before Order AfterActivity Status Assignee Tag Priority Unread OfVisitor Include",
        NULL, false, "200", JSON, "ConversationList");
DETAILS(conversation_counts, "", NULL, false, "200", JSON, "ConversationCounts");
DETAILS(conversation_bulk, "", "BulkChange", true, "200", JSON, "BulkResults");
DETAILS(conversation_show, "After BeforeSeq MessageLimit", NULL, false, "200", JSON, "ConversationWithMessages");
DETAILS(conversation_update, "", "ConversationChange", true, "200", JSON, "ListedConversation");
DETAILS(note_create, "", "NewNote", true, "201 200", JSON, "Note");
DETAILS(transcript, "TranscriptFormat After", NULL, false, "200", "text/plain", NULL);
DETAILS(visitor_update, "", "VisitorChange", true, "200", JSON, "Visitor");
DETAILS(reply_list, "ReplyAfter", NULL, false, "200", JSON, "ReplyList");
DETAILS(reply_create, "", "NewReply", true, "201", JSON, "Reply");
DETAILS(reply_show, "", NULL, false, "200", JSON, "Reply");
DETAILS(reply_update, "", "ReplyChange", true, "200", JSON, "Reply");
DETAILS(reply_delete, "", NULL, false, "204", NOTHING, NULL);
DETAILS(reply_text, "ReplyConversation", NULL, false, "200", JSON, "ReplyText");
DETAILS(conversation_read, "", "NewReadMark", true, "200", JSON, "ReadMarks");
DETAILS(message_create, "", "NewMessage", true, "201 200", JSON, "Message");
DETAILS(typing, "", "Typing", false, "204", NOTHING, NULL);
DETAILS(stream, "LastEventId Since", NULL, false, "200", "text/event-stream", "Events");
DETAILS(self_see, "", "NewSelf", false, "201 200", JSON, "Self");
DETAILS(self_show, "", NULL, false, "200", JSON, "Self");
DETAILS(self_export, "ExportAfter", NULL, false, "200", JSON, "ExportPage");
DETAILS(self_erase, "Preview Conversations", NULL, false, "200", JSON, "Receipt");
DETAILS(visitor_export, "ExportAfter", NULL, false, "200", JSON, "ExportPage");
DETAILS(visitor_erase, "Preview Conversations", NULL, false, "200", JSON, "Receipt");
DETAILS(cookie_keep, "", NULL, false, "200", JSON, "KeptVisitor");
DETAILS(cookie_drop, "", NULL, false, "204", NOTHING, NULL);
DETAILS(visitor_list, "Limit Before Online", NULL, false, "200", JSON, "VisitorList");
DETAILS(search, "Question Kind HitLimit Before", NULL, false, "200", JSON, "Found");
DETAILS(visitor_show, "", NULL, false, "200", JSON, "Visitor");
DETAILS(session_create, "", "LogIn", true, "201", JSON, "Session");
DETAILS(session_show, "", NULL, false, "200", JSON, "Session");
DETAILS(session_end, "", NULL, false, "204", NOTHING, NULL);
DETAILS(session_list, "", NULL, false, "200", JSON, "SessionList");
DETAILS(sessions_end, "", NULL, false, "204", NOTHING, NULL);
DETAILS(session_end_other, "", NULL, false, "204", NOTHING, NULL);
DETAILS(me_update, "", "NewName", true, "204", NOTHING, NULL);
DETAILS(me_password, "", "PasswordChange", true, "204", NOTHING, NULL);
DETAILS(second_factor_create, "", NULL, false, "200", JSON, "SecondFactor");
DETAILS(second_factor_set, "", "NewSecondFactor", true, "201", JSON, "RecoveryCodes");
DETAILS(second_factor_remove, "", "NoSecondFactor", true, "204", NOTHING, NULL);
DETAILS(link_show, "", "LinkToken", true, "200", JSON, "Link");
DETAILS(password_choose, "", "NewPassword", true, "204", NOTHING, NULL);
DETAILS(password_forgotten, "", "Email", true, "202", JSON, "Empty");
DETAILS(set_up, "", "SetUp", true, "201", JSON, "SetUpDone");
DETAILS(agent_list, "", NULL, false, "200", JSON, "AgentList");
DETAILS(agent_invite, "", "Invitation", true, "201", JSON, "Invited");
DETAILS(agent_role, "", "Role", true, "204", NOTHING, NULL);
DETAILS(agent_remove, "", NULL, false, "204", NOTHING, NULL);
DETAILS(agent_link, "", NULL, false, "201", JSON, "InvitationLink");
DETAILS(token_list, "", NULL, false, "200", JSON, "TokenList");
DETAILS(token_new, "", "NewToken", true, "201", JSON, "Token");
DETAILS(token_end, "", NULL, false, "204", NOTHING, NULL);
DETAILS(organization_show, "", NULL, false, "200", JSON, "Organization");
DETAILS(organization_update, "", "OrganizationChange", true, "200", JSON, "Organization");
DETAILS(retention_preview, "VisitorsDays MessagesDays EmptyDays AuditDays ErasuresDays RedactMessages", NULL, false,
        "200", JSON, "WouldGo");
DETAILS(security, "", NULL, false, "200", JSON, "Security");
DETAILS(audit_list, "Limit Before", NULL, false, "200", JSON, "AuditList");
DETAILS(webhook_list, "", NULL, false, "200", JSON, "WebhookList");
DETAILS(webhook_create, "", "NewWebhook", true, "201", JSON, "WebhookWithSecret");
DETAILS(webhook_show, "", NULL, false, "200", JSON, "Webhook");
DETAILS(webhook_update, "", "WebhookChange", true, "200", JSON, "Webhook");
DETAILS(webhook_delete, "", NULL, false, "204", NOTHING, NULL);
DETAILS(webhook_rotate, "", NULL, false, "200", JSON, "WebhookWithSecret");
DETAILS(webhook_test, "", NULL, false, "200", JSON, "PingResult");
DETAILS(webhook_deliveries, "Limit", NULL, false, "200", JSON, "Deliveries");
DETAILS(webhook_retry, "", NULL, false, "200", JSON, "Webhook");
DETAILS(bootloader, "", NULL, false, "200", JSON, "Bootloader");
DETAILS(health, "", NULL, false, "200", JSON, "Health");
DETAILS(metrics, "", NULL, false, "200", "text/plain", NULL);
DETAILS(openapi, "", NULL, false, "200", JSON, "Document");
DETAILS(embed, "", NULL, false, "200", "text/javascript", NULL);
DETAILS(widget_file, "", NULL, false, "200", "text/javascript", NULL);
DETAILS(account, "", NULL, false, "200", "text/html", NULL);
DETAILS(inbox, "", NULL, false, "200", "text/html", NULL);
DETAILS(demo, "", NULL, false, "200", "text/html", NULL);

static const struct details *const route_details[] = {
#define ROUTE(method, pattern, who, body_len_max, handler, help) &details_##handler,
#include "api/routes.def"
#undef ROUTE
};

#define TOKEN "{\"token\":[]}"
#define SESSION "{\"session\":[],\"csrf\":[]}"

/* What each WHO is called in the README, and what it asks for. */
static const struct {
    const char *name, *parameters, *security;
} who_words[] = {
    [WHO_OPEN] = {"anybody", "", "[]"},
    [WHO_ORG] = {"public", "OrgKey VisitorKey", "[{}," TOKEN "," SESSION "]"},
    [WHO_CALLER] = {"its owner, or write", "OrgKey VisitorKey", "[{}," TOKEN "," SESSION "]"},
    [WHO_VISITOR] = {"visitor, or read", "OrgKey VisitorKey", "[{}," TOKEN "," SESSION "]"},
    [WHO_SELF] = {"visitor", "OrgKey VisitorKey", "[{}," TOKEN "," SESSION "]"},
    [WHO_READ] = {"read", "OrgKey", "[" TOKEN "," SESSION "]"},
    [WHO_WRITE] = {"write", "OrgKey", "[" TOKEN "," SESSION "]"},
    [WHO_ADMIN] = {"admin", "OrgKey", "[" TOKEN "," SESSION "]"},
    [WHO_OWNER] = {"owner", "OrgKey", "[" SESSION "]"},
    [WHO_AGENT] = {"agent", "", "[" SESSION "]"},
};

/* ---- one operation ---- */

static void put_references(struct buffer *out, const char *kind, const char *names)
{
    while (*names != '\0') {
        size_t len = strcspn(names, " ");
        json_element(out);
        buffer_printf(out, "{\"$ref\":\"#/components/%s/%.*s\"}", kind, (int)len, names);
        names += names[len] == ' ' ? len + 1 : len;
    }
}

static void put_parameters(struct buffer *out, const struct route_row *row, const struct details *details)
{
    json_key(out, BYTES("parameters"));
    json_open(out, '[');
    if (strstr(row->pattern, ":id") != NULL)
        put_references(out, "parameters", "Id");
    if (strstr(row->pattern, ":delivery") != NULL)
        put_references(out, "parameters", "Delivery");
    if (strstr(row->pattern, ":file") != NULL)
        put_references(out, "parameters", "File");
    put_references(out, "parameters", who_words[row->who].parameters);
    put_references(out, "parameters", details->parameters);
    json_close(out, ']');
}

static void put_security(struct buffer *out, const struct route_row *row)
{
    json_key(out, BYTES("security"));
    json_put_literal(out, who_words[row->who].security);
}

static void put_success(struct buffer *out, const struct details *details, const char *status)
{
    bool is_created = strncmp(status, "201", 3) == 0;
    json_key(out, bytes_view(status, 3));
    json_open(out, '{');
    json_member_string(out, "description", is_created ? BYTES("Created, and on disk.") : BYTES("OK."));
    if (details->content_type != NOTHING) {
        buffer_printf(out, ",\"content\":{\"%s\":{\"schema\":", details->content_type);
        if (details->answer != NULL)
            buffer_printf(out, "{\"$ref\":\"#/components/schemas/%s\"}}}", details->answer);
        else
            json_put_literal(out, "{\"type\":\"string\"}}}");
    }
    json_close(out, '}');
}

static void put_responses(struct buffer *out, const struct details *details)
{
    json_key(out, BYTES("responses"));
    json_open(out, '{');
    for (const char *status = details->statuses; *status != '\0'; status += status[3] == ' ' ? 4 : 3)
        put_success(out, details, status);
    json_key(out, BYTES("default"));
    json_put_literal(out, "{\"description\":\"Refused; the body says why.\",\"content\":{\"application/json\":{"
                          "\"schema\":{\"$ref\":\"#/components/schemas/Error\"}}}}");
    json_close(out, '}');
}

static void put_operation(struct buffer *out, const struct route_row *row, const struct details *details)
{
    char method[8] = "";
    for (unsigned i = 0; i < sizeof(method) - 1 && row->method[i] != '\0'; ++i)
        method[i] = (char)(row->method[i] | 0x20);
    json_key(out, bytes_of_string(method));
    json_open(out, '{');
    json_member_string(out, "operationId", bytes_of_string(row->name));
    json_member_string(out, "summary", bytes_of_string(row->help));
    put_parameters(out, row, details);
    put_security(out, row);
    if (details->body != NULL) {
        json_key(out, BYTES("requestBody"));
        buffer_printf(
            out,
            "{\"required\":%s,\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/%s\"}}}}",
            details->body_required ? "true" : "false", details->body);
    }
    put_responses(out, details);
    json_close(out, '}');
}

/* ---- the document ---- */

/* "/conversations/:id" as "/conversations/{id}" */
static void put_path(struct buffer *out, const char *pattern)
{
    for (bool in_parameter = false; *pattern != '\0' || in_parameter; ++pattern) {
        bool ends = in_parameter && (*pattern == '/' || *pattern == '\0');
        if (ends)
            buffer_append_string(out, "}");
        if (*pattern == '\0')
            return;
        in_parameter = *pattern == ':' || (in_parameter && !ends);
        buffer_append(out, *pattern == ':' ? "{" : pattern, 1);
    }
}

static bool path_is_first(unsigned row)
{
    for (unsigned before = 0; before < row; ++before)
        if (strcmp(route_rows[before].pattern, route_rows[row].pattern) == 0)
            return false;
    return true;
}

static void put_path_item(struct buffer *out, unsigned row)
{
    json_element(out);
    buffer_append_string(out, "\"");
    put_path(out, route_rows[row].pattern);
    buffer_append_string(out, "\":");
    json_open(out, '{');
    for (unsigned same = row; same < route_row_count; ++same)
        if (strcmp(route_rows[same].pattern, route_rows[row].pattern) == 0)
            put_operation(out, &route_rows[same], route_details[same]);
    json_close(out, '}');
}

static void put_components(struct buffer *out, struct bytes kind, const struct openapi_component *component)
{
    json_key(out, kind);
    json_open(out, '{');
    for (; component->name != NULL; ++component) {
        json_key(out, bytes_of_string(component->name));
        json_put_literal(out, component->json);
    }
    json_close(out, '}');
}

static void put_info(struct buffer *out)
{
    json_key(out, BYTES("info"));
    json_open(out, '{');
    json_member_string(out, "title", BYTES("Helvino"));
    json_member_string(out, "version", BYTES(HELVINO_VERSION));
    json_member_string(out, "description", BYTES("Visitors, conversations and messages."));
    json_key(out, BYTES("license"));
    json_put_literal(out, "{\"name\":\"MIT\"}");
    json_close(out, '}');
}

void api_openapi(struct buffer *out)
{
    json_open(out, '{');
    json_member_string(out, "openapi", BYTES("3.1.0"));
    put_info(out);
    json_key(out, BYTES("paths"));
    json_open(out, '{');
    for (unsigned row = 0; row < route_row_count; ++row)
        if (path_is_first(row))
            put_path_item(out, row);
    json_close(out, '}');
    json_key(out, BYTES("components"));
    json_open(out, '{');
    json_key(out, BYTES("securitySchemes"));
    json_put_literal(out, "{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"},"
                          "\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"__Host-helvino_session\"},"
                          "\"csrf\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"x-csrf-token\"}}");
    put_components(out, BYTES("parameters"), openapi_parameters);
    put_components(out, BYTES("schemas"), openapi_schemas);
    json_close(out, '}');
    json_close(out, '}');
}

enum error handle_openapi(struct call *call)
{
    api_openapi(&call->loop->json);
    call_respond(call, 200, &call->loop->json);
    return OK;
}

void api_routes_markdown(struct buffer *out)
{
    buffer_append_string(out, "| route | who | what it does |\n|---|---|---|\n");
    for (unsigned row = 0; row < route_row_count; ++row)
        buffer_printf(out, "| `%s %s` | %s | %s |\n", route_rows[row].method, route_rows[row].pattern,
                      who_words[route_rows[row].who].name, route_rows[row].help);
}
