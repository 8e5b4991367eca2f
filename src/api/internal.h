#pragma once
/* What the files of this room share. */
#include <pthread.h>

#include "api/api.h"
#include "api/limiter.h"
#include "base/clock.h"
#include "base/json.h"
#include "core/rights.h"
#include "live/live.h"
#include "live/visits.h"
#include "rules/retention.h"
#include "search/match.h"
#include "store/records.h"

#define API_ROUTES_MAX 96
#define STATUS_FIRST 100
#define STATUS_COUNT 500
#define LATENCY_BUCKETS 12

enum who { WHO_OPEN, WHO_ORG, WHO_CALLER, WHO_VISITOR, WHO_SELF, WHO_READ, WHO_WRITE, WHO_ADMIN, WHO_OWNER, WHO_AGENT };

/* What a client can run into here, counted in /metrics under these names. */
#define LIMIT_KINDS(KIND)                \
    KIND(VISITOR, "rate_visitor")        \
    KIND(ADDRESS, "rate_address")        \
    KIND(ORG, "rate_org")                \
    KIND(LIST_ENTRIES, "list_entries")   \
    KIND(VISITOR_CHAIN, "visitor_chain") \
    KIND(ANSWER_BYTES, "answer_bytes")   \
    KIND(UNREAD, "unread")               \
    KIND(WORK_COUNT, "work_count")       \
    KIND(TRANSCRIPT, "transcript")       \
    KIND(STREAMS, "streams")             \
    KIND(CATCH_UP, "stream_catch_up")    \
    KIND(STALL, "stream_stall")          \
    KIND(PASSWORDS, "passwords")         \
    KIND(LOGIN, "login")                 \
    KIND(SEARCH, "search")

enum limit_kind {
#define KIND(name, text) LIMIT_##name,
    LIMIT_KINDS(KIND)
#undef KIND
        LIMIT_KIND_COUNT
};

/* Counters of one loop; only its own thread writes them, /metrics reads them all. */
struct loop_figures {
    _Atomic uint64_t answers[API_ROUTES_MAX + 1][STATUS_COUNT]; /* the last row: no route */
    _Atomic uint64_t latency_buckets[API_ROUTES_MAX + 1][LATENCY_BUCKETS + 1];
    _Atomic uint64_t latency_ns[API_ROUTES_MAX + 1];
    _Atomic uint64_t limited[LIMIT_KIND_COUNT]; /* how often each was reached */
    _Atomic uint64_t touches;
    struct live_figures live;
    _Atomic uint64_t events_told, catch_ups, resets;
    _Atomic uint64_t search_steps;
};

/* Organisations as this loop last read them: valid while the stored bytes are the same. */
#define ORG_CACHE_SLOTS 16
struct org_cache_slot {
    struct buffer encoded;
    struct org org; /* its texts are views into `encoded` */
};

/* What a loop has for itself. */
struct api_loop {
    struct api *api;
    struct loop *loop;
    struct reader *reader;
    struct log_port *port;
    struct random_pool random;
    struct buffer json, scratch;
    struct org_cache_slot orgs[ORG_CACHE_SLOTS];
    struct loop_figures figures;
    struct streams *streams;
    _Atomic unsigned listeners; /* streams that want to hear of commits; see news.c */
};

struct api {
    struct api_config config;
    struct log *log;
    struct edge *edge;
    struct limiter *limiter;
    struct route routes[API_ROUTES_MAX];
    struct api_loop *loops;
    pthread_barrier_t started; /* no loop serves before each of them can be posted to */
    struct live_callers *callers;
    struct live_visits *visits;
    struct news *news;
    struct passwords *passwords;
    struct login_guard *login_guard;
    struct courier *courier;
    struct sweeper {
        struct key next_seen, next_activity, next_updated;
        bool under_way;
    } sweeper;            /* loop 0 */
    bool purge_under_way; /* loop 0 */
    struct retention_job {
        struct loop_message turn; /* the next look; the first member */
        struct api_loop *loop;
        struct retention_walk walk;
        struct retention_step step;
        bool is_running; /* a run was begun, and is not over */
        bool is_waiting; /* for the committer */
        bool is_posted;  /* the next look is on its way */
        bool has_step;   /* one that has to be given again */
        unsigned slices; /* that may be looked at in this second */
        struct retention_figures {
            _Atomic uint64_t visitors, conversations, messages, redacted, others; /* removed since the start */
            _Atomic int64_t ended_at_ms;                                          /* of the last run; 0: none yet */
            atomic_bool is_running;
        } figures;
    } retention; /* loop 0 */
    struct indexer {
        bool under_way, turn_found_nothing;
        struct id at;                /* the organisation that is looked at next; ID_NONE: a turn begins */
        uint64_t turn_seq, idle_seq; /* as the turn has begun; as the last one began that found nothing, or 0 */
        uint32_t steps, looks;       /* that are left of this second */
        uint64_t commands;           /* the log's, a second ago */
    } indexer;                       /* loop 0 */
    struct key unattended_at;        /* loop 0: where the search for assignees who have left goes on */
    uint64_t seconds;                /* loop 0: since the start */
};

/* One request while its handler runs. The snapshot is open; texts of `org` live until the handler has ended. */
struct call {
    struct request *request;
    struct api_loop *loop;
    struct txn *txn;
    int64_t now_ms;
    const char *sentence;     /* replaces the error's own, when not NULL */
    unsigned retry_after_s;   /* with ERR_RATE_LIMITED and 503 */
    struct org org;           /* unless WHO_OPEN or WHO_AGENT */
    bool by_org;              /* by the organisation's side: a token or an agent */
    enum level level;         /* what it may do */
    struct id token;          /* that it came with, or ID_NONE */
    struct id agent, session; /* who is logged in, or ID_NONE */
    struct agent me;          /* when somebody is; its texts live until the handler has ended */
    struct bytes visitor_key; /* NULL: none was sent */
};

/* A handler answers (call_respond) or suspends the request and returns OK, or returns the error to answer. */
typedef enum error call_handler(struct call *call);
#define ROUTE(method, pattern, who, body_len_max, handler, help) call_handler handle_##handler;
#include "api/routes.def"
#undef ROUTE

#define CONTENT_TYPE_JSON "application/json; charset=utf-8"
void call_respond(struct call *call, int status, const struct buffer *json);
/* Who does it, for the audit log: an agent or a token; ID_NONE: a visitor, or nobody known. And from where: the
 * client's address as text, in the request's memory. */
struct id call_actor(const struct call *call);
struct bytes request_address_text(struct request *request);
/* Refuses with an own sentence (static). */
enum error call_refuse(struct call *call, enum error error, const char *sentence);

/* ---- caller.c: who is asking ---- */

/* Fills in who is asking from the headers, and asks whether `who` lets it in. */
enum error call_identify(struct call *call, enum who who);

/* What let a stream in, for asking again. */
struct right {
    struct id org, token, session;
};
/* OK, or the error with which the same request would be refused by now. */
enum error right_still_holds(struct txn *txn, const struct right *right, int64_t now_ms);

/* ---- session.c: the cookie of an agent who is logged in ---- */

#define CSRF_TEXT_LEN 32
/* What changes something with the cookie has to carry in x-csrf-token: made of the session's secret, so that it is kept
 * nowhere. */
void session_csrf(struct bytes secret, char out[CSRF_TEXT_LEN + 1]);
/* data NULL when there is none. */
struct bytes session_cookie_of(const struct request *request);
void session_cookie_set(struct request *request, struct bytes value);
void session_cookie_forget(struct request *request);

/* ---- visitors.c, self.c ---- */

/* The visitor of the path, if it is the organisation's; and the one that asks. ERR_NOT_FOUND when there is none. */
enum error path_visitor(struct call *call, struct visitor *out);
enum error call_self(struct call *call, struct visitor *out);

/* ---- tokens.c ---- */

/* Calls `visit` for each of the organisation's tokens. */
typedef void token_visit(void *context, const struct token *token);
enum error call_each_token(struct call *call, token_visit *visit, void *context);

/* ---- conversations.c ---- */

/* Whether the caller may know of the conversation; ERR_NOT_FOUND when not. One without a visitor belongs to whoever
 * knows its id. */
enum error call_may_read(struct call *call, const struct conversation *conversation);

/* ---- cors.c ---- */

/* Adds the headers that let the page read the answer; ERR_ORIGIN_FORBIDDEN when the organisation does not list the
 * page's origin. */
enum error cors_admit(struct call *call);
/* For answers before an organisation is known: nothing secret is in them, any page may read them. */
void cors_any(struct request *request);
/* Whether pages of this origin may talk to the server in the organisation's name. */
bool cors_allows(const struct org *org, struct bytes origin);
void on_options(struct request *request, struct bytes route_allow);

/* ---- query.c ---- */

/* The parameter's value, decoded into the request's memory; data NULL when absent. */
enum error query_text(struct call *call, const char *name, struct bytes *out);
enum error query_uint(struct call *call, const char *name, uint64_t min, uint64_t max, uint64_t fallback,
                      uint64_t *out);
/* The ":id" of the path, or what an id of another shape stands for in the caller's organisation; what it leads to and
 * whether the caller may know of it is still to be asked. ERR_NOT_FOUND when it is neither. */
enum error path_id(struct call *call, struct id *out);
/* Only what the ":id" of the path stands for, of whatever shape. ERR_NOT_FOUND when it stands for nothing. */
enum error path_alias(struct call *call, struct id *out);
/* A header that may occur once; data NULL when absent. */
enum error single_header(struct call *call, struct bytes name, struct bytes *out);
/* The value of a cookie; data NULL when there is none, or more than one and they differ. */
struct bytes request_cookie(const struct request *request, struct bytes name);

/* ---- body.c ---- */

/* Checks Content-Type and parses; *out is NULL when there is no body. The caller frees. */
enum error body_object(struct call *call, struct json_document **out);

/* The same where there has to be one. */
enum error body_needed(struct call *call, struct json_document **out);
/* Hands it to `handle`, for as long as that runs. */
typedef enum error body_handler(struct call *call, const struct json_value *root);
enum error call_with_body(struct call *call, body_handler *handle);

/* ---- fields.c: what is in a body; a field that is null or absent leaves its *out at nothing ---- */

/* A text of one line; data NULL when absent. It lives as long as the document. */
enum error field_text(struct call *call, const struct json_value *root, const char *name, size_t min, size_t max,
                      struct bytes *out);
enum error field_text_needed(struct call *call, const struct json_value *root, const char *name, size_t min, size_t max,
                             struct bytes *out);
/* 1 to CLIENT_ID_LEN_MAX visible ASCII characters. */
enum error field_client_id(struct call *call, const struct json_value *root, struct bytes *out);
enum error field_email(struct call *call, const struct json_value *root, const char *name, struct bytes *out);
enum error field_flag(struct call *call, const struct json_value *root, const char *name, bool *given, bool *out);
enum error field_number(struct call *call, const struct json_value *root, const char *name, uint64_t max, bool *given,
                        uint64_t *out);
/* 0 when absent. */
enum error field_time(struct call *call, const struct json_value *root, const char *name, int64_t *out);

/* The visitor's address, as far as the organisation keeps any; NULL: none is to be kept, or the organisation's side
 * asks.
 */
struct bytes call_kept_address(const struct call *call);
/* The User-Agent as it is kept: UTF-8, at most USER_AGENT_LEN_MAX; NULL when there is none. */
struct bytes call_user_agent(const struct call *call);

/* ---- limits.c ---- */

enum limited_action {
    LIMITED_CONVERSATIONS,
    LIMITED_MESSAGES,
    LIMITED_VISITORS,
    LIMITED_EXPORTS,
    LIMITED_TYPING,
    LIMITED_STREAMS,
    LIMITED_PINGS,
    LIMITED_WORK
};
enum error rate_limit(struct call *call, enum limited_action action);

/* ---- submit.c: the way of a change ---- */

/* Answers a suspended request on its loop after the commit. txn is a snapshot that contains it. */
typedef void on_applied(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry);
/* Suspends the request and hands the command over; `applied` answers it. */
enum error call_submit(struct call *call, const struct command *command, on_applied *applied);
/* The same, and `applied` hears too when the rules have refused: entry->error says with what. */
enum error call_submit_heard(struct call *call, const struct command *command, on_applied *applied);
/* The same, and what the answer needs beside is copied: entry_kept gives it. */
enum error call_submit_keeping(struct call *call, const struct command *command, on_applied *applied, const void *kept,
                               size_t kept_len);
const void *entry_kept(const struct log_entry *entry);
/* Answers what there is nothing to tell of: 204. */
on_applied respond_done;
/* Hands over a command that nobody waits for; `applied` may be NULL and gets request NULL. False when the queue is
 * full. */
bool loop_submit(struct api_loop *loop, const struct command *command, on_applied *applied);
/* The same, and what `applied` needs beside is copied: entry_kept gives it. */
bool loop_submit_keeping(struct api_loop *loop, const struct command *command, on_applied *applied, const void *kept,
                         size_t kept_len);
/* The log's deliver callback. */
void on_delivered(struct log_port *port, struct log_entry *entries);
void respond_error(struct request *request, enum error error, const char *sentence, unsigned retry_after_s);

/* ---- blocked.c: visitors who are not heard ---- */

/* Whether the command was refused with ERR_BLOCKED and whoever sent it is not to be told: it is decoded into *out,
 * whose texts live as long as the entry, and has to be answered as if it had been applied. */
bool is_to_be_silenced(struct txn *txn, const struct log_entry *entry, struct command *out);
/* For what is no command: ERR_BLOCKED when the caller is a visitor who is blocked and may know it; *is_silent when it
 * may not, and has to be answered as if nothing was wrong. */
enum error call_is_blocked(struct call *call, bool *is_silent);

/* ---- touch.c, maintenance.c, retention.c ---- */

/* A read by a visitor moves its lastSeenAt, at most once in TOUCH_INTERVAL_MS. */
void touch_visitor(struct call *call);
void maintain(struct api *api, struct api_loop *loop);
/* Whether a job may give the committer its next step: nobody else waits for it, and the server does not stop. */
bool maintenance_may_go_on(struct api_loop *loop);
/* Loop 0, once a second. */
void retention_tick(struct api_loop *loop);

/* ---- openings.c ---- */

/* Tells of the organisations that have come into or out of their business hours; in a snapshot. */
void openings_tick(struct api_loop *loop, struct txn *txn);

/* ---- wake.c ---- */

/* Once a second on loop 0. */
void work_maintain(struct api_loop *loop, struct txn *txn);

/* ---- indexing.c ---- */

/* Loop 0, once a second, in a snapshot. */
void indexing_tick(struct api_loop *loop, struct txn *txn);

/* ---- news.c: the way of what is news, from the committer and between loops ---- */

struct news *news_open(struct log *log);
void news_close(struct news *news);
/* The log's publish callback. */
void on_published(void *app, const struct log_entry *entries, uint64_t seq_before, uint64_t seq_after);
/* One more, or one less, on this loop wants to hear of commits. It must join the hub in the same turn, and what was
 * committed before it is to be found in a snapshot that is taken afterwards. */
void news_listen(struct api_loop *loop);
void news_listen_no_more(struct api_loop *loop);
/* Lets every loop hear of it, this one at once: all of them, or only those on which somebody listens. */
void news_tell(struct api_loop *from, const struct event *event, bool to_all);
/* Loop 0, once a second: whether another process has written. */
void news_look_for_others(struct api_loop *loop);
uint64_t news_published(const struct news *news);

/* ---- stream.c: who listens ---- */

struct streams *streams_open(struct api_loop *loop);
void streams_close(struct streams *streams);
/* Once a second on every loop. */
void streams_tick(struct api_loop *loop);
/* Lets the loop's streams hear of events; a pump has to follow. */
void streams_hear(struct api_loop *loop, const struct event *events, unsigned event_count);
/* Gives those that something waits for what they can take: at once, with no snapshot open; or soon, from anywhere. */
void streams_pump(struct api_loop *loop);
void streams_pump_later(struct api_loop *loop);
/* At the end of each turn: what was left goes on in the next one. */
void streams_turn_end(struct api_loop *loop);

/* ---- presence.c ---- */

/* Whether somebody of the organisation is there to answer: a stream by its token or of an agent is open on some loop,
 * or it has written, typed or read less than AGENT_PRESENT_MS ago; never out of its business hours. Asks the loop's own
 * hub alone. */
bool api_org_is_online(struct api_loop *loop, struct id org);
/* "opensAt": when its business hours begin again; null within them, or when nobody knows. */
void api_render_opens_at(struct api_loop *loop, struct buffer *out, struct id org);
/* Since when the visitor is there, and where; NULL when no stream of it is open on any loop. */
const struct live_visit *api_visit(struct api_loop *loop, struct id visitor, struct live_visit *out);
/* The same as for the organisation, of one of its agents: whether somebody of the team is there. */
bool api_agent_is_online(struct api_loop *loop, struct id org, struct id agent);
/* The organisation's side has done something: the agent, or with ID_NONE a token. Cheap when it has just before. */
void presence_note(struct api_loop *loop, struct id org, struct id agent);

/* ---- render.c: records as JSON ---- */

void render_id(struct buffer *out, struct bytes name, struct id id); /* "name":"c…" or null */
#define member_id(out, name, id) render_id((out), BYTES(name), (id))
enum viewer call_viewer(const struct call *call);
/* Whether it is told visitors' keys: who has one can write in the visitor's name, and erase it, so who may only read is
 * not. */
bool call_may_see_keys(const struct call *call);
void render_message(struct buffer *out, const struct message *message, enum viewer viewer);
/* The members that list and detail share, without the closing brace. */
void render_conversation_open(struct buffer *out, const struct conversation *conversation,
                              const struct conversation_activity *activity, enum viewer viewer);
/* For the organisation's side alone; the members of a conversation that its side has made. */
void render_work(struct buffer *out, const struct conversation *conversation);
void render_note(struct buffer *out, const struct note *note);
void render_reply(struct buffer *out, const struct reply *reply);
/* What the organisation sees of a visitor; whether it is there is api_visit's to say. */
void render_visitor(struct buffer *out, const struct visitor *visitor, const struct live_visit *visit, bool with_key);
/* "name": the time, or null for one that has not come (0). */
void render_moment(struct buffer *out, struct bytes name, int64_t at_ms);
/* "name":"…", or null when the text is not there. */
void render_text(struct buffer *out, struct bytes name, struct bytes text);

/* ---- retention_settings.c ---- */

/* Members of an organisation's settings: "retention", with its last run, and "addresses". */
void retention_settings_render(struct buffer *json, struct txn *txn, const struct org *org);
enum error retention_settings_read(struct call *call, const struct json_value *root, struct org_update *out);
/* ---- snippet.c ---- */

/* The part of a text around its places, and where they are. The match must have one. */
void render_snippet(struct buffer *out, struct bytes text, const struct match *match);

/* ---- unread.c: answers that a visitor has not read ---- */

/* How many there are in a conversation, or in all of a visitor; counted up to UNREAD_MAX. *looked counts the messages
 * that were looked at, which one request may do UNREAD_LOOK_MAX times in all: begin with 0. */
enum error unread_in_conversation(struct api_loop *loop, struct txn *txn, const struct conversation *conversation,
                                  const struct conversation_activity *activity, unsigned *looked, uint64_t *out);
enum error unread_of_visitor(struct api_loop *loop, struct txn *txn, const struct visitor *visitor, uint64_t *out);

/* ---- cookie.c ---- */

/* Whether the request is about the visitor's cookie: the only one for which a page's credentials are taken. */
bool request_is_for_cookie(const struct request *request);
/* Whether the page that asks may use the cookie. */
bool call_has_cookie(const struct call *call);
/* Makes the browser forget it, where there can be one. */
void cookie_forget(struct api_loop *loop, struct request *request, struct bytes org_key);

/* ---- metrics.c ---- */

void on_answered(struct loop *loop, const struct route *route, int status, uint64_t latency_ns);
extern const struct route_row {
    const char *method, *pattern, *help;
    enum who who;
    call_handler *handle;
    uint32_t body_len_max;
    const char *name;
} route_rows[];
extern const unsigned route_row_count;

static inline void count(_Atomic uint64_t *counter, uint64_t more)
{
    /* One writer: no locked instruction is needed. */
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more, memory_order_relaxed);
}
