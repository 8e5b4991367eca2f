/* The body of a request, where a route takes one: absent, or one JSON object in UTF-8. */
#include <strings.h>

#include "api/internal.h"

static bool equal_ignoring_case(struct bytes text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.data, word, text.len) == 0;
}

static struct bytes trim(struct bytes text)
{
    while (text.len != 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = bytes_view(text.data + 1, text.len - 1);
    while (text.len != 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        --text.len;
    return text;
}

static struct bytes cut_at(struct bytes *rest, char separator)
{
    const char *end = rest->len == 0 ? NULL : memchr(rest->data, separator, rest->len);
    size_t len = end == NULL ? rest->len : (size_t)(end - rest->data);
    struct bytes part = trim(bytes_view(rest->data, len));
    size_t skip = end == NULL ? len : len + 1;
    *rest = bytes_view(rest->data + skip, rest->len - skip);
    return part;
}

/* "application/json", with charset=utf-8 or without; other parameters don't change what JSON is (RFC 8259, section 11).
 */
static bool is_json(struct bytes content_type)
{
    if (!equal_ignoring_case(cut_at(&content_type, ';'), "application/json"))
        return false;
    while (content_type.len != 0) {
        struct bytes parameter = cut_at(&content_type, ';');
        struct bytes name = cut_at(&parameter, '=');
        parameter = trim(parameter);
        if (equal_ignoring_case(name, "charset") && !equal_ignoring_case(parameter, "utf-8") &&
            !equal_ignoring_case(parameter, "\"utf-8\""))
            return false;
    }
    return true;
}

enum error body_object(struct call *call, struct json_document **out)
{
    struct bytes body = request_body(call->request), content_type;
    const char *sentence;
    *out = NULL;
    enum error error = single_header(call, BYTES("content-type"), &content_type);
    if (error != OK || body.len == 0)
        return error;
    if (content_type.data != NULL && !is_json(content_type))
        return ERR_MEDIA_TYPE;
    *out = json_parse_object(body, &sentence);
    return *out != NULL ? OK : call_refuse(call, ERR_INVALID_JSON, sentence);
}
