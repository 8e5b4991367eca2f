/*
 * Terms are numbered as they are met, by a hash table; sorting them once at the end, and dealing the postings out by
 * their terms' ranks, costs less than keeping either in order. The order in which terms were met is seen nowhere.
 */
#include "search/gathering.h"

#include <stdlib.h>

#include "search/words.h"

#define SLOTS_FIRST 4096

static struct gathered_term *term_at(const struct gathering *gathering, size_t number)
{
    return (struct gathered_term *)gathering->terms.data + number;
}

size_t gathering_terms(const struct gathering *gathering)
{
    return gathering->terms.len / sizeof(struct gathered_term);
}

static struct bytes text_of(const struct gathering *gathering, const struct gathered_term *term)
{
    return bytes_view(gathering->texts.data + term->begin, term->len);
}

struct bytes gathering_term(const struct gathering *gathering, size_t number)
{
    return text_of(gathering, term_at(gathering, number));
}

/* ---- the hash table ---------------------------------------------------------------------------------------------- */

/* FNV-1a. */
static uint32_t hash_of(struct bytes text)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < text.len; ++i)
        hash = (hash ^ (unsigned char)text.data[i]) * 16777619u;
    return hash ^ hash >> 15;
}

/* The slot that has the term, or the free one where it goes. */
static uint32_t *slot_of(const struct gathering *gathering, struct bytes text)
{
    uint32_t *slots = (uint32_t *)gathering->slots.data;
    size_t mask = gathering->slots.len / sizeof(*slots) - 1, at = hash_of(text) & mask;
    while (slots[at] != 0 && !bytes_equal(text_of(gathering, term_at(gathering, slots[at] - 1)), text))
        at = (at + 1) & mask;
    return &slots[at];
}

/* Room for one more at half full or less. */
static void grow_slots(struct gathering *gathering)
{
    size_t slots = gathering->slots.len / sizeof(uint32_t);
    if (slots != 0 && 2 * gathering_terms(gathering) < slots)
        return;
    size_t bytes = (slots == 0 ? SLOTS_FIRST : 2 * slots) * sizeof(uint32_t);
    buffer_clear(&gathering->slots);
    memset(buffer_reserve(&gathering->slots, bytes), 0, bytes);
    gathering->slots.len = bytes;
    for (size_t number = 0; number < gathering_terms(gathering); ++number) {
        struct gathered_term *term = term_at(gathering, number);
        term->slot = slot_of(gathering, text_of(gathering, term));
        *term->slot = (uint32_t)number + 1;
    }
}

/* The number of a term, which is new when it was not there. */
static uint32_t number_of(struct gathering *gathering, struct bytes text)
{
    grow_slots(gathering);
    uint32_t *slot = slot_of(gathering, text);
    if (*slot == 0) {
        struct gathered_term term = {.begin = gathering->texts.len, .len = (uint32_t)text.len, .slot = slot};
        buffer_append(&gathering->texts, text.data, text.len);
        buffer_append(&gathering->terms, &term, sizeof(term));
        *slot = (uint32_t)gathering_terms(gathering);
    }
    return *slot - 1;
}

void gathering_add(struct gathering *gathering, uint64_t seq, struct bytes text)
{
    struct words words = words_of(text);
    struct word word;
    while (words_next(&words, &word)) {
        struct gathered_posting posting = {.term = number_of(gathering, word.term), .seq = seq};
        struct gathered_term *term = term_at(gathering, posting.term);
        if (term->last_seq == seq)
            continue;
        term->last_seq = seq;
        buffer_append(&gathering->postings, &posting, sizeof(posting));
    }
}

/* ---- in order ---------------------------------------------------------------------------------------------------- */

struct sorted_term {
    uint64_t beginning; /* of the text, as a number that sorts like it */
    struct bytes text;
    uint32_t number;
    size_t postings; /* how many; then where the next one goes */
};

static uint64_t beginning_of(struct bytes text)
{
    uint64_t beginning = 0;
    memcpy(&beginning, text.data, text.len < sizeof(beginning) ? text.len : sizeof(beginning));
    return __builtin_bswap64(beginning);
}

static int compare_terms(const void *a, const void *b)
{
    const struct sorted_term *one = a, *other = b;
    if (one->beginning != other->beginning)
        return one->beginning < other->beginning ? -1 : 1;
    size_t len = one->text.len < other->text.len ? one->text.len : other->text.len;
    int order = memcmp(one->text.data, other->text.data, len);
    return order != 0 ? order : one->text.len < other->text.len ? -1 : one->text.len > other->text.len;
}

static struct sorted_term *sort_terms(const struct gathering *gathering)
{
    size_t count = gathering_terms(gathering);
    struct sorted_term *sorted = calloc(count + 1, sizeof(*sorted));
    if (sorted == NULL)
        abort();
    for (size_t i = 0; i < count; ++i) {
        struct bytes text = gathering_term(gathering, i);
        sorted[i] = (struct sorted_term){beginning_of(text), text, (uint32_t)i, 0};
    }
    if (count != 0)
        qsort(sorted, count, sizeof(*sorted), compare_terms);
    for (size_t rank = 0; rank < count; ++rank)
        term_at(gathering, sorted[rank].number)->rank = (uint32_t)rank;
    return sorted;
}

/* The seqs of all postings, those of the first term first; sorted[i].postings becomes where those of term i end. */
static uint64_t *deal(const struct gathering *gathering, struct sorted_term *sorted)
{
    const struct gathered_posting *postings = (const struct gathered_posting *)gathering->postings.data;
    size_t count = gathering->postings.len / sizeof(*postings), begin = 0;
    uint64_t *seqs = malloc((count + 1) * sizeof(*seqs));
    if (seqs == NULL)
        abort();
    for (size_t i = 0; i < count; ++i)
        ++sorted[term_at(gathering, postings[i].term)->rank].postings;
    for (size_t rank = 0; rank < gathering_terms(gathering); ++rank) {
        size_t of_term = sorted[rank].postings;
        sorted[rank].postings = begin;
        begin += of_term;
    }
    for (size_t i = 0; i < count; ++i)
        seqs[sorted[term_at(gathering, postings[i].term)->rank].postings++] = postings[i].seq;
    return seqs;
}

enum error gathering_write(struct gathering *gathering, struct posting_writer *writer)
{
    struct sorted_term *sorted = sort_terms(gathering);
    uint64_t *seqs = deal(gathering, sorted);
    enum error error = OK;
    size_t at = 0;
    for (size_t rank = 0; rank < gathering_terms(gathering) && error == OK; ++rank) {
        error = posting_writer_add(writer, sorted[rank].text, seqs + at, sorted[rank].postings - at);
        at = sorted[rank].postings;
    }
    free(seqs);
    free(sorted);
    return error;
}

void gathering_clear(struct gathering *gathering)
{
    for (size_t number = 0; number < gathering_terms(gathering); ++number)
        *term_at(gathering, number)->slot = 0;
    buffer_clear(&gathering->texts);
    buffer_clear(&gathering->terms);
    buffer_clear(&gathering->postings);
}

void gathering_dispose(struct gathering *gathering)
{
    buffer_dispose(&gathering->texts);
    buffer_dispose(&gathering->terms);
    buffer_dispose(&gathering->postings);
    buffer_dispose(&gathering->slots);
}
