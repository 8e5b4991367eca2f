/*
 * What time and absence do to conversations, once a second on loop 0: those whose snooze is over are opened, and those
 * that are assigned to somebody who has left are taken from them. What is found is read from the indexes and done by
 * commands that ask again, so that being late, or doing it twice, harms nothing.
 */
#include "api/internal.h"

static void wake(struct api_loop *loop, const struct work_due *due, int64_t now_ms)
{
    loop_submit(loop,
                &(struct command){
                    .kind = COMMAND_CONVERSATION_WAKE,
                    .conversation_wake = {due->org, due->conversation, .until_ms = due->until_ms, .at_ms = now_ms},
                },
                NULL);
}

static void release(struct api_loop *loop, const struct work_due *due, int64_t now_ms)
{
    loop_submit(loop,
                &(struct command){
                    .kind = COMMAND_CONVERSATION_RELEASE,
                    .conversation_release = {due->org, due->conversation, due->agent, now_ms},
                },
                NULL);
}

void work_maintain(struct api_loop *loop, struct txn *txn)
{
    struct work_due due[WAKE_STEP_MAX];
    int64_t now_ms = clock_now_ms();
    unsigned count = rules_find_snoozed(txn, now_ms, due, WAKE_STEP_MAX);
    for (unsigned i = 0; i < count; ++i)
        wake(loop, &due[i], now_ms);
    count = rules_find_unattended(txn, &loop->api->unattended_at, UNATTENDED_LOOKS_MAX, due, WAKE_STEP_MAX);
    for (unsigned i = 0; i < count; ++i)
        release(loop, &due[i], now_ms);
}
