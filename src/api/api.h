#pragma once
/*
 * The HTTP API: from requests to commands and questions, and from records to JSON. One `struct api` a process; it gives
 * edge its routes and callbacks, and takes the log's answers back to the loops.
 */
#include "api/credential.h"
#include "edge/edge.h"
#include "log/log.h"
#include "post/post.h"
#include "store/records.h"

struct api;

/* Commands a minute; 0 switches a limit off. */
struct api_rate_limits {
    uint32_t conversations_visitor, conversations_address, conversations_org;
    uint32_t messages_visitor, messages_address, messages_org;
};

struct api_config {
    struct store *store;
    bool rate_limits_on;
    struct api_rate_limits rate_limits;
    bool visitor_cookie; /* /visitors/me/cookie is there */
    bool demo;           /* /demo is there */
    unsigned loop_count;
    struct post
        *post; /* what goes out; the caller opens it before api_open, and closes it between edge_run and api_drain */
    bool webhook_allow_private; /* as the post was opened with */
    const char *data_directory; /* for the look at its rights; it must live as long as the api */
    bool speaks_tls;            /* a listener is https:// */
    bool is_behind_proxy;       /* some are trusted, whose clients may speak TLS to them */
    bool is_local;              /* it listens for this machine alone */
    const char *public_url;     /* how the server is reached, without a slash at the end: for links in mails. Or NULL */
    /* Once, on the committer's thread: the disk failed. The server must stop and exit non-zero. */
    void (*on_failure)(void *app);
    void *app;
};

/* Opens the log over the store. Order of life: post_open, api_open, edge_open with api_edge_config, edge_run,
 * post_close, api_drain, edge_close, api_close. */
struct api *api_open(const struct api_config *config);
/* Fills routes and callbacks of *config (and its app). */
void api_edge_config(struct api *api, struct edge_config *config);
/* The edge whose gauges /metrics shows and that says whether the server is stopping; before edge_run. */
void api_set_edge(struct api *api, struct edge *edge);
/* After edge_run: applies what is still waiting and ends the committer. */
void api_drain(struct api *api);
/* After edge_close. */
void api_close(struct api *api);

/* Appends the route table as Markdown, for the README; and the description that GET /openapi.json gives. */
void api_routes_markdown(struct buffer *out);
void api_openapi(struct buffer *out);

/* A fresh access token for an organisation. The secret is in `text` alone; the hash goes into the record. */
#define TOKEN_TEXT_LEN (sizeof("hvt_") - 1 + CREDENTIAL_TEXT_LEN)
void token_make(struct id id, struct random_pool *pool, char text[TOKEN_TEXT_LEN + 1],
                unsigned char hash[SECRET_HASH_LEN]);

/* A link that is good once: the text behind '#'. */
#define LINK_TEXT_LEN (sizeof("hvl_") - 1 + CREDENTIAL_TEXT_LEN)
void link_make(struct id id, struct random_pool *pool, char text[LINK_TEXT_LEN + 1],
               unsigned char hash[SECRET_HASH_LEN]);

/* Who is going to read it. Who answers, and what the organisation's side makes of a conversation, is no visitor's
 * business. */
enum viewer { VIEWER_VISITOR, VIEWER_ORG };

/* Everything about one visitor, as one JSON object (export.c). */
struct visitor_export {
    const struct org *org;
    const struct visitor *visitor;
    enum viewer viewer;
    bool hides_key; /* from an organisation's side that may only read */
    int64_t now_ms;
    /* Where it goes on: behind that message of that conversation; ID_NONE: at the end. */
    struct id conversation;
    uint64_t after;
    /* Asked before each conversation, message and note, with how many conversations there are before it and how many
     * bytes are kept back for later: false ends the object there. It may take what is in the buffer away but for its
     * last byte. */
    bool (*has_room)(void *context, struct buffer *json, uint64_t conversations, size_t pending);
    void *context;
};
/* Appends the object, whose "next" is null when export->conversation is ID_NONE afterwards. */
enum error visitor_export_put(struct txn *txn, struct visitor_export *export, struct buffer *json);

/* Whether these are what they have to be; for the API and the shell alike. */
bool org_key_is_valid(struct bytes key);
bool visitor_key_is_valid(struct bytes key);
/* scheme://host or scheme://host:port, as a browser's Origin header has it. */
bool origin_is_valid(struct bytes origin);
/* The same of what people paste from the address bar, put right where that is safe; false when it is no origin. */
bool origin_read(struct bytes text, char out[ORIGIN_LEN_MAX + 1]);
/* Takes the next origin off the front of a record's list; false when there is none. */
bool origin_next(struct bytes *rest, struct bytes *origin);
/* "#rrggbb" */
bool color_is_valid(struct bytes color);
/* As base/hours.h has them, in a zone that this machine knows; empty: always. False with a sentence. */
#define SETTING_WHY_LEN 320
bool business_hours_are_valid(struct bytes text, char why[SETTING_WHY_LEN]);
