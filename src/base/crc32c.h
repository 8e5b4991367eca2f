#pragma once
/* CRC-32C (Castagnoli, RFC 3720 appendix B.4): the checksum before every stored value. Any thread. */
#include <stddef.h>
#include <stdint.h>

/* Extends `crc` (0 for a start) by `len` bytes. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);
