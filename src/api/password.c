#include "api/password.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

_Static_assert(PASSWORD_HASH_LEN == crypto_pwhash_STRBYTES, "libsodium's hashes have another length");

#define OPS crypto_pwhash_OPSLIMIT_INTERACTIVE
#define MEMORY crypto_pwhash_MEMLIMIT_INTERACTIVE

struct passwords {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t has_work;
    struct queue {
        struct password_job *first, **last;
        _Atomic unsigned waiting;
    } queues[PASSWORD_QUEUES];
    bool ends;
    char nobodys_hash[PASSWORD_HASH_LEN]; /* the thread's: to compare with when there is nothing; made when first needed
                                           */
};

/* ---- the thread ---- */

static void make_hash(struct password_job *job)
{
    job->matches = crypto_pwhash_str(job->hash, job->password, job->password_len, OPS, MEMORY) == 0;
    if (!job->matches) /* out of memory */
        job->hash[0] = '\0';
}

/* What there is nothing to compare with takes as long. */
static void compare(const struct passwords *passwords, struct password_job *job)
{
    bool has_hash = job->hash[0] != '\0';
    const char *hash = has_hash ? job->hash : passwords->nobodys_hash;
    job->matches = crypto_pwhash_str_verify(hash, job->password, job->password_len) == 0 && has_hash;
}

/* Before the first of all jobs, whatever it is: so no answer tells what it was. */
static void make_nobodys_hash(struct passwords *passwords)
{
    if (passwords->nobodys_hash[0] == '\0' && crypto_pwhash_str(passwords->nobodys_hash, "", 0, OPS, MEMORY) != 0)
        passwords->nobodys_hash[0] = '\0';
}

static void work(struct passwords *passwords, struct password_job *job)
{
    make_nobodys_hash(passwords);
    if (job->makes)
        make_hash(job);
    else
        compare(passwords, job);
    sodium_memzero(job->password, sizeof(job->password));
}

/* NULL when there is none. */
static struct password_job *take_first(struct passwords *passwords)
{
    struct queue *queue =
        &passwords->queues[passwords->queues[QUEUE_KNOWN].first != NULL ? QUEUE_KNOWN : QUEUE_STRANGERS];
    struct password_job *job = queue->first;
    if (job == NULL)
        return NULL;
    queue->first = job->next;
    if (queue->first == NULL)
        queue->last = &queue->first;
    return job;
}

/* NULL when it is to end. */
static struct password_job *take(struct passwords *passwords)
{
    struct password_job *job = NULL;
    pthread_mutex_lock(&passwords->mutex);
    while (!passwords->ends && (job = take_first(passwords)) == NULL)
        pthread_cond_wait(&passwords->has_work, &passwords->mutex);
    pthread_mutex_unlock(&passwords->mutex);
    return job;
}

static void *run(void *context)
{
    struct passwords *passwords = context;
    for (struct password_job *job; (job = take(passwords)) != NULL;) {
        work(passwords, job);
        atomic_fetch_sub(&passwords->queues[job->queue].waiting, 1);
        loop_post(job->loop->loop, &job->message);
    }
    return NULL;
}

/* ---- life ---- */

struct passwords *passwords_open(void)
{
    struct passwords *passwords = calloc(1, sizeof(*passwords));
    if (passwords == NULL)
        abort();
    for (unsigned i = 0; i < PASSWORD_QUEUES; ++i)
        passwords->queues[i].last = &passwords->queues[i].first;
    pthread_mutex_init(&passwords->mutex, NULL);
    pthread_cond_init(&passwords->has_work, NULL);
    if (pthread_create(&passwords->thread, NULL, run, passwords) != 0)
        abort();
    return passwords;
}

void passwords_close(struct passwords *passwords)
{
    pthread_mutex_lock(&passwords->mutex);
    passwords->ends = true;
    pthread_cond_signal(&passwords->has_work);
    pthread_mutex_unlock(&passwords->mutex);
    pthread_join(passwords->thread, NULL);
    for (struct password_job *job; (job = take_first(passwords)) != NULL;) {
        job->matches = false;
        loop_post(job->loop->loop, &job->message);
    }
    pthread_cond_destroy(&passwords->has_work);
    pthread_mutex_destroy(&passwords->mutex);
    free(passwords);
}

unsigned passwords_waiting(const struct passwords *passwords)
{
    unsigned waiting = 0;
    for (unsigned i = 0; i < PASSWORD_QUEUES; ++i)
        waiting += atomic_load_explicit(&passwords->queues[i].waiting, memory_order_relaxed);
    return waiting;
}

/* ---- jobs ---- */

/* What its owner has put beside it may hold a password too. */
static void job_free(struct password_job *job)
{
    sodium_memzero(job, sizeof(*job) + job->extra_len);
    free(job);
}

static void on_done(struct loop *loop, struct loop_message *message)
{
    struct password_job *job = (struct password_job *)message;
    struct api_loop *mine = loop_data(loop);
    job->done(mine, ticket_redeem(job->ticket), job);
    job_free(job);
}

static struct password_job *job_new(struct call *call, enum password_queue queue, struct bytes password,
                                    on_password *done, const void *extra, size_t extra_len)
{
    struct password_job *job = calloc(1, sizeof(*job) + extra_len);
    assert(password.len <= PASSWORD_LEN_MAX);
    if (job == NULL)
        abort();
    job->message.run = on_done;
    job->queue = queue;
    job->loop = call->loop;
    job->done = done;
    job->password_len = password.len;
    if (password.len != 0)
        memcpy(job->password, password.data, password.len);
    job->extra_len = extra_len;
    if (extra_len != 0)
        memcpy(job->extra, extra, extra_len);
    return job;
}

static enum error give(struct passwords *passwords, struct call *call, struct password_job *job)
{
    struct queue *queue = &passwords->queues[job->queue];
    if (atomic_fetch_add(&queue->waiting, 1) >= PASSWORD_JOBS_MAX) {
        atomic_fetch_sub(&queue->waiting, 1);
        count(&call->loop->figures.limited[LIMIT_PASSWORDS], 1);
        job_free(job);
        return call_refuse(call, ERR_QUEUE_FULL,
                           "The server has as many passwords to look at as it can take; please retry.");
    }
    job->ticket = request_suspend(call->request);
    pthread_mutex_lock(&passwords->mutex);
    *queue->last = job;
    queue->last = &job->next;
    pthread_cond_signal(&passwords->has_work);
    pthread_mutex_unlock(&passwords->mutex);
    return OK;
}

enum error password_compare(struct call *call, enum password_queue queue, struct bytes password, struct bytes hash,
                            on_password *done, const void *extra, size_t extra_len)
{
    struct password_job *job = job_new(call, queue, password, done, extra, extra_len);
    if (hash.len != 0 && hash.len < sizeof(job->hash))
        memcpy(job->hash, hash.data, hash.len);
    return give(call->loop->api->passwords, call, job);
}

enum error password_hash(struct call *call, struct bytes password, on_password *done, const void *extra,
                         size_t extra_len)
{
    struct password_job *job = job_new(call, QUEUE_KNOWN, password, done, extra, extra_len);
    job->makes = true;
    return give(call->loop->api->passwords, call, job);
}

/* ---- what a password has to be ---- */

static bool begins_character(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

static size_t character_count(struct bytes text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; ++i)
        count += begins_character(text.data[i]);
    return count;
}

static bool is_one_character(struct bytes text)
{
    size_t first_len = 1;
    while (first_len < text.len && !begins_character(text.data[first_len]))
        ++first_len;
    return text.len % first_len == 0 && memcmp(text.data, text.data + first_len, text.len - first_len) == 0;
}

/* Length is what counts (NIST SP 800-63B, 3.1.1): no rules about kinds of characters. */
const char *password_complaint(struct bytes password, struct bytes email)
{
    if (character_count(password) < PASSWORD_LEN_MIN)
        return "The password must have at least 10 characters.";
    if (password.len > PASSWORD_LEN_MAX)
        return "The password must have at most 256 bytes.";
    if (is_one_character(password) || bytes_equal(password, email))
        return "The password is too easy to guess; a few words that nobody would put together are better.";
    return NULL;
}
