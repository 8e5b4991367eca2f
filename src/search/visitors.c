/* One entry for each different word of an address. */
#include "search/visitors.h"

#include "search/words.h"

void visitor_email_key(struct key *key, struct id org, struct bytes term, struct id visitor)
{
    key_clear(key);
    key_put_id(key, org);
    key_put(key, term);
    key_put(key, bytes_view("", 1));
    key_put_id(key, visitor);
}

bool visitor_email_term(struct bytes key, struct bytes *term)
{
    if (key.len <= ID_LEN + VISITOR_EMAIL_KEY_REST || key.len > ID_LEN + VISITOR_EMAIL_KEY_REST + SEARCH_TERM_LEN_MAX ||
        key.data[key.len - VISITOR_EMAIL_KEY_REST] != '\0')
        return false;
    *term = bytes_view(key.data + ID_LEN, key.len - ID_LEN - VISITOR_EMAIL_KEY_REST);
    return memchr(term->data, '\0', term->len) == NULL;
}

static enum error remove_words(struct txn *txn, struct id org, struct id visitor, struct bytes email)
{
    struct words words = words_of(email);
    struct word word;
    enum error error = OK;
    while ((error == OK || error == ERR_NOT_FOUND) && words_next(&words, &word)) {
        struct key key;
        visitor_email_key(&key, org, word.term, visitor);
        error = table_del(txn, TABLE_VISITOR_BY_EMAIL, key_view(&key));
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

enum error search_add_visitor(struct txn *txn, struct id org, struct id visitor, struct bytes email)
{
    struct words words = words_of(email);
    struct word word;
    enum error error = OK;
    while (error == OK && words_next(&words, &word)) {
        struct key key;
        visitor_email_key(&key, org, word.term, visitor);
        error = table_put(txn, TABLE_VISITOR_BY_EMAIL, key_view(&key), BYTES_NONE);
    }
    return error;
}

enum error search_visitor_email(struct txn *txn, struct id org, struct id visitor, struct bytes before,
                                struct bytes after)
{
    struct search_state state;
    enum error error = search_state_get(txn, &state);
    if (error != OK || !search_is_kept(&state))
        return error;
    error = remove_words(txn, org, visitor, before);
    return error == OK ? search_add_visitor(txn, org, visitor, after) : error;
}

/* ---- a visitor that goes --------------------------------------------------------------------------------------------
 */

static bool is_of(struct bytes key, struct id visitor)
{
    return key.len >= ID_LEN && memcmp(key.data + key.len - ID_LEN, visitor.bytes, ID_LEN) == 0;
}

static enum error remove_by_walk(struct txn *txn, struct id org, struct id visitor)
{
    struct bytes key;
    struct cursor *cursor = cursor_open(txn, TABLE_VISITOR_BY_EMAIL);
    enum error error = cursor_seek(cursor, id_view(&org), &key, NULL);
    while (error == OK && key.len >= ID_LEN && memcmp(key.data, org.bytes, ID_LEN) == 0) {
        if (is_of(key, visitor))
            error = cursor_del(cursor);
        txn_arena_reset(txn);
        if (error == OK)
            error = cursor_next(cursor, &key, NULL);
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

enum error search_forget_visitor(struct txn *txn, struct id org, struct id visitor, struct bytes email, bool is_known)
{
    struct search_state state;
    enum error error = search_state_get(txn, &state);
    if (error != OK || state.phase == SEARCH_NONE)
        return error;
    return is_known && search_is_kept(&state) ? remove_words(txn, org, visitor, email)
                                              : remove_by_walk(txn, org, visitor);
}
