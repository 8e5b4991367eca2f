/* Collects until the organisation is another one. */
#include "search/swept.h"

#include "search/by_seq.h"

static enum error put_places(struct swept *swept)
{
    enum error error = by_seq_put_all(swept->txn, swept->org, (const struct by_seq *)swept->places.data,
                                      swept->places.len / sizeof(struct by_seq));
    buffer_clear(&swept->places);
    return error == ERR_CORRUPT ? search_reset(swept->txn) : error;
}

static enum error enter_org(struct swept *swept, struct id org)
{
    struct search_state state;
    enum error error = put_places(swept);
    if (error == OK)
        error = search_state_get(swept->txn, &state);
    if (error == OK)
        error = search_indexed_seq(swept->txn, &state, org, &swept->known_seq);
    if (error != OK)
        return error;
    swept->org = org;
    if (!search_is_kept(&state))
        swept->known_seq = UINT64_MAX;
    else if (swept->known_seq < state.until_seq)
        swept->known_seq = state.until_seq;
    return OK;
}

static enum error is_message(struct txn *txn, struct id conversation, uint64_t seq, bool *out)
{
    struct key key;
    message_key(&key, conversation, seq);
    enum error error = table_get(txn, TABLE_MESSAGES, key_view(&key), NULL);
    *out = error == OK;
    return error == ERR_NOT_FOUND || error == ERR_CORRUPT ? OK : error;
}

enum error swept_note(struct swept *swept, struct id org, uint64_t seq, struct id conversation)
{
    bool wanted;
    enum error error = id_equal(swept->org, org) ? OK : enter_org(swept, org);
    if (error != OK || seq <= swept->known_seq)
        return error;
    error = is_message(swept->txn, conversation, seq, &wanted);
    if (error == OK && wanted) {
        struct by_seq place = {seq, conversation};
        buffer_append(&swept->places, &place, sizeof(place));
    }
    return error;
}

enum error swept_end(struct swept *swept, enum error error)
{
    if (error == OK && !id_is_none(swept->org))
        error = put_places(swept);
    buffer_dispose(&swept->places);
    return error;
}
