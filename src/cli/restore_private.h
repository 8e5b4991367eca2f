#pragma once
/* What the files of `helvino restore` share. Main thread. */
#include "cli/copy.h"
#include "cli/erasures.h"

struct restoring {
    const struct options *options;
    struct partial partial;
    int from;                            /* the backup */
    uint64_t bytes;                      /* of it; 0: unknown */
    const char *name, *directory, *made; /* of the backup; `made` is the directory again when it was not there */
    char path[COPY_PATH_LEN];            /* of the data.mdb to be */
    const struct erasures *erasures;     /* to be done again; NULL: none */
    struct erasures_done erased;
    struct copy_figures figures;
};

/* The whole of it where erasures are to be done again (restore_erased.c). False with a sentence, and nothing is left
 * but what was there. */
bool restore_erased(struct restoring *restoring);
