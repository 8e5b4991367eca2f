#pragma once
/* Suspended requests; see request_suspend in edge.h. On the request's loop. */
#include "edge/private.h"

/* Answers 503 to every request that still waits; their tickets give NULL from now on. */
void tickets_answer_stopping(struct loop *loop);
