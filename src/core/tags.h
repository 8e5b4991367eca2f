#pragma once
/*
 * The tags of a conversation: a set of short texts, kept as one text with one of them a line, in the order of their
 * bytes. No tags at all are the NULL text. Pure functions over borrowed bytes; any thread.
 */
#include "base/bytes.h"

/* 1 to TAG_LEN_MAX bytes of UTF-8 without a control character, and no blank at either end. */
bool tag_is_valid(struct bytes tag);
/* Takes the next one off the front; false when there is none. */
bool tags_next(struct bytes *rest, struct bytes *tag);
bool tags_have(struct bytes tags, struct bytes tag);
/* Whether it is such a text: at most TAGS_MAX valid tags, each once, in order. */
bool tags_are_valid(struct bytes tags);
/*
 * The set with all of `more` and without all of `less`; what is in both goes. These two are lines in any order, each
 * valid by itself. Appends the text to `out`; false when there would be more than TAGS_MAX.
 */
bool tags_change(struct bytes tags, struct bytes more, struct bytes less, struct buffer *out);
