/* Readings of a body's fields, each with the sentence that says what it should have been. */
#include <stdio.h>

#include "api/internal.h"
#include "base/text.h"

static enum error refuse_field(struct call *call, const char *format, const char *name, unsigned long long min,
                               unsigned long long max)
{
    char *sentence = request_alloc(call->request, 200);
    snprintf(sentence, 200, format, name, min, max);
    return call_refuse(call, ERR_INVALID_FIELD, sentence);
}

/* One line: a name with a control character in it could be taken for something else in a log, a mail or a shell. */
enum error field_text(struct call *call, const struct json_value *root, const char *name, size_t min, size_t max,
                      struct bytes *out)
{
    const struct json_value *value = json_member(root, name);
    *out = BYTES_NONE;
    if (value == NULL)
        return OK;
    if (json_string(value, out) && out->len >= min && out->len <= max && text_is_one_line(*out))
        return OK;
    return refuse_field(call, "The field \"%s\" must be a text of one line with %llu to %llu bytes.", name, min, max);
}

enum error field_text_needed(struct call *call, const struct json_value *root, const char *name, size_t min, size_t max,
                             struct bytes *out)
{
    enum error error = field_text(call, root, name, min, max, out);
    if (error == OK && out->data == NULL)
        return refuse_field(call, "The field \"%s\" must be a text of one line with %llu to %llu bytes.", name, min,
                            max);
    return error;
}

enum error field_client_id(struct call *call, const struct json_value *root, struct bytes *out)
{
    const struct json_value *value = json_member(root, "clientId");
    *out = BYTES_NONE;
    if (value == NULL)
        return OK;
    bool is_valid = json_string(value, out) && out->len >= 1 && out->len <= CLIENT_ID_LEN_MAX;
    for (size_t i = 0; i < out->len && is_valid; ++i)
        is_valid = out->data[i] >= 0x21 && out->data[i] <= 0x7e;
    return is_valid ? OK
                    : refuse_field(call, "The field \"%s\" must be a text of %llu to %llu visible ASCII characters.",
                                   "clientId", 1, CLIENT_ID_LEN_MAX);
}

enum error field_email(struct call *call, const struct json_value *root, const char *name, struct bytes *out)
{
    enum error error = field_text_needed(call, root, name, 1, EMAIL_LEN_MAX, out);
    return error == OK && !email_is_valid(*out)
               ? refuse_field(call, "The field \"%s\" must be an e-mail address.", name, 0, 0)
               : error;
}

enum error field_flag(struct call *call, const struct json_value *root, const char *name, bool *given, bool *out)
{
    const struct json_value *value = json_member(root, name);
    *given = value != NULL;
    if (value == NULL || json_bool(value, out))
        return OK;
    return refuse_field(call, "The field \"%s\" must be true or false.", name, 0, 0);
}

enum error field_number(struct call *call, const struct json_value *root, const char *name, uint64_t max, bool *given,
                        uint64_t *out)
{
    const struct json_value *value = json_member(root, name);
    int64_t number = 0;
    *given = value != NULL;
    if (value == NULL)
        return OK;
    if (!json_integer(value, &number) || number < 0 || (uint64_t)number > max)
        return refuse_field(call, "The field \"%s\" must be a whole number from %llu to %llu.", name, 0, max);
    *out = (uint64_t)number;
    return OK;
}

enum error field_time(struct call *call, const struct json_value *root, const char *name, int64_t *out)
{
    struct bytes text;
    const struct json_value *value = json_member(root, name);
    *out = 0;
    if (value == NULL)
        return OK;
    if (json_string(value, &text) && time_parse(text, out))
        return OK;
    return refuse_field(call, "The field \"%s\" must be a time such as 2026-01-31T23:59:59.999Z.", name, 0, 0);
}

enum error body_needed(struct call *call, struct json_document **out)
{
    enum error error = body_object(call, out);
    if (error == OK && *out == NULL)
        return call_refuse(call, ERR_INVALID_JSON, "The body must be a JSON object.");
    return error;
}

enum error call_with_body(struct call *call, body_handler *handle)
{
    struct json_document *document;
    enum error error = body_needed(call, &document);
    if (error != OK)
        return error;
    error = handle(call, json_root(document));
    json_free(document);
    return error;
}
