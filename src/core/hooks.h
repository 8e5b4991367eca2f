#pragma once
/*
 * What webhooks can be told of. The numbers are stored and must never change; a name is what its owner writes. An
 * organisation's wishes are a set of bits, so that asking for one costs nothing. Pure functions; any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

#define HOOK_EVENTS(EVENT)                                 \
    EVENT(CONVERSATION_CREATED, 1, "conversation.created") \
    EVENT(CONVERSATION_STATUS, 2, "conversation.status")   \
    EVENT(MESSAGE_CREATED, 3, "message.created")           \
    EVENT(VISITOR_CREATED, 4, "visitor.created")           \
    EVENT(VISITOR_IDENTIFIED, 5, "visitor.identified")     \
    EVENT(VISITOR_ERASED, 6, "visitor.erased")

enum hook_event {
    HOOK_NONE,
#define EVENT(name, number, text) HOOK_##name = number,
    HOOK_EVENTS(EVENT)
#undef EVENT
};

#define HOOK_BIT(event) (UINT64_C(1) << (event))

/* What became of a delivery that was tried. Stored in commands: the numbers must never change. */
enum hook_verdict {
    HOOK_DELIVERED = 1,
    HOOK_RETRY = 2, /* it waits for another try */
    HOOK_PARK = 3,  /* it is given up, and shown */
    HOOK_GONE = 4,  /* the webhook wants no more: it is disabled, and the delivery waits */
    HOOK_VOID = 5,  /* there is nothing to tell any more */
};

/* NULL for a number that this program does not know. */
const char *hook_event_name(uint64_t event);
/* HOOK_NONE when there is none of this name. */
enum hook_event hook_event_parse(struct bytes name);
/* The events of "message.created visitor.erased", one or more with a blank between, as bits. False when one is not
 * known, or there is none. */
bool hook_events_parse(struct bytes names, uint64_t *bits);
/* The reverse: appends the names of the bits, in the order of their numbers. */
void hook_events_write(struct buffer *out, uint64_t bits);
