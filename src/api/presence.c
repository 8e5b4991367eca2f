/* Who is there. */
#include "api/internal.h"

bool api_org_is_online(struct api_loop *loop, struct id org)
{
    (void)loop, (void)org;
    return false;
}
