/*
 * GET /metrics in the Prometheus text format (https://prometheus.io/docs/instrumenting/exposition_formats/). Each loop
 * counts for itself without a lock; the sum is taken here, when somebody asks.
 */
#include "api/hook_courier.h"
#include "api/password.h"
#include "base/version.h"

#define LABEL_NO_ROUTE "other"

static const uint64_t bucket_limits_ns[LATENCY_BUCKETS] = {
    100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 25000000, 50000000, 100000000, 250000000, 1000000000};

void on_answered(struct loop *loop, const struct route *route, int status, uint64_t latency_ns)
{
    struct api_loop *mine = loop_data(loop);
    if (mine == NULL)
        return;
    struct loop_figures *figures = &mine->figures;
    unsigned row = route == NULL ? route_row_count : (unsigned)(route - mine->api->routes), bucket = 0;
    while (bucket < LATENCY_BUCKETS && latency_ns > bucket_limits_ns[bucket])
        ++bucket;
    if (status >= STATUS_FIRST && status < STATUS_FIRST + STATUS_COUNT)
        count(&figures->answers[row][status - STATUS_FIRST], 1);
    count(&figures->latency_buckets[row][bucket], 1);
    count(&figures->latency_ns[row], latency_ns);
}

/* ---- one family of figures ---- */

static void family(struct buffer *out, const char *name, const char *type, const char *help)
{
    buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void gauge(struct buffer *out, const char *name, const char *help, double value)
{
    family(out, name, "gauge", help);
    buffer_printf(out, "%s %.17g\n", name, value);
}

static void counter(struct buffer *out, const char *name, const char *help, double value)
{
    family(out, name, "counter", help);
    buffer_printf(out, "%s %.17g\n", name, value);
}

#define SUM(api, member)                                                                             \
    __extension__({                                                                                  \
        uint64_t sum_ = 0;                                                                           \
        for (unsigned loop_ = 0; loop_ < (api)->config.loop_count; ++loop_)                          \
            sum_ += atomic_load_explicit(&(api)->loops[loop_].figures.member, memory_order_relaxed); \
        sum_;                                                                                        \
    })

/* ---- requests ---- */

static void put_route_labels(struct buffer *out, unsigned row)
{
    bool known = row < route_row_count;
    buffer_printf(out, "method=\"%s\",route=\"%s\"", known ? route_rows[row].method : "",
                  known ? route_rows[row].pattern : LABEL_NO_ROUTE);
}

static void put_requests(struct buffer *out, struct api *api)
{
    family(out, "helvino_requests_total", "counter", "Answers by route and status.");
    for (unsigned row = 0; row <= route_row_count; ++row)
        for (unsigned status = 0; status < STATUS_COUNT; ++status) {
            uint64_t answers = SUM(api, answers[row][status]);
            if (answers == 0)
                continue;
            buffer_append_string(out, "helvino_requests_total{");
            put_route_labels(out, row);
            buffer_printf(out, ",status=\"%u\"} %llu\n", status + STATUS_FIRST, (unsigned long long)answers);
        }
}

static void put_latency_of(struct buffer *out, struct api *api, unsigned row)
{
    uint64_t below = 0;
    for (unsigned bucket = 0; bucket <= LATENCY_BUCKETS; ++bucket) {
        below += SUM(api, latency_buckets[row][bucket]);
        buffer_append_string(out, "helvino_request_seconds_bucket{");
        put_route_labels(out, row);
        if (bucket < LATENCY_BUCKETS)
            buffer_printf(out, ",le=\"%g\"} %llu\n", (double)bucket_limits_ns[bucket] / 1e9, (unsigned long long)below);
        else
            buffer_printf(out, ",le=\"+Inf\"} %llu\n", (unsigned long long)below);
    }
    buffer_append_string(out, "helvino_request_seconds_sum{");
    put_route_labels(out, row);
    buffer_printf(out, "} %.9f\n", (double)SUM(api, latency_ns[row]) / 1e9);
    buffer_append_string(out, "helvino_request_seconds_count{");
    put_route_labels(out, row);
    buffer_printf(out, "} %llu\n", (unsigned long long)below);
}

static void put_latency(struct buffer *out, struct api *api)
{
    family(out, "helvino_request_seconds", "histogram", "From the whole request to its answer.");
    for (unsigned row = 0; row <= route_row_count; ++row)
        put_latency_of(out, api, row);
}

/* ---- the write path, the store, the limits ---- */

static void put_log(struct buffer *out, const struct log_figures *figures)
{
    uint64_t below = 0;
    counter(out, "helvino_commits_total", "Transactions committed to disk.", (double)figures->commits);
    counter(out, "helvino_commit_seconds_total", "Time spent committing.", (double)figures->commit_ns / 1e9);
    counter(out, "helvino_commands_total", "Commands applied, refused ones included.", (double)figures->commands);
    counter(out, "helvino_commands_refused_total", "Commands that the rules refused.", (double)figures->refused);
    family(out, "helvino_batch_commands", "histogram", "Commands in one transaction.");
    for (unsigned slot = 0; slot < sizeof(figures->batch_sizes) / sizeof(figures->batch_sizes[0]); ++slot) {
        below += figures->batch_sizes[slot];
        buffer_printf(out, "helvino_batch_commands_bucket{le=\"%u\"} %llu\n", 1u << slot, (unsigned long long)below);
    }
    buffer_printf(out,
                  "helvino_batch_commands_bucket{le=\"+Inf\"} %llu\nhelvino_batch_commands_sum "
                  "%llu\nhelvino_batch_commands_count %llu\n",
                  (unsigned long long)below, (unsigned long long)figures->commands, (unsigned long long)below);
    gauge(out, "helvino_queue_commands", "Commands waiting for the committer.", (double)figures->waiting);
    gauge(out, "helvino_queue_bytes", "Bytes of commands waiting.", (double)figures->waiting_bytes);
    gauge(out, "helvino_store_full", "1 while writes are refused for want of space.", figures->is_full);
    gauge(out, "helvino_last_seq", "Sequence number of the last change.", (double)figures->last_seq);
    counter(out, "helvino_map_growths_total", "How often the memory map was made larger.",
            (double)figures->map_growths);
}

static void put_store(struct buffer *out, struct api *api)
{
    uint64_t used, map;
    unsigned readers;
    store_usage(api->config.store, &used, &map, &readers);
    gauge(out, "helvino_map_bytes", "Size of the memory map: address space, not disk.", (double)map);
    gauge(out, "helvino_map_used_bytes", "Bytes up to the last page in use.", (double)used);
    gauge(out, "helvino_readers", "Slots of read transactions in use.", (double)readers);
    gauge(out, "helvino_readers_max", "Slots of read transactions.", STORE_READERS_MAX);
}

static void put_limits(struct buffer *out, struct api *api, const struct log_figures *figures)
{
    static const char *const kinds[LIMIT_KIND_COUNT] = {
#define KIND(name, text) [LIMIT_##name] = text,
        LIMIT_KINDS(KIND)
#undef KIND
    };
    family(out, "helvino_limit_hits_total", "counter", "How often a limit was reached.");
    for (unsigned kind = 0; kind < LIMIT_KIND_COUNT; ++kind)
        buffer_printf(out, "helvino_limit_hits_total{limit=\"%s\"} %llu\n", kinds[kind],
                      (unsigned long long)SUM(api, limited[kind]));
    buffer_printf(out, "helvino_limit_hits_total{limit=\"stream_news\"} %llu\n",
                  (unsigned long long)SUM(api, live.news_overflows));
    buffer_printf(out, "helvino_limit_hits_total{limit=\"stream_moments\"} %llu\n",
                  (unsigned long long)SUM(api, live.moments_dropped));
    buffer_printf(out, "helvino_limit_hits_total{limit=\"queue\"} %llu\n", (unsigned long long)figures->queue_full);
    buffer_printf(out, "helvino_limit_hits_total{limit=\"store\"} %llu\n", (unsigned long long)figures->store_full);
    buffer_printf(out, "helvino_limit_hits_total{limit=\"connections\"} %llu\n",
                  (unsigned long long)edge_connections_refused(api->edge));
    buffer_printf(out, "helvino_limit_hits_total{limit=\"post_queue\"} %llu\n",
                  (unsigned long long)post_figures(api->config.post)->queue_full);
    buffer_printf(out, "helvino_limit_hits_total{limit=\"webhook_queue\"} %llu\n",
                  (unsigned long long)courier_figures(api->courier)->lost);
    counter(out, "helvino_touches_total", "Reads that moved a visitor's lastSeenAt.", (double)SUM(api, touches));
    gauge(out, "helvino_connections", "Open connections.", edge_connection_count(api->edge));
    gauge(out, "helvino_passwords", "Passwords that are being hashed, or wait for it.",
          passwords_waiting(api->passwords));
}

static void put_retention(struct buffer *out, const struct retention_figures *figures)
{
    const struct {
        const char *kind;
        uint64_t removed;
    } rows[] = {{"visitors", figures->visitors},
                {"conversations", figures->conversations},
                {"messages", figures->messages},
                {"redacted", figures->redacted},
                {"others", figures->others}};
    family(out, "helvino_retention_removed_total", "counter",
           "What retention has removed or redacted since the start.");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i)
        buffer_printf(out, "helvino_retention_removed_total{kind=\"%s\"} %llu\n", rows[i].kind,
                      (unsigned long long)rows[i].removed);
    gauge(out, "helvino_retention_running", "1 while a run of the retention job is under way.", figures->is_running);
    gauge(out, "helvino_retention_last_run_seconds", "When the last run ended, in seconds since 1970; 0: none yet.",
          (double)figures->ended_at_ms / 1000);
}

static void put_streams(struct buffer *out, struct api *api)
{
    counter(out, "helvino_search_steps_total", "Steps that the search index was built and kept up by.",
            (double)SUM(api, search_steps));
    gauge(out, "helvino_streams", "Open streams of server-sent events.", edge_stream_count(api->edge));
    counter(out, "helvino_events_published_total", "Events of commits that were passed on to listeners.",
            (double)news_published(api->news));
    counter(out, "helvino_events_told_total", "Events that were sent, to each listener.",
            (double)SUM(api, events_told));
    counter(out, "helvino_stream_catch_ups_total", "How often a stream looked for what it had missed.",
            (double)SUM(api, catch_ups));
    counter(out, "helvino_stream_resets_total", "How often that was too much.", (double)SUM(api, resets));
}

/* By what became of each; the first of the failures is that there was none. */
static void put_ended(struct buffer *out, const char *name, const char *help, const _Atomic uint64_t *ended)
{
    family(out, name, "counter", help);
    for (unsigned failure = 0; failure < POST_FAILURE_COUNT; ++failure)
        buffer_printf(out, "%s{failure=\"%s\"} %llu\n", name, post_failure_word((enum post_failure)failure),
                      (unsigned long long)atomic_load_explicit(&ended[failure], memory_order_relaxed));
}

static void put_webhooks(struct buffer *out, struct call *call)
{
    const struct courier_figures *figures = courier_figures(call->loop->api->courier);
    family(out, "helvino_webhook_tries_total", "counter",
           "Deliveries to webhooks that were tried, by what became of them.");
    buffer_printf(out, "helvino_webhook_tries_total{result=\"delivered\"} %llu\n",
                  (unsigned long long)figures->delivered);
    buffer_printf(out, "helvino_webhook_tries_total{result=\"retry\"} %llu\n", (unsigned long long)figures->failed);
    buffer_printf(out, "helvino_webhook_tries_total{result=\"parked\"} %llu\n", (unsigned long long)figures->parked);
    buffer_printf(out, "helvino_webhook_tries_total{result=\"gone\"} %llu\n", (unsigned long long)figures->gone);
    buffer_printf(out, "helvino_webhook_tries_total{result=\"void\"} %llu\n", (unsigned long long)figures->void_);
    gauge(out, "helvino_webhooks", "Webhooks of all organisations.", (double)figures->targets);
    gauge(out, "helvino_webhook_waiting", "Deliveries that wait.", (double)table_rows(call->txn, TABLE_WEBHOOK_QUEUE));
    gauge(out, "helvino_webhook_under_way", "Deliveries that are being tried.", (double)figures->under_way);
}

/* Nothing of mails: anybody may read this, and one that was sent would tell that somebody has the address for which a
 * stranger has asked for it. What goes wrong with them is in the log. */
static void put_post(struct buffer *out, struct call *call)
{
    const struct api *api = call->loop->api;
    const struct post_figures *figures = post_figures(api->config.post);
    put_ended(out, "helvino_post_requests_total", "Requests that went out, by why there was no answer.",
              figures->requests);
    gauge(out, "helvino_post_waiting", "Requests on their way.", (double)figures->requests_waiting);
}

enum error handle_metrics(struct call *call)
{
    struct api *api = call->loop->api;
    struct buffer *out = &call->loop->json;
    const struct log_figures *figures = log_figures(api->log);
    family(out, "helvino_info", "gauge", "The version that runs.");
    buffer_append_string(out, "helvino_info{version=\"" HELVINO_VERSION "\"} 1\n");
    put_requests(out, api);
    put_latency(out, api);
    put_log(out, figures);
    put_store(out, api);
    put_limits(out, api, figures);
    put_retention(out, &api->retention.figures);
    put_streams(out, api);
    put_webhooks(out, call);
    put_post(out, call);
    request_respond(call->request, 200, "text/plain; version=0.0.4; charset=utf-8", buffer_view(out));
    return OK;
}
