#pragma once
/* Answers without an end; see request_stream in edge.h. On the loop's thread. */
#include "edge/private.h"

/* Ends all streams of the loop in good order. */
void streams_end(struct loop *loop);
