/*
 * libcrypto's, which the server needs anyway. An export would spend a fifth of its time here, so the bytes that it has
 * written are added by a second thread: the two swap buffers, and nothing is copied. That thread takes no signals.
 */
#include "digest.h"

#include <assert.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct digest {
    EVP_MD_CTX *context;
    bool has_thread;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct buffer work; /* the thread's while has_work, else nobody's */
    bool has_work, ends;
};

struct digest *digest_begin(void)
{
    struct digest *digest = calloc(1, sizeof(*digest));
    if (digest == NULL)
        abort();
    digest->context = EVP_MD_CTX_new();
    if (digest->context == NULL || EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) != 1)
        abort();
    pthread_mutex_init(&digest->mutex, NULL);
    pthread_cond_init(&digest->changed, NULL);
    return digest;
}

static void add(struct digest *digest, struct bytes more)
{
    if (EVP_DigestUpdate(digest->context, more.data, more.len) != 1)
        abort();
}

void digest_add(struct digest *digest, struct bytes more)
{
    assert(!digest->has_thread);
    add(digest, more);
}

/* ---- beside ------------------------------------------------------------------------------------------------------ */

static void *run(void *context)
{
    struct digest *digest = context;
    pthread_mutex_lock(&digest->mutex);
    for (;;) {
        while (!digest->has_work && !digest->ends)
            pthread_cond_wait(&digest->changed, &digest->mutex);
        if (!digest->has_work)
            break;
        pthread_mutex_unlock(&digest->mutex);
        add(digest, buffer_view(&digest->work));
        pthread_mutex_lock(&digest->mutex);
        digest->has_work = false;
        pthread_cond_signal(&digest->changed);
    }
    pthread_mutex_unlock(&digest->mutex);
    return NULL;
}

/* Ctrl-C has to end a write of the main thread. */
static void start(struct digest *digest)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&digest->thread, NULL, run, digest) != 0)
        abort();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    digest->has_thread = true;
}

void digest_take(struct digest *digest, struct buffer *buffer)
{
    if (!digest->has_thread)
        start(digest);
    pthread_mutex_lock(&digest->mutex);
    while (digest->has_work)
        pthread_cond_wait(&digest->changed, &digest->mutex);
    struct buffer taken = *buffer;
    *buffer = digest->work;
    digest->work = taken;
    digest->has_work = true;
    pthread_cond_signal(&digest->changed);
    pthread_mutex_unlock(&digest->mutex);
    buffer_clear(buffer);
}

static void stop(struct digest *digest)
{
    pthread_mutex_lock(&digest->mutex);
    digest->ends = true;
    pthread_cond_signal(&digest->changed);
    pthread_mutex_unlock(&digest->mutex);
    pthread_join(digest->thread, NULL);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

void digest_end(struct digest *digest, char text[DIGEST_TEXT_LEN + 1])
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (digest->has_thread)
        stop(digest);
    if (text != NULL && (EVP_DigestFinal_ex(digest->context, bytes, &len) != 1 || len * 2 != DIGEST_TEXT_LEN))
        abort();
    for (unsigned i = 0; i < len; ++i)
        snprintf(text + (size_t)2 * i, 3, "%02x", bytes[i]);
    EVP_MD_CTX_free(digest->context);
    pthread_cond_destroy(&digest->changed);
    pthread_mutex_destroy(&digest->mutex);
    buffer_dispose(&digest->work);
    free(digest);
}
