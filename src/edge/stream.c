/* Answers without an end; see request_stream in edge.h. */
#include <stdlib.h>

#include "edge/private.h"

struct stream *request_stream(struct request *request, const struct stream_events *events, void *owner,
                              struct bytes first)
{
    (void)events, (void)owner, (void)first;
    request_respond_error(request, ERR_INTERNAL, NULL, 0);
    return NULL;
}

bool stream_is_busy(const struct stream *stream)
{
    (void)stream;
    abort();
}

uint64_t stream_busy_ms(const struct stream *stream)
{
    (void)stream;
    abort();
}

void stream_send(struct stream *stream, struct bytes piece)
{
    (void)stream, (void)piece;
    abort();
}

void stream_end(struct stream *stream)
{
    (void)stream;
    abort();
}

void stream_cut_off(struct stream *stream)
{
    (void)stream;
    abort();
}
