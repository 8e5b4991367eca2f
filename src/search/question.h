#pragma once
/*
 * What somebody searches for: words that must all be there. What is written without a blank in between ("e-mail",
 * "anna@example.org"), and what stands between quotes, must be there in this order and nothing between. The last word
 * is the beginning of one unless a blank or a quote follows it, so that hits come while it is typed. Pure functions.
 */
#include <stdint.h>

#include "search/words.h"

struct asked_word {
    char term[SEARCH_TERM_LEN_MAX];
    uint8_t len;
    uint8_t phrase; /* words of one phrase stand together */
    bool is_prefix;
};

struct question {
    struct asked_word words[SEARCH_QUESTION_WORDS_MAX];
    unsigned count, phrases;
};

/* Reads UTF-8. With more than SEARCH_QUESTION_WORDS_MAX words false; with none, a question of none. */
bool question_read(struct bytes text, struct question *out);
static inline struct bytes asked_term(const struct asked_word *word)
{
    return bytes_view(word->term, word->len);
}
/* Whether a term is the word, or begins with it when that is enough. */
bool asked_is(const struct asked_word *word, struct bytes term);
