#pragma once
/*
 * What goes out of the server: HTTPS requests (webhooks) and mail. One thread with libcurl does all of it; this is the
 * only room that includes curl.h. Whoever has something to send gives it away and hears, once, what became of it.
 *
 * Requests go to addresses that users have chosen, so they are kept away from everything that is not the public
 * internet: see address.h. Redirects are never followed, no proxy is taken from the environment, and of an answer only
 * the status counts.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

struct post;

/* Why there was no whole answer: a word for machines, a sentence for people. */
#define POST_FAILURES(FAILURE)                                                                                      \
    FAILURE(NONE, "none", "There was an answer.")                                                                   \
    FAILURE(ADDRESS, "address_refused", "The host's address is private or special, and such are not connected to.") \
    FAILURE(NAME, "name_unknown", "The host's name could not be resolved.")                                         \
    FAILURE(CONNECT, "connect_failed", "No connection could be made.")                                              \
    FAILURE(TLS, "tls_failed", "No TLS connection could be made.")                                                  \
    FAILURE(CERTIFICATE, "certificate_refused", "The host's certificate is not trusted, or of another host.")       \
    FAILURE(TRUST, "no_ca_certificates",                                                                            \
            "There are no CA certificates to check the host with; install ca-certificates, or name a --ca-file.")   \
    FAILURE(DEADLINE, "too_slow", "There was no whole answer in time.")                                             \
    FAILURE(BROKEN, "broken_answer", "The connection broke off, or the answer was none.")                           \
    FAILURE(LOGIN, "login_refused", "The mail server refused user and password.")                                   \
    FAILURE(MAIL, "mail_refused", "The mail server refused the mail.")                                              \
    FAILURE(STOPPING, "stopping", "The server was stopping.")

enum post_failure {
#define FAILURE(name, word, sentence) POST_##name,
    POST_FAILURES(FAILURE)
#undef FAILURE
        POST_FAILURE_COUNT
};
const char *post_failure_word(enum post_failure failure);
const char *post_failure_sentence(enum post_failure failure);

struct post_result {
    enum post_failure failure; /* POST_NONE: there was a whole answer, whatever its status */
    int status;                /* of HTTP or SMTP; 0: none came */
    uint32_t elapsed_ms;
};
/* On the post's own thread, exactly once for whatever was taken. It may send again, and must not wait. */
typedef void on_posted(void *context, const struct post_result *result);

struct post_config {
    bool allow_private;   /* let requests go to any address, and without TLS */
    const char *ca_file;  /* certificates to trust; NULL: $SSL_CERT_FILE, or where the system has them */
    const char *smtp_url; /* smtps://HOST[:PORT] or smtp://HOST[:PORT]; NULL: mail can't be sent */
    const char *smtp_user, *smtp_password; /* both or neither */
    const char *smtp_from;                 /* "noreply@example.com" or "Helvino <noreply@example.com>" */
};

/* Starts the thread; what *config points to is copied. NULL with a sentence (static or thread-local) when something in
 * it can't be used. */
struct post *post_open(const struct post_config *config, const char **why);
/* What is under way gets `patience_ms` to end, what waits is given up (POST_STOPPING); every callback has returned
 * before this does. */
void post_close(struct post *post, uint32_t patience_ms);

struct post_request {
    const char *url;            /* as post_url_refusal lets it pass */
    const char *const *headers; /* "Name: value" */
    unsigned header_count;
    struct bytes body; /* of a POST, in JSON */
    uint32_t deadline_ms;
};
/* Any thread. Copies everything. ERR_QUEUE_FULL and ERR_STOPPING: nothing was taken, and `done` is not called. */
enum error post_send(struct post *post, const struct post_request *request, on_posted *done, void *context);

/* NULL when a request may go to this URL as far as its text can tell, or a static sentence that says what is wrong.
 * What the name stands for is looked at when the connection is made. */
const char *post_url_refusal(struct bytes url, bool allow_private);

/* ---- mail ---- */

struct post_mail {
    struct bytes to;      /* one address, "somebody@example.com" */
    struct bytes subject; /* one line of UTF-8 */
    struct bytes text;    /* plain text in UTF-8; lines end with \n */
};
/* Whether mail can be sent at all: there is an SMTP server. */
bool post_can_mail(const struct post *post);
/* Any thread. Sends it once; whether it arrives is more than anybody knows. ERR_INVALID_FIELD when the address is none,
 * or subject or text is not what it must be; otherwise as post_send. post_can_mail must be true (assert). */
enum error post_mail(struct post *post, const struct post_mail *mail, on_posted *done, void *context);

/* ---- figures, since the start; any thread ---- */

struct post_figures {
    _Atomic uint64_t requests[POST_FAILURE_COUNT];    /* that have ended, and how; mails are counted nowhere */
    _Atomic uint64_t requests_waiting;                /* now */
    _Atomic uint64_t waiting, waiting_bytes, running; /* now, mails among them */
    _Atomic uint64_t queue_full;
};
const struct post_figures *post_figures(const struct post *post);
