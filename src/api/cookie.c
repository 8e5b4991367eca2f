/* /visitors/me/cookie. */
#include "api/internal.h"

enum error handle_cookie_keep(struct call *call)
{
    (void)call;
    return ERR_INTERNAL;
}

enum error handle_cookie_drop(struct call *call)
{
    (void)call;
    return ERR_INTERNAL;
}
