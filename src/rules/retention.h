#pragma once
/*
 * Retention: what an organisation keeps no longer than so many days. A reader looks for what is due, a slice at a time,
 * and a command (COMMAND_RETAIN) looks at it again and removes a bounded amount; so neither the readers nor the
 * committer are held up, whatever there is to remove. The job is driven by whoever runs it (api/retention.c,
 * cli/retention.c):
 *
 *     note that a run begins; then look, and for each step that is found apply its command, again for as long as its
 *     outcome says that there is more; at the end note that it is over.
 *
 * A run that was interrupted begins again: what was removed is gone, so it soon is where it was.
 */
#include "rules/rules.h"
#include "store/records.h"

enum retention_kind {
#define KIND(name, number, text) RETENTION_##name = number,
#include "rules/retention.def"
#undef KIND
};

/* For people and for /metrics; NULL when there is no such kind. */
const char *retention_kind_name(uint64_t kind);

/* Whether a run of the organisation is due: a day after the last one began, when its settings have changed since, or
 * when one was not ended. Never when nothing is to be looked after. Cheap. */
bool retention_is_due(struct txn *txn, const struct org *org, int64_t now_ms);

/* How far a run has come. */
struct retention_walk {
    struct id org;
    bool is_trial;           /* nothing will be applied: each subject is to be found once, for retention_count alone */
    const struct org *as_if; /* in a trial: with these settings in place of the organisation's; or NULL */
    unsigned at;             /* which kind, in order */
    struct key next;         /* the entry of its table to go on with; empty: at the organisation's beginning */
    bool is_at_end;          /* of its table */
    /* EMPTY: the visitor whose conversations are being followed, from the newest on */
    struct id visitor, newer, older; /* the one before, and the one to look at next; both none: nobody's are */
};
struct retention_walk retention_begin(struct id org);

#define RETENTION_SUBJECTS_LEN (RETENTION_SUBJECTS_MAX * 2 * ID_LEN)
struct retention_step {
    enum retention_kind kind;
    unsigned count; /* subjects in it */
    size_t len;
    unsigned char subjects[RETENTION_SUBJECTS_LEN];
};

enum retention_state {
    RETENTION_GOES_ON, /* nothing is due among what was looked at */
    RETENTION_FOUND,   /* *step is to be applied */
    RETENTION_OVER
};
/* Looks at RETENTION_LOOK_MAX entries at most, and moves the walk behind them. What can't be read is passed: `check`
 * names it. */
enum retention_state retention_look(struct txn *txn, struct retention_walk *walk, int64_t now_ms,
                                    struct retention_step *step);
/* The command of a step; its subjects are views into *step. */
struct command retention_command(struct id org, const struct retention_step *step, int64_t now_ms);

/* Adds what the step would remove if nothing changed until then. */
enum error retention_count(struct txn *txn, struct id org, const struct retention_step *step, int64_t now_ms,
                           struct retained *out);
/* The same with other settings than the organisation has. */
enum error retention_count_as_if(struct txn *txn, const struct org *org, const struct retention_step *step,
                                 int64_t now_ms, struct retained *out);
