/* The files that pages load: the widget, and the demo page. */
#include "api/internal.h"

enum error handle_embed(struct call *call)
{
    (void)call;
    return ERR_INTERNAL;
}

enum error handle_widget_file(struct call *call)
{
    (void)call;
    return ERR_INTERNAL;
}

enum error handle_demo(struct call *call)
{
    (void)call;
    return ERR_INTERNAL;
}
