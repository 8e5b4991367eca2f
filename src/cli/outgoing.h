#pragma once
/* What goes out, as the flags say it: for the server and for the commands that try it. */
#include <pthread.h>

#include "cli/cli.h"
#include "post/post.h"

/* NULL, once it has been said, when one of the flags can't be used. */
struct post *outgoing_open(const struct options *options);

/* For a command that waits for its one answer. Zero-initialised by OUTGOING_ANSWER. */
struct outgoing_answer {
    pthread_mutex_t mutex;
    pthread_cond_t came;
    bool has_come;
    struct post_result result;
};
#define OUTGOING_ANSWER ((struct outgoing_answer){.mutex = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER})
/* An on_posted whose context is the answer. */
void outgoing_heard(void *answer, const struct post_result *result);
void outgoing_wait(struct outgoing_answer *answer);
