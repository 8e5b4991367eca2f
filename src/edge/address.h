#pragma once
/* Addresses as this room keeps them: 16 bytes, IPv4 mapped (::ffff:a.b.c.d). No name is ever resolved. */
#include <sys/socket.h>

#include "edge/edge.h"

struct in6_addr address_of_ipv4(struct in_addr address);
struct in6_addr address_of_sockaddr(const struct sockaddr_storage *from);
/* "10.1.2.3" or "fd00::1"; false when it is neither. */
bool address_parse(struct bytes text, struct in6_addr *out);
bool address_is_ipv4(const struct in6_addr *address);
