/*
 * Addresses live in a table of fixed size, open addressing with linear probing, at most half full because the whole is
 * limited too. One lock will do: it is taken twice a connection, never for a request.
 */
#include "edge/connection_limits.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct slot {
    struct in6_addr address;
    unsigned count; /* 0: free */
};

struct connection_limits {
    unsigned connections_max, per_address_max;
    _Atomic unsigned count;
    pthread_mutex_t lock;
    size_t mask; /* slots, less one */
    struct slot slots[];
};

struct connection_limits *connection_limits_create(unsigned connections_max, unsigned per_address_max)
{
    size_t slots = 64;
    while (slots < (size_t)connections_max * 2)
        slots *= 2;
    struct connection_limits *limits = calloc(1, sizeof(*limits) + slots * sizeof(limits->slots[0]));
    if (limits == NULL)
        abort();
    limits->connections_max = connections_max;
    limits->per_address_max = per_address_max;
    limits->mask = slots - 1;
    pthread_mutex_init(&limits->lock, NULL);
    return limits;
}

void connection_limits_free(struct connection_limits *limits)
{
    if (limits == NULL)
        return;
    pthread_mutex_destroy(&limits->lock);
    free(limits);
}

/* ---- overall ------------------------------------------------------------------------------------------------- */

bool connection_limits_take(struct connection_limits *limits)
{
    if (atomic_fetch_add(&limits->count, 1) < limits->connections_max)
        return true;
    atomic_fetch_sub(&limits->count, 1);
    return false;
}

void connection_limits_give_back(struct connection_limits *limits)
{
    unsigned before = atomic_fetch_sub(&limits->count, 1);
    assert(before != 0);
}

bool connection_limits_has_room(const struct connection_limits *limits)
{
    return atomic_load(&limits->count) < limits->connections_max;
}

unsigned connection_limits_count(const struct connection_limits *limits)
{
    return atomic_load(&limits->count);
}

/* ---- by address ---------------------------------------------------------------------------------------------- */

static struct in6_addr counted_address(const struct in6_addr *address)
{
    struct in6_addr counted = *address;
    if (!IN6_IS_ADDR_V4MAPPED(address))
        memset(counted.s6_addr + 8, 0, 8);
    return counted;
}

static size_t home_of(const struct connection_limits *limits, const struct in6_addr *address)
{
    uint64_t high, low;
    memcpy(&high, address->s6_addr, 8);
    memcpy(&low, address->s6_addr + 8, 8);
    uint64_t hash = (high ^ low * 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu;
    return (size_t)(hash >> 32) & limits->mask;
}

/* The slot of the address, or the free one where it would go. */
static size_t find(const struct connection_limits *limits, const struct in6_addr *address)
{
    size_t at = home_of(limits, address);
    while (limits->slots[at].count != 0 && memcmp(&limits->slots[at].address, address, sizeof(*address)) != 0)
        at = (at + 1) & limits->mask;
    return at;
}

/* Frees a slot and moves back what had been pushed past it, so that no probe ends too early. */
static void erase(struct connection_limits *limits, size_t hole)
{
    for (size_t at = (hole + 1) & limits->mask; limits->slots[at].count != 0; at = (at + 1) & limits->mask) {
        size_t home = home_of(limits, &limits->slots[at].address);
        if (((at - home) & limits->mask) >= ((at - hole) & limits->mask)) {
            limits->slots[hole] = limits->slots[at];
            hole = at;
        }
    }
    limits->slots[hole].count = 0;
}

bool connection_limits_take_address(struct connection_limits *limits, const struct in6_addr *address)
{
    struct in6_addr counted = counted_address(address);
    pthread_mutex_lock(&limits->lock);
    struct slot *slot = &limits->slots[find(limits, &counted)];
    bool has_room = slot->count < limits->per_address_max;
    if (has_room) {
        slot->address = counted;
        ++slot->count;
    }
    pthread_mutex_unlock(&limits->lock);
    return has_room;
}

void connection_limits_give_back_address(struct connection_limits *limits, const struct in6_addr *address)
{
    struct in6_addr counted = counted_address(address);
    pthread_mutex_lock(&limits->lock);
    size_t at = find(limits, &counted);
    assert(limits->slots[at].count != 0);
    if (limits->slots[at].count == 1)
        erase(limits, at);
    else
        --limits->slots[at].count;
    pthread_mutex_unlock(&limits->lock);
}
