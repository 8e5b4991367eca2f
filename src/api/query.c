/* Readings of a request's query, path and headers, each with the sentence that says what it should have been. */
#include <stdio.h>

#include "api/internal.h"
#include "base/text.h"

static const char *sentence_in(struct call *call, const char *format, const char *name, uint64_t min, uint64_t max)
{
    char *text = request_alloc(call->request, 160);
    snprintf(text, 160, format, name, (unsigned long long)min, (unsigned long long)max);
    return text;
}

/* The next "name=value" of *query, still encoded. */
static bool next_pair(struct bytes *query, struct bytes *name, struct bytes *value)
{
    if (query->len == 0)
        return false;
    const char *end = memchr(query->data, '&', query->len);
    size_t len = end == NULL ? query->len : (size_t)(end - query->data);
    const char *equals = memchr(query->data, '=', len);
    size_t name_len = equals == NULL ? len : (size_t)(equals - query->data);
    *name = bytes_view(query->data, name_len);
    *value = equals == NULL ? BYTES("") : bytes_view(equals + 1, len - name_len - 1);
    size_t skip = end == NULL ? len : len + 1;
    *query = bytes_view(query->data + skip, query->len - skip);
    return true;
}

static enum error decode_value(struct call *call, const char *name, struct bytes encoded, struct bytes *out)
{
    char *decoded = request_alloc(call->request, encoded.len + 1);
    size_t len;
    if (!percent_decode(encoded, decoded, encoded.len + 1, &len) || !utf8_valid(bytes_view(decoded, len)))
        return call_refuse(call, ERR_INVALID_QUERY,
                           sentence_in(call, "The parameter \"%s\" is not valid.", name, 0, 0));
    *out = bytes_view(decoded, len);
    return OK;
}

enum error query_text(struct call *call, const char *name, struct bytes *out)
{
    struct bytes query = request_query(call->request), key, value, wanted = bytes_of_string(name);
    *out = BYTES_NONE;
    while (next_pair(&query, &key, &value)) {
        if (!bytes_equal(key, wanted))
            continue;
        if (out->data != NULL)
            return call_refuse(call, ERR_INVALID_QUERY,
                               sentence_in(call, "The parameter \"%s\" is there twice.", name, 0, 0));
        enum error error = decode_value(call, name, value, out);
        if (error != OK)
            return error;
    }
    return OK;
}

enum error query_uint(struct call *call, const char *name, uint64_t min, uint64_t max, uint64_t fallback, uint64_t *out)
{
    struct bytes text;
    enum error error = query_text(call, name, &text);
    *out = fallback;
    if (error != OK || text.data == NULL || parse_uint(text, min, max, out))
        return error;
    return call_refuse(
        call, ERR_INVALID_QUERY,
        sentence_in(call, "The parameter \"%s\" must be a whole number from %llu to %llu.", name, min, max));
}

enum error path_alias(struct call *call, struct id *out)
{
    struct alias alias;
    struct bytes text = request_path_param(call->request, 0);
    if (!alias_text_is_fit(text))
        return ERR_NOT_FOUND;
    enum error error = alias_get(call->txn, call->org.id, text, &alias);
    *out = alias.target;
    return error;
}

enum error path_id(struct call *call, struct id *out)
{
    return id_parse(request_path_param(call->request, 0), out) ? OK : path_alias(call, out);
}

/* ---- cookies ---- */

/* The next "name=value" of *cookies, without the blanks before it. */
static bool next_cookie(struct bytes *cookies, struct bytes *out)
{
    while (cookies->len != 0 && (cookies->data[0] == ' ' || cookies->data[0] == ';'))
        *cookies = bytes_view(cookies->data + 1, cookies->len - 1);
    const char *end = cookies->len == 0 ? NULL : memchr(cookies->data, ';', cookies->len);
    *out = bytes_view(cookies->data, end == NULL ? cookies->len : (size_t)(end - cookies->data));
    *cookies = bytes_view(cookies->data + out->len, cookies->len - out->len);
    return out->len != 0;
}

struct bytes request_cookie(const struct request *request, struct bytes name)
{
    unsigned times;
    struct bytes cookies = request_header(request, BYTES("cookie"), &times), cookie, found = BYTES_NONE;
    if (times > 1)
        return BYTES_NONE;
    while (next_cookie(&cookies, &cookie)) {
        if (cookie.len <= name.len || memcmp(cookie.data, name.data, name.len) != 0 || cookie.data[name.len] != '=')
            continue;
        struct bytes value = bytes_view(cookie.data + name.len + 1, cookie.len - name.len - 1);
        if (found.data != NULL && !bytes_equal(found, value))
            return BYTES_NONE;
        found = value;
    }
    return found;
}

enum error single_header(struct call *call, struct bytes name, struct bytes *out)
{
    unsigned times = 0;
    *out = request_header(call->request, name, &times);
    if (times <= 1)
        return OK;
    return call_refuse(call, ERR_INVALID_HEADER, sentence_in(call, "The header %s is there twice.", name.data, 0, 0));
}
