/* A static binary has no idea of the distribution that it runs on, so it looks. */
#include "post/trust.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const usual[] = {
    "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Ubuntu, Alpine, Arch, Gentoo */
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Fedora, RHEL */
    "/etc/pki/tls/certs/ca-bundle.crt",                  /* the same, older */
    "/etc/ssl/ca-bundle.pem",                            /* openSUSE */
    "/var/lib/ca-certificates/ca-bundle.pem",            /* the same, newer */
    "/etc/pki/tls/cacert.pem",                           /* OpenELEC */
    "/etc/ssl/cert.pem",                                 /* Alpine, BSD */
    "/usr/local/share/certs/ca-root-nss.crt",            /* FreeBSD */
};

/* Whether the file holds a certificate in PEM somewhere. */
static bool holds_certificate(const char *path)
{
    char line[256];
    bool found = false;
    FILE *file = fopen(path, "re");
    while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL)
        found = strncmp(line, "-----BEGIN CERTIFICATE-----", 27) == 0 ||
                strncmp(line, "-----BEGIN TRUSTED CERTIFICATE-----", 35) == 0;
    if (file != NULL)
        fclose(file);
    return found;
}

static const char *named(const char *path, const char *by, const char **why)
{
    static __thread char sentence[512];
    if (holds_certificate(path))
        return path;
    snprintf(sentence, sizeof(sentence), "%s names %.300s, which %s", by, path,
             access(path, R_OK) != 0 ? "can't be read" : "holds no certificate in PEM");
    *why = sentence;
    return NULL;
}

const char *trust_find(const char *ca_file, const char **why)
{
    const char *variable = getenv("SSL_CERT_FILE");
    *why = NULL;
    if (ca_file != NULL)
        return named(ca_file, "--ca-file", why);
    if (variable != NULL && variable[0] != '\0')
        return named(variable, "SSL_CERT_FILE", why);
    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); ++i)
        if (holds_certificate(usual[i]))
            return usual[i];
    return NULL;
}
