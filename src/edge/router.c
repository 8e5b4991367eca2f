/*
 * Matching runs for every request, so it splits the path once and then compares lengths before bytes; with a dozen
 * routes that is a few dozen nanoseconds, and a tree would not be faster. Paths are matched exactly as sent: an escaped
 * literal, a dot segment or a trailing slash is another path, so no two spellings ever reach one handler.
 */
#include "edge/router.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct router {
    struct router_path *paths; /* ordered by segment count, then literals before parameters */
    size_t count;
    size_t bucket[PATH_SEGMENTS_MAX + 2]; /* paths of n segments are bucket[n] .. bucket[n + 1] */
};

static const char *const method_names[METHOD_COUNT] = {[METHOD_GET] = "GET",
                                                       [METHOD_POST] = "POST",
                                                       [METHOD_PUT] = "PUT",
                                                       [METHOD_PATCH] = "PATCH",
                                                       [METHOD_DELETE] = "DELETE"};

/* Returns the number of segments, or PATH_SEGMENTS_MAX + 1 when there are more than fit. */
static unsigned split(struct bytes path, struct bytes segments[PATH_SEGMENTS_MAX])
{
    unsigned count = 0;
    const char *at = path.data + 1, *end = path.data + path.len;
    for (;;) {
        if (count == PATH_SEGMENTS_MAX)
            return PATH_SEGMENTS_MAX + 1;
        const char *slash = memchr(at, '/', (size_t)(end - at));
        segments[count++] = bytes_view(at, (size_t)((slash != NULL ? slash : end) - at));
        if (slash == NULL)
            return count;
        at = slash + 1;
    }
}

/* ---- building ------------------------------------------------------------------------------------------------ */

static struct router_path parse_pattern(const char *pattern)
{
    assert(pattern[0] == '/');
    struct router_path path = {0};
    path.segment_count = split(bytes_of_string(pattern), path.segments);
    assert(path.segment_count <= PATH_SEGMENTS_MAX);
    unsigned params = 0;
    for (unsigned i = 0; i < path.segment_count; ++i)
        if (path.segments[i].len != 0 && path.segments[i].data[0] == ':') {
            path.segments[i] = BYTES_NONE;
            ++params;
        }
    assert(params <= PATH_PARAMS_MAX);
    return path;
}

/* Orders paths of one length: at the first segment in which they differ a literal comes before a parameter. */
static int compare_paths(const void *left, const void *right)
{
    const struct router_path *a = left, *b = right;
    if (a->segment_count != b->segment_count)
        return a->segment_count < b->segment_count ? -1 : 1;
    for (unsigned i = 0; i < a->segment_count; ++i) {
        const struct bytes *x = &a->segments[i], *y = &b->segments[i];
        if ((x->data == NULL) != (y->data == NULL))
            return x->data == NULL ? 1 : -1;
        if (!bytes_equal(*x, *y))
            return x->len != y->len ? (x->len < y->len ? -1 : 1) : memcmp(x->data, y->data, x->len);
    }
    return 0;
}

static struct router_path *find_or_add(struct router *router, const struct router_path *path)
{
    for (size_t i = 0; i < router->count; ++i)
        if (compare_paths(&router->paths[i], path) == 0)
            return &router->paths[i];
    router->paths[router->count] = *path;
    return &router->paths[router->count++];
}

static void write_allow(struct router_path *path)
{
    size_t len = 0;
    for (unsigned method = 0; method < METHOD_COUNT; ++method) {
        if (path->routes[method] == NULL)
            continue;
        const char *name = method == METHOD_GET ? "GET, HEAD" : method_names[method];
        len += (size_t)snprintf(path->allow + len, sizeof(path->allow) - len, "%s, ", name);
    }
    len += (size_t)snprintf(path->allow + len, sizeof(path->allow) - len, "OPTIONS");
    assert(len < sizeof(path->allow));
    path->allow_len = len;
}

static void fill_buckets(struct router *router)
{
    size_t at = 0;
    for (unsigned segments = 0; segments <= PATH_SEGMENTS_MAX; ++segments) {
        router->bucket[segments] = at;
        while (at < router->count && router->paths[at].segment_count == segments)
            ++at;
    }
    router->bucket[PATH_SEGMENTS_MAX + 1] = at;
}

struct router *router_create(const struct route *routes, size_t count)
{
    struct router *router = calloc(1, sizeof(*router));
    if (router == NULL || (router->paths = calloc(count + 1, sizeof(*router->paths))) == NULL)
        abort();
    for (size_t i = 0; i < count; ++i) {
        struct router_path parsed = parse_pattern(routes[i].pattern);
        struct router_path *path = find_or_add(router, &parsed);
        assert(path->routes[routes[i].method] == NULL);
        path->routes[routes[i].method] = &routes[i];
    }
    for (size_t i = 0; i < router->count; ++i)
        write_allow(&router->paths[i]);
    qsort(router->paths, router->count, sizeof(*router->paths), compare_paths);
    fill_buckets(router);
    return router;
}

void router_free(struct router *router)
{
    if (router == NULL)
        return;
    free(router->paths);
    free(router);
}

/* ---- finding ------------------------------------------------------------------------------------------------- */

/* A parameter matches any segment but an empty one, so that "/things/" is not a thing without a name. */
static bool path_matches(const struct router_path *path, const struct bytes *segments, struct router_match *out)
{
    out->param_count = 0;
    for (unsigned i = 0; i < path->segment_count; ++i) {
        if (path->segments[i].data == NULL) {
            if (segments[i].len == 0)
                return false;
            out->params[out->param_count++] = segments[i];
        } else if (!bytes_equal(path->segments[i], segments[i])) {
            return false;
        }
    }
    out->path = path;
    return true;
}

bool router_find(const struct router *router, struct bytes path, struct router_match *out)
{
    assert(path.len != 0 && path.data[0] == '/');
    struct bytes segments[PATH_SEGMENTS_MAX];
    unsigned count = split(path, segments);
    if (count > PATH_SEGMENTS_MAX)
        return false;
    for (size_t i = router->bucket[count]; i < router->bucket[count + 1]; ++i)
        if (path_matches(&router->paths[i], segments, out))
            return true;
    return false;
}

/* ---- decoding ------------------------------------------------------------------------------------------------ */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads one code point; returns its length, or 0 when the bytes are not the shortest UTF-8 form of a scalar value. */
static size_t utf8_read(const unsigned char *at, size_t len, uint32_t *out)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = at[0] < 0x80                    ? 1
                  : at[0] >= 0xc2 && at[0] < 0xe0 ? 2
                  : (at[0] & 0xf0) == 0xe0        ? 3
                  : (at[0] & 0xf8) == 0xf0        ? 4
                                                  : 0;
    if (size == 0 || size > len)
        return 0;
    uint32_t value = size == 1 ? at[0] : at[0] & (0xffu >> (size + 1));
    for (size_t i = 1; i < size; ++i) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (at[i] & 0x3f);
    }
    if (value < least[size] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *out = value;
    return size;
}

static bool is_clean_text(const char *text, size_t len)
{
    const unsigned char *at = (const unsigned char *)text;
    while (len != 0) {
        uint32_t value;
        size_t size = utf8_read(at, len, &value);
        if (size == 0 || value < 0x20 || (value >= 0x7f && value <= 0x9f))
            return false;
        at += size;
        len -= size;
    }
    return true;
}

bool path_decode(struct bytes raw, char *out, size_t *out_len)
{
    size_t len = 0;
    for (size_t i = 0; i < raw.len; ++i) {
        if (raw.data[i] != '%') {
            out[len++] = raw.data[i];
            continue;
        }
        int high, low;
        if (raw.len - i < 3 || (high = hex_value(raw.data[i + 1])) < 0 || (low = hex_value(raw.data[i + 2])) < 0)
            return false;
        out[len++] = (char)(high << 4 | low);
        i += 2;
    }
    *out_len = len;
    return is_clean_text(out, len);
}
