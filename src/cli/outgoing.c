/* One way from flags to a post, so that "webhook test" and "mail test" try what the server would do. */
#include "cli/outgoing.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define PASSWORD_LEN_MAX 256

/* The first line of a file; false, once it has been said, when there is none. */
static bool read_password(const char *path, char out[PASSWORD_LEN_MAX + 2])
{
    out[0] = '\0';
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        cli_complain("--smtp-password-file %.300s can't be read: %s", path, strerror(errno));
        return false;
    }
    bool is_fine = fgets(out, PASSWORD_LEN_MAX + 2, file) != NULL;
    fclose(file);
    out[strcspn(out, "\r\n")] = '\0';
    is_fine &= out[0] != '\0' && strlen(out) <= PASSWORD_LEN_MAX;
    if (!is_fine)
        cli_complain("--smtp-password-file %.300s must have a password of at most %d characters as its first line",
                     path, PASSWORD_LEN_MAX);
    return is_fine;
}

struct post *outgoing_open(const struct options *options)
{
    char password[PASSWORD_LEN_MAX + 2] = "";
    const char *why = "";
    bool has_password = options->smtp_password_file != NULL;
    if (has_password && !read_password(options->smtp_password_file, password))
        return NULL;
    struct post *post = post_open(&(struct post_config){.allow_private = options->webhook_allow_private,
                                                        .ca_file = options->ca_file,
                                                        .smtp_url = options->smtp_url,
                                                        .smtp_user = options->smtp_user,
                                                        .smtp_password = has_password ? password : NULL,
                                                        .smtp_from = options->smtp_from},
                                  &why);
    sodium_memzero(password, sizeof(password));
    if (post == NULL)
        cli_complain("%s", why);
    return post;
}

void outgoing_heard(void *context, const struct post_result *result)
{
    struct outgoing_answer *answer = context;
    pthread_mutex_lock(&answer->mutex);
    answer->result = *result;
    answer->has_come = true;
    pthread_cond_signal(&answer->came);
    pthread_mutex_unlock(&answer->mutex);
}

void outgoing_wait(struct outgoing_answer *answer)
{
    pthread_mutex_lock(&answer->mutex);
    while (!answer->has_come)
        pthread_cond_wait(&answer->came, &answer->mutex);
    pthread_mutex_unlock(&answer->mutex);
}
