#pragma once
/* Network addresses as text, whole or cut to the network that they are in. Pure functions; any thread. */
#include <netinet/in.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/limits.h"

/* Writes "203.0.113.7" or "2001:db8::7"; with `truncated` "203.0.113.0/24" or "2001:db8::/48": what says where somebody
 * is about, and not who. 16 bytes as address_text takes them hold an IPv4 address as ::ffff:a.b.c.d. Gives the length.
 */
size_t address_text(const struct in6_addr *address, bool truncated, char out[ADDRESS_LEN_MAX]);
/* Whether it is a text of either form. */
bool address_text_is_valid(struct bytes text);
/* The text cut to its network, in `out`, or as it is when it is one already. It must be valid. */
struct bytes address_text_truncate(struct bytes text, char out[ADDRESS_LEN_MAX]);
