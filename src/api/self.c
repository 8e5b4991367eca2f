/* /visitors/me: what a visitor may ask for and do about itself. */
#include "api/internal.h"

enum error handle_self_see(struct call *call)
{
    (void)call;
    return ERR_INTERNAL;
}

enum error handle_self_show(struct call *call)
{
    (void)call;
    return ERR_INTERNAL;
}

enum error handle_self_export(struct call *call)
{
    (void)call;
    return ERR_INTERNAL;
}

enum error handle_self_erase(struct call *call)
{
    (void)call;
    return ERR_INTERNAL;
}
