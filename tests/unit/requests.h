#pragma once
/*
 * A request without HTTP, for tests of the api room: what came is set by hand, what was answered is kept to be looked
 * at. It takes the place of edge's functions of the same names, so a test that includes it includes the .c files of the
 * api room that it needs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "api/internal.h"

#define FAKE_HEADERS_MAX 16

struct fake_header {
    struct bytes name, value;
};

struct request {
    struct fake_header headers[FAKE_HEADERS_MAX], added[FAKE_HEADERS_MAX];
    unsigned header_count, added_count;
    struct bytes path, query, body, param, method; /* no method: GET */
    bool is_secure;
    struct in6_addr address;
    void *memory[64]; /* of request_alloc */
    unsigned memory_count;
};

static inline void request_set(struct request *request, const char *name, struct bytes value)
{
    assert_true(request->header_count < FAKE_HEADERS_MAX);
    request->headers[request->header_count++] = (struct fake_header){bytes_of_string(name), value};
}

static inline void request_set_text(struct request *request, const char *name, const char *value)
{
    request_set(request, name, bytes_of_string(value));
}

static inline void request_clear(struct request *request)
{
    while (request->memory_count > 0)
        free(request->memory[--request->memory_count]);
    memset(request, 0, sizeof(*request));
}

/* The value of a header of the answer; data NULL when absent. */
static inline struct bytes request_answer(const struct request *request, const char *name)
{
    struct bytes found = BYTES_NONE;
    for (unsigned i = 0; i < request->added_count; ++i)
        if (bytes_equal(request->added[i].name, bytes_of_string(name))) {
            assert_null(found.data); /* never twice */
            found = request->added[i].value;
        }
    return found;
}

/* ---- in the place of edge ---------------------------------------------------------------------------------------- */

struct bytes request_header(const struct request *request, struct bytes name, unsigned *times)
{
    struct bytes value = BYTES_NONE;
    unsigned found = 0;
    for (unsigned i = 0; i < request->header_count; ++i)
        if (bytes_equal(request->headers[i].name, name) && found++ == 0)
            value = request->headers[i].value;
    if (times != NULL)
        *times = found;
    return value;
}

struct bytes request_path(const struct request *request)
{
    return request->path;
}

struct bytes request_method(const struct request *request)
{
    return request->method.data == NULL ? BYTES("GET") : request->method;
}

bool request_is_secure(const struct request *request)
{
    return request->is_secure;
}

struct bytes request_query(const struct request *request)
{
    return request->query;
}

struct bytes request_body(const struct request *request)
{
    return request->body;
}

struct bytes request_path_param(const struct request *request, unsigned index)
{
    assert_int_equal(index, 0);
    return request->param;
}

struct in6_addr request_client_address(const struct request *request)
{
    return request->address;
}

void *request_alloc(struct request *request, size_t size)
{
    assert_true(request->memory_count < 64);
    void *memory = malloc(size != 0 ? size : 1);
    request->memory[request->memory_count++] = memory;
    return memory;
}

void request_add_header(struct request *request, struct bytes name, struct bytes value)
{
    assert_true(request->added_count < FAKE_HEADERS_MAX);
    request->added[request->added_count++] = (struct fake_header){name, value};
}

/* ---- in the place of api.c --------------------------------------------------------------------------------------- */

enum error call_refuse(struct call *call, enum error error, const char *sentence)
{
    call->sentence = sentence;
    return error;
}
