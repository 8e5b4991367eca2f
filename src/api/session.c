/*
 * The cookie of an agent who is logged in. Scripts can't read it, no other site's page can have it sent, and over TLS
 * its name begins with __Host-, so that no neighbour of the domain can put one in its place.
 */
#include <sodium.h>
#include <stdio.h>

#include "api/credential.h"
#include "api/internal.h"

#define SESSION_COOKIE "helvino_session"
#define HOST_PREFIX "__Host-" /* only a secure server itself can set such a cookie, no neighbour of its domain */
#define SESSION_COOKIE_LEN_MAX (sizeof(HOST_PREFIX SESSION_COOKIE) + CREDENTIAL_TEXT_LEN + 100)

void session_csrf(struct bytes secret, char out[CSRF_TEXT_LEN + 1])
{
    unsigned char hash[CSRF_TEXT_LEN / 4 * 3];
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)"csrf", 4, (const unsigned char *)secret.data,
                       secret.len);
    sodium_bin2base64(out, CSRF_TEXT_LEN + 1, hash, sizeof(hash), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

struct bytes session_cookie_of(const struct request *request)
{
    return request_cookie(request,
                          request_is_secure(request) ? BYTES(HOST_PREFIX SESSION_COOKIE) : BYTES(SESSION_COOKIE));
}

static void set(struct request *request, struct bytes value, unsigned max_age_s)
{
    char *text = request_alloc(request, SESSION_COOKIE_LEN_MAX);
    bool is_secure = request_is_secure(request);
    int len = snprintf(
        text, SESSION_COOKIE_LEN_MAX, "%s" SESSION_COOKIE "=%.*s; Max-Age=%u; Path=/; HttpOnly; SameSite=Strict%s",
        is_secure ? HOST_PREFIX : "", (int)value.len, value.data, max_age_s, is_secure ? "; Secure" : "");
    request_add_header(request, BYTES("set-cookie"), bytes_view(text, (size_t)len));
}

void session_cookie_set(struct request *request, struct bytes value)
{
    set(request, value, SESSION_KEPT_MS / 1000);
}

void session_cookie_forget(struct request *request)
{
    set(request, BYTES(""), 0);
}
