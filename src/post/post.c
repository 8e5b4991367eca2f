/*
 * The thread, its queue and its life. Senders put transfers into a list under a lock and wake the thread; everything of
 * libcurl happens on the thread. At most POST_RUNNING_MAX run at a time, the rest waits in its order, and the queue is
 * bounded in number and bytes: whoever is refused still has what it wanted to send, on disk.
 */
#include "post/post.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/logline.h"
#include "post/mail.h"
#include "post/private.h"
#include "post/trust.h"

#define IDLE_MS 10000

const char *post_failure_word(enum post_failure failure)
{
    static const char *const words[POST_FAILURE_COUNT] = {
#define FAILURE(name, word, sentence) [POST_##name] = word,
        POST_FAILURES(FAILURE)
#undef FAILURE
    };
    assert(failure < POST_FAILURE_COUNT);
    return words[failure];
}

const char *post_failure_sentence(enum post_failure failure)
{
    static const char *const sentences[POST_FAILURE_COUNT] = {
#define FAILURE(name, word, sentence) [POST_##name] = sentence,
        POST_FAILURES(FAILURE)
#undef FAILURE
    };
    assert(failure < POST_FAILURE_COUNT);
    return sentences[failure];
}

/* ---- the end of a transfer ---- */

static void gone(struct post *post, const struct transfer *transfer)
{
    atomic_fetch_sub_explicit(&post->figures.waiting, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&post->figures.requests_waiting, !transfer->is_mail, memory_order_relaxed);
    atomic_fetch_sub_explicit(&post->figures.waiting_bytes, transfer->body.len, memory_order_relaxed);
}

static void finish(struct post *post, struct transfer *transfer, const struct post_result *result)
{
    atomic_fetch_add_explicit(&post->figures.requests[result->failure], !transfer->is_mail, memory_order_relaxed);
    gone(post, transfer);
    transfer->done(transfer->context, result);
    transfer_free(transfer);
}

static void give_up(struct post *post, struct transfer *transfer)
{
    finish(post, transfer, &(struct post_result){.failure = POST_STOPPING});
}

/* ---- running ---- */

static void link_running(struct post *post, struct transfer *transfer)
{
    transfer->previous = NULL;
    transfer->next = post->running;
    if (post->running != NULL)
        post->running->previous = transfer;
    post->running = transfer;
    atomic_fetch_add_explicit(&post->figures.running, 1, memory_order_relaxed);
}

static void unlink_running(struct post *post, struct transfer *transfer)
{
    if (transfer->previous != NULL)
        transfer->previous->next = transfer->next;
    else
        post->running = transfer->next;
    if (transfer->next != NULL)
        transfer->next->previous = transfer->previous;
    atomic_fetch_sub_explicit(&post->figures.running, 1, memory_order_relaxed);
}

static struct transfer *take(struct post *post)
{
    pthread_mutex_lock(&post->mutex);
    struct transfer *transfer = post->first;
    if (transfer != NULL) {
        post->first = transfer->next;
        if (post->first == NULL)
            post->end = &post->first;
    }
    pthread_mutex_unlock(&post->mutex);
    return transfer;
}

/* False when the post closes; *by_ns is then until when. */
static bool is_open(struct post *post, uint64_t *by_ns)
{
    pthread_mutex_lock(&post->mutex);
    bool closing = post->is_closing;
    *by_ns = post->close_by_ns;
    pthread_mutex_unlock(&post->mutex);
    return !closing;
}

static void begin_waiting(struct post *post)
{
    struct transfer *transfer;
    while (atomic_load_explicit(&post->figures.running, memory_order_relaxed) < POST_RUNNING_MAX &&
           (transfer = take(post)) != NULL) {
        transfer_begin(transfer);
        if (curl_multi_add_handle(post->multi, transfer->easy) != CURLM_OK)
            abort();
        link_running(post, transfer);
    }
}

static void end_running(struct post *post, struct transfer *transfer, const struct post_result *result)
{
    curl_multi_remove_handle(post->multi, transfer->easy);
    unlink_running(post, transfer);
    finish(post, transfer, result);
}

/* Whether any has: then there may be room for one that waits. */
static bool finish_ended(struct post *post)
{
    CURLMsg *message;
    bool any = false;
    int left;
    while ((message = curl_multi_info_read(post->multi, &left)) != NULL) {
        struct transfer *transfer;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        struct post_result result = transfer_result(transfer, message->data.result);
        end_running(post, transfer, &result);
        any = true;
    }
    return any;
}

static void give_up_waiting(struct post *post)
{
    struct transfer *transfer;
    while ((transfer = take(post)) != NULL)
        give_up(post, transfer);
}

static void give_up_running(struct post *post)
{
    while (post->running != NULL)
        end_running(post, post->running, &(struct post_result){.failure = POST_STOPPING});
}

static int wait_of(uint64_t now_ns, uint64_t by_ns)
{
    uint64_t ms = by_ns > now_ns ? (by_ns - now_ns) / 1000000 + 1 : 0;
    return ms < IDLE_MS ? (int)ms : IDLE_MS;
}

/* One round; false when the last one is over. */
static bool go_round(struct post *post)
{
    uint64_t by_ns, now_ns = clock_monotonic_ns();
    int still_running;
    bool open = is_open(post, &by_ns);
    if (open)
        begin_waiting(post);
    else
        give_up_waiting(post);
    if (curl_multi_perform(post->multi, &still_running) != CURLM_OK)
        abort();
    bool any_ended = finish_ended(post);
    if (!open && (post->running == NULL || now_ns >= by_ns)) {
        give_up_running(post);
        return false;
    }
    if (!any_ended)
        curl_multi_poll(post->multi, NULL, 0, open ? IDLE_MS : wait_of(now_ns, by_ns), NULL);
    return true;
}

static void *post_main(void *argument)
{
    struct post *post = argument;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL); /* and a write to a connection that has gone is an error, not a signal */
    while (go_round(post))
        ;
    return NULL;
}

/* ---- sending ---- */

static enum error submit(struct post *post, struct transfer *transfer, on_posted *done, void *context)
{
    struct post_figures *figures = &post->figures;
    size_t len = transfer->body.len;
    transfer->done = done;
    transfer->context = context;
    transfer->next = NULL;
    pthread_mutex_lock(&post->mutex);
    bool is_full = atomic_load_explicit(&figures->waiting, memory_order_relaxed) >= POST_WAITING_MAX ||
                   atomic_load_explicit(&figures->waiting_bytes, memory_order_relaxed) >= POST_WAITING_BYTES_MAX;
    enum error error = post->is_closing ? ERR_STOPPING : is_full ? ERR_QUEUE_FULL : OK;
    if (error == OK) {
        atomic_fetch_add_explicit(&figures->waiting, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&figures->requests_waiting, !transfer->is_mail, memory_order_relaxed);
        atomic_fetch_add_explicit(&figures->waiting_bytes, len, memory_order_relaxed);
        *post->end = transfer;
        post->end = &transfer->next;
    }
    pthread_mutex_unlock(&post->mutex);
    if (error == ERR_QUEUE_FULL)
        atomic_fetch_add_explicit(&figures->queue_full, 1, memory_order_relaxed);
    if (error == OK)
        curl_multi_wakeup(post->multi);
    else
        transfer_free(transfer);
    return error;
}

enum error post_send(struct post *post, const struct post_request *request, on_posted *done, void *context)
{
    return submit(post, transfer_of_request(&post->setup, request), done, context);
}

bool post_can_mail(const struct post *post)
{
    return post->setup.smtp_url != NULL;
}

#define MESSAGE_ID_LEN 24

/* Letters and digits that no other mail has. */
static void make_message_id(struct post *post, char out[MESSAGE_ID_LEN])
{
    pthread_mutex_lock(&post->mutex);
    for (int i = 0; i < MESSAGE_ID_LEN; ++i)
        out[i] = "abcdefghijklmnopqrstuvwxyz234567"[random_u64(&post->random) & 31];
    pthread_mutex_unlock(&post->mutex);
}

enum error post_mail(struct post *post, const struct post_mail *mail, on_posted *done, void *context)
{
    struct buffer message = {0};
    char id[MESSAGE_ID_LEN];
    assert(post_can_mail(post));
    if (!mail_address_is_valid(mail->to) || !mail_subject_is_valid(mail->subject) || !mail_text_is_valid(mail->text))
        return ERR_INVALID_FIELD;
    make_message_id(post, id);
    mail_write(&message, &(struct mail){.from_name = bytes_of_string(post->setup.from_name),
                                        .from = bytes_of_string(post->setup.from),
                                        .to = mail->to,
                                        .subject = mail->subject,
                                        .text = mail->text,
                                        .at_ms = clock_now_ms(),
                                        .id = bytes_view(id, sizeof(id))});
    return submit(post, transfer_of_mail(&post->setup, mail->to, &message), done, context);
}

const struct post_figures *post_figures(const struct post *post)
{
    return &post->figures;
}

/* ---- life ---- */

static void free_secret(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

static void dispose_setup(struct post_setup *setup)
{
    free(setup->ca_file);
    free(setup->smtp_url);
    free(setup->smtp_user);
    free_secret(setup->smtp_password);
    free(setup->from);
    free(setup->from_name);
}

static bool read_setup(struct post_setup *setup, const struct post_config *config, const char **why)
{
    const char *ca_file = trust_find(config->ca_file, why);
    if (ca_file == NULL && *why != NULL)
        return false;
    setup->allow_private = config->allow_private;
    setup->ca_file = ca_file == NULL ? NULL : bytes_dup(bytes_of_string(ca_file));
    return setup_mail(setup, config, why);
}

static void start(struct post *post)
{
    pthread_attr_t attributes;
    post->end = &post->first;
    pthread_mutex_init(&post->mutex, NULL);
    post->multi = curl_multi_init();
    if (post->multi == NULL ||
        curl_multi_setopt(post->multi, CURLMOPT_MAXCONNECTS, (long)POST_CONNECTIONS_MAX) != CURLM_OK)
        abort();
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
    if (pthread_create(&post->thread, &attributes, post_main, post) != 0)
        abort();
    pthread_attr_destroy(&attributes);
}

struct post *post_open(const struct post_config *config, const char **why)
{
    struct post *post = calloc(1, sizeof(*post));
    if (post == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
    if (!read_setup(&post->setup, config, why)) {
        dispose_setup(&post->setup);
        curl_global_cleanup();
        free(post);
        return NULL;
    }
    start(post);
    return post;
}

void post_close(struct post *post, uint32_t patience_ms)
{
    pthread_mutex_lock(&post->mutex);
    post->is_closing = true;
    post->close_by_ns = clock_monotonic_ns() + (uint64_t)patience_ms * 1000000;
    pthread_mutex_unlock(&post->mutex);
    curl_multi_wakeup(post->multi);
    pthread_join(post->thread, NULL);
    curl_multi_cleanup(post->multi);
    pthread_mutex_destroy(&post->mutex);
    dispose_setup(&post->setup);
    free(post);
    curl_global_cleanup();
}
