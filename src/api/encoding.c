/*
 * Accept-Encoding and If-None-Match (RFC 9110, 12.5.3 and 13.1.2). What is malformed is read as a refusal: plain bytes,
 * sent whole, are right for everybody.
 */
#include "api/encoding.h"

#include <strings.h>

#define NOT_NAMED (-1)
#define PLACE_OF_OTHERS (ENCODING_BROTLI + 1) /* "*" */

static struct bytes trim(struct bytes text)
{
    while (text.len != 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = bytes_view(text.data + 1, text.len - 1);
    while (text.len != 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        --text.len;
    return text;
}

/* Takes what stands before the next `separator` off *rest. */
static struct bytes take(struct bytes *rest, char separator)
{
    const char *end = rest->len == 0 ? NULL : memchr(rest->data, separator, rest->len);
    size_t len = end == NULL ? rest->len : (size_t)(end - rest->data);
    size_t skip = end == NULL ? len : len + 1;
    struct bytes item = trim(bytes_view(rest->data, len));
    *rest = bytes_view(rest->data + skip, rest->len - skip);
    return item;
}

static bool is_word(struct bytes text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.data, word, text.len) == 0;
}

/* "0.5" in thousandths: at most three digits behind the point, and at most 1. */
static int read_weight(struct bytes text)
{
    int weight = 0;
    if (text.len == 0 || text.len > 5 || (text.data[0] != '0' && text.data[0] != '1'))
        return 0;
    if (text.len > 1 && text.data[1] != '.')
        return 0;
    for (size_t i = 0, scale = 1000; i < 5; i += i == 0 ? 2 : 1, scale /= 10) {
        char digit = i < text.len ? text.data[i] : '0';
        if (digit < '0' || digit > '9')
            return 0;
        weight += (digit - '0') * (int)scale;
    }
    return weight <= 1000 ? weight : 0;
}

static int weight_of(struct bytes parameters)
{
    while (parameters.len != 0) {
        struct bytes value = take(&parameters, ';');
        struct bytes name = take(&value, '=');
        if (is_word(name, "q"))
            return read_weight(trim(value));
    }
    return 1000;
}

/* The place of a coding among the weights; what has no place is one that we do not have. */
static int place_of(struct bytes coding)
{
    if (is_word(coding, "br"))
        return ENCODING_BROTLI;
    if (is_word(coding, "gzip") || is_word(coding, "x-gzip"))
        return ENCODING_GZIP;
    if (is_word(coding, "identity"))
        return ENCODING_PLAIN;
    return is_word(coding, "*") ? PLACE_OF_OTHERS : -1;
}

enum encoding encoding_choose(struct bytes accept_encoding)
{
    int weights[] = {NOT_NAMED, NOT_NAMED, NOT_NAMED, NOT_NAMED};
    while (accept_encoding.len != 0) {
        struct bytes parameters = take(&accept_encoding, ',');
        int place = place_of(take(&parameters, ';'));
        if (place >= 0)
            weights[place] = weight_of(parameters);
    }
    enum encoding best = ENCODING_PLAIN;
    int best_weight = weights[ENCODING_PLAIN]; /* let in without being named, but preferred only when it is */
    for (unsigned i = ENCODING_GZIP; i <= ENCODING_BROTLI; ++i) {
        int weight = weights[i] == NOT_NAMED ? weights[PLACE_OF_OTHERS] : weights[i];
        if (weight <= 0 || weight < best_weight)
            continue;
        best = (enum encoding)i;
        best_weight = weight;
    }
    return best;
}

bool etag_is_listed(struct bytes if_none_match, struct bytes etag)
{
    while (if_none_match.len != 0) {
        struct bytes tag = take(&if_none_match, ',');
        if (tag.len > 2 && tag.data[0] == 'W' && tag.data[1] == '/')
            tag = bytes_view(tag.data + 2, tag.len - 2);
        if (bytes_equal(tag, BYTES("*")) || bytes_equal(tag, etag))
            return true;
    }
    return false;
}
