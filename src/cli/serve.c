/*
 * `helvino serve`: puts the rooms together, in the order of their life, and takes them apart again. Everything that can
 * be wrong with the configuration is said before the first client is let in.
 */
#include <arpa/inet.h>
#include <sched.h>
#include <signal.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "base/logline.h"
#include "base/version.h"
#include "cli/cli.h"
#include "cli/demo.h"
#include "cli/outgoing.h"
#include "cli/setup_link.h"

#define URL_LEN_MAX 80
#define PUBLIC_URL_LEN_MAX 400

struct server {
    const struct options *options;
    struct listener_config listeners[LISTENERS_MAX];
    struct trusted_proxies *proxies;
    unsigned loop_count;
    struct store *store;
    struct post *post;
    char public_url[PUBLIC_URL_LEN_MAX + 1];
    struct api *api;
    struct edge *edge;
    struct demo demo;
    atomic_bool has_failed; /* the disk: set by the committer's thread */
};

/* ---- the configuration --------------------------------------------------------------------------------------- */

static bool read_listeners(struct server *server)
{
    const struct options *options = server->options;
    for (size_t i = 0; i < options->listen.count; ++i) {
        const char *why = "";
        if (!listener_parse(options->listen.items[i], &server->listeners[i], &why)) {
            cli_complain("--listen %.80s: %s", options->listen.items[i], why);
            return false;
        }
        if (server->listeners[i].kind == LISTENER_HTTPS && options->tls_cert == NULL) {
            cli_complain("--listen %.80s needs --tls-cert and --tls-key", options->listen.items[i]);
            return false;
        }
    }
    return true;
}

static bool read_proxies(struct server *server)
{
    const char *text = server->options->trusted_proxies, *why = "";
    if (text == NULL || text[0] == '\0')
        return true;
    server->proxies = trusted_proxies_parse(text, &why);
    if (server->proxies == NULL)
        cli_complain("--trusted-proxies %.80s: %s", text, why);
    return server->proxies != NULL;
}

/* As many loops as processors that this process may use. */
static unsigned choose_loop_count(const struct options *options)
{
    cpu_set_t processors;
    unsigned count = (unsigned)options->loops;
    if (count == 0 && sched_getaffinity(0, sizeof(processors), &processors) == 0)
        count = (unsigned)CPU_COUNT(&processors);
    return count == 0 ? 1 : count > LOOPS_MAX ? LOOPS_MAX : count;
}

/* http:// or https:// and something behind it that can stand in a link; a slash at the end is taken off. */
static bool read_public_url(struct server *server)
{
    const char *url = server->options->public_url;
    if (url == NULL)
        return true;
    size_t scheme = strncmp(url, "https://", 8) == 0 ? 8 : strncmp(url, "http://", 7) == 0 ? 7 : 0;
    size_t len = strlen(url), plain = strcspn(url, " \"<>\\^`{|}#?@");
    while (len > scheme && url[len - 1] == '/')
        --len;
    if (scheme == 0 || plain != strlen(url) || len == scheme) {
        cli_complain("--public-url takes http:// or https:// and how people reach this server, such as "
                     "https://chat.example.com; not \"%.80s\"",
                     url);
        return false;
    }
    snprintf(server->public_url, sizeof(server->public_url), "%.*s", (int)len, url);
    return true;
}

static bool read_configuration(struct server *server)
{
    const struct options *options = server->options;
    if ((options->tls_cert == NULL) != (options->tls_key == NULL)) {
        cli_complain("--tls-cert and --tls-key must be given together");
        return false;
    }
    server->loop_count = choose_loop_count(options);
    return read_listeners(server) && read_proxies(server) && read_public_url(server);
}

/* For a wildcard IN6_IS_ADDR_UNSPECIFIED and INADDR_ANY, for this machine alone the loopbacks. */
static bool is_address(const struct listener_config *listener, struct in6_addr ipv6, in_addr_t ipv4)
{
    const struct sockaddr_in *in4 = (const struct sockaddr_in *)&listener->address;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&listener->address;
    return listener->address.ss_family == AF_INET6 ? IN6_ARE_ADDR_EQUAL(&in6->sin6_addr, &ipv6)
                                                   : in4->sin_addr.s_addr == htonl(ipv4);
}

static bool is_any(const struct listener_config *listener)
{
    return is_address(listener, in6addr_any, INADDR_ANY);
}

static bool is_loopback(const struct listener_config *listener)
{
    return is_address(listener, in6addr_loopback, INADDR_LOOPBACK);
}

static bool has_https(const struct server *server)
{
    bool has = false;
    for (size_t i = 0; i < server->options->listen.count; ++i)
        has |= server->listeners[i].kind == LISTENER_HTTPS;
    return has;
}

static bool is_local(const struct server *server)
{
    bool is = true;
    for (size_t i = 0; i < server->options->listen.count; ++i)
        is &= is_loopback(&server->listeners[i]);
    return is;
}

/* What was asked for and can't have an effect is said, since it looks as if it had one. */
static void warn_of_idle_flags(const struct server *server)
{
    const struct options *options = server->options;
    if (options->tls_cert != NULL && !has_https(server))
        log_line(LOG_WARN, "the TLS certificate is not used: no --listen is https://",
                 LOG_TEXT("tls_cert", options->tls_cert));
    if (options->hsts && !has_https(server))
        log_line(LOG_WARN, "--hsts has no effect without TLS: no --listen is https://", LOG_TEXT("hsts", "on"));
}

/* ---- opening ------------------------------------------------------------------------------------------------- */

/* The loops read these from a descriptor; no thread that starts before them may be hit by one. */
static void block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static bool open_store(struct server *server)
{
    const struct options *options = server->options;
    char why[STORE_WHY_LEN];
    server->store = store_open(&(struct store_config){.directory = options->data,
                                                      .mode = STORE_SERVE,
                                                      .create = true,
                                                      .map_bytes = options->map_size,
                                                      .data_bytes_max = options->max_size},
                               why);
    if (server->store == NULL)
        cli_complain("%s", why);
    return server->store != NULL;
}

/* On the committer's thread. */
static void on_failure(void *app)
{
    struct server *server = app;
    atomic_store(&server->has_failed, true);
    log_line(LOG_ERROR, "the disk failed; stopping", LOG_TEXT("data", server->options->data));
    edge_stop(server->edge);
}

static bool open_post(struct server *server)
{
    server->post = outgoing_open(server->options);
    return server->post != NULL;
}

static void open_api(struct server *server)
{
    const struct options *options = server->options;
    server->api = api_open(&(struct api_config){
        .store = server->store,
        .rate_limits_on = options->rate_limit,
        .rate_limits = {.conversations_visitor = (uint32_t)options->rate_conversations_visitor,
                        .conversations_address = (uint32_t)options->rate_conversations_address,
                        .conversations_org = (uint32_t)options->rate_conversations_org,
                        .messages_visitor = (uint32_t)options->rate_messages_visitor,
                        .messages_address = (uint32_t)options->rate_messages_address,
                        .messages_org = (uint32_t)options->rate_messages_org},
        .demo = options->demo,
        .visitor_cookie = options->visitor_cookie,
        .post = server->post,
        .webhook_allow_private = options->webhook_allow_private,
        .data_directory = options->data,
        .speaks_tls = has_https(server),
        .is_behind_proxy = server->proxies != NULL,
        .is_local = is_local(server),
        .public_url = server->public_url[0] == '\0' ? NULL : server->public_url,
        .loop_count = server->loop_count,
        .on_failure = on_failure,
        .app = server,
    });
}

static bool open_edge(struct server *server)
{
    const struct options *options = server->options;
    const char *why = "";
    struct edge_config config = {
        .listeners = server->listeners,
        .listener_count = options->listen.count,
        .tls_cert_path = options->tls_cert,
        .tls_key_path = options->tls_key,
        .acme_dir = options->acme_dir,
        .trusted_proxies = server->proxies,
        .loop_count = server->loop_count,
        .connections_max = (unsigned)options->connections_max,
        .connections_per_address_max = (unsigned)options->connections_per_address,
        .request_deadline_ms = (uint32_t)options->request_deadline * 1000,
        .stop_deadline_ms = (uint32_t)options->stop_deadline * 1000,
        .hsts = options->hsts,
    };
    api_edge_config(server->api, &config);
    server->edge = edge_open(&config, &why);
    if (server->edge == NULL) {
        cli_complain("%s", why);
        return false;
    }
    api_set_edge(server->api, server->edge);
    return true;
}

/* ---- saying where -------------------------------------------------------------------------------------------- */

/* The listener's URL with the port that it really has. `for_people`: an address that a browser on this machine can
 * open. */
static void format_url(const struct server *server, size_t index, bool for_people, char out[URL_LEN_MAX])
{
    static const char *const schemes[] = {"http", "https", "redirect"};
    const struct listener_config *listener = &server->listeners[index];
    const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)&listener->address;
    const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)&listener->address;
    bool is_ipv6 = listener->address.ss_family == AF_INET6;
    char address[INET6_ADDRSTRLEN];
    inet_ntop(listener->address.ss_family, is_ipv6 ? (const void *)&ipv6->sin6_addr : &ipv4->sin_addr, address,
              sizeof(address));
    uint16_t port = edge_listener_port(server->edge, index);
    if (for_people && (is_any(listener) || is_loopback(listener)))
        snprintf(out, URL_LEN_MAX, "%s://localhost:%u", schemes[listener->kind], port);
    else
        snprintf(out, URL_LEN_MAX, is_ipv6 ? "%s://[%s]:%u" : "%s://%s:%u", schemes[listener->kind], address, port);
}

static void log_listeners(const struct server *server)
{
    log_line(LOG_INFO, "starting", LOG_TEXT("version", HELVINO_VERSION), LOG_TEXT("data", server->options->data),
             LOG_NUMBER("loops", server->loop_count), LOG_NUMBER("pid", getpid()));
    for (size_t i = 0; i < server->options->listen.count; ++i) {
        char url[URL_LEN_MAX];
        format_url(server, i, false, url);
        log_line(LOG_INFO, "listening", LOG_TEXT("url", url));
    }
}

static bool has_orgs(struct store *store)
{
    struct reader *reader = reader_open(store);
    struct txn *txn = reader_begin(reader);
    bool has = txn == NULL || table_rows(txn, TABLE_ORG_BY_KEY) != 0;
    if (txn != NULL)
        reader_end(reader);
    reader_close(reader);
    return has;
}

/* The first listener that serves the API, as people reach it. */
static size_t first_listener(const struct server *server)
{
    size_t first = 0;
    while (first + 1 < server->options->listen.count && server->listeners[first].kind == LISTENER_REDIRECT)
        ++first;
    return first;
}

/* While nobody can log in yet: here and in the log, which is this machine's. */
static void tell_setup_link(const struct server *server, const struct setup_link *link)
{
    char url[URL_LEN_MAX + LINK_TEXT_LEN + 16];
    if (link->text[0] == '\0')
        return;
    format_url(server, first_listener(server), true, url);
    size_t len = strlen(url);
    snprintf(url + len, sizeof(url) - len, "/account#%s", link->text);
    log_line(LOG_INFO, "nobody can log in yet; this link makes the first owner, once, within 30 minutes",
             LOG_TEXT("url", url));
    if (isatty(STDOUT_FILENO))
        printf("Nobody can log in yet. Make the first account, within 30 minutes:\n  %s\n\n", url);
    fflush(stdout);
}

/* For whoever has started it by hand; a service has the log lines. */
static void greet(const struct server *server)
{
    const struct options *options = server->options;
    char url[URL_LEN_MAX];
    size_t first = first_listener(server);
    if (!server->demo.has_org && !isatty(STDOUT_FILENO))
        return;
    format_url(server, first, true, url);
    printf("\nHelvino %s is ready at %s%s\nThe data is in %s. Ctrl-C stops.\n", HELVINO_VERSION, url,
           is_any(&server->listeners[first]) ? " (other machines can reach it too)" : "", options->data);
    if (server->demo.has_org)
        demo_print(&server->demo, options, url);
    else if (!has_orgs(server->store))
        printf("There are no organisations yet; create one: %s\n\n", cli_command(options, "org create KEY"));
    fflush(stdout);
}

/* ---- running ------------------------------------------------------------------------------------------------- */

/* The demo's token is made once the ports are there: a start that fails would take the only sight of it along. */
static bool serve(struct server *server)
{
    struct setup_link link;
    if ((server->options->demo && !demo_prepare(server->store, &server->demo)) ||
        !setup_link_prepare(server->store, &link))
        return false;
    log_listeners(server);
    greet(server);
    tell_setup_link(server, &link);
    sodium_memzero(server->demo.token, sizeof(server->demo.token));
    sodium_memzero(&link, sizeof(link));
    edge_run(server->edge, NULL);
    return !atomic_load(&server->has_failed);
}

static int run(struct server *server)
{
    open_api(server);
    bool is_open = open_edge(server);
    bool is_fine = is_open && serve(server);
    post_close(server->post, POST_STOP_MS);
    api_drain(server->api);
    if (is_open)
        edge_close(server->edge);
    api_close(server->api);
    return is_fine ? EXIT_FINE : EXIT_FAILED;
}

static int close_post(struct server *server)
{
    post_close(server->post, 0);
    return EXIT_FAILED;
}

int cli_serve(const struct options *options)
{
    struct server server = {.options = options};
    int status = EXIT_FAILED;
    if (!read_configuration(&server))
        return EXIT_USAGE;
    log_line_setup((enum log_level)options->log_level, (enum log_format)options->log_format);
    warn_of_idle_flags(&server);
    block_signals();
    if (sodium_init() < 0)
        cli_complain("the system gives no random numbers");
    else if (open_post(&server))
        status = open_store(&server) ? run(&server) : close_post(&server);
    if (server.store != NULL)
        store_close(server.store);
    if (server.proxies != NULL)
        trusted_proxies_free(server.proxies);
    if (status == EXIT_FINE)
        log_line(LOG_INFO, "stopped", LOG_TEXT("data", options->data));
    return status;
}
