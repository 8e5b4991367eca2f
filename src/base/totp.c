#include "base/totp.h"

#include <assert.h>
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define MODULUS 1000000 /* ten to the TOTP_DIGITS */

/* HOTP (RFC 4226, 5.3) of the step's number. libsodium has no SHA-1. */
uint32_t totp_code(const unsigned char secret[TOTP_SECRET_LEN], uint64_t step)
{
    unsigned char counter[8], mac[EVP_MAX_MD_SIZE];
    unsigned mac_len = 0;
    for (int i = 0; i < 8; ++i)
        counter[i] = (unsigned char)(step >> (56 - 8 * i));
    if (HMAC(EVP_sha1(), secret, TOTP_SECRET_LEN, counter, sizeof(counter), mac, &mac_len) == NULL || mac_len != 20)
        abort();
    const unsigned char *at = mac + (mac[19] & 15);
    uint32_t number = (uint32_t)(at[0] & 127) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    return number % MODULUS;
}

static bool read_code(struct bytes text, uint32_t *out)
{
    *out = 0;
    for (size_t i = 0; i < text.len; ++i) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        *out = *out * 10 + (uint32_t)(text.data[i] - '0');
    }
    return text.len == TOTP_DIGITS;
}

bool totp_check(const unsigned char secret[TOTP_SECRET_LEN], struct bytes code, int64_t now_ms, uint64_t last_step,
                uint64_t *step)
{
    uint32_t given;
    bool is_right = false;
    uint64_t now = (uint64_t)now_ms / TOTP_STEP_MS;
    if (code.len > TOTP_DIGITS || !read_code(code, &given))
        return false;
    for (uint64_t candidate = now - 1; candidate <= now + 1; ++candidate) {
        bool is_it = (totp_code(secret, candidate) ^ given) == 0;
        if (is_it && candidate > last_step && !is_right)
            *step = candidate;
        is_right |= is_it && candidate > last_step;
    }
    return is_right;
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

void base32_encode(const unsigned char *data, size_t len, char *out)
{
    assert(len % 5 == 0);
    for (; len > 0; data += 5, len -= 5) {
        uint64_t bits = 0;
        for (int i = 0; i < 5; ++i)
            bits = bits << 8 | data[i];
        for (int i = 0; i < 8; ++i)
            *out++ = alphabet[bits >> (35 - 5 * i) & 31];
    }
}

static int digit(char c)
{
    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

bool base32_decode(struct bytes text, unsigned char *out, size_t len)
{
    assert(len % 5 == 0);
    if (text.len != len / 5 * 8)
        return false;
    for (const char *at = text.data; len > 0; at += 8, out += 5, len -= 5) {
        uint64_t bits = 0;
        for (int i = 0; i < 8; ++i) {
            int value = digit(at[i]);
            if (value < 0)
                return false;
            bits = bits << 5 | (uint64_t)value;
        }
        for (int i = 0; i < 5; ++i)
            out[i] = (unsigned char)(bits >> (32 - 8 * i));
    }
    return true;
}
