/* The header of a report, line by line. The files are part of the program, so a mistake in one is its author's: the
 * unit test reads them all, and says what is wrong and where. */
#include "report_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

static const char *const parameter_names[REPORT_PARAMETER_COUNT] = {
    [REPORT_ORG] = "org",     [REPORT_VISITOR] = "visitor", [REPORT_SINCE] = "since",
    [REPORT_UNTIL] = "until", [REPORT_TZ] = "tz",
};

const char *report_parameter_name(enum report_parameter parameter)
{
    return parameter_names[parameter];
}

struct reading {
    const char *at; /* the line that comes next */
    unsigned line;
    struct report *report;
    struct buffer definition;
    bool begins_paragraph;
    char *why;
};

__attribute__((format(printf, 2, 3))) static bool refuse(struct reading *reading, const char *format, ...)
{
    char text[160];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    snprintf(reading->why, REPORT_WHY_LEN, "line %u: %s", reading->line, text);
    return false;
}

/* ---- lines ------------------------------------------------------------------------------------------------------ */

static bool is_at_comment(const struct reading *reading)
{
    return strncmp(reading->at, "--", 2) == 0;
}

/* The next line, without its end. */
static struct bytes next_line(struct reading *reading)
{
    size_t len = strcspn(reading->at, "\n");
    struct bytes line = bytes_view(reading->at, len);
    reading->at += len + (reading->at[len] == '\n');
    ++reading->line;
    return line;
}

/* What stands behind "--" and a space. */
static struct bytes next_comment(struct reading *reading)
{
    struct bytes line = next_line(reading);
    size_t skip = line.len > 2 && line.data[2] == ' ' ? 3 : 2;
    return bytes_view(line.data + skip, line.len - skip);
}

/* Takes "word: " off the front. */
static bool take_word(struct bytes *text, const char *word)
{
    size_t len = strlen(word);
    if (text->len <= len || memcmp(text->data, word, len) != 0 || text->data[len] != ':')
        return false;
    for (++len; len < text->len && text->data[len] == ' ';)
        ++len;
    *text = bytes_view(text->data + len, text->len - len);
    return true;
}

/* ---- parameters ------------------------------------------------------------------------------------------------- */

static bool find_parameter(struct bytes word, enum report_parameter *out)
{
    for (unsigned i = 0; i < REPORT_PARAMETER_COUNT; ++i) {
        if (word.len > 1 && word.data[0] == ':' &&
            bytes_equal(bytes_view(word.data + 1, word.len - 1), bytes_of_string(parameter_names[i]))) {
            *out = (enum report_parameter)i;
            return true;
        }
    }
    return false;
}

static bool read_parameters(struct reading *reading, struct bytes text)
{
    enum report_parameter last = REPORT_PARAMETER_COUNT;
    while (text.len != 0) {
        size_t len = 0;
        while (len < text.len && text.data[len] != ' ')
            ++len;
        struct bytes word = bytes_view(text.data, len);
        if (bytes_equal(word, BYTES("(required)")) && last != REPORT_PARAMETER_COUNT)
        reading->report->requires[last] = true;
        else if (find_parameter(word, &last)) reading->report->takes[last] = true;
        else return refuse(reading, "\"%.*s\" is no parameter", (int)len, text.data);
        len += len < text.len;
        text = bytes_view(text.data + len, text.len - len);
    }
    return true;
}

/* ---- the parts of a header -------------------------------------------------------------------------------------- */

static void add_to_definition(struct reading *reading, struct bytes text)
{
    struct buffer *definition = &reading->definition;
    if (text.len == 0) {
        reading->begins_paragraph = true;
        return;
    }
    if (definition->len != 0)
        buffer_append_string(definition, reading->begins_paragraph ? "\n" : " ");
    buffer_append(definition, text.data, text.len);
    reading->begins_paragraph = false;
}

static bool read_head(struct reading *reading)
{
    if (!is_at_comment(reading))
        return refuse(reading, "a report begins with \"-- Title\"");
    reading->report->title = bytes_dup(next_comment(reading));
    while (is_at_comment(reading)) {
        struct bytes text = next_comment(reading);
        if (take_word(&text, "parameters"))
            return reading->definition.len != 0 ? read_parameters(reading, text)
                                                : refuse(reading, "the definition is missing above the parameters");
        add_to_definition(reading, text);
    }
    return refuse(reading, "the line \"-- parameters:\" is missing");
}

static bool is_chart(struct bytes text)
{
    return bytes_equal(text, BYTES("bar")) || bytes_equal(text, BYTES("line")) || bytes_equal(text, BYTES("cohort"));
}

/* The comments before a statement. */
static bool read_section_head(struct reading *reading, struct report_section *section)
{
    while (is_at_comment(reading)) {
        struct bytes text = next_comment(reading);
        if (take_word(&text, "section") && section->title == NULL && text.len != 0)
            section->title = bytes_dup(text);
        else if (take_word(&text, "chart") && section->chart == NULL && is_chart(text))
            section->chart = bytes_dup(text);
        else if (text.len != 0)
            return refuse(reading, "a section, or a chart (bar, line or cohort), is what can stand here");
    }
    return true;
}

/* A statement ends at the end of a line that ends with a semicolon. */
static bool skip_statement(struct reading *reading)
{
    while (*reading->at != '\0') {
        if (is_at_comment(reading))
            return refuse(reading, "the statement above has no semicolon at its end");
        struct bytes line = next_line(reading);
        if (line.len != 0 && line.data[line.len - 1] == ';')
            return true;
    }
    return refuse(reading, "the last statement has no semicolon at its end");
}

static void skip_empty_lines(struct reading *reading)
{
    while (*reading->at == '\n')
        next_line(reading);
}

static bool read_sections(struct reading *reading)
{
    struct report *report = reading->report;
    while (*reading->at != '\0') {
        if (report->section_count == REPORT_SECTIONS_MAX)
            return refuse(reading, "there are more than %d sections", REPORT_SECTIONS_MAX);
        struct report_section *section = &report->sections[report->section_count++];
        if (!read_section_head(reading, section))
            return false;
        section->sql = reading->at;
        if (!skip_statement(reading))
            return false;
        skip_empty_lines(reading);
    }
    for (size_t i = 0; i < report->section_count; ++i)
        if (report->section_count > 1 && report->sections[i].title == NULL)
            return refuse(reading, "section %zu has no title", i + 1);
    return report->section_count != 0 || refuse(reading, "there is no statement");
}

/* ---- a report --------------------------------------------------------------------------------------------------- */

bool report_parse(const char *text, struct report *out, char why[REPORT_WHY_LEN])
{
    *out = (struct report){0};
    struct reading reading = {.at = text, .report = out, .why = why};
    bool is_fine = read_head(&reading) && read_sections(&reading);
    buffer_append(&reading.definition, "", 1);
    out->definition = reading.definition.data;
    if (!is_fine)
        report_dispose(out);
    return is_fine;
}

void report_dispose(struct report *report)
{
    for (size_t i = 0; i < report->section_count; ++i) {
        free(report->sections[i].title);
        free(report->sections[i].chart);
    }
    free(report->title);
    free(report->definition);
    *report = (struct report){0};
}

size_t report_summary_len(const struct report *report)
{
    size_t len = 0;
    const char *text = report->definition;
    while (text[len] != '\0' && text[len] != '\n')
        if (text[len++] == '.' && (text[len] == ' ' || text[len] == '\n'))
            break;
    return len;
}
