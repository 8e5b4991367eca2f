/*
 * /visitors/me/cookie (--visitor-cookie): a widget on the server's own site may keep its visitor's key in a cookie that
 * scripts can't read, because browsers delete earlier what scripts have stored. It is no credential of any other route:
 * the page asks for the key here and sends it in x-visitor-id, as ever. The organisation's key is part of the cookie's
 * name, so that a page of one organisation is never given the visitor of another.
 */
#include <stdio.h>

#include "api/internal.h"

#define PATH "/visitors/me/cookie"
#define NAME "helvino_visitor_id_"
#define HOST_PREFIX "__Host-"     /* only a secure server itself can set such a cookie, no neighbour of its domain */
#define COOKIE_MAX_AGE_S 34560000 /* 400 days, the longest that browsers keep one */
#define COOKIE_NAME_LEN_MAX (sizeof(HOST_PREFIX NAME) + ORG_KEY_LEN_MAX)
#define COOKIE_LEN_MAX (COOKIE_NAME_LEN_MAX + VISITOR_KEY_LEN_MAX + 80)

bool request_is_for_cookie(const struct request *request)
{
    return bytes_equal(request_path(request), BYTES(PATH));
}

static size_t format_name(const struct request *request, struct bytes org_key, char out[COOKIE_NAME_LEN_MAX])
{
    return (size_t)snprintf(out, COOKIE_NAME_LEN_MAX, "%s" NAME "%.*s", request_is_secure(request) ? HOST_PREFIX : "",
                            (int)org_key.len, org_key.data);
}

/* ---- setting it ---- */

static void set_cookie(struct request *request, struct bytes org_key, struct bytes value, unsigned max_age_s)
{
    char name[COOKIE_NAME_LEN_MAX], *text = request_alloc(request, COOKIE_LEN_MAX);
    format_name(request, org_key, name);
    int len = snprintf(text, COOKIE_LEN_MAX, "%s=%.*s; Max-Age=%u; Path=/; HttpOnly; SameSite=Lax%s", name,
                       (int)value.len, value.data, max_age_s, request_is_secure(request) ? "; Secure" : "");
    request_add_header(request, BYTES("set-cookie"), bytes_view(text, (size_t)len));
}

void cookie_forget(struct api_loop *loop, struct request *request, struct bytes org_key)
{
    if (loop->api->config.visitor_cookie)
        set_cookie(request, org_key, BYTES(""), 0);
}

/* ---- the routes ---- */

/* Which page asks is said by the browser, not by the page: another site's never gets the key, nor what is no browser.
 * An organisation that lists no origin admits every page, and what is kept from scripts must not go to whatever else
 * stands on the same site: there the page has to be the server's own. */
bool call_has_cookie(const struct call *call)
{
    struct bytes site = request_header(call->request, BYTES("sec-fetch-site"), NULL);
    return call->loop->api->config.visitor_cookie &&
           (bytes_equal(site, BYTES("same-origin")) ||
            (bytes_equal(site, BYTES("same-site")) && call->org.origins.len != 0));
}

/* Whether the organisation admits the page was asked with its origin (cors.c). */
static enum error may_use_cookie(struct call *call)
{
    struct bytes site;
    if (!call->loop->api->config.visitor_cookie)
        return ERR_NOT_FOUND;
    enum error error = single_header(call, BYTES("sec-fetch-site"), &site);
    if (error != OK || call_has_cookie(call))
        return error;
    return call_refuse(call, ERR_ORIGIN_FORBIDDEN,
                       "The cookie is for pages of the server's own origin, or of its site when the organisation lists "
                       "their origin; Sec-Fetch-Site must say so.");
}

enum error handle_cookie_keep(struct call *call)
{
    struct buffer *json = &call->loop->json;
    char name[COOKIE_NAME_LEN_MAX];
    enum error error = may_use_cookie(call);
    if (error != OK)
        return error;
    size_t name_len = format_name(call->request, call->org.key, name);
    struct bytes key = request_cookie(call->request, bytes_view(name, name_len));
    if (key.data == NULL || !visitor_key_is_valid(key))
        key = call->visitor_key;
    set_cookie(call->request, call->org.key, key, COOKIE_MAX_AGE_S);
    json_open(json, '{');
    json_member_string(json, "visitorId", key);
    json_member_string(json, "stored", BYTES("cookie"));
    json_close(json, '}');
    call_respond(call, 200, json);
    return OK;
}

enum error handle_cookie_drop(struct call *call)
{
    enum error error = may_use_cookie(call);
    if (error != OK)
        return error;
    cookie_forget(call->loop, call->request, call->org.key);
    request_respond(call->request, 204, NULL, BYTES_NONE);
    return OK;
}
