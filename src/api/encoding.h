#pragma once
/* In which form a file is sent, by what the request says it takes. Pure functions; any thread. */
#include <stdbool.h>

#include "base/bytes.h"

enum encoding { ENCODING_PLAIN, ENCODING_GZIP, ENCODING_BROTLI };

/*
 * The best of the three that an Accept-Encoding header lets in: the one with the highest q; among equals brotli before
 * gzip before plain. Plain when there is no header (data NULL) and when nothing that we have is let in.
 */
enum encoding encoding_choose(struct bytes accept_encoding);
/* Whether an If-None-Match header ("*", or a list of tags, W/ or not) holds the tag, quotes included. */
bool etag_is_listed(struct bytes if_none_match, struct bytes etag);
