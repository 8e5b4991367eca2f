#pragma once
/*
 * What becomes of a conversation while agents work on it: its status and its priority, as numbers and as the words that
 * the API has. Pure functions; any thread.
 */
#include <stdint.h>

#include "base/bytes.h"

/* As records have it, for ever: 0 is what everything was before there was a status. */
enum status { STATUS_RESOLVED, STATUS_OPEN, STATUS_PENDING, STATUS_SNOOZED, STATUSES };

/* "resolved", "open", "pending", "snoozed"; NULL for a number that is none of them. */
const char *status_word(uint64_t status);
/* False when it is none of these words. */
bool status_parse(struct bytes word, uint64_t *out);

/* Whether it is "low", "medium", "high" or "urgent", or NULL, which is none at all. */
bool priority_is_valid(struct bytes priority);
