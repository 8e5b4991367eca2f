/* libcrypto's, which the server needs anyway. */
#include "digest.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

static EVP_MD_CTX *context_of(struct digest *digest)
{
    return (EVP_MD_CTX *)digest;
}

struct digest *digest_begin(void)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
        abort();
    return (struct digest *)context;
}

void digest_add(struct digest *digest, struct bytes more)
{
    if (EVP_DigestUpdate(context_of(digest), more.data, more.len) != 1)
        abort();
}

void digest_end(struct digest *digest, char text[DIGEST_TEXT_LEN + 1])
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (text != NULL && (EVP_DigestFinal_ex(context_of(digest), bytes, &len) != 1 || len * 2 != DIGEST_TEXT_LEN))
        abort();
    for (unsigned i = 0; i < len; ++i)
        snprintf(text + (size_t)2 * i, 3, "%02x", bytes[i]);
    EVP_MD_CTX_free(context_of(digest));
}
