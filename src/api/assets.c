/*
 * The files that pages load: the widget, and the demo page. They are in the binary, each in three forms, compressed
 * when it was built. A file whose name changes with its content is kept for ever; embed.js and the page are asked for
 * again after a while, and answered 304 as long as nothing has changed. Nothing here is secret or depends on who asks,
 * so any page may read it and any cache may keep it.
 */
#include "api/assets.h"

#include "api/encoding.h"
#include "api/internal.h"

#define CACHE_FOR_EVER BYTES("public, max-age=31536000, immutable")
#define CACHE_A_WHILE BYTES("public, max-age=300, must-revalidate")
#define CACHE_WITH_QUESTION BYTES("no-cache")

/* The page has nothing inline and speaks to nobody but its own server. */
#define DEMO_POLICY                                                                                       \
    BYTES("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " \
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")

static struct bytes cache_control(const struct asset *asset)
{
    /* The page names files of this very build, so a kept page must not outlive it. */
    return asset->is_immutable ? CACHE_FOR_EVER : asset->is_demo ? CACHE_WITH_QUESTION : CACHE_A_WHILE;
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

static void add_headers(struct request *request, const struct asset *asset, const struct asset_body *body)
{
    request_add_header(request, BYTES("etag"), body->etag);
    request_add_header(request, BYTES("cache-control"), cache_control(asset));
    request_add_header(request, BYTES("vary"), BYTES("Accept-Encoding"));
    request_add_header(request, BYTES("timing-allow-origin"), BYTES("*"));
    /* A cache may give to one page what another one asked for: the permission must not depend on an Origin header. */
    if (request_header(request, BYTES("origin"), NULL).data == NULL)
        request_add_header(request, BYTES("access-control-allow-origin"), BYTES("*"));
}

static void respond(struct request *request, const struct asset *asset)
{
    enum encoding encoding = encoding_for(request);
    const struct asset_body *body = choose_body(asset, encoding);
    add_headers(request, asset, body);
    if (etag_is_listed(request_header(request, BYTES("if-none-match"), NULL), body->etag)) {
        request_respond(request, 304, NULL, BYTES_NONE);
        return;
    }
    if (encoding != ENCODING_PLAIN)
        request_add_header(request, BYTES("content-encoding"),
                           encoding == ENCODING_BROTLI ? BYTES("br") : BYTES("gzip"));
    request_respond(request, 200, asset->content_type, body->bytes);
}

static enum error answer_file(struct call *call)
{
    struct bytes path = request_path(call->request);
    for (unsigned i = 0; i < asset_count; ++i) {
        const struct asset *asset = &assets[i];
        if (!bytes_equal(asset->path, path) || (asset->is_demo && !call->loop->api->config.demo))
            continue;
        respond(call->request, asset);
        return OK;
    }
    return ERR_NOT_FOUND;
}

enum error handle_embed(struct call *call)
{
    return answer_file(call);
}

enum error handle_widget_file(struct call *call)
{
    return answer_file(call);
}

enum error handle_demo(struct call *call)
{
    if (!call->loop->api->config.demo)
        return ERR_NOT_FOUND;
    request_add_header(call->request, BYTES("content-security-policy"), DEMO_POLICY);
    return answer_file(call);
}
