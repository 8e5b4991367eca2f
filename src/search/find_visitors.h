#pragma once
/*
 * The visitors that a text leads to: the one whose id it is; when it begins like a visitor's key, those whose keys
 * begin so; else those whose e-mail addresses have its words, the newest visitors of each word first. Within a read
 * transaction; the work is bounded, and goes on behind `next`.
 */
#include "search/question.h"
#include "store/records.h"

struct visitors_found {
    struct id next;  /* pass it as `after` to go on; none: there is nothing more */
    bool is_limited; /* it ended for the work that it had done, not for its hits */
};

/* Its texts live as long as the transaction. False ends the page. */
typedef bool find_on_visitor(void *context, const struct visitor *visitor);

/* `text` as it was typed, and as question_read has read it; `after` is none, or the last page's `next`: where that
 * visitor is gone, so is the place, and nothing more is found. ERR_CORRUPT. */
enum error find_visitors(struct txn *txn, struct id org, struct bytes text, const struct question *question,
                         struct id after, find_on_visitor *on_visitor, void *context, struct visitors_found *out);
