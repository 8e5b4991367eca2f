/* GET /stream, and POST /conversations/:id/typing. */
#include "api/internal.h"

enum error handle_stream(struct call *call)
{
    (void)call;
    return ERR_INTERNAL;
}

enum error handle_typing(struct call *call)
{
    (void)call;
    return ERR_INTERNAL;
}
