/* POST /conversations/:id/read. */
#include "api/internal.h"

enum error handle_conversation_read(struct call *call)
{
    (void)call;
    return ERR_INTERNAL;
}
