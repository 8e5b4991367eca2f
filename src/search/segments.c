/* Keys, the list of an organisation's segments, and blocks in and out of their table. */
#include "search/segments.h"

#define TERM_AT (ID_LEN + 8)
#define TERM_END_LEN 9 /* a zero, which no term has, and the seq */

enum error segments_load(struct txn *txn, struct id org, struct segments *out)
{
    struct bytes key, value;
    *out = (struct segments){.list = {0}};
    struct cursor *cursor = cursor_open(txn, TABLE_SEARCH_SEGMENTS);
    enum error error = cursor_seek(cursor, id_view(&org), &key, &value);
    while (error == OK && key.len >= ID_LEN && memcmp(key.data, org.bytes, ID_LEN) == 0) {
        struct search_segment segment;
        error = key.len == SEARCH_SEGMENT_KEY_LEN ? search_segment_decode(key, value, &segment) : ERR_CORRUPT;
        if (error != OK)
            break;
        segment.rest = (struct codec_rest){.encoded = BYTES_NONE};
        buffer_append(&out->list, &segment, sizeof(segment));
        error = cursor_next(cursor, &key, &value);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

void segments_dispose(struct segments *segments)
{
    buffer_dispose(&segments->list);
}

/* ---- blocks ----------------------------------------------------------------------------------------------------- */

void block_key(struct key *key, struct id org, uint64_t number, struct bytes term, uint64_t seq)
{
    key_clear(key);
    key_put_id(key, org);
    key_put_u64(key, number);
    key_put(key, term);
    key_put(key, bytes_view("", 1));
    key_put_u64(key, seq);
}

bool block_key_parse(struct bytes key, struct id *org, uint64_t *number, struct bytes *term, uint64_t *seq)
{
    size_t offset = 0;
    if (key.len <= TERM_AT + TERM_END_LEN || key.len > TERM_AT + TERM_END_LEN + SEARCH_TERM_LEN_MAX ||
        key.data[key.len - TERM_END_LEN] != '\0')
        return false;
    *org = key_get_id(key, &offset);
    *number = key_get_u64(key, &offset);
    *term = bytes_view(key.data + offset, key.len - TERM_END_LEN - offset);
    offset = key.len - 8;
    *seq = key_get_u64(key, &offset);
    return memchr(term->data, '\0', term->len) == NULL;
}

/* ERR_NOT_FOUND when what was found belongs to another segment. */
static enum error accept(const struct search_segment *segment, enum error error, struct found_block *block)
{
    struct id org;
    uint64_t number;
    if (error != OK && (error != ERR_CORRUPT || block->key.data == NULL))
        return error;
    if (!block_key_parse(block->key, &org, &number, &block->first_term, &block->first_seq))
        return ERR_CORRUPT;
    return id_equal(org, segment->org) && number == segment->number ? error : ERR_NOT_FOUND;
}

enum error block_at_or_before(struct txn *txn, const struct search_segment *segment, struct bytes term, uint64_t seq,
                              struct found_block *out)
{
    struct key behind;
    *out = (struct found_block){.key = BYTES_NONE};
    block_key(&behind, segment->org, segment->number, term, seq + 1);
    return accept(segment, table_get_before(txn, TABLE_SEARCH_BLOCKS, key_view(&behind), &out->key, &out->value), out);
}

enum error block_behind(struct txn *txn, const struct search_segment *segment, struct bytes term, uint64_t seq,
                        struct found_block *out)
{
    struct key from;
    *out = (struct found_block){.key = BYTES_NONE};
    block_key(&from, segment->org, segment->number, term, seq + 1);
    struct cursor *cursor = cursor_open(txn, TABLE_SEARCH_BLOCKS);
    enum error error = cursor_seek(cursor, key_view(&from), &out->key, &out->value);
    cursor_close(cursor);
    return accept(segment, error, out);
}

/* ---- writing blocks --------------------------------------------------------------------------------------------- */

void posting_writer_open(struct posting_writer *writer, struct txn *txn, const struct search_segment *segment)
{
    *writer = (struct posting_writer){.txn = txn, .segment = *segment, .block = {.base = segment->first_seq}};
}

enum error posting_writer_flush(struct posting_writer *writer)
{
    struct bytes term;
    uint64_t seq;
    struct key key;
    if (block_writer_is_empty(&writer->block))
        return OK;
    struct bytes value = block_writer_finish(&writer->block, &term, &seq);
    block_key(&key, writer->segment.org, writer->segment.number, term, seq);
    writer->bytes += value.len;
    enum error error = table_put(writer->txn, TABLE_SEARCH_BLOCKS, key_view(&key), value);
    block_writer_clear(&writer->block);
    return error;
}

enum error posting_writer_add(struct posting_writer *writer, struct bytes term, const uint64_t *seqs, size_t count)
{
    enum error error = OK;
    while (count != 0 && error == OK) {
        size_t added = block_writer_add(&writer->block, term, seqs, count);
        seqs += added;
        count -= added;
        if (count != 0)
            error = posting_writer_flush(writer);
    }
    return error;
}

void posting_writer_close(struct posting_writer *writer)
{
    block_writer_dispose(&writer->block);
}
