#pragma once
/* `serve --demo`: something to talk to at once. Main thread, once the server listens and before it runs. */
#include <stdbool.h>

#include "cli/options.h"
#include "store/store.h"

/* Room for a token and a NUL. */
#define DEMO_TOKEN_LEN 80

/* What there is to show. */
struct demo {
    bool has_org;               /* the organisation is there, new or from before */
    char token[DEMO_TOKEN_LEN]; /* of the new organisation; empty when it was there already */
};

/*
 * Creates the organisation `demo` with a token in a database that has no organisations; in any other it only looks for
 * it. False, once it has been said, when that fails.
 */
bool demo_prepare(struct store *store, struct demo *demo);
/* Prints commands to try against the server at `url`, on standard output. */
void demo_print(const struct demo *demo, const struct options *options, const char *url);
