#pragma once
/*
 * Codes of an authenticator app: TOTP (RFC 6238) with six digits, steps of 30 seconds and SHA-1, which is what all such
 * apps take whatever a link says; and base32 (RFC 4648), in which they take the secret. Pure functions; any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

#define TOTP_SECRET_LEN 20
#define TOTP_SECRET_TEXT_LEN 32
#define TOTP_DIGITS 6
#define TOTP_STEP_MS 30000

uint32_t totp_code(const unsigned char secret[TOTP_SECRET_LEN], uint64_t step);
/* Whether the text is the code of now, of the step before or of the one after, and of a step after `last_step`: then
 * *step is set. Takes the same time whichever it is. */
bool totp_check(const unsigned char secret[TOTP_SECRET_LEN], struct bytes code, int64_t now_ms, uint64_t last_step,
                uint64_t *step);

/* Eight characters for five bytes: len must be a multiple of five. Writes no NUL. */
void base32_encode(const unsigned char *data, size_t len, char *out);
/* False when the text is not `len` bytes in base32; small letters count too. */
bool base32_decode(struct bytes text, unsigned char *out, size_t len);
