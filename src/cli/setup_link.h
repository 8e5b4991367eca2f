#pragma once
/* The link by which a new server gets its first owner. Main thread, before anything is served. */
#include "api/api.h"

struct setup_link {
    char text[LINK_TEXT_LEN + 1]; /* empty when there are agents already */
};

/* Makes one when nobody can log in, in the place of earlier ones; it is good for SETUP_KEPT_MS. False, once it has been
 * said, when it can't be written. */
bool setup_link_prepare(struct store *store, struct setup_link *out);
