/* Reading moves a visitor's lastSeenAt too, but a question does not wait for the disk: the touch goes to the log and
 * nobody waits for it. */
#include "api/internal.h"

#define LIMITER_KIND_TOUCH 0xffff

void touch_visitor(struct call *call)
{
    struct limiter *limiter = call->loop->api->limiter;
    uint64_t wait_us;
    if (call->visitor_key.data == NULL || call->org.write_disabled)
        return;
    uint64_t key = limiter_key(limiter, LIMITER_KIND_TOUCH, bytes_view(call->org.id.bytes, ID_LEN), call->visitor_key);
    if (!limiter_take(limiter, key, TOUCH_INTERVAL_MS * 1000, 1, &wait_us))
        return;
    count(&call->loop->figures.touches, 1);
    loop_submit(call->loop,
                &(struct command){
                    .kind = COMMAND_VISITOR_TOUCH,
                    .visitor_touch = {.org = call->org.id, .visitor_key = call->visitor_key, .at_ms = call->now_ms},
                },
                NULL);
}
