/*
 * One index a question; where an address has to have several words, the longest leads and the others are compared. A
 * page goes on behind a visitor and not behind a key or an address, which have no business in a URL.
 */
#include "search/find_visitors.h"

#include "search/match.h"
#include "search/visitors.h"

#define KEY_BEGINNING BYTES("v_")

struct visitor_finder {
    struct txn *txn;
    struct id org;
    find_on_visitor *on_visitor;
    void *context;
    struct visitors_found *found;
    unsigned looked;
};

/* Whether the walk may go on behind a visitor. */
static bool goes_on(struct visitor_finder *finder, struct id visitor, bool is_full)
{
    finder->found->is_limited = finder->looked >= LIST_ENTRIES_MAX && !is_full;
    if (!is_full && !finder->found->is_limited)
        return true;
    finder->found->next = visitor;
    return false;
}

static bool begins_with(struct bytes key, const struct key *beginning)
{
    return key.len >= beginning->len && memcmp(key.data, beginning->bytes, beginning->len) == 0;
}

static enum error get_own(struct visitor_finder *finder, struct id id, struct visitor *out)
{
    enum error error = visitor_get(finder->txn, id, out);
    return error == OK && !id_equal(out->org, finder->org) ? ERR_NOT_FOUND : error;
}

/* ---- by id, by key -------------------------------------------------------------------------------------------------
 */

static enum error find_by_id(struct visitor_finder *finder, struct id id)
{
    struct visitor visitor;
    enum error error = get_own(finder, id, &visitor);
    if (error == OK)
        finder->on_visitor(finder->context, &visitor);
    return error;
}

/* Where the walk begins: at the beginning of the keys, or behind the key of a visitor. */
static enum error begin_at_key(struct visitor_finder *finder, struct cursor *cursor, struct bytes beginning,
                               struct id after, struct bytes *key, struct bytes *value)
{
    struct visitor visitor;
    struct key from;
    enum error error = id_is_none(after) ? OK : get_own(finder, after, &visitor);
    if (error != OK)
        return error;
    visitor_key_key(&from, finder->org, id_is_none(after) ? beginning : visitor.visitor_key);
    error = cursor_seek(cursor, key_view(&from), key, value);
    bool is_behind = id_is_none(after) || error != OK || !bytes_equal(*key, key_view(&from));
    return is_behind ? error : cursor_next(cursor, key, value);
}

static enum error find_by_key(struct visitor_finder *finder, struct bytes beginning, struct id after)
{
    struct key prefix;
    struct bytes key, value;
    visitor_key_key(&prefix, finder->org, beginning);
    struct cursor *cursor = cursor_open(finder->txn, TABLE_VISITOR_BY_KEY);
    enum error error = begin_at_key(finder, cursor, beginning, after, &key, &value);
    while (error == OK && begins_with(key, &prefix) && value.len == ID_LEN) {
        struct visitor visitor;
        size_t offset = 0;
        struct id id = key_get_id(value, &offset);
        ++finder->looked;
        error = get_own(finder, id, &visitor);
        bool is_full = error == OK && !finder->on_visitor(finder->context, &visitor);
        if ((error != OK && error != ERR_NOT_FOUND) || !goes_on(finder, id, is_full))
            break;
        error = cursor_next(cursor, &key, &value);
    }
    cursor_close(cursor);
    return error;
}

/* ---- by the words of an address
 * -------------------------------------------------------------------------------------- */

/* The longest word leads to the fewest visitors. */
static const struct asked_word *choose(const struct question *question)
{
    const struct asked_word *longest = &question->words[0];
    for (unsigned i = 1; i < question->count; ++i)
        if (question->words[i].len > longest->len)
            longest = &question->words[i];
    return longest;
}

static int compare(struct bytes a, struct bytes b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : a.len < b.len ? -1 : a.len > b.len;
}

/* An address may have several words with the same beginning: it counts at the last of them in the alphabet, where the
 * walk is first. False when it has none. */
static bool last_such(struct bytes email, const struct asked_word *asked, char room[SEARCH_TERM_LEN_MAX],
                      struct bytes *out)
{
    struct words words = words_of(email);
    struct word word;
    *out = BYTES_NONE;
    while (words_next(&words, &word)) {
        if (!asked_is(asked, word.term) || (out->data != NULL && compare(word.term, *out) <= 0))
            continue;
        memcpy(room, word.term.data, word.term.len);
        *out = bytes_view(room, word.term.len);
    }
    return out->data != NULL;
}

/* The key before which the walk begins. ERR_NOT_FOUND when the visitor is gone, or has another address by now. */
static enum error end_of_walk(struct visitor_finder *finder, const struct asked_word *asked, struct id after,
                              struct key *out)
{
    struct visitor visitor;
    char room[SEARCH_TERM_LEN_MAX];
    struct bytes term;
    if (id_is_none(after)) {
        key_clear(out);
        key_put_id(out, finder->org);
        key_put(out, asked_term(asked));
        key_put(out, asked->is_prefix ? BYTES("\xff") : BYTES("\x01"));
        return OK;
    }
    enum error error = get_own(finder, after, &visitor);
    if (error == OK && !last_such(visitor.email, asked, room, &term))
        error = ERR_NOT_FOUND;
    if (error == OK)
        visitor_email_key(out, finder->org, term, after);
    return error;
}

/* The visitor of an entry, if its address answers the whole question and counts here. */
static enum error look_at(struct visitor_finder *finder, const struct question *question, struct match *match,
                          struct bytes key, bool *goes)
{
    struct bytes term, last;
    struct visitor visitor;
    char room[SEARCH_TERM_LEN_MAX];
    size_t offset = key.len - ID_LEN;
    ++finder->looked;
    *goes = true;
    if (!visitor_email_term(key, &term))
        return ERR_CORRUPT;
    struct id id = key_get_id(key, &offset);
    enum error error = get_own(finder, id, &visitor);
    if (error != OK || !last_such(visitor.email, choose(question), room, &last) || !bytes_equal(last, term))
        return error == ERR_NOT_FOUND ? OK : error;
    bool is_hit = match_text(match, question, visitor.email);
    *goes = goes_on(finder, id, is_hit && !finder->on_visitor(finder->context, &visitor));
    return OK;
}

static enum error find_by_email(struct visitor_finder *finder, const struct question *question, struct id after)
{
    const struct asked_word *asked = choose(question);
    struct key prefix, end;
    struct bytes key;
    struct match match = {.count = 0};
    bool goes = true;
    enum error error = end_of_walk(finder, asked, after, &end);
    if (error != OK)
        return error;
    key_clear(&prefix);
    key_put_id(&prefix, finder->org);
    key_put(&prefix, asked_term(asked));
    if (!asked->is_prefix)
        key_put(&prefix, bytes_view("", 1));
    struct cursor *cursor = cursor_open(finder->txn, TABLE_VISITOR_BY_EMAIL);
    error = cursor_seek_before(cursor, key_view(&end), &key, NULL);
    while (error == OK && goes && begins_with(key, &prefix)) {
        error = look_at(finder, question, &match, key, &goes);
        if (error == OK && goes)
            error = cursor_previous(cursor, &key, NULL);
    }
    cursor_close(cursor);
    match_dispose(&match);
    return error;
}

static bool is_key_like(struct bytes text)
{
    return text.len >= KEY_BEGINNING.len && text.len <= VISITOR_KEY_LEN_MAX &&
           memcmp(text.data, KEY_BEGINNING.data, KEY_BEGINNING.len) == 0;
}

enum error find_visitors(struct txn *txn, struct id org, struct bytes text, const struct question *question,
                         struct id after, find_on_visitor *on_visitor, void *context, struct visitors_found *out)
{
    struct visitor_finder finder = {.txn = txn, .org = org, .on_visitor = on_visitor, .context = context, .found = out};
    struct id id;
    enum error error = OK;
    *out = (struct visitors_found){.next = ID_NONE};
    if (id_parse(text, &id))
        error = find_by_id(&finder, id);
    else if (is_key_like(text))
        error = find_by_key(&finder, text, after);
    else if (question->count != 0)
        error = find_by_email(&finder, question, after);
    return error == ERR_NOT_FOUND ? OK : error;
}
