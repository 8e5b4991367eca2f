/*
 * Answers. An answer is one call into the library with everything known, so header and body leave in one writev, and
 * its length is always set: without one the library would close the connection. The headers that every answer carries
 * are one static array, copied as a whole; only the last of them depends on the connection.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/logline.h"
#include "edge/private.h"

/* ---- headers ------------------------------------------------------------------------------------------------- */

#define STANDARD_HEADERS                                                            \
    HEADER("cache-control", "no-store")                                             \
    HEADER("content-security-policy", "default-src 'none'; frame-ancestors 'none'") \
    HEADER("cross-origin-resource-policy", "cross-origin")                          \
    HEADER("referrer-policy", "no-referrer")                                        \
    HEADER("x-content-type-options", "nosniff")                                     \
    HEADER("x-frame-options", "DENY")                                               \
    HEADER("strict-transport-security", "max-age=31536000")

static h2o_iovec_t standard_names[] = {
#define HEADER(name, value) {H2O_STRLIT(name)},
    STANDARD_HEADERS
#undef HEADER
};

#define STANDARD_COUNT (sizeof(standard_names) / sizeof(standard_names[0]))

static const h2o_iovec_t standard_values[STANDARD_COUNT] = {
#define HEADER(name, value) {H2O_STRLIT(value)},
    STANDARD_HEADERS
#undef HEADER
};

static size_t standard_count(const h2o_req_t *req, const struct edge *edge)
{
    return edge->config.hsts && connection_of(req)->tls != NULL ? STANDARD_COUNT : STANDARD_COUNT - 1;
}

static void add_standard_headers(h2o_req_t *req, const struct edge *edge, unsigned replaced)
{
    h2o_headers_t *headers = &req->res.headers;
    size_t count = standard_count(req, edge);
    h2o_vector_reserve(&req->pool, headers, headers->size + count + 1);
    for (size_t i = 0; i < count; ++i)
        if ((replaced & 1u << i) == 0)
            headers->entries[headers->size++] = (h2o_header_t){&standard_names[i], NULL, standard_values[i]};
}

static bool is_header_text(struct bytes text)
{
    for (size_t i = 0; i < text.len; ++i)
        if (text.data[i] == '\r' || text.data[i] == '\n' || text.data[i] == '\0')
            return false;
    return true;
}

void request_add_header(struct request *request, struct bytes name, struct bytes value)
{
    assert(is_header_text(name) && is_header_text(value) && !request->is_answered);
    for (size_t i = 0; i < STANDARD_COUNT; ++i)
        if (h2o_memis(name.data, name.len, standard_names[i].base, standard_names[i].len))
            request->replaced_headers |= 1u << i;
    h2o_req_t *req = request->h2o;
    h2o_add_header_by_str(&req->pool, &req->res.headers, name.data, name.len, 0, NULL, value.data, value.len);
}

/* ---- the answer ---------------------------------------------------------------------------------------------- */

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); ++i)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

static void tell_answer(struct loop *loop, struct bytes method, const struct route *route, int status,
                        uint64_t latency_ns)
{
    if (loop->edge->config.on_answered != NULL)
        loop->edge->config.on_answered(loop, route, status, latency_ns);
    if (!log_line_enabled(LOG_DEBUG))
        return;
    char name[16];
    snprintf(name, sizeof(name), "%.*s", (int)method.len, method.data);
    /* The pattern stands for the path, which may hold what is nobody's business. */
    log_line(LOG_DEBUG, "answered", LOG_TEXT("method", name), LOG_TEXT("route", route != NULL ? route->pattern : NULL),
             LOG_NUMBER("status", status), LOG_NUMBER("ms", latency_ns / 1000000));
}

static void count_answer(struct request *request, int status)
{
    assert(!request->is_answered);
    request->is_answered = true;
    tell_answer(request->loop, request_method(request), request->route, status,
                clock_monotonic_ns() - request->entered_at_ns);
}

static void make_head(struct request *request, int status, const char *content_type, size_t content_length)
{
    h2o_req_t *req = request->h2o;
    count_answer(request, status);
    req->res.status = status;
    req->res.reason = reason_of(status);
    req->res.content_length = content_length;
    add_standard_headers(req, request->loop->edge, request->replaced_headers);
    if (content_type != NULL)
        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, content_type, strlen(content_type));
}

static void close_afterwards(struct request *request)
{
    request->h2o->http1_is_persistent = 0;
    request->connection->is_last_answered = true;
}

void respond_stream_headers(struct request *request)
{
    request_add_header(request, BYTES("x-accel-buffering"), BYTES("no")); /* nginx would keep small pieces back */
    make_head(request, 200, "text/event-stream", SIZE_MAX);
    close_afterwards(request);
}

void request_respond(struct request *request, int status, const char *content_type, struct bytes body)
{
    static h2o_generator_t generator = {NULL, NULL};
    h2o_req_t *req = request->h2o;
    /* 204 and 304 have no body by definition and must not tell a length of it. */
    make_head(request, status, content_type, status == 204 || status == 304 ? SIZE_MAX : body.len);
    if (edge_stopping(request->loop->edge))
        close_afterwards(request);
    bool has_body = !request->is_head && body.len != 0;
    h2o_iovec_t copy = {NULL, 0};
    if (has_body)
        copy = h2o_strdup(&req->pool, body.data, body.len);
    h2o_start_response(req, &generator);
    h2o_send(req, &copy, has_body, H2O_SEND_STATE_FINAL);
}

/* ---- errors -------------------------------------------------------------------------------------------------- */

#define JSON "application/json; charset=utf-8"

/* Appends a JSON string; what needs an escape in a sentence of ours is a quote or a backslash, but nothing may break
 * out. */
static char *put_json_string(char *out, const char *text)
{
    *out++ = '"';
    for (; *text != '\0'; ++text) {
        if (*text == '"' || *text == '\\')
            *out++ = '\\';
        *out++ = (unsigned char)*text < 0x20 ? ' ' : *text;
    }
    *out++ = '"';
    return out;
}

static char *put(char *out, const char *text)
{
    size_t len = strlen(text);
    memcpy(out, text, len);
    return out + len;
}

static struct bytes error_body(h2o_mem_pool_t *pool, enum error error, const char *sentence)
{
    const char *code = error_code(error);
    char *body = h2o_mem_alloc_pool(pool, 2 * strlen(sentence) + strlen(code) + 32), *end = body;
    end = put(end, "{\"error\":");
    end = put_json_string(end, sentence);
    end = put(end, ",\"code\":");
    end = put_json_string(end, code);
    end = put(end, "}");
    *end = '\0';
    return bytes_view(body, (size_t)(end - body));
}

void request_respond_error(struct request *request, enum error error, const char *sentence, unsigned retry_after_s)
{
    if (retry_after_s != 0) {
        char *seconds = request_alloc(request, 12);
        int len = snprintf(seconds, 12, "%u", retry_after_s);
        request_add_header(request, BYTES("retry-after"), bytes_view(seconds, (size_t)len));
    }
    struct bytes body = error_body(&request->h2o->pool, error, sentence != NULL ? sentence : error_sentence(error));
    request_respond(request, error_status(error), JSON, body);
}

void respond_edge_error(struct request *request, enum error error)
{
    request_add_header(request, BYTES("access-control-allow-origin"), BYTES("*"));
    request_respond_error(request, error, NULL, 0);
}

static const char *body_sentence(h2o_mem_pool_t *pool, uint32_t body_len_max)
{
    char *sentence = h2o_mem_alloc_pool(pool, 80);
    snprintf(sentence, 80, "The body is larger than the %" PRIu32 " bytes that this path takes.", body_len_max);
    return sentence;
}

void respond_body_too_large(struct request *request, uint32_t body_len_max)
{
    request_add_header(request, BYTES("access-control-allow-origin"), BYTES("*"));
    request_respond_error(request, ERR_BODY_TOO_LARGE, body_sentence(&request->h2o->pool, body_len_max), 0);
}

/* ---- the library's own answers ------------------------------------------------------------------------------- */

static enum error error_of_status(int status)
{
    switch (status) {
    case 400:
        return ERR_BAD_REQUEST;
    case 404:
        return ERR_NOT_FOUND;
    case 408:
        return ERR_REQUEST_TIMEOUT;
    case 411:
        return ERR_LENGTH_REQUIRED;
    case 413:
        return ERR_BODY_TOO_LARGE;
    case 417:
        return ERR_EXPECTATION_FAILED;
    case 431:
        return ERR_HEADERS_TOO_LARGE;
    case 505:
        return ERR_HTTP_VERSION;
    default:
        return ERR_INTERNAL;
    }
}

/* The library words its errors more exactly than errors.def, but not as sentences. */
static const char *sentence_of(h2o_req_t *req, enum error error, const char *words)
{
    h2o_mem_pool_t *pool = &req->pool;
    if (error == ERR_BODY_TOO_LARGE)
        return body_sentence(pool, handler_body_len_max(req));
    if (error == ERR_TLS_REQUIRED)
        return error_sentence(error);
    size_t len = strlen(words);
    char *sentence = h2o_mem_alloc_pool(pool, len + 2);
    memcpy(sentence, words, len);
    sentence[0] = (char)h2o_toupper(sentence[0]);
    memcpy(sentence + len, ".", 2);
    return sentence;
}

const char *respond_library_error(h2o_req_t *req, int status, const char *body)
{
    struct loop *loop = H2O_STRUCT_FROM_MEMBER(struct loop, context, req->conn->ctx);
    tell_answer(loop, bytes_view(req->input.method.base, req->input.method.len), NULL, status, 0);
    req->res.reason = reason_of(status);
    add_standard_headers(req, loop->edge, 0);
    h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("access-control-allow-origin"), 0, NULL,
                          H2O_STRLIT("*"));
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, H2O_STRLIT(JSON));
    enum error error =
        status == 400 && connection_lacks_tls(connection_of(req)) ? ERR_TLS_REQUIRED : error_of_status(status);
    return error_body(&req->pool, error, sentence_of(req, error, body)).data;
}
