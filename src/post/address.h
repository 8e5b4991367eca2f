#pragma once
/*
 * Which addresses a request may go to: those of the public internet. Refused is whatever leads into this machine or its
 * network (loopback, private, link-local, shared and unspecified addresses, the services of clouds that give out
 * credentials), what is no host's (multicast, documentation, benchmarks, reserved), and the forms of IPv6 in which an
 * IPv4 address hides (mapped, compatible, NAT64, 6to4, Teredo). Lists:
 * https://www.iana.org/assignments/iana-ipv4-special-registry/ and …/iana-ipv6-special-registry/.
 */
#include <stdbool.h>
#include <sys/socket.h>

/* False for every family but AF_INET and AF_INET6. Pure. */
bool address_is_public(const struct sockaddr *address);
