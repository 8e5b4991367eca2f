#pragma once
/*
 * What listeners hear of. Plain data of a fixed size: an event names what has changed and never holds its text, which
 * whoever tells of it reads from the tables. `seq` is the commit's number: the place of the event in the order of all
 * changes, and the point from which a listener can go on later. Those without a number are about the moment alone:
 * they are kept nowhere, and nobody who misses one misses a fact.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/id.h"

enum event_kind {
    EVENT_NONE,
    EVENT_MESSAGE,      /* seq: a new message, at (conversation, seq) */
    EVENT_CONVERSATION, /* seq: a new conversation, or its read marks have moved */
    EVENT_WORK,         /* seq: something that the organisation's side alone sees of a conversation has changed */
    EVENT_NOTE,         /* seq: a new note, at (conversation, seq), for the organisation's side alone */
    EVENT_ERASED,       /* seq: the visitor is gone, and (unless on) its conversations; conversation is ID_NONE */
    EVENT_TYPING,       /* somebody types in the conversation, or has stopped */
    EVENT_PRESENCE,     /* a stream of the visitor (by_org: of the organisation) has begun or ended */
    EVENT_PRESENT,      /* the organisation's side has done something, so somebody is there. Names the organisation */
    EVENT_HOURS,        /* on: it is within the organisation's business hours, or (at_ms) not before then. Names it */
    EVENT_BEHIND,       /* another process has written: every listener has to look at the tables. Names nothing */
};

struct event {
    enum event_kind kind;
    bool by_org;     /* the organisation's side did it, not the visitor's */
    bool on;         /* EVENT_TYPING: types; EVENT_PRESENCE: has begun */
    bool works;      /* EVENT_MESSAGE: EVENT_WORK is in it, since it has opened the conversation again */
    struct id agent; /* who of the organisation's side did it; ID_NONE: a token, or the visitor */
    struct id org;
    struct id visitor; /* whose conversation it is; ID_NONE: nobody's */
    struct id conversation;
    uint64_t seq;
    int64_t at_ms; /* EVENT_HOURS: when they begin again; 0: never, as far as anybody knows */
};
