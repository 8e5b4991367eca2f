/*
 * The files that pages load: the widget, and pages of our own. They are in the binary, each in three forms, compressed
 * when it was built. A file whose name changes with its content is kept for ever; embed.js and the page are asked for
 * again after a while, and answered 304 as long as nothing has changed. A loader that was kept from before an upgrade
 * asks for files by names that are gone, and gets the ones that took their place, which nobody may keep under that
 * name. Nothing here is secret or depends on who asks, so any page may read it and any cache may keep it.
 */
#include "api/assets.h"

#include "api/encoding.h"
#include "api/internal.h"

#define CACHE_FOR_EVER BYTES("public, max-age=31536000, immutable")
#define CACHE_A_WHILE BYTES("public, max-age=300, must-revalidate")
#define CACHE_WITH_QUESTION BYTES("no-cache")
#define CACHE_NEVER BYTES("no-store")

#define HASH_LEN 12 /* hexadecimal digits, in the names of files that may be kept for ever */

/* Our pages have nothing inline and speak to nobody but their own server. */
#define PAGE_POLICY                                                                                       \
    BYTES("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " \
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")

/* The agents' application. With Trusted Types a browser refuses to make code or markup of any text at all. */
#define INBOX_POLICY                                                                                      \
    BYTES("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " \
          "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "                \
          "require-trusted-types-for 'script'; trusted-types 'none'")
#define INBOX_PERMISSIONS                                                                              \
    BYTES("accelerometer=(), camera=(), display-capture=(), encrypted-media=(), fullscreen=(), "       \
          "geolocation=(), gyroscope=(), hid=(), idle-detection=(), local-fonts=(), magnetometer=(), " \
          "microphone=(), midi=(), payment=(), picture-in-picture=(), publickey-credentials-get=(), "  \
          "screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()")

static struct bytes cache_control(const struct asset *asset, bool is_outdated)
{
    if (is_outdated)
        return CACHE_NEVER;
    /* The page names files of this very build, so a kept page must not outlive it. */
    return asset->is_immutable ? CACHE_FOR_EVER : asset->is_page ? CACHE_WITH_QUESTION : CACHE_A_WHILE;
}

static enum encoding encoding_for(struct request *request)
{
    unsigned lines = 0;
    struct bytes accepted = request_header(request, BYTES("accept-encoding"), &lines);
    return lines == 1 ? encoding_choose(accepted) : ENCODING_PLAIN;
}

static const struct asset_body *choose_body(const struct asset *asset, enum encoding encoding)
{
    return encoding == ENCODING_BROTLI ? &asset->brotli : encoding == ENCODING_GZIP ? &asset->gzip : &asset->plain;
}

static void add_headers(struct request *request, const struct asset *asset, const struct asset_body *body,
                        bool is_outdated)
{
    request_add_header(request, BYTES("etag"), body->etag);
    request_add_header(request, BYTES("cache-control"), cache_control(asset, is_outdated));
    request_add_header(request, BYTES("vary"), BYTES("Accept-Encoding"));
    request_add_header(request, BYTES("timing-allow-origin"), BYTES("*"));
    /* A cache may give to one page what another one asked for: the permission must not depend on an Origin header. */
    if (request_header(request, BYTES("origin"), NULL).data == NULL)
        request_add_header(request, BYTES("access-control-allow-origin"), BYTES("*"));
}

static void respond(struct request *request, const struct asset *asset, bool is_outdated)
{
    enum encoding encoding = encoding_for(request);
    const struct asset_body *body = choose_body(asset, encoding);
    add_headers(request, asset, body, is_outdated);
    if (etag_is_listed(request_header(request, BYTES("if-none-match"), NULL), body->etag)) {
        request_respond(request, 304, NULL, BYTES_NONE);
        return;
    }
    if (encoding != ENCODING_PLAIN)
        request_add_header(request, BYTES("content-encoding"),
                           encoding == ENCODING_BROTLI ? BYTES("br") : BYTES("gzip"));
    request_respond(request, 200, asset->content_type, body->bytes);
}

static bool is_hash(const char *text)
{
    for (unsigned i = 0; i < HASH_LEN; ++i)
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
            return false;
    return true;
}

/* Whether the path is the asset's with another hash in it: "/widget/client-0123456789ab.js". */
static bool was_name_of(const struct asset *asset, struct bytes path)
{
    const char *dash = asset->is_immutable ? memrchr(asset->path.data, '-', asset->path.len) : NULL;
    if (dash == NULL || path.len != asset->path.len)
        return false;
    size_t before = (size_t)(dash + 1 - asset->path.data), after = before + HASH_LEN;
    return after < path.len && memcmp(path.data, asset->path.data, before) == 0 && is_hash(path.data + before) &&
           memcmp(path.data + after, asset->path.data + after, path.len - after) == 0;
}

/* Under the name that is asked for, or else under one that it had before. */
static const struct asset *find(const struct api_loop *loop, struct bytes path, bool *is_outdated)
{
    const struct asset *found = NULL;
    for (unsigned i = 0; i < asset_count; ++i) {
        const struct asset *asset = &assets[i];
        if (asset->is_demo && !loop->api->config.demo)
            continue;
        *is_outdated = !bytes_equal(asset->path, path);
        if (!*is_outdated)
            return asset;
        if (was_name_of(asset, path))
            found = asset;
    }
    return found;
}

static enum error answer_file(struct call *call)
{
    bool is_outdated = false;
    const struct asset *asset = find(call->loop, request_path(call->request), &is_outdated);
    if (asset == NULL)
        return ERR_NOT_FOUND;
    respond(call->request, asset, is_outdated);
    return OK;
}

enum error handle_embed(struct call *call)
{
    return answer_file(call);
}

enum error handle_widget_file(struct call *call)
{
    return answer_file(call);
}

enum error handle_account(struct call *call)
{
    request_add_header(call->request, BYTES("content-security-policy"), PAGE_POLICY);
    return answer_file(call);
}

enum error handle_inbox(struct call *call)
{
    request_add_header(call->request, BYTES("content-security-policy"), INBOX_POLICY);
    request_add_header(call->request, BYTES("permissions-policy"), INBOX_PERMISSIONS);
    request_add_header(call->request, BYTES("cross-origin-opener-policy"), BYTES("same-origin"));
    return answer_file(call);
}

enum error handle_demo(struct call *call)
{
    if (!call->loop->api->config.demo)
        return ERR_NOT_FOUND;
    request_add_header(call->request, BYTES("content-security-policy"), PAGE_POLICY);
    return answer_file(call);
}
