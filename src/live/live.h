#pragma once
/*
 * Who listens to what, and who is there. One hub a loop: all of a hub is touched on its loop's thread alone, and hubs
 * know nothing of each other; whoever owns them lets each hear the same events (live_hear), so all come to the same
 * view. No HTTP and no JSON here: a hub says that there is something to tell, and its owner reads the tables.
 *
 * What waits for a subscriber is bounded. News (things with a number) are only named; when there are too many the list
 * is dropped and the subscriber `is_behind`: the tables have it all, and its owner finds it there. Moments (typing,
 * presence) are kept nowhere else: a newer one takes the place of an older one about the same thing, and when there are
 * still too many the oldest goes; of who came or went that way the hub itself still knows, and the subscriber is
 * marked. An idle subscriber has no list at all.
 */
#include <stdatomic.h>

#include <sys/queue.h>

#include "base/limits.h"
#include "core/events.h"
#include "live/table.h"

struct live;
struct live_org;
struct live_visitor;

struct live_news {
    uint64_t seq;
    struct id conversation;
    enum event_kind kind; /* EVENT_MESSAGE, EVENT_CONVERSATION; for the organisation EVENT_WORK, EVENT_NOTE too */
    bool works;           /* EVENT_WORK is in it: so it can be told in one number with what caused it */
};

struct live_moment {
    enum event_kind kind; /* EVENT_TYPING, EVENT_PRESENCE; for the organisation EVENT_ERASED too */
    bool by_org, on;
    struct id subject; /* the conversation; of EVENT_ERASED the visitor; of EVENT_PRESENCE the visitor, or when by_org
                          the agent, or ID_NONE: the organisation as its visitors see it */
    struct id agent;   /* who types, for the organisation alone; or ID_NONE */
};

/* Embedded in its owner. The members may be read; only the functions below change them. */
struct live_subscriber {
    LIST_ENTRY(live_subscriber) of_topic;    /* with the others of its organisation, or of its visitor */
    LIST_ENTRY(live_subscriber) of_audience; /* a visitor's: with all visitors' of the organisation */
    struct live_org *org;
    struct live_visitor *visitor; /* NULL: it listens to all of the organisation */
    struct id agent;              /* whose own doing is nothing new to it; or ID_NONE */
    struct live_news *news;       /* what waits, by seq */
    struct live_moment *moments;  /* what waits, the oldest first */
    uint64_t sent_seq;            /* everything up to here has been taken */
    uint64_t covered_seq;         /* everything up to here has been taken or is in `news`; nothing while is_behind */
    uint16_t news_count, news_capacity;
    uint16_t moment_count, moment_capacity;
    bool has_lost_facts; /* who is there, and what is, has to be asked for anew: more waited than it can hold */
    bool is_behind;      /* the tables have more than `news` names: live_catch_up */
    bool is_over;        /* the visitor has been erased: nothing will come any more */
};

/* What a hub counts for its owner; the hub's thread writes, any reads. */
struct live_figures {
    _Atomic uint64_t news_overflows, moments_dropped;
};

/* `on_news` is called, perhaps repeatedly, when something waits for a subscriber or it is over; it must not add, remove
 * or take anything there and then. `figures` must outlive the hub. */
struct live *live_new(void (*on_news)(struct live_subscriber *subscriber), struct live_figures *figures);
/* No subscriber may be left. */
void live_free(struct live *live);

/* ---- subscribers ---- */

/* From now on it hears what is about the visitor, or with ID_NONE about the organisation, and then also what only the
 * organisation's side may know. It begins behind: what came after `sent_seq` is to be found in the tables. */
void live_add(struct live *live, struct live_subscriber *subscriber, struct id org, struct id visitor,
              uint64_t sent_seq);
void live_remove(struct live *live, struct live_subscriber *subscriber);
/* It is an agent's, who needs not be told of its own typing. */
void live_is_of_agent(struct live_subscriber *subscriber, struct id agent);
struct id live_org_of(const struct live_subscriber *subscriber);
struct id live_visitor_of(const struct live_subscriber *subscriber); /* ID_NONE: the organisation's */

/* Whether something is to be taken. */
bool live_has_news(const struct live_subscriber *subscriber);
/* The first `count` of its news have been taken. When none are left, all up to covered_seq has. */
void live_take_news(struct live_subscriber *subscriber, unsigned count);
/* All of its moments have been taken. */
void live_take_moments(struct live_subscriber *subscriber);
/* Forgets the moment that waits about the same thing as `like`, if one does: it is told in another way. */
void live_forget_moment(struct live_subscriber *subscriber, const struct live_moment *like);
/*
 * What the tables have after its sent_seq: the first `count` (at most STREAM_NEWS_MAX) of it, in order, copied.
 * Complete when that is all there was up to `seen_seq`, the number that the tables had come to; then it is not behind
 * any more. Only when it is behind and its news are taken.
 */
void live_catch_up(struct live_subscriber *subscriber, const struct live_news *news, unsigned count, uint64_t seen_seq,
                   bool is_complete);

/* Begins anew: whatever came up to seen_seq is told in another way, or not at all. Its news must be taken. */
void live_reset(struct live_subscriber *subscriber, uint64_t seen_seq);

/* ---- events ---- */

/* Events reach a hub in the order of their numbers. now_ms is of a clock that never steps. */
void live_hear(struct live *live, const struct event *event, uint64_t now_ms);

/* ---- who is there (presence.c) ---- */

/* Lets time pass; once a second. */
void live_tick(struct live *live, uint64_t now_ms);
/* Whether somebody of the organisation is there: it has a stream open, or was heard of by EVENT_PRESENT less than
 * AGENT_PRESENT_MS ago; and it is within its business hours. */
bool live_org_is_online(const struct live *live, struct id org);
/* Whether it is out of its business hours, and until when (0: nobody knows). */
bool live_org_is_closed(const struct live *live, struct id org, int64_t *opens_at_ms);
/* Whether EVENT_PRESENT, of the agent or with ID_NONE of a token, would tell the hub anything that it has not heard
 * within the last second. */
bool live_org_seems_quiet(const struct live *live, struct id org, struct id agent, uint64_t now_ms);
/* The same as for the organisation, of one agent in it. */
bool live_agent_is_online(const struct live *live, struct id org, struct id agent);
