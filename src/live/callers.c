/* One table under one lock; callers that have no stream are not in it. */
#include "live/callers.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "live/table.h"

struct caller {
    struct live_node node;
    unsigned streams;
};

struct live_callers {
    pthread_mutex_t mutex;
    struct live_table table;
};

struct live_callers *live_callers_new(void)
{
    struct live_callers *callers = calloc(1, sizeof(*callers));
    if (callers == NULL)
        abort();
    pthread_mutex_init(&callers->mutex, NULL);
    return callers;
}

void live_callers_free(struct live_callers *callers)
{
    live_table_dispose(&callers->table);
    pthread_mutex_destroy(&callers->mutex);
    free(callers);
}

bool live_caller_enter(struct live_callers *callers, struct id id, unsigned max)
{
    pthread_mutex_lock(&callers->mutex);
    struct caller *caller = (struct caller *)live_table_need(&callers->table, id, sizeof(*caller));
    bool enters = caller->streams < max;
    caller->streams += enters;
    pthread_mutex_unlock(&callers->mutex);
    return enters;
}

void live_caller_leave(struct live_callers *callers, struct id id)
{
    pthread_mutex_lock(&callers->mutex);
    struct caller *caller = (struct caller *)live_table_find(&callers->table, id);
    assert(caller != NULL && caller->streams != 0);
    if (--caller->streams == 0) {
        live_table_remove(&callers->table, &caller->node);
        free(caller);
    }
    pthread_mutex_unlock(&callers->mutex);
}
