/*
 * One request or mail as a handle of libcurl. What must not happen is switched off here even where it is off by default
 * or not compiled in (redirects, proxies, other protocols), so that this file alone shows what can go out. A socket is
 * only made for an address that may be connected to, whatever a name server said before and says afterwards.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/version.h"
#include "post/address.h"
#include "post/private.h"

/* ---- what is to be sent ---- */

static struct transfer *transfer_new(const struct post_setup *setup, uint32_t deadline_ms)
{
    struct transfer *transfer = calloc(1, sizeof(*transfer));
    if (transfer == NULL)
        abort();
    transfer->setup = setup;
    transfer->deadline_ms = deadline_ms;
    return transfer;
}

static void add_header(struct transfer *transfer, const char *header)
{
    struct curl_slist *longer = curl_slist_append(transfer->headers, header);
    if (longer == NULL)
        abort();
    transfer->headers = longer;
}

struct transfer *transfer_of_request(const struct post_setup *setup, const struct post_request *request)
{
    struct transfer *transfer = transfer_new(setup, request->deadline_ms);
    transfer->url = bytes_dup(bytes_of_string(request->url));
    add_header(transfer, "Content-Type: application/json; charset=utf-8");
    add_header(transfer, "Expect:"); /* none: no answer is waited for before the body is sent */
    for (unsigned i = 0; i < request->header_count; ++i)
        add_header(transfer, request->headers[i]);
    buffer_append(&transfer->body, request->body.data, request->body.len);
    return transfer;
}

struct transfer *transfer_of_mail(const struct post_setup *setup, struct bytes to, struct buffer *message)
{
    struct transfer *transfer = transfer_new(setup, MAIL_DEADLINE_MS);
    transfer->is_mail = true;
    transfer->recipient = bytes_dup(to);
    transfer->body = *message;
    *message = (struct buffer){0};
    return transfer;
}

void transfer_free(struct transfer *transfer)
{
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
    buffer_dispose(&transfer->body);
    free(transfer->recipient);
    free(transfer->url);
    free(transfer);
}

/* ---- while it runs ---- */

static curl_socket_t on_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = context;
    if (purpose != CURLSOCKTYPE_IPCXN || !address_is_public(&address->addr)) {
        transfer->was_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Head and body count together; a lie about their length can't make the server read for ever. */
static bool hear(struct transfer *transfer, size_t len)
{
    transfer->heard += len;
    transfer->is_long |= transfer->heard > POST_ANSWER_BYTES_MAX;
    return !transfer->is_long;
}

static size_t on_heard(char *data, size_t size, size_t number, void *context)
{
    (void)data;
    return hear(context, size * number) ? size * number : 0;
}

static size_t on_wanted(char *out, size_t size, size_t number, void *context)
{
    struct transfer *transfer = context;
    size_t left = transfer->body.len - transfer->taken, len = size * number < left ? size * number : left;
    if (len != 0)
        memcpy(out, transfer->body.data + transfer->taken, len);
    transfer->taken += len;
    return len;
}

/* ---- the handle ---- */

/* An option that this build of libcurl does not know, or a value that it can't keep, is a mistake of ours. */
#define SET(easy, option, value)                                     \
    do {                                                             \
        if (curl_easy_setopt((easy), (option), (value)) != CURLE_OK) \
            abort();                                                 \
    } while (0)

static void set_common(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    SET(easy, CURLOPT_PRIVATE, transfer);
    SET(easy, CURLOPT_NOSIGNAL, 1L);
    SET(easy, CURLOPT_TIMEOUT_MS, (long)transfer->deadline_ms);
    SET(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)POST_CONNECT_MS);
    SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    SET(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(easy, CURLOPT_CA_CACHE_TIMEOUT, 3600L);
    if (transfer->setup->ca_file != NULL)
        SET(easy, CURLOPT_CAINFO, transfer->setup->ca_file);
    SET(easy, CURLOPT_WRITEFUNCTION, on_heard);
    SET(easy, CURLOPT_WRITEDATA, transfer);
    SET(easy, CURLOPT_HEADERFUNCTION, on_heard);
    SET(easy, CURLOPT_HEADERDATA, transfer);
}

static void set_request(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    SET(easy, CURLOPT_PROTOCOLS_STR, transfer->setup->allow_private ? "https,http" : "https");
    SET(easy, CURLOPT_URL, transfer->url);
    SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(easy, CURLOPT_USERAGENT, "Helvino/" HELVINO_VERSION);
    SET(easy, CURLOPT_HTTPHEADER, transfer->headers);
    SET(easy, CURLOPT_POST, 1L);
    SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->body.len);
    SET(easy, CURLOPT_POSTFIELDS, transfer->body.data);
    if (!transfer->setup->allow_private) {
        SET(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
        SET(easy, CURLOPT_OPENSOCKETDATA, transfer);
    }
}

/* A connection of its own for each mail: they are rare, and none must go over one that was made under other terms. */
static void set_mail(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    const struct post_setup *setup = transfer->setup;
    add_header(transfer, transfer->recipient);
    SET(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    SET(easy, CURLOPT_URL, setup->smtp_url);
    SET(easy, CURLOPT_USE_SSL, (long)(setup->smtp_in_clear ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    SET(easy, CURLOPT_FRESH_CONNECT, 1L);
    SET(easy, CURLOPT_FORBID_REUSE, 1L);
    SET(easy, CURLOPT_MAIL_FROM, setup->from);
    SET(easy, CURLOPT_MAIL_RCPT, transfer->headers);
    SET(easy, CURLOPT_UPLOAD, 1L);
    SET(easy, CURLOPT_READFUNCTION, on_wanted);
    SET(easy, CURLOPT_READDATA, transfer);
    if (setup->smtp_user != NULL) {
        SET(easy, CURLOPT_USERNAME, setup->smtp_user);
        SET(easy, CURLOPT_PASSWORD, setup->smtp_password);
    }
}

void transfer_begin(struct transfer *transfer)
{
    transfer->easy = curl_easy_init();
    if (transfer->easy == NULL)
        abort();
    transfer->begun_ns = clock_monotonic_ns();
    set_common(transfer);
    if (transfer->is_mail)
        set_mail(transfer);
    else
        set_request(transfer);
}

/* ---- what became of it ---- */

static enum post_failure failure_of(const struct transfer *transfer, CURLcode code, long status)
{
    switch (code) {
    case CURLE_OK:
        return POST_NONE;
    case CURLE_WRITE_ERROR: /* a body that is too long says no more than its status */
        return transfer->is_long && status != 0 ? POST_NONE : POST_BROKEN;
    case CURLE_COULDNT_RESOLVE_HOST:
        return POST_NAME;
    case CURLE_COULDNT_CONNECT:
        return transfer->was_refused ? POST_ADDRESS : POST_CONNECT;
    case CURLE_OPERATION_TIMEDOUT:
        return POST_DEADLINE;
    case CURLE_PEER_FAILED_VERIFICATION:
        return transfer->setup->ca_file == NULL ? POST_TRUST : POST_CERTIFICATE;
    case CURLE_SSL_CACERT_BADFILE:
        return POST_TRUST;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER:
    case CURLE_USE_SSL_FAILED:
        return POST_TLS;
    case CURLE_LOGIN_DENIED:
        return POST_LOGIN;
    default:
        return transfer->is_mail && status >= 400 ? POST_MAIL : POST_BROKEN;
    }
}

struct post_result transfer_result(const struct transfer *transfer, CURLcode code)
{
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    return (struct post_result){
        .failure = failure_of(transfer, code, status),
        .status = (int)status,
        .elapsed_ms = (uint32_t)((clock_monotonic_ns() - transfer->begun_ns) / 1000000),
    };
}
