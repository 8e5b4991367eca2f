/*
 * `helvino help`: all of it comes from the tables subcommands.def and options.def, so a flag or a command can't lack
 * its explanation; only the general topics are written out here. --markdown gives the tables of the README.
 */
#include "cli/help.h"

#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "cli/cli.h"

#define FLAG_WIDTH 42
#define NAME_WIDTH 33
#define TOPIC_LEN_MAX 64

/* ---- text ---------------------------------------------------------------------------------------------------- */

void help_print_filled(FILE *out, const char *text, size_t at, size_t indent)
{
    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        if (at > indent && at + 1 + len > HELP_WIDTH) {
            fputc('\n', out);
            at = 0;
        }
        size_t gap = at < indent ? indent - at : at > indent;
        at += (size_t)fprintf(out, "%*s%.*s", (int)gap, "", (int)len, text);
        text += len + (text[len] == ' ');
    }
    fputc('\n', out);
}

void help_print_paragraphs(FILE *out, const char *text)
{
    while (*text != '\0') {
        int len = (int)strcspn(text, "\n");
        char line[1024];
        snprintf(line, sizeof(line), "%.*s", len, text);
        if (line[0] == ' ')
            fprintf(out, "%s\n", line);
        else
            help_print_filled(out, line, 0, 0);
        text += len + (text[len] == '\n');
    }
}

/* "name" in its column, and what it is behind it. */
static void print_entry(FILE *out, const char *name, const char *text)
{
    int len = fprintf(out, "  %s", name);
    if (len + 1 > NAME_WIDTH) {
        fputc('\n', out);
        len = 0;
    }
    help_print_filled(out, text, (size_t)len, NAME_WIDTH);
}

static void subcommand_usage(enum subcommand subcommand, char out[TOPIC_LEN_MAX])
{
    const struct subcommand_spec *spec = &subcommand_specs[subcommand];
    snprintf(out, TOPIC_LEN_MAX, "%s%s%s", spec->words, spec->arguments[0] != '\0' ? " " : "", spec->arguments);
}

/* ---- flags --------------------------------------------------------------------------------------------------- */

/* The rows of options.def in order: a title, or a flag. */
static const struct {
    const char *title;
    enum option option;
} option_rows[] = {
#define GROUP(title) {title, OPTION_COUNT},
#define OPTION(member, kind, flag, argument, default_, min, max, subcommands, help) {NULL, OPTION_##member},
#include "cli/options.def"
#undef OPTION
#undef GROUP
};
#define OPTION_ROW_COUNT (sizeof(option_rows) / sizeof(*option_rows))

/* The subcommands whose flags are wanted, a bit for each. */
#define ALL_SUBCOMMANDS UINT64_MAX

static bool is_row_wanted(size_t row, uint64_t subcommands)
{
    return option_rows[row].title == NULL && (option_specs[option_rows[row].option].subcommands & subcommands) != 0;
}

static bool is_group_wanted(size_t title_row, uint64_t subcommands)
{
    for (size_t row = title_row + 1; row < OPTION_ROW_COUNT && option_rows[row].title == NULL; ++row)
        if (is_row_wanted(row, subcommands))
            return true;
    return false;
}

static bool takes_flags(uint64_t subcommands)
{
    for (size_t row = 0; row < OPTION_ROW_COUNT; ++row)
        if (is_row_wanted(row, subcommands))
            return true;
    return false;
}

static void print_flag(FILE *out, enum option option)
{
    const struct option_spec *spec = &option_specs[option];
    char variable[OPTION_VARIABLE_LEN];
    option_variable(option, variable);
    int len = fprintf(out, "  --%s %s", spec->flag, spec->argument);
    fprintf(out, "%*s %s\n", len < FLAG_WIDTH ? FLAG_WIDTH - len : 0, "", variable);
    char text[512];
    snprintf(text, sizeof(text), "%s%s%s%s", spec->help, spec->default_text != NULL ? " (default: " : "",
             spec->default_text != NULL ? spec->default_text : "", spec->default_text != NULL ? ")" : "");
    help_print_filled(out, text, 0, 6);
}

static void print_flags(FILE *out, uint64_t subcommands, bool with_titles)
{
    for (size_t row = 0; row < OPTION_ROW_COUNT; ++row) {
        if (is_row_wanted(row, subcommands))
            print_flag(out, option_rows[row].option);
        else if (with_titles && option_rows[row].title != NULL && is_group_wanted(row, subcommands))
            fprintf(out, "%s%s\n", row == 0 ? "" : "\n", option_rows[row].title);
    }
}

void help_print_markdown_text(FILE *out, const char *text)
{
    for (; *text != '\0'; ++text)
        fprintf(out, "%s%c", *text == '|' ? "\\" : "", *text);
}

static void print_markdown_flag(FILE *out, enum option option)
{
    const struct option_spec *spec = &option_specs[option];
    char variable[OPTION_VARIABLE_LEN];
    option_variable(option, variable);
    fprintf(out, "| `--%s%s", spec->flag, spec->argument[0] != '\0' ? " " : "");
    help_print_markdown_text(out, spec->argument);
    fprintf(out, "` | `%s` | ", variable);
    if (spec->default_text != NULL)
        fprintf(out, "`%s`", spec->default_text);
    fputs(" | ", out);
    help_print_markdown_text(out, spec->help);
    fputs(" |\n", out);
}

static void print_markdown_flags(FILE *out, uint64_t subcommands)
{
    fputs("| flag | variable | default | meaning |\n|---|---|---|---|\n", out);
    for (size_t row = 0; row < OPTION_ROW_COUNT; ++row) {
        if (is_row_wanted(row, subcommands))
            print_markdown_flag(out, option_rows[row].option);
        else if (option_rows[row].title != NULL && is_group_wanted(row, subcommands))
            fprintf(out, "| **%s** | | | |\n", option_rows[row].title);
    }
}

static void print_all_flags(FILE *out, bool markdown)
{
    if (markdown)
        print_markdown_flags(out, ALL_SUBCOMMANDS);
    else
        print_flags(out, ALL_SUBCOMMANDS, true);
}

/* ---- commands ------------------------------------------------------------------------------------------------ */

/* Those whose words begin with `group`, which may be empty. */
static void print_commands(FILE *out, const char *group, bool markdown)
{
    if (markdown)
        fputs("| command | what it does |\n|---|---|\n", out);
    for (unsigned i = 0; i < SUBCOMMAND_COUNT; ++i) {
        char usage[TOPIC_LEN_MAX];
        if (strncmp(subcommand_specs[i].words, group, strlen(group)) != 0)
            continue;
        subcommand_usage((enum subcommand)i, usage);
        if (markdown)
            fprintf(out, "| `helvino %s` | %s |\n", usage, subcommand_specs[i].summary);
        else
            print_entry(out, usage, subcommand_specs[i].summary);
    }
}

static void print_all_commands(FILE *out, bool markdown)
{
    print_commands(out, "", markdown);
}

static void print_subcommand(FILE *out, enum subcommand subcommand, bool markdown)
{
    uint64_t bit = UINT64_C(1) << subcommand;
    char usage[TOPIC_LEN_MAX];
    if (markdown) {
        print_markdown_flags(out, bit);
        return;
    }
    subcommand_usage(subcommand, usage);
    bool has_flags = takes_flags(bit);
    fprintf(out, "helvino %s: %s\n\nusage: helvino %s%s\n", subcommand_specs[subcommand].words,
            subcommand_specs[subcommand].summary, usage, has_flags ? " [FLAGS]" : "");
    if (subcommand_specs[subcommand].details[0] != '\0') {
        fputc('\n', out);
        help_print_filled(out, subcommand_specs[subcommand].details, 0, 0);
    }
    if (has_flags)
        fputc('\n', out);
    print_flags(out, bit, subcommand == SUBCOMMAND_SERVE);
}

static bool print_group(FILE *out, const char *topic, bool markdown)
{
    char group[TOPIC_LEN_MAX + 1];
    snprintf(group, sizeof(group), "%s ", topic);
    for (unsigned i = 0; i < SUBCOMMAND_COUNT; ++i) {
        if (strncmp(subcommand_specs[i].words, group, strlen(group)) == 0) {
            if (!markdown)
                fprintf(out, "helvino %s: what can follow\n\nusage: helvino %s COMMAND [FLAGS]\n\n", topic, topic);
            print_commands(out, group, markdown);
            return true;
        }
    }
    return false;
}

/* The next cell of a row "| `route` | who | what |", without its spaces and backquotes. */
static const char *next_cell(char **rest)
{
    char *cell = strsep(rest, "|");
    if (cell == NULL)
        return "";
    cell += strspn(cell, " `");
    for (size_t len = strlen(cell); len != 0 && strchr(" `", cell[len - 1]) != NULL; --len)
        cell[len - 1] = '\0';
    return cell;
}

static void print_route(FILE *out, char *row)
{
    next_cell(&row);
    const char *route = next_cell(&row), *who = next_cell(&row), *help = next_cell(&row);
    int len = fprintf(out, "  %s", route);
    fprintf(out, "%*s %s\n", len < FLAG_WIDTH ? FLAG_WIDTH - len : 0, "", who);
    help_print_filled(out, help, 0, 6);
}

/* The route table says it in Markdown; for a terminal its rows are laid out like flags. */
static void print_routes(FILE *out, bool markdown)
{
    struct buffer text = {0};
    api_routes_markdown(&text);
    if (markdown) {
        fwrite(text.data, 1, text.len, out);
    } else {
        buffer_append(&text, "", 1);
        char *rest = strstr(text.data, "|---"), *row;
        strsep(&rest, "\n");
        while ((row = strsep(&rest, "\n")) != NULL && row[0] != '\0')
            print_route(out, row);
    }
    buffer_dispose(&text);
}

/* ---- topics -------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *summary;
    void (*print)(FILE *out, bool markdown); /* or text */
    const char *text;
} topics[] = {
    {"commands", "every command", print_all_commands, NULL},
    {"flags", "every flag, with its environment variable", print_all_flags, NULL},
    {"api", "the routes of the HTTP API", print_routes, NULL},
    {"tables", "the tables, functions and parameters of SQL", help_print_tables, NULL},
    {"reports", "every report: what it tells, and how it counts", help_print_reports, NULL},
    {"environment", "how flags and environment variables go together", NULL,
     "Every flag can be given as an environment variable: HELVINO_ and the flag's name in upper case, with '_' for "
     "'-'. "
     "So --log-level warn is HELVINO_LOG_LEVEL=warn. A flag beats its variable, and a variable beats the default. An "
     "empty variable counts as none.\n\n"
     "A flag that may be repeated takes a list in its variable: "
     "HELVINO_LISTEN=http://127.0.0.1:4000,http://[::1]:4000. "
     "A flag without an argument takes on or off: HELVINO_DEMO=on.\n\n"
     "\"helvino help flags\" lists them all."},
    {"listen", "addresses, TLS and certificates", NULL,
     "--listen takes\n"
     "  http://127.0.0.1:4000    clear text, on one address\n"
     "  https://[::]:443         TLS, on every address, IPv4 included\n"
     "  redirect://:80           sends browsers to https:// on the same host\n"
     "  127.0.0.1:4000           clear text\n"
     "  4000                     the same as http://:4000: clear text, every address\n\n"
     "TLS needs --tls-cert with the certificate chain and --tls-key with its key, both in PEM. SIGHUP reads them again "
     "without dropping a connection; a certificate that can't be used is reported, and the old one stays.\n\n"
     "Any ACME client can renew the certificate: let it write its challenges to a directory, name that with "
     "--acme-dir, "
     "and let it send SIGHUP to the server afterwards.\n\n"
     "Behind a proxy, name the proxy's address with --trusted-proxies, so that limits apply to its clients and not to "
     "itself."},
    {"files", "what is on disk, and how to copy it", NULL,
     "The directory of --data holds\n"
     "  data.mdb        everything: organisations, visitors, conversations, messages\n"
     "  lock.mdb        who reads at the moment; made anew when it is missing\n"
     "  helvino.lock    held by the server, so that there is only one\n"
     "  reserve         16 MiB for deletions on a full disk; leave it there\n\n"
     "It must be on a disk of this machine: never on a network file system.\n\n"
     "To copy it, beside the running server: \"helvino backup FILE\". The copy is one file, verified before it has its "
     "name; \"helvino restore FILE --data DIR\" makes a directory of it. Questions and checks read it as it is: "
     "\"helvino check --data FILE\". Never copy data.mdb while a server runs."},
    {"exit", "with which status commands end", NULL,
     "  0    all went well\n"
     "  1    it failed; the reason is on standard error (check: something is broken)\n"
     "  2    the command line or the environment is wrong; nothing was done\n"
     "  130  it was interrupted, by Ctrl-C or SIGTERM"},
};
#define TOPIC_COUNT (sizeof(topics) / sizeof(*topics))

static void print_overview(FILE *out)
{
    fputs("Helvino: visitor sessions and live chat on your own server.\n\n"
          "usage: helvino COMMAND [FLAGS]\n\nCommands\n",
          out);
    print_commands(out, "", false);
    fputs("\nTopics\n", out);
    for (size_t i = 0; i < TOPIC_COUNT; ++i)
        print_entry(out, topics[i].name, topics[i].summary);
    fputs("\n\"helvino help COMMAND\" lists a command's flags; \"helvino help TOPIC\" explains.\n"
          "To try it out: helvino serve --demo\n",
          out);
}

static bool print_topic(FILE *out, const char *name, bool markdown)
{
    for (size_t i = 0; i < TOPIC_COUNT; ++i) {
        if (strcmp(topics[i].name, name) != 0)
            continue;
        if (!markdown)
            fprintf(out, "helvino help %s: %s\n\n", name, topics[i].summary);
        if (topics[i].print != NULL)
            topics[i].print(out, markdown);
        else
            help_print_paragraphs(out, topics[i].text);
        return true;
    }
    return false;
}

static bool print_command(FILE *out, const char *words, bool markdown)
{
    for (unsigned i = 0; i < SUBCOMMAND_COUNT; ++i) {
        if (strcmp(subcommand_specs[i].words, words) == 0) {
            print_subcommand(out, (enum subcommand)i, markdown);
            return true;
        }
    }
    return false;
}

bool help_print(FILE *out, size_t count, const char *const *words, bool markdown)
{
    char topic[TOPIC_LEN_MAX] = "";
    size_t len = 0;
    for (size_t i = 0; i < count && len < sizeof(topic); ++i)
        len += (size_t)snprintf(topic + len, sizeof(topic) - len, "%s%s", i == 0 ? "" : " ", words[i]);
    if (topic[0] != '\0')
        return print_command(out, topic, markdown) || print_group(out, topic, markdown) ||
               print_topic(out, topic, markdown);
    if (markdown)
        print_all_flags(out, true);
    else
        print_overview(out);
    return true;
}

int cli_help(const struct options *options)
{
    if (help_print(stdout, options->argument_count, options->arguments, options->markdown))
        return EXIT_FINE;
    cli_complain("there is no help about \"%.40s\"; \"helvino help\" lists what there is", options->arguments[0]);
    return EXIT_USAGE;
}
