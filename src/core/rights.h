#pragma once
/*
 * What the organisation's side may do: an access token by its scope, an agent by its role. Both have one order, and
 * whoever may do more may do all that is less. Pure functions; any thread.
 */
#include "base/bytes.h"

enum level {
    LEVEL_NONE,  /* a visitor, or nobody known */
    LEVEL_READ,  /* scope read: sees everything of the organisation */
    LEVEL_WRITE, /* scope write, role agent: answers, and works on conversations */
    LEVEL_ADMIN, /* scope admin, role admin: settings, agents, tokens, webhooks, erasing */
    LEVEL_OWNER  /* role owner: owners, and the organisation itself */
};

/* LEVEL_NONE when the text is neither "read", "write" nor "admin"; a NULL one is what tokens were before they had
 * scopes: "write". */
enum level scope_level(struct bytes scope);
/* The word for people. */
static inline struct bytes scope_word(struct bytes scope)
{
    return scope.data == NULL ? BYTES("write") : scope;
}
/* LEVEL_NONE when the text is neither "agent", "admin" nor "owner". */
enum level role_level(struct bytes role);
