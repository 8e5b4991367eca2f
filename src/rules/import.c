/* Rows of another database: see commands.def. */
#include "rules/internal.h"

#define IMPORT(name)                                                                                           \
    enum error rule_##name(struct txn *txn, uint64_t seq, const struct name *command, struct outcome *outcome) \
    {                                                                                                          \
        (void)txn, (void)seq, (void)command, (void)outcome;                                                    \
        return ERR_CORRUPT;                                                                                    \
    }
IMPORT(org_import)
IMPORT(visitor_import)
IMPORT(conversation_import)
IMPORT(message_import)
IMPORT(alias_import)
