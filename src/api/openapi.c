/*
 * GET /openapi.json and the README's table, from the route table. What a route takes and gives beyond the table's
 * columns is a `details_<handler>` here: a route without one does not compile.
 */
#include "api/internal.h"
#include "base/version.h"

struct details {
    const char *parameters; /* names of components, by blanks: the query's and the headers' beyond the caller's own */
    const char *body;       /* schema of the request's body, or NULL */
    bool body_required;
    const char *answer;   /* schema of the answer; NULL: text */
    const char *statuses; /* of success, by blanks */
};

static const struct details details_conversation_create = {"IdempotencyKey", "Empty", false, "ConversationCreated",
                                                           "201 200"};
static const struct details details_conversation_list = {"Limit Before", NULL, false, "ConversationList", "200"};
static const struct details details_conversation_show = {"After MessageLimit", NULL, false, "ConversationWithMessages",
                                                         "200"};
static const struct details details_message_create = {"", "NewMessage", true, "Message", "201 200"};
static const struct details details_visitor_list = {"Limit Before", NULL, false, "VisitorList", "200"};
static const struct details details_visitor_show = {"", NULL, false, "Visitor", "200"};
static const struct details details_bootloader = {"", NULL, false, "Bootloader", "200"};
static const struct details details_health = {"", NULL, false, "Health", "200"};
static const struct details details_metrics = {"", NULL, false, NULL, "200"};
static const struct details details_openapi = {"", NULL, false, "Any", "200"};

static const struct details details_conversation_read = {"", "Any", true, "Any", "200"};
static const struct details details_typing = {"", "Any", false, "Any", "204"};
static const struct details details_stream = {"", NULL, false, NULL, "200"};
static const struct details details_self_see = {"", "Any", false, "Any", "201 200"};
static const struct details details_self_show = {"", NULL, false, "Any", "200"};
static const struct details details_self_export = {"", NULL, false, "Any", "200"};
static const struct details details_self_erase = {"", NULL, false, "Any", "200"};
static const struct details details_cookie_keep = {"", NULL, false, "Any", "200"};
static const struct details details_cookie_drop = {"", NULL, false, "Any", "204"};
static const struct details details_embed = {"", NULL, false, NULL, "200"};
static const struct details details_widget_file = {"", NULL, false, NULL, "200"};
static const struct details details_demo = {"", NULL, false, NULL, "200"};

static const struct details *const route_details[] = {
#define ROUTE(method, pattern, who, body_len_max, handler, help) &details_##handler,
#include "api/routes.def"
#undef ROUTE
};

/* ---- the parts that all routes share ---- */

#define STRING "{\"type\":\"string\"}"
#define TIME "{\"type\":\"string\",\"format\":\"date-time\"}"
#define ID "{\"type\":\"string\",\"pattern\":\"^c[0-9a-z]{24}$\"}"
#define ID_OR_NULL "{\"type\":[\"string\",\"null\"],\"pattern\":\"^c[0-9a-z]{24}$\"}"
#define INTEGER "{\"type\":\"integer\",\"minimum\":0}"
#define REFERENCE(name) "{\"$ref\":\"#/components/schemas/" name "\"}"
#define CURSOR \
    "{\"type\":[\"string\",\"null\"],\"description\":\"Pass it as `before` for the next page; null at the end.\"}"
#define CONVERSATION_MEMBERS                                                                \
    "\"id\":" ID ",\"visitorId\":" ID_OR_NULL ",\"createdAt\":" TIME ",\"updatedAt\":" TIME \
    ",\"messageCount\":" INTEGER ",\"lastMessage\":{\"oneOf\":[" REFERENCE("Message") ",{\"type\":\"null\"}]}"
#define LIST_OF(member, schema)                      \
    "{\"type\":\"object\",\"properties\":{\"" member \
    "\":{\"type\":\"array\",\"items\":" REFERENCE(schema) "},\"next\":" CURSOR "}}"

static const char schemas[] =
    "\"Any\":{\"type\":\"object\"},"
    "\"Empty\":{\"type\":\"object\",\"description\":\"Its members are not looked at.\"},"
    "\"Error\":{\"type\":\"object\",\"required\":[\"error\",\"code\"],\"properties\":{\"error\":" STRING
    ",\"code\":" STRING "}},"
    "\"ConversationCreated\":{\"type\":\"object\",\"properties\":{\"id\":" ID ",\"createdAt\":" TIME "}},"
    "\"Conversation\":{\"type\":\"object\",\"properties\":{" CONVERSATION_MEMBERS "}},"
    "\"ConversationWithMessages\":{\"type\":\"object\",\"properties\":{" CONVERSATION_MEMBERS
    ",\"messages\":{\"type\":\"array\",\"items\":" REFERENCE(
        "Message") "},\"hasMore\":{\"type\":\"boolean\"}}},"
                   "\"ConversationList\":" LIST_OF(
                       "conversations",
                       "Conversation") ","
                                       "\"NewMessage\":{\"type\":\"object\",\"required\":[\"role\",\"content\"],"
                                       "\"properties\":{\"role\":{\"enum\":[\"user\",\"assistant\"]},"
                                       "\"content\":{\"type\":\"string\",\"minLength\":1,\"description\":\"At most "
                                       "32768 bytes of UTF-8.\"},"
                                       "\"clientId\":{\"type\":\"string\",\"pattern\":\"^[!-~]{1,64}$\","
                                       "\"description\":\"The same one again gives the same message.\"}}},"
                                       "\"Message\":{\"type\":\"object\",\"properties\":{\"id\":" ID
                                       ",\"conversationId\":" ID
                                       ",\"role\":{\"enum\":[\"user\",\"assistant\"]},\"content\":" STRING
                                       ",\"timestamp\":" TIME ",\"seq\":" INTEGER "}},"
                                       "\"Visitor\":{\"type\":\"object\",\"properties\":{\"id\":" ID
                                       ",\"visitorKey\":" STRING ",\"firstSeenAt\":" TIME ",\"lastSeenAt\":" TIME
                                       ",\"userAgent\":{\"type\":[\"string\",\"null\"]},\"conversationCount\":" INTEGER
                                       "}},"
                                       "\"VisitorList\":" LIST_OF(
                                           "visitors",
                                           "Visitor") ","
                                                      "\"Bootloader\":{\"type\":\"object\",\"properties\":{\"ok\":{"
                                                      "\"const\":true},\"org\":{\"type\":\"object\",\"properties\":{"
                                                      "\"id\":" ID ",\"key\":" STRING ",\"name\":" STRING
                                                      "}},\"config\":{\"type\":\"object\",\"properties\":{"
                                                      "\"title\":" STRING ",\"subtitle\":" STRING ",\"color\":" STRING
                                                      ",\"position\":{\"enum\":[\"left\",\"right\"]},"
                                                      "\"language\":" STRING
                                                      ",\"countVisits\":{\"type\":\"boolean\"}}},\"timestamp\":" TIME
                                                      "}},"
                                                      "\"Health\":{\"type\":\"object\",\"properties\":{\"ok\":{"
                                                      "\"const\":true},\"version\":" STRING ",\"seq\":" INTEGER "}}";

#define QUERY(name, text, schema) \
    "{\"name\":\"" name "\",\"in\":\"query\",\"description\":\"" text "\",\"schema\":" schema "}"
#define HEADER(name, required, text)                                                             \
    "{\"name\":\"" name "\",\"in\":\"header\",\"required\":" required ",\"description\":\"" text \
    "\",\"schema\":" STRING "}"

static const char parameters[] =
    "\"Id\":{\"name\":\"id\",\"in\":\"path\",\"required\":true,\"description\":\"The id, or the one of another "
    "shape that it was imported with.\",\"schema\":{\"type\":\"string\",\"pattern\":\"^[!-~]{1,64}$\"}},"
    "\"OrgKey\":" HEADER(
        "x-org-key", "false",
        "The organisation's public key; x-site-id is another name for it. Not needed with a "
        "token.") ","
                  "\"VisitorKey\":" HEADER(
                      "x-visitor-id", "false",
                      "The visitor's own key, v_ and up to 78 characters. Whoever holds it is "
                      "that visitor.") ","
                                       "\"IdempotencyKey\":" HEADER(
                                           "Idempotency-Key", "false",
                                           "The same key from the same "
                                           "caller within 24 hours "
                                           "gives the first answer "
                                           "again.") ","
                                                     "\"Limit\":" QUERY(
                                                         "limit",
                                                         "Items of a "
                                                         "page.",
                                                         "{\"type\":"
                                                         "\"integer\","
                                                         "\"minimum\":1,"
                                                         "\"maximum\":"
                                                         "100,"
                                                         "\"default\":"
                                                         "50}") ","
                                                                "\"Befor"
                                                                "e\""
                                                                ":" QUERY(
                                                                    "bef"
                                                                    "or"
                                                                    "e",
                                                                    "The"
                                                                    " `"
                                                                    "nex"
                                                                    "t` "
                                                                    "of "
                                                                    "the"
                                                                    " pa"
                                                                    "ge "
                                                                    "bef"
                                                                    "ore"
                                                                    ".",
                                                                    STRING) ","
                                                                            "\"After\":" QUERY(
                                                                                "after",
                                                                                "Only messages with a later seq.",
                                                                                INTEGER) ","
                                                                                         "\"MessageLimit\":" QUERY(
                                                                                             "limit",
                                                                                             "Messages in the answer.",
                                                                                             "{\"type\":\"integer\","
                                                                                             "\"minimum\":1,"
                                                                                             "\"maximum\":1000,"
                                                                                             "\"default\":200}");

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
    if (row->who != WHO_OPEN)
        put_references(out, "parameters", row->who == WHO_TOKEN ? "OrgKey" : "OrgKey VisitorKey");
    put_references(out, "parameters", details->parameters);
    json_close(out, ']');
}

static void put_security(struct buffer *out, const struct route_row *row)
{
    json_key(out, BYTES("security"));
    json_put_literal(out, row->who == WHO_TOKEN  ? "[{\"token\":[]}]"
                          : row->who == WHO_OPEN ? "[]"
                                                 : "[{},{\"token\":[]}]");
}

static void put_responses(struct buffer *out, const struct details *details)
{
    json_key(out, BYTES("responses"));
    json_open(out, '{');
    for (const char *status = details->statuses; *status != '\0'; status += status[3] == ' ' ? 4 : 3) {
        json_key(out, bytes_view(status, 3));
        if (details->answer != NULL)
            buffer_printf(out,
                          "{\"description\":\"%s\",\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/"
                          "components/schemas/%s\"}}}}",
                          strncmp(status, "201", 3) == 0 ? "Created, and on disk." : "OK.", details->answer);
        else
            json_put_literal(out, "{\"description\":\"OK.\",\"content\":{\"text/plain\":{\"schema\":" STRING "}}}");
    }
    json_key(out, BYTES("default"));
    json_put_literal(
        out,
        "{\"description\":\"Refused; the body says why.\",\"content\":{\"application/json\":{\"schema\":" REFERENCE(
            "Error") "}}}");
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

void api_openapi(struct buffer *out)
{
    buffer_append_string(
        out,
        "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"Helvino\",\"version\":\"" HELVINO_VERSION
        "\",\"description\":\"Visitors, conversations and messages.\",\"license\":{\"name\":\"MIT\"}},\"paths\":{");
    for (unsigned row = 0; row < route_row_count; ++row)
        if (path_is_first(row))
            put_path_item(out, row);
    buffer_append_string(
        out,
        "},\"components\":{\"securitySchemes\":{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"}},\"parameters\":{");
    buffer_append_string(out, parameters);
    buffer_append_string(out, "},\"schemas\":{");
    buffer_append_string(out, schemas);
    buffer_append_string(out, "}}}");
}

enum error handle_openapi(struct call *call)
{
    api_openapi(&call->loop->json);
    call_respond(call, 200, &call->loop->json);
    return OK;
}

void api_routes_markdown(struct buffer *out)
{
    static const char *const who[] = {"anybody",           "public",  "its owner, or token",
                                      "visitor, or token", "visitor", "token"};
    buffer_append_string(out, "| route | who | what it does |\n|---|---|---|\n");
    for (unsigned row = 0; row < route_row_count; ++row)
        buffer_printf(out, "| `%s %s` | %s | %s |\n", route_rows[row].method, route_rows[row].pattern,
                      who[route_rows[row].who], route_rows[row].help);
}
