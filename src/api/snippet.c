/*
 * The part of a text in which most of what was searched for stands, and where: as numbers, so that whoever shows it
 * needs no markup, and none can be smuggled in. They count UTF-16 code units, as JavaScript does.
 */
#include "api/internal.h"
#include "base/text.h"

#define SNIPPET_BEFORE (SEARCH_SNIPPET_BYTES / 4) /* bytes before the first place */

/* How many different phrases have a place in the window that begins with place `first`. */
static unsigned phrases_from(const struct match *match, unsigned first)
{
    uint32_t phrases = 0;
    size_t end = match->places[first].start + SEARCH_SNIPPET_BYTES - SNIPPET_BEFORE;
    for (unsigned i = first; i < match->count && match->places[i].end <= end; ++i)
        phrases |= UINT32_C(1) << match->places[i].phrase;
    return (unsigned)__builtin_popcount(phrases);
}

static unsigned choose_first(const struct match *match)
{
    unsigned best = 0;
    for (unsigned i = 1; i < match->count; ++i)
        if (phrases_from(match, i) > phrases_from(match, best))
            best = i;
    return best;
}

/* Some way before a place: behind a blank if there is one, and never inside a character. */
static size_t begin_before(struct bytes text, size_t place)
{
    size_t at = place > SNIPPET_BEFORE ? place - SNIPPET_BEFORE : 0;
    if (at == 0)
        return 0;
    const char *blank = memchr(text.data + at, ' ', place - at);
    if (blank != NULL)
        return (size_t)(blank - text.data) + 1;
    while (at < place && ((unsigned char)text.data[at] & 0xc0) == 0x80)
        ++at;
    return at;
}

/* UTF-16 code units: a character beyond U+FFFF, of four bytes, has two. */
static int64_t units(struct bytes text)
{
    int64_t count = 0;
    for (size_t i = 0; i < text.len; ++i) {
        unsigned char byte = (unsigned char)text.data[i];
        count += ((byte & 0xc0) != 0x80) + (byte >= 0xf0);
    }
    return count;
}

static void render_places(struct buffer *out, struct bytes text, size_t begin, size_t end, const struct match *match)
{
    json_key(out, BYTES("matches"));
    json_open(out, '[');
    for (unsigned i = 0; i < match->count; ++i) {
        size_t from = match->places[i].start, to = match->places[i].end < end ? match->places[i].end : end;
        if (from < begin || from >= end)
            continue;
        json_element(out);
        json_open(out, '{');
        json_member_integer(out, "start", units(bytes_view(text.data + begin, from - begin)));
        json_member_integer(out, "length", units(bytes_view(text.data + from, to - from)));
        json_close(out, '}');
    }
    json_close(out, ']');
}

void render_snippet(struct buffer *out, struct bytes text, const struct match *match)
{
    size_t begin = begin_before(text, match->places[choose_first(match)].start);
    struct bytes part = utf8_cut(bytes_view(text.data + begin, text.len - begin), SEARCH_SNIPPET_BYTES);
    json_open(out, '{');
    json_member_string(out, "text", part);
    json_member_integer(out, "start", units(bytes_view(text.data, begin)));
    render_places(out, text, begin, begin + part.len, match);
    json_close(out, '}');
}
