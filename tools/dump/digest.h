#pragma once
/* SHA-256, as manifests have it: in hex. Main thread. */
#include "base/bytes.h"

#define DIGEST_TEXT_LEN 64

struct digest;

struct digest *digest_begin(void);
void digest_add(struct digest *digest, struct bytes more);
/* The digest of everything that was added, and frees it. `text` may be NULL. */
void digest_end(struct digest *digest, char text[DIGEST_TEXT_LEN + 1]);
