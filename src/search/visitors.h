#pragma once
/*
 * Visitors by the words of their e-mail addresses, in visitor_by_email. An entry is written and removed in the command
 * that changes the address; while the index is not kept (state.h) there are none.
 */
#include "search/state.h"

/* "org, term, zero, visitor". */
void visitor_email_key(struct key *key, struct id org, struct bytes term, struct id visitor);
#define VISITOR_EMAIL_KEY_REST (1 + ID_LEN) /* bytes behind the term */
/* The term of such a key, a view into it; false when it is none. */
bool visitor_email_term(struct bytes key, struct bytes *term);

/* The visitor's address was `before` and becomes `after`; a NULL one is none. */
enum error search_visitor_email(struct txn *txn, struct id org, struct id visitor, struct bytes before,
                                struct bytes after);
/* Adds the entries of an address that was there before the index. */
enum error search_add_visitor(struct txn *txn, struct id org, struct id visitor, struct bytes email);
/* The visitor goes. `email` as its record has it; when that can't be read, `is_known` is false, and all entries of the
 * organisation are looked at. What the command has read so far may be gone afterwards. */
enum error search_forget_visitor(struct txn *txn, struct id org, struct id visitor, struct bytes email, bool is_known);
