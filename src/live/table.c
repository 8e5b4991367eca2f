/* Slots are a power of two, at least as many as nodes when it grows and no more than eight times as many when it
 * shrinks, so adding and removing around one size never makes it move each time. */
#include "live/table.h"

#include <assert.h>
#include <stdlib.h>

#define SLOTS_MIN 16

/* Ids end in random digits, but an import brings what it likes. */
static size_t slot_of(struct id id, size_t slot_count)
{
    uint64_t halves[2];
    memcpy(halves, id.bytes, sizeof(halves));
    uint64_t mixed = (halves[0] ^ (halves[1] * 0x9e3779b97f4a7c15)) * 0xd6e8feb86659fd93;
    return (size_t)(mixed >> 32) & (slot_count - 1);
}

static void resize(struct live_table *table, size_t slot_count)
{
    struct live_node **slots = calloc(slot_count, sizeof(*slots));
    if (slots == NULL)
        abort();
    for (size_t i = 0; i < table->slot_count; ++i)
        for (struct live_node *node = table->slots[i], *next; node != NULL; node = next) {
            struct live_node **slot = &slots[slot_of(node->id, slot_count)];
            next = node->next;
            node->next = *slot;
            *slot = node;
        }
    free(table->slots);
    table->slots = slots;
    table->slot_count = slot_count;
}

static void fit(struct live_table *table)
{
    size_t slot_count = table->slot_count;
    while (slot_count > SLOTS_MIN && table->count < slot_count / 8)
        slot_count /= 2;
    if (slot_count != table->slot_count)
        resize(table, slot_count);
}

struct live_node *live_table_find(const struct live_table *table, struct id id)
{
    if (table->count == 0)
        return NULL;
    struct live_node *node = table->slots[slot_of(id, table->slot_count)];
    while (node != NULL && !id_equal(node->id, id))
        node = node->next;
    return node;
}

void live_table_add(struct live_table *table, struct live_node *node)
{
    assert(!table->is_walked);
    if (table->count >= table->slot_count)
        resize(table, table->slot_count == 0 ? SLOTS_MIN : table->slot_count * 2);
    struct live_node **slot = &table->slots[slot_of(node->id, table->slot_count)];
    node->next = *slot;
    *slot = node;
    ++table->count;
}

struct live_node *live_table_need(struct live_table *table, struct id id, size_t size)
{
    struct live_node *node = live_table_find(table, id);
    if (node != NULL)
        return node;
    node = calloc(1, size);
    if (node == NULL)
        abort();
    node->id = id;
    live_table_add(table, node);
    return node;
}

static void unlink_node(struct live_table *table, struct live_node *node)
{
    struct live_node **link = &table->slots[slot_of(node->id, table->slot_count)];
    while (*link != node) {
        assert(*link != NULL);
        link = &(*link)->next;
    }
    *link = node->next;
    --table->count;
}

void live_table_remove(struct live_table *table, struct live_node *node)
{
    unlink_node(table, node);
    if (!table->is_walked)
        fit(table);
}

void live_table_each(struct live_table *table, live_table_visit *visit, void *context)
{
    assert(!table->is_walked);
    table->is_walked = true;
    for (size_t i = 0; i < table->slot_count; ++i)
        for (struct live_node *node = table->slots[i], *next; node != NULL; node = next) {
            next = node->next;
            visit(context, node);
        }
    table->is_walked = false;
    fit(table);
}

void live_table_dispose(struct live_table *table)
{
    assert(table->count == 0);
    free(table->slots);
    *table = (struct live_table){0};
}
