#pragma once
/*
 * What proves who is asking: "<id>_<secret>", 25 and 43 characters, the secret 32 random bytes in base64url. The id
 * finds the record, which holds a hash of the secret: BLAKE2b-256, compared in constant time. Access tokens, sessions
 * and links are such, each with a prefix of its own. Any thread.
 */
#include "base/random.h"
#include "core/id.h"

#define SECRET_TEXT_LEN 43
#define SECRET_HASH_LEN 32
#define CREDENTIAL_TEXT_LEN (ID_TEXT_LEN + 1 + SECRET_TEXT_LEN)

/* Writes prefix, id and a fresh secret, with a NUL behind them; `text` has room for them. */
void credential_make(const char *prefix, struct id id, struct random_pool *pool, char *text,
                     unsigned char hash[SECRET_HASH_LEN]);
/* Takes it apart; false when it is not of that form, prefix included. */
bool credential_parse(const char *prefix, struct bytes text, struct id *id, struct bytes *secret);
bool credential_matches(struct bytes secret, struct bytes hash);
