#pragma once
/* `serve --demo`: something to talk to at once. Main thread, before the server runs. */
#include <stdbool.h>

#include "store/store.h"

#define DEMO_ORG_KEY "demo"

/* Room for a token and a NUL. */
#define DEMO_TOKEN_LEN 80

/*
 * In a database without organisations, creates the organisation `demo` and a token of it, which is written to `token`;
 * otherwise token is left empty. False, once it has been said, when that fails.
 */
bool demo_create(struct store *store, char token[DEMO_TOKEN_LEN]);
/* Prints commands to try against the server at `url`, on standard output. */
void demo_print(const char *url, const char *token);
