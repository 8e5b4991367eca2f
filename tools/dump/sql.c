/* `helvino dump sql`: the text of a question from wherever it comes, answered statement by statement. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"

#define SQL_TEXT_LEN_MAX 16777216 /* bytes of a whole file of questions */
#define READ_BYTES 65536

/* ---- the text --------------------------------------------------------------------------------------------------- */

static bool read_stream(FILE *stream, const char *name, struct buffer *out)
{
    size_t got;
    while ((got = fread(buffer_reserve(out, READ_BYTES), 1, READ_BYTES, stream)) > 0 && out->len <= SQL_TEXT_LEN_MAX)
        out->len += got;
    if (ferror(stream))
        cli_complain("cannot read %s: %s", name, strerror(errno));
    else if (out->len > SQL_TEXT_LEN_MAX)
        cli_complain("%s is longer than %d MiB", name, SQL_TEXT_LEN_MAX >> 20);
    else
        return true;
    return false;
}

static bool read_file(const char *path, struct buffer *out)
{
    if (strcmp(path, "-") == 0)
        return read_stream(stdin, "standard input", out);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        cli_complain("cannot open %s: %s", path, strerror(errno));
        return false;
    }
    bool is_read = read_stream(file, path, out);
    fclose(file);
    return is_read;
}

/* EXIT_FINE with the text and a NUL behind it in *out. */
static int read_text(const struct options *options, struct buffer *out)
{
    bool has_argument = options->argument_count == 1 && strcmp(options->arguments[0], "-") != 0;
    if (has_argument && options->file != NULL) {
        cli_complain("the SQL is given twice, as an argument and by --file");
        return EXIT_USAGE;
    }
    if (!has_argument && options->file == NULL && isatty(STDIN_FILENO) == 1) {
        cli_complain("there is no question; for example: %s",
                     cli_command(options, "dump sql 'SELECT count(*) FROM visitors'"));
        return EXIT_USAGE;
    }
    if (has_argument)
        buffer_append_string(out, options->arguments[0]);
    else if (!read_file(options->file != NULL ? options->file : "-", out))
        return EXIT_FAILED;
    if (out->len != 0 && memchr(out->data, '\0', out->len) != NULL) {
        cli_complain("the SQL has a NUL character in it; is it a text?");
        return EXIT_FAILED;
    }
    buffer_append(out, "", 1);
    return EXIT_FINE;
}

/* A flag that the question does not ask for would leave it as it is, and somebody would think that it did not. */
static bool uses_flags(const struct options *options, const char *sql)
{
    static const struct {
        enum option option;
        const char *parameter;
    } flags[] = {
        {OPTION_org, ":org"}, {OPTION_visitor, ":visitor"}, {OPTION_since, ":since"}, {OPTION_until, ":until"}};
    for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); ++i) {
        if (options->given[flags[i].option] && strstr(sql, flags[i].parameter) == NULL) {
            cli_complain("--%s has no effect, since the question has no %s in it; for example: WHERE \"orgId\" = :org",
                         flags[i].parameter + 1, flags[i].parameter);
            return false;
        }
    }
    return true;
}

/* ---- the answers ------------------------------------------------------------------------------------------------ */

static int answer_all(struct answer *answer, const char *sql)
{
    bool done = false;
    uint64_t rows, answers = 0;
    int status = EXIT_FINE;
    for (; status == EXIT_FINE && !done; ++answers)
        status = database_run(answer->database, &sql, NULL, answer->output, &rows, &done);
    if (status == EXIT_FINE && answers == 1) {
        cli_complain("there is no question in the text");
        return EXIT_FAILED;
    }
    return status;
}

int cli_dump_sql(const struct options *options)
{
    struct answer answer;
    struct buffer text = {0};
    if (answer_format(options) == OUTPUT_HTML) {
        cli_complain("html is a form of reports: helvino dump report NAME --format html");
        return EXIT_USAGE;
    }
    int status = read_text(options, &text);
    if (status == EXIT_FINE && !uses_flags(options, text.data))
        status = EXIT_USAGE;
    if (status == EXIT_FINE)
        status = answer_open(&answer, options);
    if (status == EXIT_FINE)
        status = answer_close(&answer, answer_all(&answer, text.data));
    buffer_dispose(&text);
    return status;
}
