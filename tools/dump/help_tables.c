/* The help topics that only this folder can tell: the tables as schema.h has them, and the reports as their files
 * describe themselves. So neither can lack an explanation. */
#include "cli/help.h"
#include "functions.h"
#include "report_file.h"
#include "reports.h"
#include "schema.h"

#include <stdlib.h>
#include <string.h>

#define NAME_WIDTH 24
#define INDENT 4

/* ---- tables ----------------------------------------------------------------------------------------------------- */

static const char *type_text(enum field_type type)
{
    switch (type) {
    case FIELD_TIME:
        return "time";
    case FIELD_UINT:
        return "number";
    case FIELD_BOOL:
        return "0 or 1";
    default:
        return "text";
    }
}

static void print_column(FILE *out, const struct column *column)
{
    int len = fprintf(out, "    %s", column->name);
    fprintf(out, "%*s%s%s%s\n", len < NAME_WIDTH ? NAME_WIDTH - len : 1, "", type_text(column->type),
            column_may_be_null(column) ? " or NULL" : "", column_is_hidden(column) ? ", not in SELECT *" : "");
}

static void print_table(FILE *out, const struct schema *schema)
{
    fprintf(out, "  %s\n", schema->name);
    for (unsigned i = 0; i < schema->column_count; ++i)
        print_column(out, &schema->columns[i]);
    fputc('\n', out);
}

static void print_markdown_table(FILE *out, const struct schema *schema)
{
    fprintf(out, "| `%s` | ", schema->name);
    for (unsigned i = 0; i < schema->column_count; ++i) {
        const struct column *column = &schema->columns[i];
        const char *emphasis = column_is_hidden(column) ? "*" : "";
        fprintf(out, "%s%s%s%s%s", i != 0 ? ", " : "", emphasis, column->name, emphasis,
                column_may_be_null(column) ? "?" : "");
    }
    fputs(" |\n", out);
}

static void print_functions(FILE *out)
{
    fputs("Functions, beside SQLite's own\n\n", out);
    for (const struct function_spec *function = function_specs; function->name != NULL; ++function) {
        int len = fprintf(out, "  %s(%s)", function->name, function->arguments);
        fprintf(out, "%*s", len < 32 ? 32 - len : 1, "");
        help_print_filled(out, function->help, 32, 32);
    }
    fputc('\n', out);
}

void help_print_tables(FILE *out, bool markdown)
{
    if (markdown)
        fputs("| table | columns (*not in* `SELECT *`; ? may be NULL) |\n|---|---|\n", out);
    for (unsigned i = 0; i < RECORD_COUNT; ++i)
        if (schemas[i]->use != SCHEMA_UNSEEN)
            (markdown ? print_markdown_table : print_table)(out, schemas[i]);
    if (markdown)
        return;
    help_print_paragraphs(
        out,
        "Times are text in UTC, such as '2026-01-31 23:59:59.999', so they compare and sort as times, and SQLite's "
        "date functions read them. The role of a message is 'user' (the visitor) or 'assistant' (the answer). A "
        "conversation of nobody known has no visitorId. Put names with capitals in double quotes, texts in single "
        "ones.\n\n");
    print_functions(out);
    help_print_paragraphs(
        out, "A zone is a name such as 'Europe/Istanbul', an offset such as '+03:00', or 'UTC'.\n\n"
             "Parameters: :org, :visitor, :since, :until and :tz are what the flags of the same names say; :org is the "
             "organisation's id, and :until is no longer part of the period. What was not said is NULL, but for :tz, "
             "which is 'UTC' then.\n\n"
             "Examples\n\n"
             "  helvino dump sql 'SELECT * FROM visitors ORDER BY \"lastSeenAt\" DESC LIMIT 10'\n\n"
             "  helvino dump sql --tz Europe/Istanbul --since 30d \\\n"
             "    'SELECT local_day(timestamp, :tz) AS day, role, count(*) FROM messages\n"
             "     WHERE timestamp >= :since GROUP BY 1, 2'\n\n"
             "  helvino dump sql --format ndjson --org KEY \\\n"
             "    'SELECT c.id, m.role, m.content FROM conversations c\n"
             "     JOIN messages m ON m.\"conversationId\" = c.id\n"
             "     WHERE c.\"orgId\" = :org ORDER BY c.id, m.seq'");
}

/* ---- reports ---------------------------------------------------------------------------------------------------- */

static void print_parameters(FILE *out, const struct report *report, const char *before, const char *between)
{
    for (int i = 0; i < REPORT_PARAMETER_COUNT; ++i) {
        if (!report->takes[i])
            continue;
        fprintf(out, "%s--%s%s", before, report_parameter_name((enum report_parameter)i),
                report->requires[i] ? " (required)" : "");
        before = between;
    }
}

static void print_report(FILE *out, const char *name, const struct report *report)
{
    char *definition = bytes_dup(bytes_of_string(report->definition)), *rest = definition, *paragraph;
    fprintf(out, "  %s\n", name);
    while ((paragraph = strsep(&rest, "\n")) != NULL)
        help_print_filled(out, paragraph, 0, INDENT);
    free(definition);
    fprintf(out, "%*s", INDENT, "");
    print_parameters(out, report, "Flags: ", ", ");
    fputs("\n\n", out);
}

static void print_markdown_report(FILE *out, const char *name, const struct report *report)
{
    struct bytes summary = bytes_view(report->definition, report_summary_len(report));
    char *text = bytes_dup(summary);
    fprintf(out, "| `%s` | ", name);
    help_print_markdown_text(out, text);
    fputs(" | ", out);
    print_parameters(out, report, "`", "` `");
    fputs("` |\n", out);
    free(text);
}

void help_print_reports(FILE *out, bool markdown)
{
    char why[REPORT_WHY_LEN];
    struct report report;
    if (markdown)
        fputs("| report | what it tells | flags |\n|---|---|---|\n", out);
    for (const struct report_file *file = report_files; file->name != NULL; ++file) {
        if (!report_parse(file->sql, &report, why))
            continue; /* the report itself says what is wrong with it */
        (markdown ? print_markdown_report : print_report)(out, file->name, &report);
        report_dispose(&report);
    }
    if (!markdown)
        help_print_paragraphs(out,
                              "Print one with \"helvino dump report NAME\"; \"helvino help dump report\" lists all "
                              "flags. A day, a week or a month is one of --tz.");
}
