#pragma once
/* Small readings of text that more than one room needs. Pure functions over borrowed bytes; any thread. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* Well-formed UTF-8 of Unicode scalar values: no overlong form, no surrogate, nothing above U+10FFFF. Empty is valid.
 */
bool utf8_valid(struct bytes text);
/* What stands for one of the five signs of markup in a page, also within quotes; NULL for any other byte. */
const char *markup_of(char c);
/* The longest prefix of at most len_max bytes that does not end inside a character. The text must be UTF-8. */
struct bytes utf8_cut(struct bytes text, size_t len_max);

/* No control character, those behind ASCII included (some terminals take U+009B for an escape), and nothing that ends a
 * line or a paragraph. The text must be UTF-8. */
bool text_is_one_line(struct bytes text);

/*
 * A decimal number: digits alone (no sign, no space, no empty text), within the bounds. Leading zeros are fine.
 * False leaves *out as it was.
 */
bool parse_uint(struct bytes text, uint64_t min, uint64_t max, uint64_t *out);
/*
 * A number of bytes: digits, then nothing or one of K, M, G, T (or k, m, g, t) for powers of 1024; "KiB" and the like
 * are not read. False when it is of another form or does not fit; *out is left as it was.
 */
bool parse_size(struct bytes text, uint64_t *out);

/*
 * Decodes %XX into the caller's buffer of capacity bytes and sets *out_len; "+" stays a plus. False when an escape is
 * malformed or the result does not fit. The result may hold any byte, so check it with utf8_valid. out may be
 * text.data.
 */
bool percent_decode(struct bytes text, char *out, size_t capacity, size_t *out_len);
