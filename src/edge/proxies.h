#pragma once
/* Who the client is when trusted proxies stand before the server. Read-only after parsing; any thread. */
#include "edge/edge.h"

bool trusted_proxies_contain(const struct trusted_proxies *proxies, const struct in6_addr *address);
/*
 * The client behind `peer`, which is in the trusted networks: the right-most address of the X-Forwarded-For values (in
 * the order in which they came) that is not in them; the left-most when all are; the peer when what was sent is not a
 * list of addresses.
 */
struct in6_addr trusted_proxies_client(const struct trusted_proxies *proxies, struct in6_addr peer,
                                       const struct bytes *values, size_t count);
