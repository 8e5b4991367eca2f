/* The encoding of postings. What a reader meets was checked by its checksum, but a length is believed only as far as it
 * stays inside the block. */
#include "search/block.h"

#include <assert.h>

#define VARINT_LEN_MAX 10

/* ---- numbers ---------------------------------------------------------------------------------------------------- */

static size_t put_varint(unsigned char *to, uint64_t number)
{
    size_t len = 0;
    for (; number >= 0x80; number >>= 7)
        to[len++] = (unsigned char)(number | 0x80);
    to[len++] = (unsigned char)number;
    return len;
}

/* Reads a number and moves `at` behind it; false when it does not end before `end`. */
static inline bool read_varint(const unsigned char **at, const unsigned char *end, uint64_t *out)
{
    uint64_t number = 0;
    for (unsigned shift = 0; *at < end && shift < 7 * VARINT_LEN_MAX; shift += 7) {
        unsigned char byte = *(*at)++;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = number;
            return true;
        }
    }
    return false;
}

static bool take_varint(struct bytes *rest, uint64_t *out)
{
    const unsigned char *begin = (const unsigned char *)rest->data, *at = begin;
    if (!read_varint(&at, begin + rest->len, out))
        return false;
    *rest = bytes_view(at, rest->len - (size_t)(at - begin));
    return true;
}

static struct bytes take(struct bytes *rest, size_t len)
{
    struct bytes part = bytes_view(rest->data, len);
    *rest = bytes_view(rest->data + len, rest->len - len);
    return part;
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

void block_open(struct block *block, struct bytes first_term, struct bytes value)
{
    block->rest = value;
    block->term_len = first_term.len < SEARCH_TERM_LEN_MAX ? first_term.len : SEARCH_TERM_LEN_MAX;
    memcpy(block->term, first_term.data, block->term_len);
}

static bool take_term(struct block *block)
{
    if (block->rest.len < 2)
        return false;
    struct bytes lengths = take(&block->rest, 2);
    size_t shared = (unsigned char)lengths.data[0], more = (unsigned char)lengths.data[1];
    if (shared > block->term_len || shared + more > SEARCH_TERM_LEN_MAX || shared + more == 0 || more > block->rest.len)
        return false;
    memcpy(block->term + shared, take(&block->rest, more).data, more);
    block->term_len = shared + more;
    return true;
}

enum error block_next(struct block *block, struct bytes *term, struct bytes *list)
{
    uint64_t len;
    if (block->rest.len == 0)
        return ERR_NOT_FOUND;
    if (!take_term(block) || !take_varint(&block->rest, &len) || len == 0 || len > block->rest.len)
        return ERR_CORRUPT;
    *term = bytes_view(block->term, block->term_len);
    *list = take(&block->rest, len);
    return OK;
}

enum error block_find(struct bytes first_term, struct bytes value, struct bytes term, struct bytes *list)
{
    struct block block;
    struct bytes found;
    enum error error;
    block_open(&block, first_term, value);
    do
        error = block_next(&block, &found, list);
    while (error == OK && !bytes_equal(found, term));
    return error;
}

enum error list_decode(struct bytes list, uint64_t base, struct seqs *out)
{
    const unsigned char *at = (const unsigned char *)list.data, *end = at + list.len;
    uint64_t seq = base, more;
    size_t count = 0;
    out->count = 0;
    if (list.len > SEARCH_BLOCK_BYTES)
        return ERR_CORRUPT;
    while (at < end) {
        if (!read_varint(&at, end, &more) || (more == 0 && count != 0))
            return ERR_CORRUPT;
        out->of[count++] = seq += more;
    }
    out->count = count;
    return count != 0 ? OK : ERR_CORRUPT;
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static size_t shared_len(struct bytes a, struct bytes b)
{
    size_t len = 0;
    while (len < a.len && len < b.len && a.data[len] == b.data[len])
        ++len;
    return len;
}

/* The entry that is being written, complete. */
static void close_entry(struct block_writer *writer)
{
    unsigned char lengths[2 + VARINT_LEN_MAX] = {(unsigned char)writer->shared,
                                                 (unsigned char)(writer->term_len - writer->shared)};
    size_t len = put_varint(lengths + 2, writer->list.len);
    buffer_append(&writer->entries, lengths, 2);
    buffer_append(&writer->entries, writer->term + writer->shared, writer->term_len - writer->shared);
    buffer_append(&writer->entries, lengths + 2, len);
    buffer_append(&writer->entries, writer->list.data, writer->list.len);
    buffer_clear(&writer->list);
}

/* The bytes of the block with an entry of these lengths at its end. A list's length has two bytes at most. */
static size_t len_with(const struct block_writer *writer, size_t term_rest, size_t list)
{
    return writer->entries.len + 2 + term_rest + 2 + list;
}

static size_t len_now(const struct block_writer *writer)
{
    return writer->list.len == 0 ? writer->entries.len
                                 : len_with(writer, writer->term_len - writer->shared, writer->list.len);
}

static void open_entry(struct block_writer *writer, struct bytes term, uint64_t seq)
{
    if (block_writer_is_empty(writer)) {
        memcpy(writer->first, term.data, term.len);
        writer->first_len = writer->shared = term.len;
        writer->first_seq = seq;
    } else {
        close_entry(writer);
        writer->shared = shared_len(bytes_view(writer->term, writer->term_len), term);
    }
    memcpy(writer->term, term.data, term.len);
    writer->term_len = term.len;
    writer->last_seq = writer->base;
}

/* The bytes that the list of the current entry may have in all. */
static size_t list_room(const struct block_writer *writer, size_t term_rest)
{
    size_t others = len_with(writer, term_rest, 0);
    return others < SEARCH_BLOCK_BYTES ? SEARCH_BLOCK_BYTES - others : 0;
}

/* Appends differences while they fit; gives how many did. */
static size_t append_seqs(struct block_writer *writer, const uint64_t *seqs, size_t count)
{
    size_t room = list_room(writer, writer->term_len - writer->shared), added = 0;
    for (; added < count; ++added) {
        unsigned char number[VARINT_LEN_MAX];
        assert(writer->list.len == 0 ? seqs[added] >= writer->base : seqs[added] > writer->last_seq);
        size_t len = put_varint(number, seqs[added] - writer->last_seq);
        if (writer->list.len + len > room)
            break;
        buffer_append(&writer->list, number, len);
        writer->last_seq = seqs[added];
    }
    return added;
}

size_t block_writer_add(struct block_writer *writer, struct bytes term, const uint64_t *seqs, size_t count)
{
    bool is_same = writer->list.len != 0 && bytes_equal(term, bytes_view(writer->term, writer->term_len));
    assert(term.len >= 1 && term.len <= SEARCH_TERM_LEN_MAX && count != 0);
    /* An entry that there is hardly room for is not begun. */
    if (!is_same && !block_writer_is_empty(writer) &&
        len_now(writer) + 4 + term.len + VARINT_LEN_MAX > SEARCH_BLOCK_BYTES)
        return 0;
    if (!is_same)
        open_entry(writer, term, seqs[0]);
    return append_seqs(writer, seqs, count);
}

bool block_writer_is_empty(const struct block_writer *writer)
{
    return writer->list.len == 0;
}

struct bytes block_writer_finish(struct block_writer *writer, struct bytes *first_term, uint64_t *first_seq)
{
    assert(!block_writer_is_empty(writer));
    close_entry(writer);
    *first_term = bytes_view(writer->first, writer->first_len);
    *first_seq = writer->first_seq;
    return buffer_view(&writer->entries);
}

void block_writer_clear(struct block_writer *writer)
{
    buffer_clear(&writer->entries);
    buffer_clear(&writer->list);
}

void block_writer_dispose(struct block_writer *writer)
{
    buffer_dispose(&writer->entries);
    buffer_dispose(&writer->list);
}
