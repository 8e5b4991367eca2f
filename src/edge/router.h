#pragma once
/*
 * The route table, compiled for lookup: patterns of one shape share a line with a slot a method, and lines lie in
 * buckets by their number of segments, literals before parameters. Built once, then read by every loop. Knows no HTTP
 * library.
 */
#include "edge/edge.h"

#define PATH_SEGMENTS_MAX 8
#define PATH_PARAMS_MAX 4

struct router;

/* One path of the table with everything that can be done to it. */
struct router_path {
    struct bytes segments[PATH_SEGMENTS_MAX]; /* without slashes; data NULL for a parameter */
    unsigned segment_count;
    const struct route *routes[METHOD_COUNT];
    char allow[64]; /* "GET, HEAD, OPTIONS" */
    size_t allow_len;
};

/* A path split at its slashes, and what it matched; views into the path as sent. */
struct router_match {
    const struct router_path *path;
    struct bytes params[PATH_PARAMS_MAX];
    unsigned param_count;
};

/* A pattern that the table cannot hold (too many segments, one method twice) is a programmer error. */
struct router *router_create(const struct route *routes, size_t count);
void router_free(struct router *router);
/* `path` begins with '/' and has no query; nothing in it is decoded or normalised. False when no pattern matches. */
bool router_find(const struct router *router, struct bytes path, struct router_match *out);

/*
 * Decodes %XX of one segment into out (at least raw.len bytes) and stores the length. False when an escape is broken,
 * or when the result is not UTF-8 or holds a control character.
 */
bool path_decode(struct bytes raw, char *out, size_t *out_len);
