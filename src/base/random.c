/* getrandom(2) never fails once the system has started, save for a signal, and loop threads have all signals blocked.
 */
#include "base/random.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

static void refill(struct random_pool *pool)
{
    size_t filled = 0;
    while (filled < sizeof(pool->bytes)) {
        ssize_t got = getrandom(pool->bytes + filled, sizeof(pool->bytes) - filled, 0);
        assert(got > 0 || errno == EINTR);
        if (got > 0)
            filled += (size_t)got;
    }
    pool->left = sizeof(pool->bytes);
}

void random_fill(struct random_pool *pool, void *out, size_t len)
{
    assert(len <= sizeof(pool->bytes));
    if (pool->left < len)
        refill(pool);
    unsigned char *from = pool->bytes + sizeof(pool->bytes) - pool->left;
    memcpy(out, from, len);
    memset(from, 0, len);
    pool->left -= len;
}

uint64_t random_u64(struct random_pool *pool)
{
    uint64_t value;
    random_fill(pool, &value, sizeof(value));
    return value;
}
