#include "api/credential.h"

#include <sodium.h>

#define SECRET_LEN 32

static void hash_secret(unsigned char hash[SECRET_HASH_LEN], struct bytes secret)
{
    crypto_generichash(hash, SECRET_HASH_LEN, (const unsigned char *)secret.data, secret.len, NULL, 0);
}

void credential_make(const char *prefix, struct id id, struct random_pool *pool, char *text,
                     unsigned char hash[SECRET_HASH_LEN])
{
    unsigned char secret[SECRET_LEN];
    size_t prefix_len = strlen(prefix);
    char *secret_text = text + prefix_len + ID_TEXT_LEN + 1;
    random_fill(pool, secret, sizeof(secret));
    memcpy(text, prefix, prefix_len);
    id_format(id, text + prefix_len);
    secret_text[-1] = '_';
    sodium_bin2base64(secret_text, SECRET_TEXT_LEN + 1, secret, sizeof(secret),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(secret, sizeof(secret));
    hash_secret(hash, bytes_view(secret_text, SECRET_TEXT_LEN));
}

bool credential_parse(const char *prefix, struct bytes text, struct id *id, struct bytes *secret)
{
    size_t prefix_len = strlen(prefix);
    if (text.len != prefix_len + CREDENTIAL_TEXT_LEN || memcmp(text.data, prefix, prefix_len) != 0 ||
        text.data[prefix_len + ID_TEXT_LEN] != '_')
        return false;
    *secret = bytes_view(text.data + prefix_len + ID_TEXT_LEN + 1, SECRET_TEXT_LEN);
    return id_parse(bytes_view(text.data + prefix_len, ID_TEXT_LEN), id);
}

bool credential_matches(struct bytes secret, struct bytes hash)
{
    unsigned char own[SECRET_HASH_LEN];
    hash_secret(own, secret);
    return hash.len == sizeof(own) && sodium_memcmp(own, hash.data, sizeof(own)) == 0;
}
