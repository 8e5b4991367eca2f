/* `helvino webhook …`: whom an organisation has told of what happens. The server notices each change by itself. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "api/hooks.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/admin.h"
#include "cli/grid.h"
#include "cli/outgoing.h"

/* Calls `visit` for each webhook of an organisation; false, once it has been said, when one can't be read. */
static bool each_webhook(struct admin *admin, struct id org,
                         void (*visit)(void *context, const struct webhook *webhook), void *context)
{
    struct bytes key;
    struct cursor *cursor = cursor_open(admin->txn, TABLE_WEBHOOK_BY_ORG);
    enum error error = cursor_seek(cursor, bytes_view(org.bytes, ID_LEN), &key, NULL);
    while (error == OK && key.len == 2 * ID_LEN && memcmp(key.data, org.bytes, ID_LEN) == 0) {
        struct webhook webhook;
        size_t offset = ID_LEN;
        error = webhook_get(admin->txn, key_get_id(key, &offset), &webhook);
        if (error == OK) {
            visit(context, &webhook);
            error = cursor_next(cursor, &key, NULL);
        }
    }
    cursor_close(cursor);
    if (error != OK && error != ERR_NOT_FOUND)
        cli_complain("%s", error_sentence(error));
    return error == OK || error == ERR_NOT_FOUND;
}

/* ---- create -------------------------------------------------------------------------------------------------- */

/* The --event flags as the record has them; false, once it has been said, when one is none. */
static bool read_events(const struct option_list *events, struct buffer *out)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < events->count; ++i) {
        enum hook_event event = hook_event_parse(bytes_of_string(events->items[i]));
        if (event == HOOK_NONE) {
            cli_complain("there is no event \"%.40s\"; \"helvino help webhook create\" lists them", events->items[i]);
            return false;
        }
        bits |= HOOK_BIT(event);
    }
    if (bits == 0)
        cli_complain("name what the webhook is to be told, with --event, such as --event message.created");
    hook_events_write(out, bits);
    return bits != 0;
}

static bool create(struct admin *admin, struct bytes events)
{
    const struct options *options = admin->options;
    struct id org;
    struct outcome outcome;
    char secret[HOOK_SECRET_LEN + 1] = "", id[ID_TEXT_LEN];
    int64_t now_ms = clock_now_ms();
    if (!admin_find_org_id(admin, options->arguments[0], &org))
        return false;
    hook_secret_make(&admin->random, secret);
    const struct command command = {
        .kind = COMMAND_WEBHOOK_CREATE,
        .webhook_create = {.org = org,
                           .webhook = admin_make_id(admin, now_ms),
                           .at_ms = now_ms,
                           .url = bytes_of_string(options->arguments[1]),
                           .secret = bytes_view(secret, HOOK_SECRET_LEN),
                           .events = events,
                           .description =
                               options->given[OPTION_description] ? bytes_of_string(options->description) : BYTES_NONE,
                           .enabled = true},
    };
    enum error error = admin_execute(admin, &command, ERR_CONFLICT, &outcome);
    if (error == ERR_CONFLICT)
        cli_complain("the organisation has as many webhooks as it may have, %d; delete one first",
                     WEBHOOKS_PER_ORG_MAX);
    if (error == OK) {
        id_format(outcome.id, id);
        printf("%s\n", secret);
        fprintf(stderr, "created webhook %.*s; its secret is shown only now\n", ID_TEXT_LEN, id);
    }
    sodium_memzero(secret, sizeof(secret));
    return error == OK;
}

int cli_webhook_create(const struct options *options)
{
    struct admin admin;
    struct buffer events = {0};
    const char *refusal = post_url_refusal(bytes_of_string(options->arguments[1]), options->webhook_allow_private);
    if (refusal != NULL)
        cli_complain("%s", refusal);
    if (refusal != NULL || !read_events(&options->event, &events)) {
        buffer_dispose(&events);
        return EXIT_USAGE;
    }
    bool is_open = admin_open(&admin, options, STORE_ADMIN);
    bool is_fine = is_open && create(&admin, buffer_view(&events));
    if (is_open)
        admin_close(&admin);
    buffer_dispose(&events);
    return is_fine ? EXIT_FINE : EXIT_FAILED;
}

/* ---- list ---------------------------------------------------------------------------------------------------- */

static void on_webhook_to_grid(void *context, const struct webhook *webhook)
{
    struct grid *grid = context;
    char id[ID_TEXT_LEN];
    id_format(webhook->id, id);
    grid_add(grid, bytes_view(id, ID_TEXT_LEN));
    grid_add(grid, webhook->enabled ? BYTES("on") : BYTES("off"));
    grid_add_number(grid, webhook->waiting);
    grid_add_number(grid, webhook->parked);
    grid_add_number(grid, webhook->lost);
    grid_add(grid, webhook->events);
    grid_add(grid, webhook->url);
}

static void on_webhook_to_json(void *context, const struct webhook *webhook)
{
    struct buffer *out = context;
    char id[ID_TEXT_LEN];
    id_format(webhook->id, id);
    json_element(out);
    json_open(out, '{');
    json_member_string(out, "id", bytes_view(id, ID_TEXT_LEN));
    json_member_string(out, "url", webhook->url);
    json_member_string(out, "events", webhook->events);
    json_member_bool(out, "enabled", webhook->enabled);
    json_member_integer(out, "waiting", (int64_t)webhook->waiting);
    json_member_integer(out, "parked", (int64_t)webhook->parked);
    json_member_integer(out, "lost", (int64_t)webhook->lost);
    json_member_time(out, "createdAt", webhook->created_at_ms);
    json_close(out, '}');
}

static bool list_as_json(struct admin *admin, struct id org)
{
    struct buffer out = {0};
    json_open(&out, '[');
    bool is_fine = each_webhook(admin, org, on_webhook_to_json, &out);
    json_close(&out, ']');
    if (is_fine)
        printf("%.*s\n", (int)out.len, out.data);
    buffer_dispose(&out);
    return is_fine;
}

static bool list_as_table(struct admin *admin, struct id org)
{
    static const char *const heads[] = {"ID", "STATE", "WAITING", "PARKED", "LOST", "EVENTS", "URL"};
    struct grid grid = {.column_count = 7};
    for (size_t i = 0; i < 7; ++i)
        grid_add(&grid, bytes_of_string(heads[i]));
    bool is_fine = each_webhook(admin, org, on_webhook_to_grid, &grid);
    if (is_fine && grid.cell_count == 7) {
        char words[ORG_KEY_LEN_MAX + 64];
        snprintf(words, sizeof(words), "webhook create %s URL --event message.created", admin->options->arguments[0]);
        printf("no webhooks yet; create one: %s\n", cli_command(admin->options, words));
    } else if (is_fine) {
        grid_print(&grid, stdout);
    }
    grid_dispose(&grid);
    return is_fine;
}

static bool list(struct admin *admin)
{
    struct org org;
    if (admin_read(admin) == NULL || !admin_find_org(admin, admin->options->arguments[0], &org))
        return false;
    return (admin->options->format == FORMAT_JSON ? list_as_json : list_as_table)(admin, org.id);
}

int cli_webhook_list(const struct options *options)
{
    struct admin admin;
    if (!admin_open(&admin, options, STORE_READ_ONLY))
        return EXIT_FAILED;
    bool is_fine = list(&admin);
    admin_close(&admin);
    return is_fine ? EXIT_FINE : EXIT_FAILED;
}

/* ---- one of them --------------------------------------------------------------------------------------------- */

static bool parse_id(const struct options *options, struct id *out)
{
    bool is_fine = id_parse(bytes_of_string(options->arguments[1]), out);
    if (!is_fine)
        cli_complain("WEBHOOK_ID must be the 25 characters that \"helvino webhook list\" shows");
    return is_fine;
}

static void complain_of_no_webhook(const struct admin *admin)
{
    char words[ORG_KEY_LEN_MAX + 32];
    snprintf(words, sizeof(words), "webhook list %s", admin->options->arguments[0]);
    cli_complain("the organisation has no such webhook; this lists them: %s", cli_command(admin->options, words));
}

static bool delete_webhook(struct admin *admin, struct id webhook)
{
    struct id org;
    struct outcome outcome;
    if (!admin_find_org_id(admin, admin->options->arguments[0], &org))
        return false;
    const struct command command = {.kind = COMMAND_WEBHOOK_DELETE,
                                    .webhook_delete = {.org = org, .webhook = webhook, .at_ms = clock_now_ms()}};
    enum error error = admin_execute(admin, &command, ERR_NOT_FOUND, &outcome);
    if (error == ERR_NOT_FOUND)
        complain_of_no_webhook(admin);
    return error == OK;
}

int cli_webhook_delete(const struct options *options)
{
    struct admin admin;
    struct id webhook;
    if (!parse_id(options, &webhook))
        return EXIT_USAGE;
    if (!admin_open(&admin, options, STORE_ADMIN))
        return EXIT_FAILED;
    bool is_fine = delete_webhook(&admin, webhook);
    admin_close(&admin);
    if (is_fine)
        puts("the webhook is deleted");
    return is_fine ? EXIT_FINE : EXIT_FAILED;
}

/* ---- test ---------------------------------------------------------------------------------------------------- */

static bool report(const struct post_result *result)
{
    bool arrived = hook_has_arrived(result);
    if (result->failure != POST_NONE)
        cli_complain("no answer after %u ms: %s", result->elapsed_ms, post_failure_sentence(result->failure));
    else if (arrived)
        printf("status %d after %u ms\n", result->status, result->elapsed_ms);
    else
        cli_complain("status %d after %u ms; a delivery counts as arrived with a status of 200 to 299", result->status,
                     result->elapsed_ms);
    return arrived;
}

static bool ping(struct admin *admin, struct post *post, const struct webhook *webhook)
{
    struct outgoing_answer answer = OUTGOING_ANSWER;
    enum error error = hook_ping(post, webhook, &admin->random, outgoing_heard, &answer);
    if (error != OK) {
        cli_complain("%s", error_sentence(error));
        return false;
    }
    outgoing_wait(&answer);
    return report(&answer.result);
}

/* Copies what a ping needs, since no snapshot may be open while an answer is waited for. */
static bool find_webhook(struct admin *admin, struct id id, struct webhook *out)
{
    struct org org;
    struct webhook webhook;
    if (admin_read(admin) == NULL || !admin_find_org(admin, admin->options->arguments[0], &org))
        return false;
    enum error error = webhook_get(admin->txn, id, &webhook);
    if (error == OK && !id_equal(webhook.org, org.id))
        error = ERR_NOT_FOUND;
    if (error == ERR_NOT_FOUND)
        complain_of_no_webhook(admin);
    else if (error != OK)
        cli_complain("%s", error_sentence(error));
    else
        *out = (struct webhook){.id = id,
                                .org = org.id,
                                .url = {bytes_dup(webhook.url), webhook.url.len},
                                .secret = {bytes_dup(webhook.secret), webhook.secret.len}};
    admin_read_end(admin);
    return error == OK;
}

static bool test_webhook(struct admin *admin, struct post *post, struct id id)
{
    struct webhook webhook;
    if (!find_webhook(admin, id, &webhook))
        return false;
    bool is_fine = ping(admin, post, &webhook);
    free((char *)(uintptr_t)webhook.url.data);
    free((char *)(uintptr_t)webhook.secret.data);
    return is_fine;
}

int cli_webhook_test(const struct options *options)
{
    struct admin admin;
    struct id webhook;
    if (!parse_id(options, &webhook))
        return EXIT_USAGE;
    struct post *post = outgoing_open(options);
    if (post == NULL)
        return EXIT_USAGE;
    bool is_open = admin_open(&admin, options, STORE_READ_ONLY);
    bool is_fine = is_open && test_webhook(&admin, post, webhook);
    if (is_open)
        admin_close(&admin);
    post_close(post, 0);
    return is_fine ? EXIT_FINE : EXIT_FAILED;
}
