/*
 * TLS of the server: 1.2 and later, forward secrecy and AEAD only, HTTP/1.1 only. There is one SSL_CTX a certificate,
 * shared by all loops and listeners, so session tickets are good everywhere or nowhere. Whoever uses it holds a
 * reference: listeners of each loop, and each connection, because the library keeps a bare pointer until a handshake's
 * first bytes.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/logline.h"
#include "edge/private.h"

#define CIPHERS_TLS12                                                                          \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:" \
    "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"

#define ENDS_SOON_MS (7 * 86400 * INT64_C(1000))

/* ---- loading ------------------------------------------------------------------------------------------------- */

/* A key behind a pass phrase can't be used: nobody sits at the server to type it. */
static int refuse_pass_phrase(char *buffer, int size, int is_writing, void *data)
{
    (void)buffer, (void)size, (void)is_writing, (void)data;
    return -1;
}

static void configure(SSL_CTX *tls)
{
    static const h2o_iovec_t protocols[] = {{H2O_STRLIT("http/1.1")}, {NULL, 0}};
    SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
    SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_cipher_list(tls, CIPHERS_TLS12);
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(tls, (const unsigned char *)"helvino", 7);
    SSL_CTX_set_num_tickets(tls, 1);
    SSL_CTX_set_max_early_data(tls, 0);
    SSL_CTX_set_default_passwd_cb(tls, refuse_pass_phrase);
    h2o_ssl_register_alpn_protocols(tls, protocols);
}

/* `reason` may be NULL */
static bool fail(const char *what, const char *path, const char *reason, const char **why)
{
    static __thread char sentence[512];
    snprintf(sentence, sizeof(sentence), "the TLS %s %s%s%s", what, path, reason != NULL ? " cannot be used: " : "",
             reason != NULL ? reason : " does not belong to the certificate");
    *why = sentence;
    return false;
}

/* The system's reason is the better one, where it has one; of the library's errors the first is the most exact. */
static const char *reason_for(const char *path, const char *nothing_found)
{
    if (access(path, R_OK) != 0)
        return strerror(errno);
    unsigned long error = ERR_peek_error();
    if ((ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE) ||
        (ERR_GET_LIB(error) == ERR_LIB_OSSL_DECODER && ERR_GET_REASON(error) == ERR_R_UNSUPPORTED))
        return nothing_found;
    const char *reason = ERR_reason_error_string(error);
    return reason != NULL ? reason : "it cannot be read";
}

static bool load(SSL_CTX *tls, const char *cert_path, const char *key_path, const char **why)
{
    if (SSL_CTX_use_certificate_chain_file(tls, cert_path) != 1)
        return fail("certificate", cert_path, reason_for(cert_path, "it holds no certificate in PEM"), why);
    ERR_clear_error();
    if (SSL_CTX_use_PrivateKey_file(tls, key_path, SSL_FILETYPE_PEM) != 1 &&
        ERR_GET_REASON(ERR_peek_last_error()) != X509_R_KEY_VALUES_MISMATCH)
        return fail("key", key_path, reason_for(key_path, "it holds no key in PEM"), why);
    if (SSL_CTX_check_private_key(tls) != 1)
        return fail("key", key_path, NULL, why);
    return true;
}

/* Unix time in milliseconds; 0 for a date that nobody can read. */
static int64_t not_after_ms(const SSL_CTX *tls)
{
    struct tm date;
    if (ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(tls)), &date) != 1)
        return 0;
    return (int64_t)timegm(&date) * 1000;
}

static void log_loaded(const SSL_CTX *tls, const char *cert_path)
{
    int64_t end_ms = not_after_ms(tls), now_ms = clock_now_ms();
    char not_after[TIME_TEXT_LEN + 1] = "";
    time_format(end_ms > TIME_MS_MAX ? TIME_MS_MAX : end_ms, not_after);
    log_line(LOG_INFO, "TLS certificate loaded", LOG_TEXT("path", cert_path), LOG_TEXT("not_after", not_after));
    if (end_ms < now_ms)
        log_line(LOG_WARN, "the TLS certificate has expired; clients will refuse it", LOG_TEXT("path", cert_path),
                 LOG_TEXT("not_after", not_after));
    else if (end_ms - now_ms < ENDS_SOON_MS)
        log_line(LOG_WARN, "the TLS certificate ends within 7 days", LOG_TEXT("path", cert_path),
                 LOG_TEXT("not_after", not_after));
}

SSL_CTX *tls_load(const char *cert_path, const char *key_path, const char **why)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    if (tls == NULL)
        abort();
    ERR_clear_error();
    configure(tls);
    if (!load(tls, cert_path, key_path, why)) {
        ERR_clear_error();
        SSL_CTX_free(tls);
        return NULL;
    }
    log_loaded(tls, cert_path);
    return tls;
}

/* ---- in use -------------------------------------------------------------------------------------------------- */

void tls_use(struct loop *loop, SSL_CTX *tls)
{
    for (size_t i = 0; i < loop->edge->config.listener_count; ++i) {
        struct loop_listener *listener = &loop->listeners[i];
        if (listener->listener->config.kind != LISTENER_HTTPS)
            continue;
        SSL_CTX_up_ref(tls);
        SSL_CTX_free(listener->accept.ssl_ctx);
        listener->accept.ssl_ctx = tls;
    }
}

struct tls_message {
    struct loop_message message;
    SSL_CTX *tls;
};

static void run_use(struct loop *loop, struct loop_message *message)
{
    struct tls_message *self = (struct tls_message *)message;
    if (!loop->is_stopping)
        tls_use(loop, self->tls);
    SSL_CTX_free(self->tls);
    free(self);
}

static void post_use(struct loop *loop, SSL_CTX *tls)
{
    struct tls_message *message = calloc(1, sizeof(*message));
    if (message == NULL)
        abort();
    SSL_CTX_up_ref(tls);
    message->message.run = run_use;
    message->tls = tls;
    loop_post(loop, &message->message);
}

void edge_reload(struct edge *edge)
{
    const char *why;
    if (edge->tls == NULL) {
        log_line(LOG_INFO, "nothing to reload", LOG_TEXT("why", "there is no TLS certificate"));
        return;
    }
    SSL_CTX *tls = tls_load(edge->config.tls_cert_path, edge->config.tls_key_path, &why);
    if (tls == NULL) {
        log_line(LOG_ERROR, "the old TLS certificate stays", LOG_TEXT("why", why));
        return;
    }
    SSL_CTX_free(edge->tls);
    edge->tls = tls;
    for (unsigned i = 0; i < edge->config.loop_count; ++i)
        post_use(edge->loops[i], tls);
}
