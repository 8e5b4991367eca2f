/*
 * The processor's own instruction where there is one (SSE 4.2: about a nanosecond for eight bytes), a table of 256
 * words elsewhere. Which one is found out at each call by a flag that the C library has already read: no set-up, no
 * pointer.
 */
#include "base/crc32c.h"

#include <string.h>

#define POLYNOMIAL_REVERSED 0x82f63b78u

static uint32_t table[256];

__attribute__((constructor)) static void table_fill(void)
{
    for (uint32_t byte = 0; byte < 256; ++byte) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit)
            crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL_REVERSED : 0);
        table[byte] = crc;
    }
}

static uint32_t crc_by_table(uint32_t crc, const unsigned char *data, size_t len)
{
    for (; len != 0; --len)
        crc = crc >> 8 ^ table[(crc ^ *data++) & 255];
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_by_instruction(uint32_t crc, const unsigned char *data,
                                                                     size_t len)
{
    uint64_t wide = crc, word;
    for (; len >= sizeof(word); len -= sizeof(word), data += sizeof(word)) {
        memcpy(&word, data, sizeof(word));
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (; len != 0; --len)
        crc = __builtin_ia32_crc32qi(crc, *data++);
    return crc;
}
#endif

uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        return ~crc_by_instruction(~crc, data, len);
#endif
    return ~crc_by_table(~crc, data, len);
}
