#pragma once
/*
 * Records by their id: a hash table whose nodes are embedded in the records. It grows and shrinks with what is in it,
 * so a rush of listeners leaves nothing behind. One thread at a time.
 */
#include <stdbool.h>
#include <stddef.h>

#include "core/id.h"

/* The first member of a record. */
struct live_node {
    struct live_node *next;
    struct id id;
};

/* Zero-initialised is empty. */
struct live_table {
    struct live_node **slots;
    size_t slot_count, count;
    bool is_walked; /* then it keeps its size */
};

struct live_node *live_table_find(const struct live_table *table, struct id id);
/* No node of this id may be there. */
void live_table_add(struct live_table *table, struct live_node *node);
/* The one of this id; when there is none a new one of `size` bytes, all zero but for its node. free() gives it back. */
struct live_node *live_table_need(struct live_table *table, struct id id, size_t size);
/* It must be there. Its memory stays the caller's. */
void live_table_remove(struct live_table *table, struct live_node *node);
/* Calls `visit` for each node; it may remove (and free) the one that it is given, and no other, and add none. */
typedef void live_table_visit(void *context, struct live_node *node);
void live_table_each(struct live_table *table, live_table_visit *visit, void *context);
/* Of an empty table. */
void live_table_dispose(struct live_table *table);
