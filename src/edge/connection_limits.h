#pragma once
/*
 * How many connections there are, overall and of each address. Any thread. IPv6 clients are counted by /64 network,
 * which is what one of them holds; IPv4 clients by address.
 */
#include <netinet/in.h>
#include <stdbool.h>

struct connection_limits;

struct connection_limits *connection_limits_create(unsigned connections_max, unsigned per_address_max);
void connection_limits_free(struct connection_limits *limits);
/* Takes one place of the whole; false when there is none. */
bool connection_limits_take(struct connection_limits *limits);
void connection_limits_give_back(struct connection_limits *limits);
bool connection_limits_has_room(const struct connection_limits *limits);
unsigned connection_limits_count(const struct connection_limits *limits);
/* Takes one place of the address, which must already hold one of the whole; false when it has all it may have. */
bool connection_limits_take_address(struct connection_limits *limits, const struct in6_addr *address);
void connection_limits_give_back_address(struct connection_limits *limits, const struct in6_addr *address);
