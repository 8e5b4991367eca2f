/* `helvino org token …`: the credentials of an organisation's own server. A token is shown once; what is kept is a
 * hash. */
#include <signal.h>
#include <sodium.h>
#include <string.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/admin.h"
#include "cli/grid.h"
#include "core/rights.h"

/* Calls `visit` for each token of an organisation; false, once it has been said, when one can't be read. */
static bool each_token(struct admin *admin, struct id org, void (*visit)(void *context, const struct token *token),
                       void *context)
{
    struct bytes key, value;
    struct cursor *cursor = cursor_open(admin->txn, TABLE_TOKENS);
    enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value);
    while (error == OK) {
        struct token token;
        size_t offset = 0;
        error = record_decode(RECORD_TOKENS, value, &token);
        if (error != OK)
            break;
        token.id = key_get_id(key, &offset);
        if (id_equal(token.org, org))
            visit(context, &token);
        error = cursor_next(cursor, &key, &value);
    }
    cursor_close(cursor);
    if (error != ERR_NOT_FOUND)
        cli_complain("%s", error_sentence(error));
    return error == ERR_NOT_FOUND;
}

/* ---- create -------------------------------------------------------------------------------------------------- */

static void on_token_to_count(void *context, const struct token *token)
{
    (void)token;
    ++*(unsigned *)context;
}

/* Finds the organisation and asks whether it may have one more. */
static bool find_room(struct admin *admin, struct id *out)
{
    struct org org;
    unsigned count = 0;
    if (admin_read(admin) == NULL)
        return false;
    bool is_fine = admin_find_org(admin, admin->options->arguments[0], &org) &&
                   each_token(admin, org.id, on_token_to_count, &count);
    admin_read_end(admin);
    if (!is_fine)
        return false;
    if (count >= TOKENS_PER_ORG_MAX)
        cli_complain("the organisation has %u tokens, which is the limit; revoke one first", count);
    *out = org.id;
    return count < TOKENS_PER_ORG_MAX;
}

/* A token that nobody has seen must not be good for anything. */
static bool show(struct admin *admin, struct id org, struct id token, const char *text)
{
    struct outcome outcome;
    static const char *const may[] = {"read everything", "read and write everything",
                                      "read and change everything, settings and agents included,"};
    const struct command revoke = {.kind = COMMAND_TOKEN_REVOKE,
                                   .token_revoke = {.org = org, .token = token, .at_ms = clock_now_ms()}};
    printf("%s\n", text);
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        fprintf(stderr, "This token is shown only now. Whoever holds it can %s of the organisation.\n",
                may[admin->options->scope]);
        return true;
    }
    if (admin_execute(admin, &revoke, OK, &outcome) == OK)
        cli_complain("the token can't be written to standard output, so it has been revoked again");
    return false;
}

static bool create(struct admin *admin)
{
    struct id org;
    struct outcome outcome;
    char text[TOKEN_TEXT_LEN + 1] = "";
    unsigned char hash[SECRET_HASH_LEN];
    int64_t now_ms = clock_now_ms();
    if (!find_room(admin, &org))
        return false;
    struct id id = admin_make_id(admin, now_ms);
    char scope[16];
    option_choice_word(OPTION_scope, admin->options->scope, scope, sizeof(scope));
    token_make(id, &admin->random, text, hash);
    const struct command command = {
        .kind = COMMAND_TOKEN_CREATE,
        .token_create = {.token = id,
                         .org = org,
                         .name = bytes_of_string(admin->options->given[OPTION_name] ? admin->options->name : ""),
                         .secret_hash = bytes_view(hash, sizeof(hash)),
                         .at_ms = now_ms,
                         .scope = bytes_of_string(scope),
                         .expires_at_ms =
                             admin->options->expires == 0 ? 0 : now_ms + (int64_t)admin->options->expires * 86400000},
    };
    bool is_fine = admin_execute(admin, &command, OK, &outcome) == OK && show(admin, org, id, text);
    sodium_memzero(text, sizeof(text));
    return is_fine;
}

int cli_token_create(const struct options *options)
{
    signal(SIGPIPE, SIG_IGN); /* a reader who has gone is a failure like any other */
    return admin_run(options, STORE_ADMIN, create);
}

#define TOKEN_COLUMNS 6

/* ---- list ---------------------------------------------------------------------------------------------------- */

/* "-" when it has not come, or never will. */
static void grid_add_moment(struct grid *grid, int64_t at_ms)
{
    char text[MINUTE_TEXT_LEN + 1] = "-";
    if (at_ms != 0)
        format_minute(at_ms, text);
    grid_add(grid, bytes_of_string(text));
}

static void on_token_to_grid(void *context, const struct token *token)
{
    struct grid *grid = context;
    char id[ID_TEXT_LEN];
    id_format(token->id, id);
    grid_add(grid, bytes_view(id, ID_TEXT_LEN));
    grid_add_moment(grid, token->created_at_ms);
    grid_add(grid, scope_word(token->scope));
    grid_add_moment(grid, token->expires_at_ms);
    grid_add_moment(grid, token->used_at_ms);
    grid_add(grid, token->name.len != 0 ? token->name : BYTES("-"));
}

static void put_moment(struct buffer *out, struct bytes name, int64_t at_ms)
{
    json_key(out, name);
    if (at_ms == 0)
        json_put_literal(out, "null");
    else
        json_put_time(out, at_ms);
}

static void on_token_to_json(void *context, const struct token *token)
{
    struct buffer *out = context;
    char id[ID_TEXT_LEN];
    id_format(token->id, id);
    json_element(out);
    json_open(out, '{');
    json_member_string(out, "id", bytes_view(id, ID_TEXT_LEN));
    json_member_string(out, "name", token->name);
    json_member_time(out, "createdAt", token->created_at_ms);
    json_member_string(out, "scope", scope_word(token->scope));
    put_moment(out, BYTES("expiresAt"), token->expires_at_ms);
    put_moment(out, BYTES("lastUsedAt"), token->used_at_ms);
    json_close(out, '}');
}

static bool list_as_json(struct admin *admin, struct id org)
{
    struct buffer out = {0};
    json_open(&out, '[');
    bool is_fine = each_token(admin, org, on_token_to_json, &out);
    json_close(&out, ']');
    if (is_fine)
        printf("%.*s\n", (int)out.len, out.data);
    buffer_dispose(&out);
    return is_fine;
}

static bool list_as_table(struct admin *admin, struct id org)
{
    struct grid grid = {.column_count = TOKEN_COLUMNS};
    grid_add(&grid, BYTES("ID"));
    grid_add(&grid, BYTES("CREATED (UTC)"));
    grid_add(&grid, BYTES("SCOPE"));
    grid_add(&grid, BYTES("EXPIRES"));
    grid_add(&grid, BYTES("LAST USED"));
    grid_add(&grid, BYTES("NAME"));
    bool is_fine = each_token(admin, org, on_token_to_grid, &grid);
    if (is_fine && grid.cell_count == TOKEN_COLUMNS) {
        char words[ORG_KEY_LEN_MAX + 32];
        snprintf(words, sizeof(words), "org token create %s", admin->options->arguments[0]);
        printf("no tokens yet; create one: %s\n", cli_command(admin->options, words));
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

int cli_token_list(const struct options *options)
{
    return admin_run(options, STORE_READ_ONLY, list);
}

/* ---- revoke -------------------------------------------------------------------------------------------------- */

/* An id, or a whole token, which holds one: people paste what they have. */
static bool parse_token_id(const char *text, struct id *out)
{
    static const char prefix[] = "hvt_";
    size_t len = strlen(text), prefix_len = sizeof(prefix) - 1;
    if (len == TOKEN_TEXT_LEN && strncmp(text, prefix, prefix_len) == 0)
        return id_parse(bytes_view(text + prefix_len, ID_TEXT_LEN), out);
    return id_parse(bytes_of_string(text), out);
}

static void complain_of_no_token(const struct admin *admin)
{
    char words[ORG_KEY_LEN_MAX + 32];
    snprintf(words, sizeof(words), "org token list %s", admin->options->arguments[0]);
    cli_complain("the organisation has no such token; this lists them: %s", cli_command(admin->options, words));
}

static bool revoke_token(struct admin *admin, struct id token)
{
    struct id org;
    struct outcome outcome;
    if (!admin_find_org_id(admin, admin->options->arguments[0], &org))
        return false;
    const struct command command = {.kind = COMMAND_TOKEN_REVOKE,
                                    .token_revoke = {.org = org, .token = token, .at_ms = clock_now_ms()}};
    enum error error = admin_execute(admin, &command, ERR_NOT_FOUND, &outcome);
    if (error == ERR_NOT_FOUND)
        complain_of_no_token(admin);
    return error == OK;
}

int cli_token_revoke(const struct options *options)
{
    struct admin admin;
    struct id token;
    if (!parse_token_id(options->arguments[1], &token)) {
        cli_complain("TOKEN_ID must be the 25 characters that \"helvino org token list\" shows");
        return EXIT_USAGE;
    }
    if (!admin_open(&admin, options, STORE_ADMIN))
        return EXIT_FAILED;
    bool is_fine = revoke_token(&admin, token);
    admin_close(&admin);
    if (is_fine)
        puts("the token is revoked");
    return is_fine ? EXIT_FINE : EXIT_FAILED;
}
