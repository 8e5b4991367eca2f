/*
 * Reading is yyjson in its strict mode, and three checks that it leaves to its callers: depth (before parsing, so that
 * a hostile text costs one pass and the recursion below is bounded), duplicate names and the character NUL. Writing is
 * our own, because answers are built byte by byte on the hot path: text is scanned sixteen bytes at a step for what
 * needs an escape, and copied in runs.
 */
#include "base/json.h"

#include <assert.h>
#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif
#include <yyjson.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"

/* ---- text inside quotes -------------------------------------------------------------------------------------- */

/* What must be escaped in a string, and how: the letter behind the backslash, or 'u' for four hexadecimal digits. */
static const char escapes[256] = {
    [0 ... 7] = 'u', ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n',          [0x0b] = 'u',
    ['\f'] = 'f',    ['\r'] = 'r', ['"'] = '"',  [0x0e ... 0x1f] = 'u', ['\\'] = '\\',
};

#ifdef __SSE2__

#define STEP 16

/* A bit for each of sixteen bytes that needs an escape. */
static inline unsigned escape_bits(const char *data)
{
    __m128i chunk = _mm_loadu_si128((const __m128i *)data);
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(chunk, _mm_set1_epi8(0x1f)), chunk);
    __m128i quote = _mm_cmpeq_epi8(chunk, _mm_set1_epi8('"'));
    __m128i backslash = _mm_cmpeq_epi8(chunk, _mm_set1_epi8('\\'));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(control, _mm_or_si128(quote, backslash)));
}

static inline unsigned first_of_bits(unsigned bits)
{
    return (unsigned)__builtin_ctz(bits);
}

#else

#define STEP 8
#define EACH_BYTE(byte) (0x0101010101010101u * (byte))

/* The high bit of each zero byte of a word; a byte behind the first one may be marked wrongly. */
static inline uint64_t zero_bytes(uint64_t word)
{
    return (word - EACH_BYTE(0x01)) & ~word & EACH_BYTE(0x80);
}

static inline uint64_t escape_bits(const char *data)
{
    uint64_t word;
    memcpy(&word, data, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    uint64_t control = (word - EACH_BYTE(0x20)) & ~word & EACH_BYTE(0x80);
    return control | zero_bytes(word ^ EACH_BYTE('"')) | zero_bytes(word ^ EACH_BYTE('\\'));
}

static inline unsigned first_of_bits(uint64_t bits)
{
    return (unsigned)__builtin_ctzll(bits) / 8;
}

#endif

/* How many bytes at the start need no escape. */
static inline size_t plain_run(const char *data, size_t len)
{
    size_t at = 0;
    if (len < STEP) {
        while (at < len && escapes[(unsigned char)data[at]] == 0)
            ++at;
        return at;
    }
    /* The last step ends with the text and looks at some bytes again, which are known to be plain by then. */
    for (;;) {
        __auto_type bits = escape_bits(data + at);
        if (bits != 0)
            return at + first_of_bits(bits);
        if (at == len - STEP)
            return len;
        at = len - at >= 2 * STEP ? at + STEP : len - STEP;
    }
}

/* ---- reading ------------------------------------------------------------------------------------------------- */

/* Names of an object that are compared each with each; more are sorted, so that a hostile body stays cheap. */
#define NAMES_COMPARED_DIRECTLY 16

static const char sentence_nul[] = "The body is not valid JSON: a string must not contain the character NUL.";

/* Says where the string that begins behind the quote at data[at - 1] ends: behind its closing quote, or at len. */
static size_t skip_string(const char *data, size_t at, size_t len)
{
    while (at < len) {
        at += plain_run(data + at, len - at);
        if (at == len)
            break;
        if (data[at] == '"')
            return at + 1;
        at += data[at] == '\\' ? 2 : 1;
    }
    return len;
}

static bool is_too_deep(struct bytes text)
{
    unsigned depth = 0;
    for (size_t at = 0; at < text.len;) {
        char byte = text.data[at++];
        if (byte == '"')
            at = skip_string(text.data, at, text.len);
        else if ((byte == '{' || byte == '[') && ++depth > JSON_DEPTH_MAX)
            return true;
        else if ((byte == '}' || byte == ']') && depth > 0)
            --depth;
    }
    return false;
}

static struct bytes value_text(const yyjson_val *value)
{
    return bytes_view(unsafe_yyjson_get_str((void *)value), unsafe_yyjson_get_len((void *)value));
}

static int compare_names(const void *a, const void *b)
{
    struct bytes left = value_text(*(yyjson_val *const *)a), right = value_text(*(yyjson_val *const *)b);
    if (left.len != right.len)
        return left.len < right.len ? -1 : 1;
    return left.len != 0 ? memcmp(left.data, right.data, left.len) : 0;
}

static bool has_equal_pair(yyjson_val **names, size_t count)
{
    for (size_t i = 1; i < count; ++i)
        for (size_t j = 0; j < i; ++j)
            if (compare_names(&names[i], &names[j]) == 0)
                return true;
    return false;
}

static bool has_equal_neighbours(yyjson_val **names, size_t count)
{
    qsort(names, count, sizeof(*names), compare_names);
    for (size_t i = 1; i < count; ++i)
        if (compare_names(&names[i - 1], &names[i]) == 0)
            return true;
    return false;
}

static bool has_duplicate_names(yyjson_val *object)
{
    size_t count = unsafe_yyjson_get_len(object), at, max;
    yyjson_val *few[NAMES_COMPARED_DIRECTLY], **names = few, *name, *value;
    if (count > NAMES_COMPARED_DIRECTLY) {
        names = malloc(count * sizeof(*names));
        if (names == NULL)
            abort();
    }
    yyjson_obj_foreach(object, at, max, name, value) names[at] = name;
    bool found = names == few ? has_equal_pair(names, count) : has_equal_neighbours(names, count);
    if (names != few)
        free(names);
    return found;
}

static bool has_nul(const yyjson_val *string)
{
    struct bytes text = value_text(string);
    return text.len != 0 && memchr(text.data, '\0', text.len) != NULL;
}

/* What yyjson lets pass and we do not, in a value and all below it; NULL when there is nothing. Recursion is bounded by
 * JSON_DEPTH_MAX. */
static const char *find_fault(yyjson_val *value)
{
    const char *fault = NULL;
    size_t at, max;
    yyjson_val *name, *item;
    switch (unsafe_yyjson_get_type(value)) {
    case YYJSON_TYPE_STR:
        return has_nul(value) ? sentence_nul : NULL;
    case YYJSON_TYPE_ARR:
        yyjson_arr_foreach(value, at, max, item) if ((fault = find_fault(item)) != NULL) return fault;
        return NULL;
    case YYJSON_TYPE_OBJ:
        if (has_duplicate_names(value))
            return "The body is not valid JSON: an object names the same member twice.";
        yyjson_obj_foreach(value, at, max, name, item)
        {
            if ((fault = find_fault(name)) != NULL || (fault = find_fault(item)) != NULL)
                return fault;
        }
        return NULL;
    default:
        return NULL;
    }
}

/* yyjson's codes are variables and no constants, so a switch can't tell them apart. */
static const char *read_error_sentence(yyjson_read_code code, struct bytes text)
{
    if (!utf8_valid(text))
        return "The body is not valid JSON: it is not UTF-8.";
    if (code == YYJSON_READ_ERROR_EMPTY_CONTENT)
        return "The body is not valid JSON: it holds nothing.";
    if (code == YYJSON_READ_ERROR_UNEXPECTED_CONTENT)
        return "The body is not valid JSON: something follows its end.";
    if (code == YYJSON_READ_ERROR_UNEXPECTED_END)
        return "The body is not valid JSON: it ends too early.";
    if (code == YYJSON_READ_ERROR_INVALID_NUMBER)
        return "The body is not valid JSON: a number is malformed or too large.";
    if (code == YYJSON_READ_ERROR_INVALID_STRING)
        return "The body is not valid JSON: a string holds a control character, a bad escape or half a surrogate pair.";
    return "The body is not valid JSON.";
}

struct json_document *json_parse_object(struct bytes text, const char **sentence)
{
    if (text.len == 0) {
        *sentence = "The body is empty; it must be a JSON object.";
        return NULL;
    }
    if (is_too_deep(text)) {
        *sentence = "The body nests arrays and objects too deeply.";
        return NULL;
    }
    yyjson_read_err error;
    /* Without the flag for parsing in place yyjson copies the text and never writes to it. */
    yyjson_doc *document = yyjson_read_opts((char *)text.data, text.len, YYJSON_READ_NOFLAG, NULL, &error);
    if (document == NULL) {
        if (error.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
            abort();
        *sentence = read_error_sentence(error.code, text);
        return NULL;
    }
    yyjson_val *root = yyjson_doc_get_root(document);
    *sentence = yyjson_is_obj(root) ? find_fault(root) : "The body must be a JSON object.";
    if (*sentence != NULL) {
        yyjson_doc_free(document);
        return NULL;
    }
    return (struct json_document *)document;
}

void json_free(struct json_document *document)
{
    yyjson_doc_free((yyjson_doc *)document);
}

const struct json_value *json_root(const struct json_document *document)
{
    return (const struct json_value *)yyjson_doc_get_root((yyjson_doc *)document);
}

const struct json_value *json_member(const struct json_value *object, const char *name)
{
    yyjson_val *value = yyjson_obj_get((yyjson_val *)object, name);
    return value != NULL && !unsafe_yyjson_is_null(value) ? (const struct json_value *)value : NULL;
}

bool json_string(const struct json_value *value, struct bytes *out)
{
    if (!yyjson_is_str((yyjson_val *)value))
        return false;
    *out = value_text((const yyjson_val *)value);
    return true;
}

bool json_bool(const struct json_value *value, bool *out)
{
    if (!yyjson_is_bool((yyjson_val *)value))
        return false;
    *out = unsafe_yyjson_get_bool((yyjson_val *)value);
    return true;
}

bool json_integer(const struct json_value *value, int64_t *out)
{
    yyjson_val *number = (yyjson_val *)value;
    if (!yyjson_is_int(number) || (yyjson_is_uint(number) && unsafe_yyjson_get_uint(number) > INT64_MAX))
        return false;
    *out = unsafe_yyjson_get_sint(number);
    return true;
}

bool json_is_null(const struct json_value *value)
{
    return yyjson_is_null((yyjson_val *)value);
}

void json_each_member(const struct json_value *object, json_visit *visit, void *context)
{
    size_t at, max;
    yyjson_val *name, *value;
    yyjson_obj_foreach((yyjson_val *)object, at, max, name, value)
    {
        visit(context, value_text(name), (const struct json_value *)value);
    }
}

bool json_is_object(const struct json_value *value)
{
    return yyjson_is_obj((yyjson_val *)value);
}

bool json_is_array(const struct json_value *value)
{
    return yyjson_is_arr((yyjson_val *)value);
}

size_t json_array_len(const struct json_value *array)
{
    return yyjson_arr_size((yyjson_val *)array);
}

void json_each_element(const struct json_value *array, json_visit_element *visit, void *context)
{
    size_t at, max;
    yyjson_val *value;
    yyjson_arr_foreach((yyjson_val *)array, at, max, value)
    {
        visit(context, (const struct json_value *)value);
    }
}

/* ---- writing ------------------------------------------------------------------------------------------------- */

/* buffer_reserve with the usual case, room enough, inlined. */
static inline char *room(struct buffer *out, size_t more)
{
    return out->capacity - out->len >= more ? out->data + out->len : buffer_reserve(out, more);
}

static inline void put_char(struct buffer *out, char character)
{
    *room(out, 1) = character;
    ++out->len;
}

/* Up to six bytes for one; returns where the next byte goes. */
static char *put_escape(char *to, char character)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char byte = (unsigned char)character;
    *to++ = '\\';
    *to++ = escapes[byte];
    if (escapes[byte] == 'u') {
        *to++ = '0';
        *to++ = '0';
        *to++ = hex[byte >> 4];
        *to++ = hex[byte & 15];
    }
    return to;
}

void json_put_string(struct buffer *out, struct bytes text)
{
    const char *from = text.data;
    size_t rest = text.len;
    char *to = room(out, rest + 2);
    *to++ = '"';
    for (;;) {
        size_t run = plain_run(from, rest);
        if (run != 0)
            memcpy(to, from, run);
        to += run;
        rest -= run;
        if (rest == 0)
            break;
        /* Room for this escape, the plain bytes that may follow and the closing quote. */
        out->len = (size_t)(to - out->data);
        to = put_escape(room(out, 6 + rest), from[run]);
        from += run + 1;
        --rest;
    }
    *to++ = '"';
    out->len = (size_t)(to - out->data);
}

void json_put_integer(struct buffer *out, int64_t number)
{
    char digits[20], *at = digits + sizeof(digits);
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (number < 0)
        *--at = '-';
    size_t len = (size_t)(digits + sizeof(digits) - at);
    memcpy(room(out, len), at, len);
    out->len += len;
}

void json_put_time(struct buffer *out, int64_t time_ms)
{
    char *to = room(out, TIME_TEXT_LEN + 2);
    to[0] = '"';
    time_format(time_ms, to + 1);
    to[TIME_TEXT_LEN + 1] = '"';
    out->len += TIME_TEXT_LEN + 2;
}

/* A bracket, or nothing yet, stands before a first item, and a value, which never ends in such a bracket, before
 * others. */
static inline bool comma_is_due(const struct buffer *out)
{
    return out->len != 0 && out->data[out->len - 1] != '{' && out->data[out->len - 1] != '[';
}

void json_open(struct buffer *out, char bracket)
{
    assert(bracket == '{' || bracket == '[');
    put_char(out, bracket);
}

void json_close(struct buffer *out, char bracket)
{
    assert(bracket == '}' || bracket == ']');
    put_char(out, bracket);
}

void json_key(struct buffer *out, struct bytes name)
{
    char *to = room(out, name.len + 4);
    if (comma_is_due(out))
        *to++ = ',';
    *to++ = '"';
    memcpy(to, name.data, name.len);
    to += name.len;
    *to++ = '"';
    *to++ = ':';
    out->len = (size_t)(to - out->data);
}

void json_element(struct buffer *out)
{
    if (comma_is_due(out))
        put_char(out, ',');
}

void json_put_literal(struct buffer *out, const char *literal)
{
    buffer_append_string(out, literal);
}
