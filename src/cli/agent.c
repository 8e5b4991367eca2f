/* `helvino agent …`: who answers and who administers, from the shell: the way in when there is no other. */
#include <sodium.h>
#include <string.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/admin.h"
#include "cli/grid.h"
#include "core/rights.h"

/* ---- finding ------------------------------------------------------------------------------------------------- */

static bool is_email(const struct options *options)
{
    if (email_is_valid(bytes_of_string(options->arguments[0])))
        return true;
    cli_complain("\"%.100s\" is no e-mail address", options->arguments[0]);
    return false;
}

static bool has_org(const struct options *options)
{
    if (options->given[OPTION_agent_org])
        return true;
    cli_complain("name the organisation with --org KEY");
    return false;
}

/* The agent of this address; false, once it has been said, when there is none. */
static bool find_agent(struct admin *admin, struct id *out)
{
    const char *email = admin->options->arguments[0];
    if (admin_read(admin) == NULL)
        return false;
    enum error error = agent_id_by_email(admin->txn, bytes_of_string(email), out);
    admin_read_end(admin);
    if (error == ERR_NOT_FOUND)
        cli_complain("there is no agent %.254s; this lists them all: %s", email,
                     cli_command(admin->options, "agent list"));
    else if (error != OK)
        cli_complain("%s", error_sentence(error));
    return error == OK;
}

static struct bytes role_of(const struct options *options, char out[16])
{
    option_choice_word(OPTION_role, options->role, out, 16);
    return bytes_of_string(out);
}

/* A link that nobody has seen is good for nothing; whoever sees it can use it. */
static void show_link(const char *link, const char *until)
{
    printf("/account#%s\n", link);
    fflush(stdout);
    fprintf(stderr, "Open this path on your server, as in https://chat.example.com/account#…; it is good once, %s.\n",
            until);
}

/* ---- create -------------------------------------------------------------------------------------------------- */

static void complain_of_creation(const struct options *options, enum error error)
{
    if (error == ERR_CONFLICT)
        cli_complain("%.254s is an agent of %.64s already", options->arguments[0], options->agent_org);
    else if (error != OK)
        cli_complain("%s", error_sentence(error));
}

/* Another organisation has invited this agent: who has got that link, and chosen the password, is not known here. */
static void tell_of_password(const struct options *options)
{
    char words[EMAIL_LEN_MAX + 32];
    snprintf(words, sizeof(words), "agent reset %s", options->arguments[0]);
    printf("%s is an agent of %s now, with the password that it has\n", options->arguments[0], options->agent_org);
    fflush(stdout);
    fprintf(stderr, "In doubt of who has chosen that password, have it chosen again: %s\n",
            cli_command(options, words));
}

static bool create(struct admin *admin)
{
    const struct options *options = admin->options;
    struct id org;
    struct outcome outcome;
    char role[16], link[LINK_TEXT_LEN + 1];
    unsigned char hash[SECRET_HASH_LEN];
    int64_t now_ms = clock_now_ms();
    if (!admin_find_org_id(admin, options->agent_org, &org))
        return false;
    struct id link_id = admin_make_id(admin, now_ms);
    link_make(link_id, &admin->random, link, hash);
    const struct command command = {
        .kind = COMMAND_AGENT_CREATE,
        .agent_create = {.agent = admin_make_id(admin, now_ms),
                         .email = bytes_of_string(options->arguments[0]),
                         .name = bytes_of_string(options->given[OPTION_name] ? options->name : options->arguments[0]),
                         .org = org,
                         .role = role_of(options, role),
                         .link = link_id,
                         .link_hash = bytes_view(hash, sizeof(hash)),
                         .link_expires_at_ms = now_ms + INVITATION_KEPT_MS,
                         .at_ms = now_ms},
    };
    enum error error = log_execute(admin->store, &command, &outcome);
    complain_of_creation(options, error);
    if (error == OK && outcome.replayed)
        tell_of_password(options);
    else if (error == OK)
        show_link(link, "for seven days");
    sodium_memzero(link, sizeof(link));
    return error == OK;
}

int cli_agent_create(const struct options *options)
{
    return is_email(options) && has_org(options) ? admin_run(options, STORE_ADMIN, create) : EXIT_USAGE;
}

/* ---- list ---------------------------------------------------------------------------------------------------- */

#define LIST_COLUMNS 5

struct listing {
    struct admin *admin;
    struct id org; /* ID_NONE: all */
    bool as_json;
    struct grid grid;
    struct buffer json;
};

/* "demo owner, shop agent" */
static void format_memberships(struct txn *txn, struct id agent, struct buffer *out)
{
    struct bytes key;
    struct cursor *cursor = cursor_open(txn, TABLE_MEMBER_BY_AGENT);
    enum error error = cursor_seek(cursor, id_view(&agent), &key, NULL);
    buffer_clear(out);
    for (; error == OK && memcmp(key.data, agent.bytes, ID_LEN) == 0; error = cursor_next(cursor, &key, NULL)) {
        struct member member;
        struct org org;
        size_t offset = ID_LEN;
        struct id id = key_get_id(key, &offset);
        if (org_get(txn, id, &org) == OK && member_get(txn, id, agent, &member) == OK)
            buffer_printf(out, "%s%.*s %.*s", out->len == 0 ? "" : ", ", (int)org.key.len, org.key.data,
                          (int)member.role.len, member.role.data);
    }
    cursor_close(cursor);
    if (out->len == 0)
        buffer_append_string(out, "-");
}

static const char *state_of(const struct agent *agent)
{
    return agent->disabled                     ? "disabled"
           : agent->password_hash.data == NULL ? "invited"
           : agent->totp_secret.data != NULL   ? "active, second factor"
                                               : "active";
}

static void list_in_grid(struct grid *grid, const struct agent *agent, struct bytes memberships)
{
    char moment[MINUTE_TEXT_LEN + 1] = "-";
    if (agent->logged_in_at_ms != 0)
        format_minute(agent->logged_in_at_ms, moment);
    grid_add(grid, agent->email);
    grid_add(grid, agent->name);
    grid_add(grid, memberships);
    grid_add(grid, bytes_of_string(state_of(agent)));
    grid_add(grid, bytes_of_string(moment));
}

static void list_in_json(struct buffer *out, const struct agent *agent, struct bytes memberships)
{
    char id[ID_TEXT_LEN];
    id_format(agent->id, id);
    json_element(out);
    json_open(out, '{');
    json_member_string(out, "id", bytes_view(id, ID_TEXT_LEN));
    json_member_string(out, "email", agent->email);
    json_member_string(out, "name", agent->name);
    json_member_string(out, "memberships", memberships);
    json_member_string(out, "state", bytes_of_string(state_of(agent)));
    json_close(out, '}');
}

static void list_agent(struct listing *listing, const struct agent *agent, struct buffer *scratch)
{
    struct member member;
    struct txn *txn = listing->admin->txn;
    if (!id_is_none(listing->org) && member_get(txn, listing->org, agent->id, &member) != OK)
        return;
    format_memberships(txn, agent->id, scratch);
    if (listing->as_json)
        list_in_json(&listing->json, agent, buffer_view(scratch));
    else
        list_in_grid(&listing->grid, agent, buffer_view(scratch));
}

static bool each_agent(struct listing *listing)
{
    struct bytes key, value;
    struct buffer scratch = {0};
    struct cursor *cursor = cursor_open(listing->admin->txn, TABLE_AGENTS);
    enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value);
    while (error == OK) {
        struct agent agent;
        size_t offset = 0;
        error = record_decode(RECORD_AGENTS, value, &agent);
        if (error != OK)
            break;
        agent.id = key_get_id(key, &offset);
        list_agent(listing, &agent, &scratch);
        error = cursor_next(cursor, &key, &value);
    }
    cursor_close(cursor);
    buffer_dispose(&scratch);
    if (error != ERR_NOT_FOUND)
        cli_complain("%s", error_sentence(error));
    return error == ERR_NOT_FOUND;
}

static bool list_as_table(struct listing *listing)
{
    static const char *const heads[LIST_COLUMNS] = {"EMAIL", "NAME", "ORGANISATIONS", "STATE", "LAST LOGIN (UTC)"};
    struct grid *grid = &listing->grid;
    grid->column_count = LIST_COLUMNS;
    for (size_t i = 0; i < LIST_COLUMNS; ++i)
        grid_add(grid, bytes_of_string(heads[i]));
    bool is_fine = each_agent(listing);
    if (is_fine && grid->cell_count == LIST_COLUMNS)
        printf("no agents yet; make one: %s\n",
               cli_command(listing->admin->options, "agent create EMAIL --org KEY --role owner"));
    else if (is_fine)
        grid_print(grid, stdout);
    grid_dispose(grid);
    return is_fine;
}

static bool list_as_json(struct listing *listing)
{
    struct buffer *out = &listing->json;
    json_open(out, '[');
    bool is_fine = each_agent(listing);
    json_close(out, ']');
    if (is_fine)
        printf("%.*s\n", (int)out->len, out->data);
    buffer_dispose(out);
    return is_fine;
}

static bool list(struct admin *admin)
{
    struct listing listing = {.admin = admin, .org = ID_NONE};
    const struct options *options = admin->options;
    if (options->given[OPTION_agent_org] && !admin_find_org_id(admin, options->agent_org, &listing.org))
        return false;
    if (admin_read(admin) == NULL)
        return false;
    listing.as_json = options->format == FORMAT_JSON;
    return listing.as_json ? list_as_json(&listing) : list_as_table(&listing);
}

int cli_agent_list(const struct options *options)
{
    return admin_run(options, STORE_READ_ONLY, list);
}

/* ---- role, remove -------------------------------------------------------------------------------------------- */

static bool role(struct admin *admin)
{
    const struct options *options = admin->options;
    struct id agent, org;
    struct outcome outcome;
    char word[16];
    if (!find_agent(admin, &agent) || !admin_find_org_id(admin, options->agent_org, &org))
        return false;
    const struct command command = {
        .kind = COMMAND_MEMBER_SET,
        .member_set = {.org = org, .agent = agent, .role = role_of(options, word), .at_ms = clock_now_ms()}};
    if (admin_execute(admin, &command, OK, &outcome) != OK)
        return false;
    printf("%s is %s of %s now\n", options->arguments[0], word, options->agent_org);
    return true;
}

int cli_agent_role(const struct options *options)
{
    return is_email(options) && has_org(options) ? admin_run(options, STORE_ADMIN, role) : EXIT_USAGE;
}

static bool take_out(struct admin *admin)
{
    const struct options *options = admin->options;
    struct id agent, org;
    struct outcome outcome;
    if (!find_agent(admin, &agent) || !admin_find_org_id(admin, options->agent_org, &org))
        return false;
    const struct command command = {.kind = COMMAND_MEMBER_REMOVE,
                                    .member_remove = {.org = org, .agent = agent, .at_ms = clock_now_ms()}};
    enum error error = admin_execute(admin, &command, ERR_NOT_FOUND, &outcome);
    if (error == ERR_NOT_FOUND)
        cli_complain("%.254s is no agent of %.64s", options->arguments[0], options->agent_org);
    if (error == OK)
        printf("%s is no agent of %s any more\n", options->arguments[0], options->agent_org);
    return error == OK;
}

int cli_agent_remove(const struct options *options)
{
    return is_email(options) && has_org(options) ? admin_run(options, STORE_ADMIN, take_out) : EXIT_USAGE;
}

/* ---- reset --------------------------------------------------------------------------------------------------- */

static bool drop_second_factor(struct admin *admin, struct id agent)
{
    struct outcome outcome;
    const struct command command = {.kind = COMMAND_AGENT_TOTP,
                                    .agent_totp = {.agent = agent, .at_ms = clock_now_ms()}};
    return admin_execute(admin, &command, OK, &outcome) == OK;
}

static bool reset(struct admin *admin)
{
    struct id agent;
    struct outcome outcome;
    char link[LINK_TEXT_LEN + 1];
    unsigned char hash[SECRET_HASH_LEN];
    int64_t now_ms = clock_now_ms();
    if (!find_agent(admin, &agent))
        return false;
    struct id id = admin_make_id(admin, now_ms);
    link_make(id, &admin->random, link, hash);
    const struct command command = {.kind = COMMAND_LINK_CREATE,
                                    .link_create = {.link = id,
                                                    .kind = BYTES("reset"),
                                                    .agent = agent,
                                                    .secret_hash = bytes_view(hash, sizeof(hash)),
                                                    .expires_at_ms = now_ms + RESET_KEPT_MS,
                                                    .at_ms = now_ms}};
    enum error error = admin_execute(admin, &command, ERR_NOT_FOUND, &outcome);
    if (error == ERR_NOT_FOUND)
        cli_complain("%.254s is disabled", admin->options->arguments[0]);
    bool is_fine = error == OK && (!admin->options->no_second_factor || drop_second_factor(admin, agent));
    if (is_fine)
        show_link(link, "for an hour");
    sodium_memzero(link, sizeof(link));
    return is_fine;
}

int cli_agent_reset(const struct options *options)
{
    return is_email(options) ? admin_run(options, STORE_ADMIN, reset) : EXIT_USAGE;
}

/* ---- disable, enable ----------------------------------------------------------------------------------------- */

static bool set_disabled(struct admin *admin, bool disabled)
{
    struct id agent;
    struct outcome outcome;
    if (!find_agent(admin, &agent))
        return false;
    const struct command command = {.kind = COMMAND_AGENT_DISABLE,
                                    .agent_disable = {.agent = agent, .disabled = disabled, .at_ms = clock_now_ms()}};
    if (admin_execute(admin, &command, OK, &outcome) != OK)
        return false;
    printf("%s is %s\n", admin->options->arguments[0], disabled ? "disabled, and logged out" : "enabled");
    return true;
}

static bool disable(struct admin *admin)
{
    return set_disabled(admin, true);
}

static bool enable(struct admin *admin)
{
    return set_disabled(admin, false);
}

int cli_agent_disable(const struct options *options)
{
    return is_email(options) ? admin_run(options, STORE_ADMIN, disable) : EXIT_USAGE;
}

int cli_agent_enable(const struct options *options)
{
    return is_email(options) ? admin_run(options, STORE_ADMIN, enable) : EXIT_USAGE;
}
