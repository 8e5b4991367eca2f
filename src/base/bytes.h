#pragma once
/*
 * Borrowed byte strings and a growable buffer: the two shapes in which text travels through the house.
 * Any thread; nothing here locks, and a buffer belongs to one thread at a time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A view of bytes owned by somebody else; data may be NULL only while len is 0. Never NUL-terminated by contract. */
struct bytes {
    const char *data;
    size_t len;
};

#define BYTES(literal) ((struct bytes){"" literal, sizeof(literal) - 1})
#define BYTES_NONE ((struct bytes){NULL, 0})

static inline struct bytes bytes_view(const void *data, size_t len)
{
    return (struct bytes){data, len};
}

static inline struct bytes bytes_of_string(const char *string)
{
    return (struct bytes){string, strlen(string)};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Copies into fresh memory with a NUL behind it; the caller frees. */
char *bytes_dup(struct bytes view);

/* A growable run of bytes. Zero-initialised is empty and valid; running out of memory aborts. */
struct buffer {
    char *data;
    size_t len, capacity;
};

/* Makes room for `more` further bytes and returns where they go; the caller adds what it wrote to len. */
char *buffer_reserve(struct buffer *buffer, size_t more);
void buffer_append(struct buffer *buffer, const void *data, size_t len);
void buffer_append_string(struct buffer *buffer, const char *string);
__attribute__((format(printf, 2, 3))) void buffer_printf(struct buffer *buffer, const char *format, ...);
/* Empties it and keeps the memory for the next use. */
void buffer_clear(struct buffer *buffer);
void buffer_dispose(struct buffer *buffer);

static inline struct bytes buffer_view(const struct buffer *buffer)
{
    return (struct bytes){buffer->data, buffer->len};
}
