#pragma once
/*
 * Passwords: Argon2id (RFC 9106) by libsodium, with its interactive limits: 64 MiB and some 60 ms of a processor for
 * one hash. That is nothing for an event loop, so one thread does it, one after the other; whoever asks suspends its
 * request and hears of the result on its own loop. Strangers from many addresses can ask for more than there is time
 * for, so whoever is known (by a link, or logged in where it asks from) has a queue of its own, which goes first.
 */
#include "api/internal.h"

#define PASSWORD_HASH_LEN 128 /* bytes of a hash's text, the NUL included; libsodium's crypto_pwhash_STRBYTES */

struct password_job;
struct passwords;

enum password_queue { QUEUE_KNOWN, QUEUE_STRANGERS, PASSWORD_QUEUES };

/* On the request's loop. request is NULL when its client has gone; loop is NULL when the loop has ended. `matches` is
 * whether the password is right, `hash` the new one's text. */
typedef void on_password(struct api_loop *loop, struct request *request, const struct password_job *job);

/* What is to be done, and what came of it. */
struct password_job {
    struct loop_message message;
    struct password_job *next;
    enum password_queue queue;
    struct api_loop *loop;
    struct ticket *ticket;
    on_password *done;
    bool makes; /* a new hash; else it compares with `hash` */
    bool matches;
    char hash[PASSWORD_HASH_LEN];
    size_t password_len;
    char password[PASSWORD_LEN_MAX];
    size_t extra_len;
    _Alignas(16) char extra[]; /* the caller's own */
};

struct passwords *passwords_open(void);
/* Ends the thread; what still waits is delivered undone, to loops that have ended. After edge_run. */
void passwords_close(struct passwords *passwords);
/* How many wait, for /metrics; any thread. */
unsigned passwords_waiting(const struct passwords *passwords);

/*
 * Suspends the call's request until the password has been compared with `hash`; without one (BYTES_NONE) it takes as
 * long and never matches. The password has at most PASSWORD_LEN_MAX bytes. `extra` is copied. ERR_QUEUE_FULL when
 * PASSWORD_JOBS_MAX wait in the queue.
 */
enum error password_compare(struct call *call, enum password_queue queue, struct bytes password, struct bytes hash,
                            on_password *done, const void *extra, size_t extra_len);
/* The same, until the password has been hashed, for somebody who is known. */
enum error password_hash(struct call *call, struct bytes password, on_password *done, const void *extra,
                         size_t extra_len);

/* A sentence that says what is wrong with a new password, or NULL. */
const char *password_complaint(struct bytes password, struct bytes email);
