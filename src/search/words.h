#pragma once
/*
 * The words of a text, as search knows them: folded so that people find what they mean without the case, the accents or
 * the harakat of what was written (fold.h). Letters and digits make words, whatever else lies between them sets them
 * apart, so the parts of an e-mail address or a URL are words; a script that sets no words apart is read in overlapping
 * pairs of characters, and the last of a run alone besides; a symbol such as an emoji is a word. Pure functions; any
 * thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "core/redacted.h"

struct word {
    struct bytes term; /* folded, 1 to SEARCH_TERM_LEN_MAX bytes, none of them 0; lives until the next call */
    size_t start, end; /* where it stands in the text, in bytes */
    bool is_single;    /* one character of a script that is read in pairs */
    bool is_tail;      /* the same, and the second of a pair that was given before */
};

struct words {
    struct bytes text;
    size_t at;
    bool in_run;
    char term[SEARCH_TERM_LEN_MAX];
};

/* A text that was redacted has none. */
static inline struct words words_of(struct bytes text)
{
    return (struct words){.text = bytes_equal(text, BYTES(REDACTED_TEXT)) ? BYTES_NONE : text};
}

/* False at the end of the text. A byte that is no UTF-8 sets words apart. */
bool words_next(struct words *words, struct word *out);
