/* `helvino mail test`: whether mail goes out with these flags, before somebody waits for one. */
#include <stdio.h>
#include <string.h>

#include "base/version.h"
#include "cli/outgoing.h"

static bool report(const struct post_result *result, const char *to)
{
    if (result->failure == POST_NONE)
        printf("the mail server took a mail to %s after %u ms\n", to, result->elapsed_ms);
    else if (result->status != 0)
        cli_complain("status %d after %u ms: %s", result->status, result->elapsed_ms,
                     post_failure_sentence(result->failure));
    else
        cli_complain("no answer after %u ms: %s", result->elapsed_ms, post_failure_sentence(result->failure));
    return result->failure == POST_NONE;
}

static bool send_test(struct post *post, const char *to)
{
    struct outgoing_answer answer = OUTGOING_ANSWER;
    enum error error =
        post_mail(post,
                  &(struct post_mail){.to = bytes_of_string(to),
                                      .subject = BYTES("A test of Helvino"),
                                      .text = BYTES("This server can send mail.\n\nHelvino " HELVINO_VERSION "\n")},
                  outgoing_heard, &answer);
    if (error == ERR_INVALID_FIELD)
        cli_complain("\"%.80s\" is no e-mail address that mail can be sent to", to);
    else if (error != OK)
        cli_complain("%s", error_sentence(error));
    if (error != OK)
        return false;
    outgoing_wait(&answer);
    return report(&answer.result, to);
}

int cli_mail_test(const struct options *options)
{
    if (options->smtp_url == NULL) {
        cli_complain("name the mail server with --smtp-url, and the sender with --smtp-from");
        return EXIT_USAGE;
    }
    struct post *post = outgoing_open(options);
    if (post == NULL)
        return EXIT_USAGE;
    bool is_fine = send_test(post, options->arguments[0]);
    post_close(post, 0);
    return is_fine ? EXIT_FINE : EXIT_FAILED;
}
