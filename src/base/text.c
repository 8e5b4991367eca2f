/* UTF-8 by the table of well-formed byte sequences (Unicode 15, table 3-7), with eight bytes of ASCII taken at a step.
 */
#include "base/text.h"

#define WORD_HIGH_BITS 0x8080808080808080u

static size_t ascii_run(const unsigned char *data, size_t len)
{
    size_t at = 0;
    for (; len - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, data + at, 8);
        if ((word & WORD_HIGH_BITS) != 0)
            break;
    }
    while (at < len && data[at] < 0x80)
        ++at;
    return at;
}

/* The length of the character that begins with a byte of 0x80 or more; 0 when it is malformed or cut off. */
static size_t multibyte_len(const unsigned char *data, size_t len)
{
    unsigned char lead = data[0], low = 0x80, high = 0xbf;
    size_t need;
    if (lead >= 0xc2 && lead <= 0xdf) {
        need = 2;
    } else if (lead >= 0xe0 && lead <= 0xef) {
        need = 3;
        low = lead == 0xe0 ? 0xa0 : 0x80;  /* overlong */
        high = lead == 0xed ? 0x9f : 0xbf; /* surrogates */
    } else if (lead >= 0xf0 && lead <= 0xf4) {
        need = 4;
        low = lead == 0xf0 ? 0x90 : 0x80;  /* overlong */
        high = lead == 0xf4 ? 0x8f : 0xbf; /* above U+10FFFF */
    } else {
        return 0;
    }
    if (len < need || data[1] < low || data[1] > high)
        return 0;
    for (size_t i = 2; i < need; ++i)
        if ((data[i] & 0xc0) != 0x80)
            return 0;
    return need;
}

bool utf8_valid(struct bytes text)
{
    const unsigned char *data = (const unsigned char *)text.data;
    size_t at = 0;
    for (;;) {
        if (at == text.len)
            return true;
        at += ascii_run(data + at, text.len - at);
        if (at == text.len)
            return true;
        size_t len = multibyte_len(data + at, text.len - at);
        if (len == 0)
            return false;
        at += len;
    }
}

struct bytes utf8_cut(struct bytes text, size_t len_max)
{
    if (text.len <= len_max)
        return text;
    size_t len = len_max;
    while (len > 0 && ((unsigned char)text.data[len] & 0xc0) == 0x80)
        --len;
    return bytes_view(text.data, len);
}

bool text_is_one_line(struct bytes text)
{
    for (size_t i = 0; i < text.len; ++i) {
        const unsigned char *c = (const unsigned char *)text.data + i;
        size_t left = text.len - i;
        if (c[0] < 0x20 || c[0] == 0x7f || (left >= 2 && c[0] == 0xc2 && c[1] < 0xa0) ||
            (left >= 3 && c[0] == 0xe2 && c[1] == 0x80 && (c[2] == 0xa8 || c[2] == 0xa9)))
            return false;
    }
    return true;
}

bool parse_uint(struct bytes text, uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t number = 0;
    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; ++i) {
        unsigned digit = (unsigned)(unsigned char)text.data[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(number, 10u, &number) || __builtin_add_overflow(number, digit, &number))
            return false;
    }
    if (number < min || number > max)
        return false;
    *out = number;
    return true;
}

/* The power of two behind a size's last letter; 0 when it has none. */
static unsigned size_shift(char letter)
{
    switch (letter) {
    case 'K':
    case 'k':
        return 10;
    case 'M':
    case 'm':
        return 20;
    case 'G':
    case 'g':
        return 30;
    case 'T':
    case 't':
        return 40;
    default:
        return 0;
    }
}

bool parse_size(struct bytes text, uint64_t *out)
{
    unsigned shift = text.len != 0 ? size_shift(text.data[text.len - 1]) : 0;
    uint64_t number;
    if (!parse_uint(bytes_view(text.data, text.len - (shift != 0)), 0, UINT64_MAX >> shift, &number))
        return false;
    *out = number << shift;
    return true;
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

bool percent_decode(struct bytes text, char *out, size_t capacity, size_t *out_len)
{
    size_t len = 0;
    for (size_t at = 0; at < text.len; ++at) {
        char byte = text.data[at];
        if (byte == '%') {
            if (text.len - at < 3)
                return false;
            int high = hex_value(text.data[at + 1]), low = hex_value(text.data[at + 2]);
            if (high < 0 || low < 0)
                return false;
            byte = (char)(high << 4 | low);
            at += 2;
        }
        if (len == capacity)
            return false;
        out[len++] = byte;
    }
    *out_len = len;
    return true;
}

const char *markup_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}
