#pragma once
/*
 * Since when each visitor is there, and on which page: shared by all loops, in memory alone. Hubs only say whether
 * somebody is there; who looks at the whole site asks here. Whoever leaves is remembered for VISIT_REST_MS, so that
 * going from page to page is one visit. Any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "core/id.h"

struct live_visits;

/* What is known of somebody who is there. */
struct live_visit {
    int64_t since_ms;
    size_t page_len; /* 0: not told */
    char page[PAGE_URL_LEN_MAX];
};

struct live_visits *live_visits_new(void);
void live_visits_free(struct live_visits *visits);
/* A stream of the visitor begins, on that page (data NULL: not told); or has ended. */
void live_visit_enter(struct live_visits *visits, struct id org, struct id visitor, struct bytes page, int64_t now_ms);
void live_visit_leave(struct live_visits *visits, struct id visitor, int64_t now_ms);
/* False when it is not there. */
bool live_visit_find(struct live_visits *visits, struct id visitor, struct live_visit *out);
/* The `max` that have come last, the last one first; gives how many, and in *count how many there are. */
unsigned live_visits_of_org(struct live_visits *visits, struct id org, struct id *out, unsigned max, uint64_t *count);
