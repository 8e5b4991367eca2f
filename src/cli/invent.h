#pragma once
/*
 * An invented year of an organisation, as the commands that would have made it, in the order of their times. The same
 * size, seed and key give the same commands on every machine: no clock, no kernel randomness, no floating point. Main
 * thread. Memory: 40 bytes for each visitor who will return and each conversation that is going on.
 */
#include "core/commands.h"

struct invention_size {
    uint64_t visitors, conversations, messages; /* at least one visitor, and a conversation for each */
};

#define INVENTION_END_MS INT64_C(1767225600000) /* 2026-01-01T00:00:00Z; everything was in the 365 days before it */

struct invention;

/* `org_key` must outlive it; an organisation of another key gets other ids from the same seed. */
struct invention *invention_open(const struct invention_size *size, uint64_t seed, const char *org_key);
void invention_close(struct invention *invention);

/* What makes the organisation. */
struct command invention_org(const struct invention *invention);

/* Room that the texts of one command may need. */
#define INVENTION_TEXTS_LEN_MAX 1024
/* The next command; its texts are put into `room`, which must hold INVENTION_TEXTS_LEN_MAX bytes, or are static.
 * Returns the end of what was put there; NULL, with no command, after the last one. */
char *invention_next(struct invention *invention, char *room, struct command *out);
/* How many of visitors, conversations and messages have been given out. */
uint64_t invention_rows(const struct invention *invention);

/* ---- numbers and texts of which it is made (invent_text.c) ---- */

/* SplitMix64, as Vigna published it into the public domain (https://prng.di.unimi.it/splitmix64.c). */
struct dice {
    uint64_t state;
};
uint64_t dice_u64(struct dice *dice);
/* 0 to limit - 1; limit below 2^32. */
uint32_t dice_below(struct dice *dice, uint32_t limit);
/* Dice of their own for one thing among many of a kind: they don't depend on the order in which things are asked for.
 */
struct dice dice_of(uint64_t seed, uint64_t kind, uint64_t number);

#define INVENTED_TEXT_LEN_MAX 600
/* 1 to INVENTED_TEXT_LEN_MAX bytes of UTF-8; returns the length. */
size_t invent_text(struct dice *dice, char *out);
/* An e-mail address of at most INVENTED_EMAIL_LEN_MAX bytes; returns the length. */
#define INVENTED_EMAIL_LEN_MAX 128
size_t invent_email(struct dice *dice, char *out);
struct bytes invent_user_agent(struct dice *dice);
