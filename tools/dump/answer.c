/* From flags to an open question. Flags are read before the database is opened: a mistake in them costs nothing. */
#include "answer.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/partial.h"

#define WIDTH_MAX 1000

/* ---- parameters ------------------------------------------------------------------------------------------------- */

static bool read_moment(const char *flag, const char *text, bool to_end, char out[SQL_TIME_LEN + 1])
{
    char why[PERIOD_WHY_LEN];
    int64_t time_ms;
    if (!period_parse(text, clock_now_ms(), to_end, &time_ms, why)) {
        cli_complain("--%s: %s", flag, why);
        return false;
    }
    sql_time_format(time_ms, out);
    out[SQL_TIME_LEN] = '\0';
    return true;
}

static bool read_period(struct answer *answer, const struct options *options)
{
    char why[PERIOD_WHY_LEN];
    if (!period_set_zone(options->tz, why)) {
        cli_complain("--tz: %s", why);
        return false;
    }
    answer->parameters.tz = options->tz;
    if (options->since != NULL && !read_moment("since", options->since, false, answer->since))
        return false;
    if (options->until != NULL && !read_moment("until", options->until, true, answer->until))
        return false;
    answer->parameters.since = options->since != NULL ? answer->since : NULL;
    answer->parameters.until = options->until != NULL ? answer->until : NULL;
    return true;
}

static bool read_org(struct answer *answer, const struct options *options)
{
    struct id id;
    if (options->org == NULL)
        return true;
    if (!snapshot_find_org(&answer->snapshot, options->org, &id))
        return false;
    id_format(id, answer->org);
    answer->org[ID_TEXT_LEN] = '\0';
    answer->parameters.org = answer->org;
    return true;
}

/* ---- where it goes ---------------------------------------------------------------------------------------------- */

static bool is_standard_output(const struct options *options)
{
    return options->output == NULL || strcmp(options->output, "-") == 0;
}

static unsigned terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 80;
    return size.ws_col > WIDTH_MAX ? WIDTH_MAX : size.ws_col;
}

/* What --format auto means for this file: "-o visitors.html" says it already. */
static enum output_format format_of_ending(const char *path)
{
    static const struct {
        const char *ending;
        enum output_format format;
    } endings[] = {{".html", OUTPUT_HTML},    {".json", OUTPUT_JSON},   {".ndjson", OUTPUT_NDJSON},
                   {".jsonl", OUTPUT_NDJSON}, {".md", OUTPUT_MARKDOWN}, {".txt", OUTPUT_TABLE}};
    const char *ending = strrchr(path, '.');
    for (size_t i = 0; ending != NULL && i < sizeof(endings) / sizeof(*endings); ++i)
        if (strcmp(ending, endings[i].ending) == 0)
            return endings[i].format;
    return OUTPUT_CSV;
}

enum output_format answer_format(const struct options *options)
{
    if (options->result_format != OUTPUT_AUTO)
        return (enum output_format)options->result_format;
    if (!is_standard_output(options))
        return format_of_ending(options->output);
    return isatty(STDOUT_FILENO) == 1 ? OUTPUT_TABLE : OUTPUT_CSV;
}

static bool open_output(struct answer *answer, const struct options *options)
{
    struct output_config config = {.format = answer_format(options), .csv_safe = options->csv_safe};
    if (is_standard_output(options)) {
        answer->sink_name = "standard output";
        config.is_terminal = isatty(STDOUT_FILENO) == 1;
        config.width = config.is_terminal ? terminal_width() : 0;
        sink_open(&answer->sink, STDOUT_FILENO);
    } else {
        answer->sink_name = options->output;
        if (!sink_create(&answer->sink, options->output, false)) {
            cli_complain("cannot write %s: %s", options->output, partial_reason(answer->sink.error));
            return false;
        }
    }
    answer->output = output_open(&answer->sink, &config);
    return true;
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

int answer_open(struct answer *answer, const struct options *options)
{
    *answer = (struct answer){.parameters.visitor = options->visitor};
    if (!read_period(answer, options))
        return EXIT_USAGE;
    if (!snapshot_open(&answer->snapshot, options))
        return EXIT_FAILED;
    if (!read_org(answer, options) || !open_output(answer, options)) {
        snapshot_close(&answer->snapshot);
        return EXIT_FAILED;
    }
    answer->database = database_open(&answer->snapshot);
    database_set_parameters(answer->database, &answer->parameters);
    return EXIT_FINE;
}

int answer_close(struct answer *answer, int status)
{
    output_close(answer->output);
    sink_flush(&answer->sink);
    bool was_ended = answer->sink.failed && answer->sink.error == EINTR; /* while it waited for its reader */
    if (was_ended)
        status = snapshot_explain_end(&answer->snapshot, snapshot_state(&answer->snapshot));
    database_close(answer->database);
    snapshot_close(&answer->snapshot);
    if (was_ended || (status != EXIT_FINE && !answer->sink.failed)) {
        sink_abandon(&answer->sink);
        return status;
    }
    return sink_finish(&answer->sink, NULL) ? status : sink_explain(&answer->sink, answer->sink_name);
}
