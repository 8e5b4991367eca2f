#pragma once
/* SHA-256, as manifests have it: in hex. Main thread; digest_take lets a thread of the digest's own do the work. */
#include "base/bytes.h"

#define DIGEST_TEXT_LEN 64

struct digest;

struct digest *digest_begin(void);
/* Adds these bytes, here and now. Not for a digest that digest_take is used on. */
void digest_add(struct digest *digest, struct bytes more);
/* Adds what the buffer holds, beside whatever the caller does next; the buffer is empty afterwards. Waits while the
 * bytes of the call before are still being added. */
void digest_take(struct digest *digest, struct buffer *buffer);
/* The digest of everything that was added, and frees it. `text` may be NULL. */
void digest_end(struct digest *digest, char text[DIGEST_TEXT_LEN + 1]);
