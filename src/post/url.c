/*
 * What a URL must look like. It is taken apart by the same functions that take it apart when the request is made, so
 * that there is no second opinion on what its host is; what they would put right (blanks, backslashes, a missing
 * scheme) is refused instead.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <strings.h>

#include "base/limits.h"
#include "base/text.h"
#include "post/address.h"
#include "post/post.h"

#define SENTENCE_FORM "The URL must be https:// with a host, and at most 1024 visible ASCII characters."
#define SENTENCE_HTTPS "The URL must begin with https://."
#define SENTENCE_USER "The URL must not hold a user or a password."
#define SENTENCE_FRAGMENT "The URL must not have a part behind '#'."
#define SENTENCE_HOST "The URL's host is not a name or an address."
#define SENTENCE_PORT "The URL's port must be 443, or 1024 or above."
#define SENTENCE_ADDRESS "The URL's host is private or special, and such are not connected to."

static bool is_plain(struct bytes url)
{
    bool plain = url.len != 0 && url.len <= WEBHOOK_URL_LEN_MAX;
    for (size_t i = 0; i < url.len && plain; ++i)
        plain = url.data[i] > ' ' && url.data[i] < 0x7f && strchr("\\\"<>^`{|}", url.data[i]) == NULL;
    return plain;
}

/* The part's text in `out`, or "" when there is none. */
static void get_part(CURLU *parts, CURLUPart part, unsigned flags, char *out, size_t len)
{
    char *text = NULL;
    out[0] = '\0';
    if (curl_url_get(parts, part, &text, flags) == CURLUE_OK && strlen(text) < len)
        memcpy(out, text, strlen(text) + 1);
    curl_free(text);
}

/* "[::1]" or "127.0.0.1" as an address; the URL's parser has already made the latter of 0x7f.1 and its like. */
static bool is_literal(const char *host, struct sockaddr_storage *out)
{
    struct sockaddr_in *ipv4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)out;
    char inner[64] = "";
    size_t len = strlen(host);
    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, host, &ipv4->sin_addr) == 1) {
        out->ss_family = AF_INET;
        return true;
    }
    if (host[0] != '[' || len < 3 || len >= sizeof(inner))
        return false;
    memcpy(inner, host + 1, len - 2);
    out->ss_family = AF_INET6;
    return inet_pton(AF_INET6, inner, &ipv6->sin6_addr) == 1;
}

static bool is_name(const char *host)
{
    size_t len = strlen(host);
    return len != 0 && len <= 253 && host[0] != '.' && host[0] != '-' &&
           strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") == len;
}

/* Names of this machine, whatever a name server says (RFC 6761). */
static bool is_local_name(const char *host)
{
    size_t len = strlen(host), end = sizeof("localhost") - 1;
    len -= len != 0 && host[len - 1] == '.';
    return len >= end && strncasecmp(host + len - end, "localhost", end) == 0 &&
           (len == end || host[len - end - 1] == '.');
}

static const char *host_refusal(CURLU *parts, bool allow_private)
{
    char host[256], zone[64];
    struct sockaddr_storage address;
    get_part(parts, CURLUPART_HOST, 0, host, sizeof(host));
    get_part(parts, CURLUPART_ZONEID, 0, zone, sizeof(zone));
    bool literal = is_literal(host, &address);
    if (zone[0] != '\0' || (!literal && !is_name(host)))
        return SENTENCE_HOST;
    if (allow_private)
        return NULL;
    bool refused = literal ? !address_is_public((const struct sockaddr *)&address) : is_local_name(host);
    return refused ? SENTENCE_ADDRESS : NULL;
}

/* Below 1024 are services that speak something else, and whose operators would wonder. */
static const char *port_refusal(CURLU *parts, bool allow_private)
{
    char text[16];
    uint64_t port;
    get_part(parts, CURLUPART_PORT, CURLU_DEFAULT_PORT, text, sizeof(text));
    if (!parse_uint(bytes_of_string(text), 1, 65535, &port))
        return SENTENCE_PORT;
    return port == 443 || port >= 1024 || allow_private ? NULL : SENTENCE_PORT;
}

static const char *parts_refusal(CURLU *parts, const char *url, bool allow_private)
{
    char scheme[16];
    CURLUcode code = curl_url_set(parts, CURLUPART_URL, url, CURLU_DISALLOW_USER | CURLU_NON_SUPPORT_SCHEME);
    if (code != CURLUE_OK)
        return code == CURLUE_USER_NOT_ALLOWED  ? SENTENCE_USER
               : code == CURLUE_BAD_HOSTNAME    ? SENTENCE_HOST
               : code == CURLUE_BAD_PORT_NUMBER ? SENTENCE_PORT
                                                : SENTENCE_FORM;
    get_part(parts, CURLUPART_SCHEME, 0, scheme, sizeof(scheme));
    if (strcmp(scheme, "https") != 0 && !(allow_private && strcmp(scheme, "http") == 0))
        return SENTENCE_HTTPS;
    const char *refusal = host_refusal(parts, allow_private);
    return refusal != NULL ? refusal : port_refusal(parts, allow_private);
}

const char *post_url_refusal(struct bytes url, bool allow_private)
{
    char text[WEBHOOK_URL_LEN_MAX + 1];
    if (!is_plain(url))
        return SENTENCE_FORM;
    if (memchr(url.data, '#', url.len) != NULL)
        return SENTENCE_FRAGMENT;
    memcpy(text, url.data, url.len);
    text[url.len] = '\0';
    CURLU *parts = curl_url();
    if (parts == NULL)
        abort();
    const char *refusal = parts_refusal(parts, text, allow_private);
    curl_url_cleanup(parts);
    return refusal;
}
