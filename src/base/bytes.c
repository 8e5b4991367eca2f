/* Growing is by doubling, so that a buffer kept across requests soon stops allocating. */
#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

char *bytes_dup(struct bytes view)
{
    char *copy = malloc(view.len + 1);
    if (copy == NULL)
        abort();
    if (view.len != 0)
        memcpy(copy, view.data, view.len);
    copy[view.len] = '\0';
    return copy;
}

char *buffer_reserve(struct buffer *buffer, size_t more)
{
    if (buffer->capacity - buffer->len < more) {
        size_t capacity = buffer->capacity != 0 ? buffer->capacity : 256;
        while (capacity - buffer->len < more)
            capacity *= 2;
        buffer->data = realloc(buffer->data, capacity);
        if (buffer->data == NULL)
            abort();
        buffer->capacity = capacity;
    }
    return buffer->data + buffer->len;
}

void buffer_append(struct buffer *buffer, const void *data, size_t len)
{
    if (len == 0)
        return;
    memcpy(buffer_reserve(buffer, len), data, len);
    buffer->len += len;
}

void buffer_append_string(struct buffer *buffer, const char *string)
{
    buffer_append(buffer, string, strlen(string));
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len > 0) {
        vsnprintf(buffer_reserve(buffer, (size_t)len + 1), (size_t)len + 1, format, again);
        buffer->len += (size_t)len;
    }
    va_end(again);
}

void buffer_clear(struct buffer *buffer)
{
    buffer->len = 0;
}

void buffer_dispose(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){0};
}
