#pragma once
/* Answers without an end; see request_stream in edge.h. On the loop's thread. */
#include "edge/private.h"

/* After each turn: tells those whose piece has left, which may send the next one. */
void streams_go_on(struct loop *loop);
/* Ends all streams of the loop in good order. */
void streams_end(struct loop *loop);
