/* How every subcommand speaks: one line for what went wrong, so that scripts and people can both find it, and command
 * lines that can be copied as they are. Nothing that somebody typed can move the cursor of the one who reads it. */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

#define SENTENCE_LEN_MAX 2048

/* ---- sentences ----------------------------------------------------------------------------------------------- */

/* The length of the printable character at the front; 0 when there is none. */
static size_t printable_len(struct bytes text)
{
    unsigned char first = (unsigned char)text.data[0];
    if (first < 0x80)
        return first >= 0x20 && first != 0x7f;
    for (size_t len = 2; len <= 4 && len <= text.len; ++len)
        if (utf8_valid(bytes_view(text.data, len))) /* U+0080 to U+009F are control characters too */
            return first == 0xc2 && (unsigned char)text.data[1] < 0xa0 ? 0 : len;
    return 0;
}

static void print_escaped(FILE *out, struct bytes text)
{
    while (text.len != 0) {
        size_t len = printable_len(text);
        if (len == 0)
            fprintf(out, "\\x%02x", (unsigned char)text.data[0]);
        else
            fwrite(text.data, 1, len, out);
        len += len == 0;
        text = bytes_view(text.data + len, text.len - len);
    }
}

void cli_complain(const char *format, ...)
{
    char sentence[SENTENCE_LEN_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    fputs("helvino: ", stderr);
    print_escaped(stderr, bytes_of_string(sentence));
    fputc('\n', stderr);
}

/* ---- command lines ------------------------------------------------------------------------------------------- */

void cli_put_word(struct buffer *out, const char *word)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+,:@%";
    if (word[0] != '\0' && strspn(word, plain) == strlen(word)) {
        buffer_append_string(out, word);
        return;
    }
    buffer_append_string(out, "'");
    for (; *word != '\0'; ++word)
        buffer_append_string(out, *word == '\'' ? "'\\''" : (char[]){*word, '\0'});
    buffer_append_string(out, "'");
}

const char *cli_command(const struct options *options, const char *words)
{
    static struct buffer line;
    buffer_clear(&line);
    cli_put_word(&line, program_invocation_name);
    buffer_printf(&line, " %s", words);
    if (options->given[OPTION_data]) {
        buffer_append_string(&line, " --data ");
        cli_put_word(&line, options->data);
    }
    buffer_append(&line, "", 1);
    return line.data;
}
