/* `helvino dump report`: the list of reports, or one of them, section by section, on one snapshot. Everything that is
 * wrong with the command line is said before the database is opened. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/help.h"
#include "report_file.h"
#include "reports.h"

static const enum option flags[REPORT_PARAMETER_COUNT] = {
    [REPORT_ORG] = OPTION_org,     [REPORT_VISITOR] = OPTION_visitor, [REPORT_SINCE] = OPTION_since,
    [REPORT_UNTIL] = OPTION_until, [REPORT_TZ] = OPTION_tz,
};

/* A mistake in a file is its author's, who should read what it is. */
static bool parse_file(const struct report_file *file, struct report *out)
{
    char why[REPORT_WHY_LEN];
    if (report_parse(file->sql, out, why))
        return true;
    cli_complain("the report %s.sql is wrong in %s", file->name, why);
    return false;
}

/* ---- the list --------------------------------------------------------------------------------------------------- */

static void print_list(void)
{
    int width = 0;
    for (const struct report_file *file = report_files; file->name != NULL; ++file)
        width = (int)strlen(file->name) > width ? (int)strlen(file->name) : width;
    printf("%-*s  WHAT IT TELLS\n", width, "REPORT");
    for (const struct report_file *file = report_files; file->name != NULL; ++file) {
        struct report report;
        if (!parse_file(file, &report))
            continue;
        char *summary = bytes_dup(bytes_view(report.definition, report_summary_len(&report)));
        help_print_filled(stdout, summary, (size_t)printf("%s", file->name), (size_t)width + 2);
        free(summary);
        report_dispose(&report);
    }
}

static void put_report_json(struct buffer *out, const struct report_file *file, const struct report *report)
{
    json_open(out, '{');
    json_member_string(out, "name", bytes_of_string(file->name));
    json_member_string(out, "title", bytes_of_string(report->title));
    json_member_string(out, "definition", bytes_of_string(report->definition));
    json_key(out, BYTES("parameters"));
    json_open(out, '[');
    for (int i = 0; i < REPORT_PARAMETER_COUNT; ++i) {
        if (!report->takes[i])
            continue;
        json_element(out);
        json_open(out, '{');
        json_member_string(out, "name", bytes_of_string(report_parameter_name((enum report_parameter)i)));
        json_member_bool(out, "required", report->requires[i]);
        json_close(out, '}');
    }
    json_close(out, ']');
    json_close(out, '}');
}

static void print_list_json(void)
{
    struct buffer out = {0};
    json_open(&out, '[');
    for (const struct report_file *file = report_files; file->name != NULL; ++file) {
        struct report report;
        if (!parse_file(file, &report))
            continue;
        json_element(&out);
        put_report_json(&out, file, &report);
        report_dispose(&report);
    }
    json_close(&out, ']');
    printf("%.*s\n", (int)out.len, out.data);
    buffer_dispose(&out);
}

static int list_reports(const struct options *options)
{
    enum output_format format = (enum output_format)options->result_format;
    if (options->org != NULL || options->visitor != NULL || options->since != NULL || options->until != NULL ||
        options->output != NULL) {
        cli_complain("name a report first: %s", cli_command(options, "dump report overview"));
        return EXIT_USAGE;
    }
    if (format != OUTPUT_AUTO && format != OUTPUT_TABLE && format != OUTPUT_JSON) {
        cli_complain("the list of reports is printed as table or json; to print a report, name it");
        return EXIT_USAGE;
    }
    (format == OUTPUT_JSON ? print_list_json : print_list)();
    return EXIT_FINE;
}

/* ---- finding one ------------------------------------------------------------------------------------------------ */

static const struct report_file *find_file(const char *name)
{
    for (const struct report_file *file = report_files; file->name != NULL; ++file)
        if (strcmp(file->name, name) == 0)
            return file;
    return NULL;
}

static void complain_of_unknown(const char *name)
{
    struct suggestion best = {0};
    struct buffer names = {0};
    for (const struct report_file *file = report_files; file->name != NULL; ++file) {
        option_suggest(&best, name, file->name);
        buffer_printf(&names, "%s%s", names.len != 0 ? ", " : "", file->name);
    }
    buffer_append(&names, "", 1);
    if (best.word != NULL)
        cli_complain("there is no report \"%.60s\"; did you mean \"%s\"? There are %s", name, best.word, names.data);
    else
        cli_complain("there is no report \"%.60s\"; there are %s", name, names.data);
    buffer_dispose(&names);
}

static bool check_flags(const struct options *options, const char *name, const struct report *report)
{
    for (int i = 0; i < REPORT_PARAMETER_COUNT; ++i) {
        const char *flag = option_specs[flags[i]].flag;
        if (options->given[flags[i]] && !report->takes[i]) {
            cli_complain("the report \"%s\" has no use for --%s; \"helvino help reports\" tells what each takes", name,
                         flag);
            return false;
        }
        if (report->requires[i] && !options->given[flags[i]]) {
            cli_complain("the report \"%s\" needs --%s %s", name, flag, option_specs[flags[i]].argument);
            return false;
        }
    }
    return true;
}

/* The flags that say which rows there are, as they were given: " --org shop --since 30d". */
static char *flags_text(const struct options *options)
{
    static const enum option which[] = {OPTION_org, OPTION_visitor, OPTION_since, OPTION_until, OPTION_tz, OPTION_data};
    const char *values[] = {options->org, options->visitor, options->since, options->until, options->tz, options->data};
    struct buffer out = {0};
    for (size_t i = 0; i < sizeof(which) / sizeof(*which); ++i) {
        if (!options->given[which[i]])
            continue;
        buffer_printf(&out, " --%s ", option_specs[which[i]].flag);
        cli_put_word(&out, values[i]);
    }
    buffer_append(&out, "", 1);
    return out.data;
}

/* ---- what stands above it --------------------------------------------------------------------------------------- */

/* "2026-01-31 14:30", in the zone; seconds only when there are any. */
static void put_moment(struct buffer *out, int64_t time_ms)
{
    char text[TIME_TEXT_LEN];
    time_format(time_ms + (int64_t)period_offset_minutes(time_ms) * 60000, text);
    text[10] = ' ';
    size_t len = memcmp(text + 20, "000", 3) != 0 ? 23 : memcmp(text + 17, "00", 2) != 0 ? 19 : 16;
    buffer_append(out, text, len);
}

static void put_sql_moment(struct buffer *out, const char *before, const char *text)
{
    int64_t time_ms = 0;
    bool is_time = time_parse(bytes_of_string(text), &time_ms);
    assert(is_time);
    (void)is_time;
    buffer_append_string(out, before);
    put_moment(out, time_ms);
}

static char *period_text(const struct database_parameters *parameters)
{
    struct buffer out = {0};
    if (parameters->since == NULL && parameters->until == NULL)
        buffer_append_string(&out, "all time");
    if (parameters->since != NULL)
        put_sql_moment(&out, parameters->until != NULL ? "from " : "since ", parameters->since);
    if (parameters->until != NULL)
        put_sql_moment(&out, parameters->since != NULL ? " to before " : "before ", parameters->until);
    buffer_append(&out, "", 1);
    return out.data;
}

static char *made_at_text(void)
{
    struct buffer out = {0};
    put_moment(&out, clock_now_ms() / 1000 * 1000);
    buffer_append(&out, "", 1);
    return out.data;
}

/* "acme", or "acme (Acme Ltd)". */
static char *organisation_text(const struct answer *answer, const char *key)
{
    struct buffer out = {0};
    buffer_append_string(&out, key != NULL ? key : "all");
    for (size_t i = 0; key != NULL && i < answer->snapshot.org_count; ++i) {
        const struct snapshot_org *org = &answer->snapshot.orgs[i];
        if (bytes_equal(org->key, bytes_of_string(key)) && !bytes_equal(org->name, org->key))
            buffer_printf(&out, " (%.*s)", (int)org->name.len, org->name.data);
    }
    buffer_append(&out, "", 1);
    return out.data;
}

static void put_preamble(struct answer *answer, const struct options *options, const struct report *report)
{
    char *period = period_text(&answer->parameters), *made_at = made_at_text();
    char *organisation = organisation_text(answer, options->org), *asked = flags_text(options);
    output_preamble(answer->output, &(struct output_preamble){
                                        .name = options->arguments[0],
                                        .title = report->title,
                                        .definition = report->definition,
                                        .period = period,
                                        .time_zone = options->tz,
                                        .made_at = made_at,
                                        .organisation = report->takes[REPORT_ORG] ? organisation : NULL,
                                        .flags = asked,
                                        .seq = answer->snapshot.seq,
                                    });
    free(period);
    free(made_at);
    free(organisation);
    free(asked);
}

/* ---- one report ------------------------------------------------------------------------------------------------- */

static int run_sections(struct answer *answer, const struct report *report)
{
    int status = EXIT_FINE;
    for (size_t i = 0; i < report->section_count && status == EXIT_FINE; ++i) {
        const struct report_section *section = &report->sections[i];
        struct output_head head = {section->title, section->chart};
        const char *sql = section->sql;
        uint64_t rows;
        bool done;
        status = database_run(answer->database, &sql, &head, answer->output, &rows, &done);
        if (status == EXIT_FINE && report->requires[REPORT_VISITOR] && i == 0 && rows == 0) {
            cli_complain("there is no visitor with that key%s",
                         answer->parameters.org != NULL ? " in the organisation" : "");
            status = EXIT_FAILED;
        }
    }
    return status;
}

static int print_report(const struct options *options, const struct report *report)
{
    struct answer answer;
    int status = answer_open(&answer, options);
    if (status != EXIT_FINE)
        return status;
    const struct database_parameters *parameters = &answer.parameters;
    if (parameters->since != NULL && parameters->until != NULL && strcmp(parameters->since, parameters->until) >= 0) {
        cli_complain("the period is empty: --since must lie before --until");
        return answer_close(&answer, EXIT_USAGE);
    }
    put_preamble(&answer, options, report);
    return answer_close(&answer, run_sections(&answer, report));
}

int cli_dump_report(const struct options *options)
{
    if (options->argument_count == 0)
        return list_reports(options);
    const char *name = options->arguments[0];
    const struct report_file *file = find_file(name);
    if (file == NULL) {
        complain_of_unknown(name);
        return EXIT_USAGE;
    }
    struct report report;
    if (!parse_file(file, &report))
        return EXIT_FAILED;
    int status = check_flags(options, name, &report) ? print_report(options, &report) : EXIT_USAGE;
    report_dispose(&report);
    return status;
}
