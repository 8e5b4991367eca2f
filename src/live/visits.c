/* One table under one lock. Those who are there hang in their organisation's list, those who have left in one list by
 * when: so neither looking at a site nor forgetting walks over others. */
#include "live/visits.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <sys/queue.h>

#include "live/table.h"

TAILQ_HEAD(visit_list, visit);

struct visit {
    struct live_node node; /* by the visitor */
    TAILQ_ENTRY(visit) in_list;
    struct visited *org; /* NULL: it has left */
    unsigned streams;
    int64_t since_ms, left_at_ms;
    char *page; /* NULL: not told */
    size_t page_len;
};

/* An organisation that somebody is on the site of. */
struct visited {
    struct live_node node;
    struct visit_list there; /* who has come last is first */
    uint64_t count;
};

struct live_visits {
    pthread_mutex_t mutex;
    struct live_table visitors, orgs;
    struct visit_list resting; /* who has left longest is first */
};

struct live_visits *live_visits_new(void)
{
    struct live_visits *visits = calloc(1, sizeof(*visits));
    if (visits == NULL)
        abort();
    pthread_mutex_init(&visits->mutex, NULL);
    TAILQ_INIT(&visits->resting);
    return visits;
}

/* ---- one visit ---- */

static void set_page(struct visit *visit, struct bytes page)
{
    free(visit->page);
    visit->page = NULL;
    visit->page_len = 0;
    if (page.len == 0 || page.len > PAGE_URL_LEN_MAX)
        return;
    visit->page = malloc(page.len);
    if (visit->page == NULL)
        abort();
    memcpy(visit->page, page.data, page.len);
    visit->page_len = page.len;
}

static void drop(struct live_visits *visits, struct visit *visit)
{
    live_table_remove(&visits->visitors, &visit->node);
    free(visit->page);
    free(visit);
}

static void come(struct live_visits *visits, struct visit *visit, struct id org)
{
    struct visited *visited = (struct visited *)live_table_need(&visits->orgs, org, sizeof(*visited));
    if (visited->count++ == 0)
        TAILQ_INIT(&visited->there);
    TAILQ_INSERT_HEAD(&visited->there, visit, in_list);
    visit->org = visited;
}

static void go(struct live_visits *visits, struct visit *visit)
{
    struct visited *visited = visit->org;
    TAILQ_REMOVE(&visited->there, visit, in_list);
    visit->org = NULL;
    if (--visited->count == 0) {
        live_table_remove(&visits->orgs, &visited->node);
        free(visited);
    }
}

static void forget_those_who_left(struct live_visits *visits, int64_t now_ms)
{
    for (struct visit *visit; (visit = TAILQ_FIRST(&visits->resting)) != NULL;) {
        if (now_ms - visit->left_at_ms < VISIT_REST_MS)
            return;
        TAILQ_REMOVE(&visits->resting, visit, in_list);
        drop(visits, visit);
    }
}

static void drop_any(void *context, struct live_node *node)
{
    struct visit *visit = (struct visit *)node;
    if (visit->org != NULL)
        go(context, visit);
    drop(context, visit);
}

void live_visits_free(struct live_visits *visits)
{
    live_table_each(&visits->visitors, drop_any, visits);
    live_table_dispose(&visits->visitors);
    live_table_dispose(&visits->orgs);
    pthread_mutex_destroy(&visits->mutex);
    free(visits);
}

/* ---- coming and going ---- */

void live_visit_enter(struct live_visits *visits, struct id org, struct id visitor, struct bytes page, int64_t now_ms)
{
    pthread_mutex_lock(&visits->mutex);
    forget_those_who_left(visits, now_ms);
    struct visit *visit = (struct visit *)live_table_need(&visits->visitors, visitor, sizeof(*visit));
    if (visit->streams++ == 0) {
        if (visit->left_at_ms != 0)
            TAILQ_REMOVE(&visits->resting, visit, in_list);
        else
            visit->since_ms = now_ms;
        visit->left_at_ms = 0;
        come(visits, visit, org);
    }
    if (page.len != 0 || visit->streams == 1)
        set_page(visit, page);
    pthread_mutex_unlock(&visits->mutex);
}

void live_visit_leave(struct live_visits *visits, struct id visitor, int64_t now_ms)
{
    pthread_mutex_lock(&visits->mutex);
    struct visit *visit = (struct visit *)live_table_find(&visits->visitors, visitor);
    assert(visit != NULL && visit->streams != 0);
    if (--visit->streams == 0) {
        go(visits, visit);
        visit->left_at_ms = now_ms == 0 ? 1 : now_ms;
        TAILQ_INSERT_TAIL(&visits->resting, visit, in_list);
    }
    forget_those_who_left(visits, now_ms);
    pthread_mutex_unlock(&visits->mutex);
}

/* ---- questions ---- */

bool live_visit_find(struct live_visits *visits, struct id visitor, struct live_visit *out)
{
    pthread_mutex_lock(&visits->mutex);
    const struct visit *visit = (const struct visit *)live_table_find(&visits->visitors, visitor);
    bool is_there = visit != NULL && visit->streams != 0;
    if (is_there) {
        out->since_ms = visit->since_ms;
        out->page_len = visit->page_len;
        if (visit->page_len != 0)
            memcpy(out->page, visit->page, visit->page_len);
    }
    pthread_mutex_unlock(&visits->mutex);
    return is_there;
}

unsigned live_visits_of_org(struct live_visits *visits, struct id org, struct id *out, unsigned max, uint64_t *count)
{
    unsigned found = 0;
    pthread_mutex_lock(&visits->mutex);
    const struct visited *visited = (const struct visited *)live_table_find(&visits->orgs, org);
    *count = visited == NULL ? 0 : visited->count;
    for (const struct visit *visit = visited == NULL ? NULL : TAILQ_FIRST(&visited->there);
         visit != NULL && found < max; visit = TAILQ_NEXT(visit, in_list))
        out[found++] = visit->node.id;
    pthread_mutex_unlock(&visits->mutex);
    return found;
}
