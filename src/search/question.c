/* Cuts at blanks and quotes first, and each piece into words by the same code that reads the messages. */
#include "search/question.h"

/* ---- pieces ------------------------------------------------------------------------------------------------------ */

/* The length of a quote at the front, straight or curved; 0 when there is none. */
static size_t quote_len(struct bytes text)
{
    if (text.len >= 1 && text.data[0] == '"')
        return 1;
    bool is_curved = text.len >= 3 && memcmp(text.data, "\xe2\x80", 2) == 0 && (unsigned char)text.data[2] >= 0x9c &&
                     (unsigned char)text.data[2] <= 0x9f;
    return is_curved ? 3 : 0;
}

/* A plus too: forms, and URLSearchParams, write a blank so. */
static bool is_blank(char byte)
{
    return (unsigned char)byte <= ' ' || byte == '+';
}

static struct bytes skip(struct bytes text, size_t len)
{
    return bytes_view(text.data + len, text.len - len);
}

/* A run without blanks or, when it begins with a quote, all to the next one. */
struct piece {
    struct bytes text;
    bool is_open; /* nothing follows that would end its last word */
};

static bool next_piece(struct bytes *rest, struct piece *out)
{
    while (rest->len != 0 && is_blank(rest->data[0]))
        *rest = skip(*rest, 1);
    if (rest->len == 0)
        return false;
    size_t quote = quote_len(*rest), len = 0;
    *rest = skip(*rest, quote);
    while (len < rest->len && quote_len(skip(*rest, len)) == 0 && (quote != 0 || !is_blank(rest->data[len])))
        ++len;
    *out = (struct piece){.text = bytes_view(rest->data, len), .is_open = len == rest->len};
    *rest = skip(*rest, len);
    if (quote != 0)
        *rest = skip(*rest, quote_len(*rest));
    return true;
}

/* ---- words --------------------------------------------------------------------------------------------------------
 */

/* Adds the words of a piece as one phrase. What only ends a run of pairs is there with the pair. */
static bool add_phrase(struct question *question, const struct piece *piece)
{
    struct words words = words_of(piece->text);
    struct word word;
    unsigned before = question->count;
    size_t end = 0;
    while (words_next(&words, &word)) {
        end = word.end;
        if (word.is_tail)
            continue;
        if (question->count == SEARCH_QUESTION_WORDS_MAX)
            return false;
        struct asked_word *asked = &question->words[question->count++];
        *asked = (struct asked_word){
            .len = (uint8_t)word.term.len, .phrase = (uint8_t)question->phrases, .is_prefix = word.is_single};
        memcpy(asked->term, word.term.data, word.term.len);
    }
    if (question->count == before)
        return true;
    ++question->phrases;
    question->words[question->count - 1].is_prefix |= piece->is_open && end == piece->text.len;
    return true;
}

bool question_read(struct bytes text, struct question *out)
{
    struct piece piece;
    *out = (struct question){.count = 0};
    while (next_piece(&text, &piece))
        if (!add_phrase(out, &piece))
            return false;
    return true;
}

bool asked_is(const struct asked_word *word, struct bytes term)
{
    return (term.len == word->len || (word->is_prefix && term.len > word->len)) &&
           memcmp(term.data, word->term, word->len) == 0;
}
