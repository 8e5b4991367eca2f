#pragma once
/* What every engine does with a batch: apply it in order inside one transaction, and commit. Private to this room. */
#include "log/log.h"

/* How a batch ended. Entries have their error and outcome set in each case. */
enum batch_end {
    BATCH_DONE,  /* what was OK is on disk */
    BATCH_FAILED /* the disk failed: the process must stop writing */
};

/* META_SEQ before and after a batch: equal when it has changed nothing. */
struct batch_span {
    uint64_t seq_before, seq_after;
};

enum batch_end batch_apply(struct store *store, struct log_entry *entries, struct log_figures *figures,
                           struct batch_span *span);
