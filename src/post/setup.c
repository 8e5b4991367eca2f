/* The mail server, as the operator names it: read once, and everything that is wrong with it said before the first
 * mail. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/text.h"
#include "post/mail.h"
#include "post/private.h"

static bool is_loopback(const char *host)
{
    struct in_addr ipv4;
    if (inet_pton(AF_INET, host, &ipv4) == 1)
        return ntohl(ipv4.s_addr) >> 24 == 127;
    return strcmp(host, "[::1]") == 0 || strcasecmp(host, "localhost") == 0;
}

/* Takes the URL apart; false when it is not smtp:// or smtps:// with a host and nothing behind it. */
static bool read_server(struct post_setup *setup, const char *url, const char *domain)
{
    char *scheme = NULL, *host = NULL, *port = NULL, *path = NULL, *query = NULL, whole[512];
    CURLU *parts = curl_url();
    if (parts == NULL)
        abort();
    bool is_fine = curl_url_set(parts, CURLUPART_URL, url, CURLU_DISALLOW_USER) == CURLUE_OK &&
                   curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                   curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                   curl_url_get(parts, CURLUPART_PATH, &path, 0) == CURLUE_OK && strcmp(path, "/") == 0 &&
                   curl_url_get(parts, CURLUPART_QUERY, &query, 0) != CURLUE_OK &&
                   (strcmp(scheme, "smtp") == 0 || strcmp(scheme, "smtps") == 0) && host[0] != '\0';
    if (is_fine) {
        bool in_clear = strcmp(scheme, "smtp") == 0;
        bool has_port = curl_url_get(parts, CURLUPART_PORT, &port, 0) == CURLUE_OK;
        int len = snprintf(whole, sizeof(whole), "%s://%s:%s/%s", scheme, host,
                           has_port   ? port
                           : in_clear ? "587"
                                      : "465",
                           domain);
        setup->smtp_in_clear = in_clear && is_loopback(host);
        is_fine = (size_t)len < sizeof(whole);
    }
    if (is_fine)
        setup->smtp_url = bytes_dup(bytes_of_string(whole));
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(path);
    curl_free(query);
    curl_url_cleanup(parts);
    return is_fine;
}

static bool has_no_control(const char *text)
{
    for (; *text != '\0'; ++text)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    return true;
}

bool setup_mail(struct post_setup *setup, const struct post_config *config, const char **why)
{
    struct bytes name, address;
    *why = "--smtp-user, --smtp-password-file and --smtp-from need --smtp-url";
    if (config->smtp_url == NULL)
        return config->smtp_user == NULL && config->smtp_password == NULL && config->smtp_from == NULL;
    *why = "--smtp-url needs --smtp-from, such as \"Helvino <noreply@example.com>\"";
    if (config->smtp_from == NULL || !mail_sender_parse(bytes_of_string(config->smtp_from), &name, &address))
        return false;
    *why = "--smtp-user and --smtp-password-file must be given together";
    if ((config->smtp_user == NULL) != (config->smtp_password == NULL))
        return false;
    *why = "the SMTP user and password must each be one line of text";
    if (config->smtp_user != NULL &&
        (!has_no_control(config->smtp_user) || !has_no_control(config->smtp_password) || config->smtp_user[0] == '\0'))
        return false;
    setup->from = bytes_dup(address);
    setup->from_name = bytes_dup(name);
    if (config->smtp_user != NULL) {
        setup->smtp_user = bytes_dup(bytes_of_string(config->smtp_user));
        setup->smtp_password = bytes_dup(bytes_of_string(config->smtp_password));
    }
    *why =
        "--smtp-url takes smtps://HOST, smtp://HOST, each with :PORT or without, and nothing else; user and password "
        "have flags of their own";
    return read_server(setup, config->smtp_url, strchr(setup->from, '@') + 1);
}
