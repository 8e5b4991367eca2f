#pragma once
/* What the binary serves of widget/: a table that widget/build.mjs writes. All of it is static. */
#include <stdbool.h>

#include "base/bytes.h"

/* One form of a file; the tag, quotes included, changes with every byte of it. */
struct asset_body {
    struct bytes etag, bytes;
};

struct asset {
    struct bytes path; /* as it is asked for */
    const char *content_type;
    bool is_immutable; /* the path changes with the content */
    bool is_page;      /* HTML: it names files of its own build */
    bool is_demo;      /* only there with --demo */
    struct asset_body plain, gzip, brotli;
};

extern const struct asset assets[];
extern const unsigned asset_count;
