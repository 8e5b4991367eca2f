#pragma once
/*
 * Who brings deliveries to webhooks: on loop 0, woken by whatever notes one and once a second. It reads the queue,
 * sends by the post, and writes what became of it by commands of its own.
 */
#include "api/internal.h"

struct courier;

struct courier *courier_open(struct api *api);
/* After the log is closed and every message has run. */
void courier_close(struct courier *courier);
/* The committer's thread: whether a batch has something for webhooks, and then wakes loop 0. */
void courier_hear(struct api *api, const struct log_entry *entries);
/* Loop 0, once a second, with no snapshot open: other processes' deliveries, what is due again. */
void courier_tick(struct api_loop *loop);
/* After edge_run and post_close, before the log is closed: hands over the last results. */
void courier_drain(struct courier *courier);

/* Since the start; any thread. */
struct courier_figures {
    _Atomic uint64_t delivered, failed, parked, gone, void_; /* tries, by what became of them */
    _Atomic uint64_t lost;                                   /* not noted, since too many waited */
    _Atomic uint64_t targets;                                /* webhooks now */
    _Atomic uint64_t under_way;                              /* now */
};
const struct courier_figures *courier_figures(const struct courier *courier);
