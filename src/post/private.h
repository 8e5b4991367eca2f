#pragma once
/* What the files of this room share; nobody outside includes it. */
#include <curl/curl.h>
#include <pthread.h>

#include "base/random.h"
#include "post/post.h"

/* What doesn't change while the post is open. */
struct post_setup {
    bool allow_private;
    char *ca_file;  /* NULL: none was found */
    char *smtp_url; /* "smtps://host:port/DOMAIN", or NULL */
    char *smtp_user, *smtp_password, *from, *from_name;
    bool smtp_in_clear; /* no STARTTLS: the server is this machine */
};

/* One request or mail on its way. Made by whoever sends, then the post's thread's alone. */
struct transfer {
    struct transfer *next, *previous;
    on_posted *done;
    void *context;
    bool is_mail;
    bool was_refused; /* an address, by on_socket */
    bool is_long;     /* more came than is read */
    size_t heard;     /* bytes of the answer's head and body */
    size_t taken;     /* bytes of a mail that have been sent */
    uint64_t begun_ns;
    uint32_t deadline_ms;
    char *url; /* of a request */
    struct curl_slist *headers;
    char *recipient;
    struct buffer body;
    const struct post_setup *setup;
    CURL *easy; /* while it runs */
};

struct post {
    struct post_setup setup;
    pthread_t thread;
    pthread_mutex_t mutex; /* over what follows, up to the blank line */
    struct transfer *first, **end;
    bool is_closing;
    uint64_t close_by_ns;

    CURLM *multi;
    struct transfer *running;  /* the thread's own */
    struct random_pool random; /* under the mutex too: of Message-IDs */
    struct post_figures figures;
};

/* A request or a mail as it has to be sent; everything is copied. */
struct transfer *transfer_of_request(const struct post_setup *setup, const struct post_request *request);
struct transfer *transfer_of_mail(const struct post_setup *setup, struct bytes to, struct buffer *message);
/* On the post's thread: makes the handle, ready for curl_multi_add_handle. */
void transfer_begin(struct transfer *transfer);
/* What curl's code means. */
struct post_result transfer_result(const struct transfer *transfer, CURLcode code);
void transfer_free(struct transfer *transfer);

/* Reads what is said about the mail server into *setup; false with a sentence. */
bool setup_mail(struct post_setup *setup, const struct post_config *config, const char **why);
