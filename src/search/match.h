#pragma once
/* Whether a text answers a question, and where. The last word about every hit: postings only lead to texts. */
#include "search/question.h"

/* A run of the text's bytes that answers a phrase. */
struct match_place {
    size_t start, end;
    unsigned phrase;
};

/* Zero-initialised it is empty and valid; it keeps its memory from text to text. */
struct match {
    struct buffer terms;                          /* of the text's words, one behind the other */
    struct buffer tokens;                         /* of struct token */
    struct match_place places[SEARCH_PLACES_MAX]; /* in order, none within another */
    unsigned count;
};

bool match_text(struct match *match, const struct question *question, struct bytes text);
void match_dispose(struct match *match);
