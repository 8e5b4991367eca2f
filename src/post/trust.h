#pragma once
/* Where this machine keeps the certificates of the authorities that it trusts: distributions don't agree on a place. */
#include <stddef.h>

/*
 * The file to use: `ca_file` (may be NULL), $SSL_CERT_FILE, or the first of the usual ones that can be read. NULL when
 * there is none. `why` is set, and NULL returned, when one that was named by somebody can't be read or holds nothing.
 */
const char *trust_find(const char *ca_file, const char **why);
