#pragma once
/* What the files of this room share. */
#include "live/live.h"

LIST_HEAD(live_list, live_subscriber);

/* An agent who is there, in one organisation. */
struct live_agent {
    struct live_node node;
    uint64_t present_until_ms; /* by what it has done; 0: it has done nothing */
    unsigned streams;          /* on all loops */
    bool is_online;            /* as the organisation's listeners have been told */
};

/* An organisation that somebody listens to, or that is online. */
struct live_org {
    struct live_node node;
    struct live_list listeners; /* to all of it */
    struct live_list audience;  /* its visitors' */
    struct live_table agents;   /* those who are there: each also keeps the organisation there */
    uint64_t present_until_ms;  /* by what it has done; 0: it has done nothing */
    unsigned streams;           /* by its tokens and agents, on all loops */
    bool is_online;             /* as its audience has been told */
    bool is_closed;             /* it is out of its business hours: nobody is there, whoever is */
    int64_t opens_at_ms;        /* then; 0: nobody knows */
};

/* A visitor that listens on some loop. */
struct live_visitor {
    struct live_node node;
    struct live_list listeners; /* on this loop */
    unsigned streams;           /* on all loops */
};

struct live {
    struct live_table orgs, visitors;
    void (*on_news)(struct live_subscriber *subscriber);
    struct live_figures *figures;
};

static inline struct live_org *live_org_find(const struct live *live, struct id id)
{
    return (struct live_org *)live_table_find(&live->orgs, id);
}

static inline struct live_visitor *live_visitor_find(const struct live *live, struct id id)
{
    return (struct live_visitor *)live_table_find(&live->visitors, id);
}

/* The record, made when it is not there. */
struct live_org *live_org_need(struct live *live, struct id id);
struct live_visitor *live_visitor_need(struct live *live, struct id id);
/* Frees it when nothing keeps it any more. */
void live_org_release(struct live *live, struct live_org *org);
void live_visitor_release(struct live *live, struct live_visitor *visitor);

void live_tell_moment(struct live *live, struct live_subscriber *subscriber, const struct live_moment *moment);
void live_hear_presence(struct live *live, const struct event *event);
void live_hear_hours(struct live *live, const struct event *event);
void live_hear_present(struct live *live, const struct event *event, uint64_t now_ms);
