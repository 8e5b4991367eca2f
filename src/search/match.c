/* The text's words in a row; each phrase is looked for in them. */
#include "search/match.h"

#include <stdlib.h>

struct token {
    size_t term, start, end; /* term: where it begins in `terms` */
    size_t len;
};

static const struct token *token_at(const struct match *match, size_t at)
{
    return (const struct token *)match->tokens.data + at;
}

static size_t token_count(const struct match *match)
{
    return match->tokens.len / sizeof(struct token);
}

static void read_tokens(struct match *match, struct bytes text)
{
    struct words words = words_of(text);
    struct word word;
    buffer_clear(&match->terms);
    buffer_clear(&match->tokens);
    while (words_next(&words, &word)) {
        struct token token = {match->terms.len, word.start, word.end, word.term.len};
        buffer_append(&match->terms, word.term.data, word.term.len);
        buffer_append(&match->tokens, &token, sizeof(token));
    }
}

static bool token_is(const struct match *match, size_t at, const struct asked_word *word)
{
    const struct token *token = token_at(match, at);
    return asked_is(word, bytes_view(match->terms.data + token->term, token->len));
}

static bool stands_at(const struct match *match, size_t at, const struct asked_word *words, size_t count)
{
    if (count > token_count(match) - at)
        return false;
    size_t same = 0;
    while (same < count && token_is(match, at + same, &words[same]))
        ++same;
    return same == count;
}

/* Notes where a phrase stands, up to `limit` times; false when it does not. */
static bool find_phrase(struct match *match, const struct asked_word *words, size_t count, unsigned limit)
{
    bool is_there = false;
    for (size_t at = 0; at < token_count(match) && limit > 0; ++at) {
        if (!stands_at(match, at, words, count))
            continue;
        is_there = true;
        --limit;
        match->places[match->count++] =
            (struct match_place){token_at(match, at)->start, token_at(match, at + count - 1)->end, words[0].phrase};
    }
    return is_there;
}

static int compare_places(const void *a, const void *b)
{
    const struct match_place *one = a, *other = b;
    if (one->start != other->start)
        return one->start < other->start ? -1 : 1;
    return one->end > other->end ? -1 : one->end < other->end;
}

/* Puts them in order; those that overlap become one. */
static void merge_places(struct match *match)
{
    unsigned kept = 0;
    qsort(match->places, match->count, sizeof(match->places[0]), compare_places);
    for (unsigned i = 0; i < match->count; ++i) {
        const struct match_place *place = &match->places[i];
        struct match_place *last = &match->places[kept == 0 ? 0 : kept - 1];
        if (kept == 0 || place->start >= last->end)
            match->places[kept++] = *place;
        else if (place->end > last->end)
            last->end = place->end;
    }
    match->count = kept;
}

bool match_text(struct match *match, const struct question *question, struct bytes text)
{
    bool matches = question->count != 0;
    read_tokens(match, text);
    match->count = 0;
    for (size_t from = 0, to; from < question->count && matches; from = to) {
        for (to = from + 1; to < question->count && question->words[to].phrase == question->words[from].phrase;)
            ++to;
        matches = find_phrase(match, question->words + from, to - from, SEARCH_PLACES_MAX / question->phrases);
    }
    if (matches)
        merge_places(match);
    return matches;
}

void match_dispose(struct match *match)
{
    buffer_dispose(&match->terms);
    buffer_dispose(&match->tokens);
}
