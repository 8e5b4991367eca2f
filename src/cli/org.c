/* `helvino org …`: organisations, by people and by scripts (--format json). */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/admin.h"
#include "cli/grid.h"

static struct bytes text_or_none(bool given, const char *text)
{
    return given ? bytes_of_string(text) : BYTES_NONE;
}

/* ---- removing ------------------------------------------------------------------------------------------------ */

/* Organisations of one key: the living one, if there is one, and one whose removal was interrupted. */
struct doomed {
    const char *key;
    bool has_living, has_deleted;
    struct id living, deleted;
};

static void on_org_to_doomed(void *context, const struct org *org)
{
    struct doomed *doomed = context;
    if (!bytes_equal(org->key, bytes_of_string(doomed->key)))
        return;
    if (org->deleted) {
        doomed->has_deleted = true;
        doomed->deleted = org->id;
    } else {
        doomed->has_living = true;
        doomed->living = org->id;
    }
}

static bool find_doomed(struct admin *admin, struct doomed *doomed)
{
    *doomed = (struct doomed){.key = admin->options->arguments[0]};
    if (admin_read(admin) == NULL)
        return false;
    bool is_fine = admin_each_org(admin, on_org_to_doomed, doomed);
    admin_read_end(admin);
    return is_fine;
}

/* Each step is a short transaction, so that the server's own writes come in between. */
static bool purge(struct admin *admin, struct id org)
{
    struct outcome outcome;
    uint64_t steps = 0;
    bool shows_progress = isatty(STDERR_FILENO);
    const struct command command = {.kind = COMMAND_ORG_PURGE, .org_purge = {.org = org, .limit = PURGE_RECORDS_MAX}};
    do {
        /* A server or another shell may have removed the last of it in the meantime. */
        enum error error = admin_execute(admin, &command, ERR_NOT_FOUND, &outcome);
        if (error == ERR_NOT_FOUND)
            break;
        if (error != OK)
            return false;
        ++steps;
        if (shows_progress)
            fprintf(stderr, "\rremoved about %" PRIu64 " records", steps * PURGE_RECORDS_MAX);
    } while (outcome.more);
    if (shows_progress && steps > 0)
        fputc('\n', stderr);
    return true;
}

/* ---- create -------------------------------------------------------------------------------------------------- */

/* One a line, as the record has them; false, once it has been said, when one is no origin. */
static bool read_origins(const struct option_list *origins, struct buffer *out)
{
    for (size_t i = 0; i < origins->count; ++i) {
        char origin[ORIGIN_LEN_MAX + 1];
        if (!origin_read(bytes_of_string(origins->items[i]), origin)) {
            cli_complain(
                "--origin takes http:// or https:// and a host, with a port or without, and neither a path nor "
                "\"*\", such as https://www.example.com; not \"%.60s\"",
                origins->items[i]);
            buffer_dispose(out);
            return false;
        }
        buffer_append_string(out, i == 0 ? "" : "\n");
        buffer_append_string(out, origin);
    }
    return true;
}

static int create(struct admin *admin, const char *key, struct bytes origins)
{
    const struct options *options = admin->options;
    struct doomed doomed;
    struct outcome outcome;
    int64_t now_ms = clock_now_ms();
    /* What an interrupted deletion left goes first: later the key would name the new organisation. */
    if (!find_doomed(admin, &doomed) || (doomed.has_deleted && !purge(admin, doomed.deleted)))
        return EXIT_FAILED;
    const struct command command = {
        .kind = COMMAND_ORG_CREATE,
        .org_create = {.org = admin_make_id(admin, now_ms),
                       .key = bytes_of_string(key),
                       .name = bytes_of_string(options->given[OPTION_name] ? options->name : key),
                       .origins = origins,
                       .at_ms = now_ms},
    };
    enum error error = admin_execute(admin, &command, ERR_CONFLICT, &outcome);
    if (error == ERR_CONFLICT)
        cli_complain("there is an organisation \"%s\" already", key);
    if (error != OK)
        return EXIT_FAILED;
    char words[ORG_KEY_LEN_MAX + 32];
    snprintf(words, sizeof(words), "org token create %s", key);
    printf("created organisation %s\na token for your own server: %s\n", key, cli_command(options, words));
    return EXIT_FINE;
}

int cli_org_create(const struct options *options)
{
    struct admin admin;
    struct buffer origins = {0};
    const char *key = options->arguments[0];
    if (!org_key_is_valid(bytes_of_string(key))) {
        cli_complain("KEY must be 1 to 64 of the characters A-Z, a-z, 0-9, '_' and '-', not \"%.64s\"", key);
        return EXIT_USAGE;
    }
    if (!read_origins(&options->origin, &origins))
        return EXIT_USAGE;
    int status = EXIT_FAILED;
    if (admin_open(&admin, options, STORE_ADMIN)) {
        status = create(&admin, key, buffer_view(&origins));
        admin_close(&admin);
    }
    buffer_dispose(&origins);
    return status;
}

/* ---- as JSON ------------------------------------------------------------------------------------------------- */

static void put_retention_json(struct buffer *out, const struct org *org)
{
    json_key(out, BYTES("retention"));
    json_open(out, '{');
    json_member_integer(out, "visitors", (int64_t)org->retain_visitors_days);
    json_member_integer(out, "messages", (int64_t)org->retain_messages_days);
    json_member_bool(out, "redactMessages", org->redact_messages);
    json_member_integer(out, "empty", (int64_t)org->retain_empty_days);
    json_member_integer(out, "audit", (int64_t)org->retain_audit_days);
    json_member_integer(out, "erasures", (int64_t)org->retain_erasures_days);
    json_close(out, '}');
    json_member_string(out, "addresses", org->addresses.len != 0 ? org->addresses : BYTES("none"));
}

static void put_org_json(struct buffer *out, const struct org *org)
{
    char id[ID_TEXT_LEN];
    struct bytes rest = org->origins, origin;
    id_format(org->id, id);
    json_open(out, '{');
    json_member_string(out, "id", bytes_view(id, ID_TEXT_LEN));
    json_member_string(out, "key", org->key);
    json_member_string(out, "name", org->name);
    json_key(out, BYTES("allowedOrigins"));
    json_open(out, '[');
    while (origin_next(&rest, &origin)) {
        json_element(out);
        json_put_string(out, origin);
    }
    json_close(out, ']');
    json_key(out, BYTES("widget"));
    json_open(out, '{');
    json_member_string(out, "title", org->widget_title);
    json_member_string(out, "subtitle", org->widget_subtitle);
    json_member_string(out, "color", org->widget_color);
    json_member_string(out, "position", org->widget_position);
    json_member_string(out, "language", org->widget_language);
    json_member_bool(out, "countVisits", org->count_visits);
    json_close(out, '}');
    put_retention_json(out, org);
    json_member_bool(out, "writeEnabled", !org->write_disabled);
    json_member_bool(out, "widgetEnabled", !org->widget_disabled);
    json_member_string(out, "blockedAnswer", org->blocked_answer.len != 0 ? org->blocked_answer : BYTES("silence"));
    json_member_time(out, "createdAt", org->created_at_ms);
    json_member_time(out, "updatedAt", org->updated_at_ms);
    json_close(out, '}');
}

static void print_buffer(struct buffer *out)
{
    buffer_append_string(out, "\n");
    fwrite(out->data, 1, out->len, stdout);
    buffer_dispose(out);
}

/* ---- list ---------------------------------------------------------------------------------------------------- */

static void on_org_to_json(void *context, const struct org *org)
{
    struct buffer *out = context;
    if (org->deleted)
        return;
    json_element(out);
    put_org_json(out, org);
}

static void on_org_to_grid(void *context, const struct org *org)
{
    struct grid *grid = context;
    char id[ID_TEXT_LEN], created[MINUTE_TEXT_LEN + 1];
    struct bytes rest = org->origins, origin;
    unsigned origins = 0;
    if (org->deleted)
        return;
    while (origin_next(&rest, &origin))
        ++origins;
    id_format(org->id, id);
    format_minute(org->created_at_ms, created);
    grid_add(grid, org->key);
    grid_add(grid, org->name);
    if (origins == 0)
        grid_add(grid, BYTES("any"));
    else
        grid_add_number(grid, origins);
    grid_add(grid, bytes_of_string(created));
    grid_add(grid, bytes_view(id, ID_TEXT_LEN));
}

static bool list_as_json(struct admin *admin)
{
    struct buffer out = {0};
    json_open(&out, '[');
    bool is_fine = admin_each_org(admin, on_org_to_json, &out);
    json_close(&out, ']');
    if (is_fine)
        print_buffer(&out);
    buffer_dispose(&out);
    return is_fine;
}

static bool list_as_table(struct admin *admin)
{
    static const char *const heads[] = {"KEY", "NAME", "ORIGINS", "CREATED (UTC)", "ID"};
    struct grid grid = {.column_count = 5};
    for (size_t i = 0; i < 5; ++i)
        grid_add(&grid, bytes_of_string(heads[i]));
    bool is_fine = admin_each_org(admin, on_org_to_grid, &grid);
    if (is_fine && grid.cell_count == 5) {
        printf("no organisations yet; create one: %s\n", cli_command(admin->options, "org create KEY"));
    } else if (is_fine) {
        grid_print(&grid, stdout);
    }
    grid_dispose(&grid);
    return is_fine;
}

int cli_org_list(const struct options *options)
{
    struct admin admin;
    if (!admin_open(&admin, options, STORE_READ_ONLY))
        return EXIT_FAILED;
    bool is_fine =
        admin_read(&admin) != NULL && (options->format == FORMAT_JSON ? list_as_json : list_as_table)(&admin);
    admin_close(&admin);
    return is_fine ? EXIT_FINE : EXIT_FAILED;
}

/* ---- show ---------------------------------------------------------------------------------------------------- */

static void print_line(const char *name, struct bytes text, const char *when_empty)
{
    if (text.len == 0)
        text = bytes_of_string(when_empty);
    printf("%-16s %.*s\n", name, (int)text.len, text.data);
}

static void print_days(const char *name, uint64_t days, const char *when_0, const char *more)
{
    char text[64];
    snprintf(text, sizeof(text), "%" PRIu64 " days%s", days, more);
    print_line(name, days != 0 ? bytes_of_string(text) : BYTES(""), when_0);
}

static void print_retention(const struct org *org)
{
    print_days("keep visitors", org->retain_visitors_days, "for ever", " after they were seen");
    print_days("keep messages", org->retain_messages_days, "for ever",
               org->redact_messages ? ", then redact them" : "");
    print_days("keep empty", org->retain_empty_days, "for ever", "");
    print_days("keep audit", org->retain_audit_days, "a year", "");
    print_days("keep erasures", org->retain_erasures_days, "for ever", "");
    print_line("addresses", org->addresses, "none");
}

static void print_org(const struct org *org)
{
    char id[ID_TEXT_LEN], created[MINUTE_TEXT_LEN + 1], updated[MINUTE_TEXT_LEN + 1];
    struct bytes rest = org->origins, origin;
    id_format(org->id, id);
    format_minute(org->created_at_ms, created);
    format_minute(org->updated_at_ms, updated);
    print_line("key", org->key, "");
    print_line("name", org->name, "-");
    print_line("id", bytes_view(id, ID_TEXT_LEN), "");
    print_line("created", bytes_of_string(created), "");
    print_line("updated", bytes_of_string(updated), "");
    if (rest.len == 0)
        print_line("origins", BYTES("any"), "");
    for (const char *name = "origins"; origin_next(&rest, &origin); name = "")
        print_line(name, origin, "");
    print_line("widget title", org->widget_title, "(the name)");
    print_line("widget subtitle", org->widget_subtitle, "-");
    print_line("widget color", org->widget_color, "(default)");
    print_line("widget position", org->widget_position, "(default)");
    print_line("widget language", org->widget_language, "(default)");
    print_line("count visits", org->count_visits ? BYTES("on") : BYTES("off"), "");
    print_line("business hours", org->business_hours, "(always)");
    print_retention(org);
    print_line("writing", org->write_disabled ? BYTES("off") : BYTES("on"), "");
    print_line("widget", org->widget_disabled ? BYTES("off") : BYTES("on"), "");
    print_line("blocked answer", org->blocked_answer, "silence");
}

static bool show(struct admin *admin)
{
    struct org org;
    struct buffer out = {0};
    if (admin_read(admin) == NULL || !admin_find_org(admin, admin->options->arguments[0], &org))
        return false;
    if (admin->options->format == FORMAT_JSON) {
        put_org_json(&out, &org);
        print_buffer(&out);
    } else {
        print_org(&org);
    }
    return true;
}

int cli_org_show(const struct options *options)
{
    struct admin admin;
    if (!admin_open(&admin, options, STORE_READ_ONLY))
        return EXIT_FAILED;
    bool is_fine = show(&admin);
    admin_close(&admin);
    return is_fine ? EXIT_FINE : EXIT_FAILED;
}

/* ---- update -------------------------------------------------------------------------------------------------- */

static const enum option retention_options[] = {OPTION_retain_visitors, OPTION_retain_messages, OPTION_redact_messages,
                                                OPTION_retain_empty,    OPTION_retain_audit,    OPTION_retain_erasures,
                                                OPTION_addresses};

static bool retention_is_given(const struct options *options)
{
    bool given = false;
    for (size_t i = 0; i < sizeof(retention_options) / sizeof(retention_options[0]); ++i)
        given |= options->given[retention_options[i]];
    return given;
}

/* Days and one; 0: stays as it is. */
static uint64_t days_or_none(const struct options *options, enum option option, uint64_t days)
{
    return options->given[option] ? days + 1 : 0;
}

static void read_retention(const struct options *options, struct org_update *change)
{
    static const char *const addresses[] = {"none", "truncated", "full"};
    change->retain_visitors = days_or_none(options, OPTION_retain_visitors, options->retain_visitors);
    change->retain_messages = days_or_none(options, OPTION_retain_messages, options->retain_messages);
    change->retain_empty = days_or_none(options, OPTION_retain_empty, options->retain_empty);
    change->retain_audit = days_or_none(options, OPTION_retain_audit, options->retain_audit);
    change->retain_erasures = days_or_none(options, OPTION_retain_erasures, options->retain_erasures);
    change->set_redact_messages = options->given[OPTION_redact_messages];
    change->redact_messages = options->redact_messages;
    if (options->given[OPTION_addresses])
        change->addresses = bytes_of_string(addresses[options->addresses]);
}

/* Says what is wrong with the flags together; each by itself has been read already. */
static bool update_makes_sense(const struct options *options)
{
    char why[SETTING_WHY_LEN];
    bool changes = options->given[OPTION_name] || options->given[OPTION_origin] || options->no_origins ||
                   options->given[OPTION_widget_title] || options->given[OPTION_widget_subtitle] ||
                   options->given[OPTION_widget_color] || options->given[OPTION_widget_position] ||
                   options->given[OPTION_widget_language] || options->given[OPTION_count_visits] ||
                   options->given[OPTION_business_hours] || options->given[OPTION_write_enabled] ||
                   options->given[OPTION_widget_enabled] || options->given[OPTION_blocked_answer] ||
                   retention_is_given(options);
    if (!changes)
        cli_complain("nothing to change was named; \"helvino help org update\" lists what can be");
    else if (options->given[OPTION_origin] && options->no_origins)
        cli_complain("--origin and --no-origins contradict each other");
    else if (options->given[OPTION_widget_color] && options->widget_color[0] != '\0' &&
             !color_is_valid(bytes_of_string(options->widget_color)))
        cli_complain("--widget-color takes # and six hexadecimal digits, such as #2563eb, not \"%.20s\"",
                     options->widget_color);
    else if (options->given[OPTION_business_hours] &&
             !business_hours_are_valid(bytes_of_string(options->business_hours), why))
        cli_complain("%s", why);
    else
        return true;
    return false;
}

static enum error update(struct admin *admin, struct id org, struct bytes origins)
{
    const struct options *options = admin->options;
    char position[16], language[16], blocked[16];
    struct outcome outcome;
    option_choice_word(OPTION_widget_position, options->widget_position, position, sizeof(position));
    option_choice_word(OPTION_widget_language, options->widget_language, language, sizeof(language));
    option_choice_word(OPTION_blocked_answer, options->blocked_answer, blocked, sizeof(blocked));
    struct org_update change = {
        .org = org,
        .at_ms = clock_now_ms(),
        .name = text_or_none(options->given[OPTION_name], options->name),
        .widget_title = text_or_none(options->given[OPTION_widget_title], options->widget_title),
        .widget_subtitle = text_or_none(options->given[OPTION_widget_subtitle], options->widget_subtitle),
        .widget_color = text_or_none(options->given[OPTION_widget_color], options->widget_color),
        .widget_position = text_or_none(options->given[OPTION_widget_position], position),
        .widget_language = text_or_none(options->given[OPTION_widget_language], language),
        .set_count_visits = options->given[OPTION_count_visits],
        .count_visits = options->count_visits,
        .business_hours = text_or_none(options->given[OPTION_business_hours], options->business_hours),
        .set_write_disabled = options->given[OPTION_write_enabled],
        .write_disabled = !options->write_enabled,
        .set_widget_disabled = options->given[OPTION_widget_enabled],
        .widget_disabled = !options->widget_enabled,
        .blocked_answer = text_or_none(options->given[OPTION_blocked_answer], blocked),
    };
    read_retention(options, &change);
    if (options->no_origins)
        change.origins = BYTES("");
    else if (options->given[OPTION_origin])
        change.origins = origins;
    return admin_execute(admin, &(struct command){.kind = COMMAND_ORG_UPDATE, .org_update = change}, OK, &outcome);
}

int cli_org_update(const struct options *options)
{
    struct admin admin;
    struct id org;
    struct buffer origins = {0};
    if (!update_makes_sense(options) || !read_origins(&options->origin, &origins))
        return EXIT_USAGE;
    bool is_open = admin_open(&admin, options, STORE_ADMIN);
    bool is_fine = is_open && admin_find_org_id(&admin, options->arguments[0], &org) &&
                   update(&admin, org, buffer_view(&origins)) == OK;
    if (is_open)
        admin_close(&admin);
    buffer_dispose(&origins);
    if (is_fine)
        printf("updated organisation %s\n", options->arguments[0]);
    return is_fine ? EXIT_FINE : EXIT_FAILED;
}

/* ---- delete -------------------------------------------------------------------------------------------------- */

static int delete_all(struct admin *admin)
{
    struct doomed doomed;
    struct outcome outcome;
    if (!find_doomed(admin, &doomed))
        return EXIT_FAILED;
    if (!doomed.has_living && !doomed.has_deleted) {
        admin_complain_of_no_org(admin, doomed.key);
        return EXIT_FAILED;
    }
    if (doomed.has_living) {
        const struct command command = {.kind = COMMAND_ORG_DELETE,
                                        .org_delete = {.org = doomed.living, .at_ms = clock_now_ms()}};
        if (admin_execute(admin, &command, OK, &outcome) != OK || !purge(admin, doomed.living))
            return EXIT_FAILED;
    }
    if (doomed.has_deleted && !purge(admin, doomed.deleted))
        return EXIT_FAILED;
    printf("deleted organisation %s with all its data\n", doomed.key);
    return EXIT_FINE;
}

int cli_org_delete(const struct options *options)
{
    struct admin admin;
    if (!options->yes) {
        cli_complain("this deletes every visitor, conversation and message of \"%.64s\" for good; say --yes to do it",
                     options->arguments[0]);
        return EXIT_USAGE;
    }
    if (!admin_open(&admin, options, STORE_ADMIN))
        return EXIT_FAILED;
    int status = delete_all(&admin);
    admin_close(&admin);
    return status;
}
