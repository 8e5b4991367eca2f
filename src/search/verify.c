/* The sum of a pair is taken from a keyed hash of organisation and word, so that one difference does not make up for
 * another. */
#include "search/verify.h"

#include <sodium.h>

#include "search/by_seq.h"
#include "search/visitors.h"
#include "search/words.h"

void verify_begin(struct verification *verification, struct txn *txn)
{
    *verification = (struct verification){.txn = txn};
    if (search_state_get(txn, &verification->state) != OK)
        verification->state.phase = SEARCH_NONE;
}

void verify_end(struct verification *verification)
{
    gathering_dispose(&verification->gathering);
}

bool verify_is_possible(const struct verification *verification)
{
    return search_is_kept(&verification->state);
}

/* ---- sums -----------------------------------------------------------------------------------------------------------
 */

static uint64_t hash_of(struct id org, struct bytes term)
{
    uint64_t hash;
    _Static_assert(sizeof(hash) == crypto_shorthash_BYTES && ID_LEN == crypto_shorthash_KEYBYTES, "SipHash-2-4");
    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)term.data, term.len, org.bytes);
    return hash;
}

/* The finish of SplitMix64. */
static uint64_t pair_sum(uint64_t hash, uint64_t seq)
{
    uint64_t z = hash + seq * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Messages of one conversation come together, so the last answer mostly does. */
static uint64_t indexed_seq_of(struct verification *verification, struct id org)
{
    if (id_is_none(verification->org) || !id_equal(verification->org, org)) {
        verification->org = org;
        if (search_indexed_seq(verification->txn, &verification->state, org, &verification->indexed_seq) != OK)
            verification->indexed_seq = 0;
    }
    return verification->indexed_seq;
}

static bool is_indexed(struct verification *verification, const struct message *message)
{
    return verify_is_possible(verification) && message->seq <= indexed_seq_of(verification, message->org);
}

/* Whether the indexer will come to it: by its activity, or by its place in message_by_seq. */
static bool is_waiting(struct verification *verification, const struct message *message)
{
    struct key key;
    struct id conversation;
    activity_key(&key, message->org, message->seq);
    return table_get(verification->txn, TABLE_CONVERSATION_BY_ACTIVITY, key_view(&key), NULL) != ERR_NOT_FOUND ||
           by_seq_get(verification->txn, message->org, message->seq, &conversation) != ERR_NOT_FOUND;
}

/* A message that the walk over all of them has yet to come to is in nothing of the index. */
static const char *verify_waiting(struct verification *verification, const struct message *message)
{
    bool is_walked_for = verification->state.phase != SEARCH_READY && message->seq <= verification->state.until_seq;
    if (!verify_is_possible(verification) || is_walked_for || is_waiting(verification, message))
        return NULL;
    return "it is not in the search index, and will never be";
}

const char *verify_message(struct verification *verification, const struct message *message)
{
    struct gathering *gathering = &verification->gathering;
    struct id conversation;
    if (!is_indexed(verification, message))
        return verify_waiting(verification, message);
    gathering_clear(gathering);
    gathering_add(gathering, message->seq, message->content);
    for (size_t i = 0; i < gathering_terms(gathering); ++i)
        verification->wanted += pair_sum(hash_of(message->org, gathering_term(gathering, i)), message->seq);
    enum error error = by_seq_get(verification->txn, message->org, message->seq, &conversation);
    if (error == ERR_NOT_FOUND || (error == OK && !id_equal(conversation, message->conversation)))
        return "message_by_seq does not lead to it";
    return NULL;
}

/* ---- blocks ---------------------------------------------------------------------------------------------------------
 */

static enum error look_up_segment(struct txn *txn, struct id org, uint64_t number, struct search_segment *out)
{
    struct segments segments;
    enum error error = segments_load(txn, org, &segments), found = ERR_NOT_FOUND;
    for (size_t i = 0; i < segments_count(&segments) && error == OK && found != OK; ++i)
        if (segments_at(&segments, i)->number == number) {
            *out = *segments_at(&segments, i);
            found = OK;
        }
    segments_dispose(&segments);
    return error == OK ? found : error;
}

/* The blocks of one come together. */
static enum error find_segment(struct verification *verification, struct id org, uint64_t number)
{
    struct search_segment *segment = &verification->segment;
    if (segment->number != 0 && segment->number == number && id_equal(segment->org, org))
        return OK;
    segment->number = 0;
    return look_up_segment(verification->txn, org, number, segment);
}

/* Visits each posting of a block; a sentence from a visit ends it. */
typedef const char *posting_visit(struct verification *verification, const struct search_segment *segment,
                                  struct bytes term, const struct seqs *seqs);

static const char *each_list(struct verification *verification, struct bytes key, struct bytes value,
                             posting_visit *visit)
{
    struct id org;
    uint64_t number, first_seq;
    struct bytes first_term, term, list;
    const struct search_segment *segment = &verification->segment;
    struct block block;
    struct seqs seqs;
    const char *sentence = NULL;
    if (!block_key_parse(key, &org, &number, &first_term, &first_seq))
        return "the key is none of a block";
    enum error error = find_segment(verification, org, number);
    if (error != OK)
        return error == ERR_NOT_FOUND ? "its segment does not exist" : NULL;
    block_open(&block, first_term, value);
    while (sentence == NULL && (error = block_next(&block, &term, &list)) == OK) {
        if (list_decode(list, segment->first_seq, &seqs) != OK)
            return "a list of it can't be decoded";
        sentence = visit(verification, segment, term, &seqs);
    }
    return sentence != NULL || error == ERR_NOT_FOUND ? sentence : "it can't be decoded";
}

static const char *add_postings(struct verification *verification, const struct search_segment *segment,
                                struct bytes term, const struct seqs *seqs)
{
    uint64_t hash = hash_of(segment->org, term);
    if (seqs->of[0] < segment->first_seq || seqs->of[seqs->count - 1] > segment->last_seq)
        return "a posting lies outside of its segment";
    for (size_t i = 0; i < seqs->count; ++i)
        verification->found += pair_sum(hash, seqs->of[i]);
    return NULL;
}

const char *verify_block(struct verification *verification, struct bytes key, struct bytes value)
{
    return verify_is_possible(verification) ? each_list(verification, key, value, add_postings) : NULL;
}

const char *verify_segment(struct verification *verification, struct bytes key, struct bytes value)
{
    struct search_segment segment, target;
    if (!verify_is_possible(verification))
        return NULL;
    if (key.len != SEARCH_SEGMENT_KEY_LEN || search_segment_decode(key, value, &segment) != OK)
        return "the record can't be decoded";
    if (segment.last_seq < segment.first_seq || segment.last_seq > indexed_seq_of(verification, segment.org))
        return "it ends before it begins, or behind what is indexed";
    if (segment.target != 0 &&
        look_up_segment(verification->txn, segment.org, segment.target, &target) == ERR_NOT_FOUND)
        return "the segment that it is poured into does not exist";
    return NULL;
}

/* ---- message_by_seq, visitor_by_email
 * --------------------------------------------------------------------------------- */

const char *verify_by_seq(struct verification *verification, struct bytes key, struct bytes value)
{
    size_t offset = ID_LEN;
    if (!by_seq_is_fit(key, value))
        return "it is no list of places";
    uint64_t first = key_get_u64(key, &offset) * BY_SEQ_COUNT;
    for (size_t at = 0; at < value.len && verify_is_possible(verification); at += BY_SEQ_ENTRY_LEN) {
        struct key message;
        size_t id_at = at + 1;
        message_key(&message, key_get_id(value, &id_at), first + (unsigned char)value.data[at]);
        if (table_get(verification->txn, TABLE_MESSAGES, key_view(&message), NULL) == ERR_NOT_FOUND)
            return "one of its messages does not exist";
    }
    return NULL;
}

static bool has_word(struct bytes text, struct bytes term)
{
    struct words words = words_of(text);
    struct word word;
    while (words_next(&words, &word))
        if (bytes_equal(word.term, term))
            return true;
    return false;
}

const char *verify_visitor_email(struct verification *verification, struct bytes key, struct bytes value)
{
    struct bytes term;
    struct visitor visitor;
    size_t offset = key.len - ID_LEN, org_offset = 0;
    if (!visitor_email_term(key, &term) || value.len != 0)
        return "the key is none of a word and a visitor";
    if (!verify_is_possible(verification))
        return NULL;
    enum error error = visitor_get(verification->txn, key_get_id(key, &offset), &visitor);
    if (error != OK)
        return error == ERR_NOT_FOUND ? "its visitor does not exist" : NULL;
    if (!id_equal(visitor.org, key_get_id(key, &org_offset)))
        return "its visitor is of another organisation";
    return has_word(visitor.email, term) ? NULL : "the address of its visitor has no such word";
}

const char *verify_visitor(struct verification *verification, const struct visitor *visitor)
{
    struct words words = words_of(visitor->email);
    struct word word;
    /* While visitors are walked, those that are behind the walk have no entries yet. */
    while (verification->state.phase > SEARCH_VISITORS && words_next(&words, &word)) {
        struct key key;
        visitor_email_key(&key, visitor->org, word.term, visitor->id);
        if (table_get(verification->txn, TABLE_VISITOR_BY_EMAIL, key_view(&key), NULL) == ERR_NOT_FOUND)
            return "visitor_by_email lacks a word of its address";
    }
    return NULL;
}

/* ---- one by one
 * --------------------------------------------------------------------------------------------------------- */

static bool list_has(struct bytes list, uint64_t base, uint64_t seq)
{
    struct seqs seqs;
    bool has = false;
    if (list_decode(list, base, &seqs) == OK)
        for (size_t i = 0; i < seqs.count && !has; ++i)
            has = seqs.of[i] == seq;
    return has;
}

/* A damaged block is named by itself. */
static bool has_posting(struct verification *verification, const struct segments *segments, struct bytes term,
                        uint64_t seq)
{
    bool has = false;
    for (size_t i = 0; i < segments_count(segments) && !has; ++i) {
        const struct search_segment *segment = segments_at(segments, i);
        struct found_block found;
        struct bytes list;
        if (seq < segment->first_seq || seq > segment->last_seq)
            continue;
        enum error error = block_at_or_before(verification->txn, segment, term, seq, &found);
        if (error == OK && block_find(found.first_term, found.value, term, &list) == OK)
            has = list_has(list, segment->first_seq, seq);
        has |= error == ERR_CORRUPT;
    }
    return has;
}

const char *verify_message_again(struct verification *verification, const struct message *message)
{
    struct segments segments;
    struct words words = words_of(message->content);
    struct word word;
    if (!is_indexed(verification, message))
        return NULL;
    bool has = segments_load(verification->txn, message->org, &segments) == OK;
    while (has && words_next(&words, &word))
        has = has_posting(verification, &segments, word.term, message->seq);
    segments_dispose(&segments);
    return has ? NULL : "a word of it can't be found by search";
}

/* A damaged message is named by itself. */
static const char *find_strays(struct verification *verification, const struct search_segment *segment,
                               struct bytes term, const struct seqs *seqs)
{
    for (size_t i = 0; i < seqs->count; ++i) {
        struct id conversation;
        struct message message;
        enum error error = by_seq_get(verification->txn, segment->org, seqs->of[i], &conversation);
        if (error == OK)
            error = message_get(verification->txn, conversation, seqs->of[i], &message);
        if (error == ERR_NOT_FOUND)
            verification->stray = "a posting of it leads to no message";
        else if (error == OK && !has_word(message.content, term))
            verification->stray = "a posting of it leads to a message without the word";
        if (verification->stray != NULL)
            break;
    }
    return verification->stray;
}

/* What is wrong with the block itself has been said already. */
const char *verify_block_again(struct verification *verification, struct bytes key, struct bytes value)
{
    verification->stray = NULL;
    if (verify_is_possible(verification))
        each_list(verification, key, value, find_strays);
    return verification->stray;
}
