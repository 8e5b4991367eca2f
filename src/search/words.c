/*
 * One pass over the text, a character at a time, each looked up in the generated table. Whoever asks and whoever writes
 * are read by this same code, so how a rare script is folded matters less than that it is always folded alike. It reads
 * every message that is written, so what it handles for each character are values in registers.
 */
#include "search/words.h"

#include "search/fold.h"

/* ---- characters ------------------------------------------------------------------------------------------------ */

struct character {
    uint16_t value; /* of the table */
    uint16_t len;   /* in bytes */
};

struct code {
    uint32_t point, len;
};

/* The character at the beginning; U+0000, of one byte, for what is no UTF-8. */
static inline struct code decode(const unsigned char *data, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000}; /* that needs so many bytes */
    unsigned char lead = data[0];
    uint32_t need = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    uint32_t point = need == 1 ? lead : lead & (0xffu >> (need + 1));
    if (left < need || (lead >= 0x80 && lead < 0xc0) || lead >= 0xf8)
        return (struct code){0, 1};
    for (uint32_t i = 1; i < need; ++i) {
        if ((data[i] & 0xc0) != 0x80)
            return (struct code){0, 1};
        point = point << 6 | (data[i] & 0x3f);
    }
    bool exists = point >= least[need] && point < 0x110000 && (point < 0xd800 || point >= 0xe000);
    return exists ? (struct code){point, need} : (struct code){0, 1};
}

/* What lies beyond the table: ideographs, symbols with the letters of flags among them, and letters of old scripts. */
static uint16_t value_beyond(uint32_t point)
{
    if (point >= 0x20000)
        return point < 0x40000 ? FOLD_PAIRED : FOLD_IGNORED;
    if (point < 0x1f000 || point >= 0x1fb00)
        return FOLD_SELF;
    if (point >= 0x1f3fb && point <= 0x1f3ff) /* the colours of skin */
        return FOLD_IGNORED;
    return point >= 0x1f1e6 && point <= 0x1f1ff ? FOLD_PAIRED : FOLD_SYMBOL;
}

static inline struct character character_at(struct bytes text, size_t at)
{
    struct code code = decode((const unsigned char *)text.data + at, text.len - at);
    uint16_t value = code.point > FOLD_LAST
                         ? value_beyond(code.point)
                         : fold_values[fold_blocks[code.point >> FOLD_SHIFT]][code.point & FOLD_MASK];
    return (struct character){value, (uint16_t)code.len};
}

static inline bool is_letter(uint16_t value)
{
    return value == FOLD_SELF || value > FOLD_SYMBOL;
}

/* Where the next character that is not of this value begins, from `at` on. */
static size_t skip(struct bytes text, size_t at, uint16_t value)
{
    while (at < text.len) {
        struct character character = character_at(text, at);
        if (character.value != value)
            break;
        at += character.len;
    }
    return at;
}

/* ---- terms ------------------------------------------------------------------------------------------------------ */

/* U+0080 to U+FFFF as UTF-8. */
static struct bytes encode(uint16_t point, char room[3])
{
    if (point < 0x800) {
        room[0] = (char)(0xc0 | point >> 6);
        room[1] = (char)(0x80 | (point & 0x3f));
        return bytes_view(room, 2);
    }
    room[0] = (char)(0xe0 | point >> 12);
    room[1] = (char)(0x80 | (point >> 6 & 0x3f));
    room[2] = (char)(0x80 | (point & 0x3f));
    return bytes_view(room, 3);
}

/* What the character at `at` is folded to. */
static struct bytes folded(struct bytes text, size_t at, struct character character, char room[3])
{
    uint16_t value = character.value;
    if (value <= FOLD_SYMBOL)
        return bytes_view(text.data + at, character.len);
    if (value >= FOLD_STRINGS && value < FOLD_STRINGS + sizeof(fold_strings) / sizeof(fold_strings[0]))
        return bytes_of_string(fold_strings[value - FOLD_STRINGS]);
    if (value >= 0x80)
        return encode(value, room);
    room[0] = (char)value;
    return bytes_view(room, 1);
}

/* The new length of the term; one that is too long to go on is cut behind a whole character, and full from then on. */
static size_t put(struct words *words, size_t term_len, struct bytes part)
{
    if (term_len + part.len > SEARCH_TERM_LEN_MAX)
        return SEARCH_TERM_LEN_MAX + 1;
    for (size_t i = 0; i < part.len; ++i)
        words->term[term_len + i] = part.data[i];
    return term_len + part.len;
}

/* Letters and digits of ASCII, which most are: each is one byte. Gives where they end. */
static inline size_t take_ascii(struct words *words, size_t at, size_t *term_len)
{
    const unsigned char *data = (const unsigned char *)words->text.data;
    size_t end = words->text.len, len = *term_len;
    for (; at < end && data[at] < 0x80 && len < SEARCH_TERM_LEN_MAX; ++at) {
        uint16_t value = fold_values[fold_blocks[data[at] >> FOLD_SHIFT]][data[at] & FOLD_MASK];
        if (!is_letter(value))
            break;
        words->term[len++] = (char)(value == FOLD_SELF ? data[at] : value);
    }
    *term_len = len;
    return at;
}

/* Letters and digits, to the next character that is neither. */
static void take_letters(struct words *words, struct word *out)
{
    struct bytes text = words->text;
    size_t len = 0, at = take_ascii(words, out->start, &len), kept = len;
    while (at < text.len) {
        struct character character = character_at(text, at);
        if (character.value == FOLD_SEPARATOR || character.value == FOLD_PAIRED || character.value == FOLD_SYMBOL)
            break;
        if (character.value != FOLD_IGNORED && len <= SEARCH_TERM_LEN_MAX) {
            char room[3];
            len = put(words, len, folded(text, at, character, room));
            kept = len <= SEARCH_TERM_LEN_MAX ? len : kept;
        }
        at += character.len;
    }
    out->term.len = kept;
    words->at = out->end = at;
}

/* A character by itself. */
static void take_one(struct words *words, struct word *out, struct character character)
{
    char room[3];
    out->term.len = put(words, out->term.len, folded(words->text, out->end, character, room));
    words->at = out->end += character.len;
}

/* A character with the one behind it, from which the next pair begins; alone at the end of the run. */
static void take_pair(struct words *words, struct word *out, struct character first)
{
    size_t second_at = skip(words->text, out->start + first.len, FOLD_IGNORED);
    struct character second = {FOLD_SEPARATOR, 0};
    if (second_at < words->text.len)
        second = character_at(words->text, second_at);
    bool is_pair = second.value == FOLD_PAIRED;
    take_one(words, out, first);
    out->is_single = !is_pair;
    out->is_tail = !is_pair && words->in_run;
    words->in_run = is_pair;
    if (!is_pair)
        return;
    out->end = second_at;
    take_one(words, out, second);
    words->at = second_at;
}

bool words_next(struct words *words, struct word *out)
{
    struct bytes text = words->text;
    size_t at = words->at;
    struct character first = {FOLD_SEPARATOR, 0};
    while (at < text.len) {
        first = character_at(text, at);
        if (first.value != FOLD_SEPARATOR && first.value != FOLD_IGNORED)
            break;
        at += first.len;
    }
    if (at >= text.len) {
        words->at = at;
        return false;
    }
    *out = (struct word){.term = bytes_view(words->term, 0), .start = at, .end = at};
    if (first.value == FOLD_PAIRED)
        take_pair(words, out, first);
    else if (first.value == FOLD_SYMBOL)
        take_one(words, out, first);
    else
        take_letters(words, out);
    return true;
}
