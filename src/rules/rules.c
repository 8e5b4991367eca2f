/* The one way in: a switch over the commands, generated from their table. */
#include "rules/rules.h"

#include "rules/internal.h"

enum error rules_apply(struct txn *txn, uint64_t seq, const struct command *command, struct outcome *outcome)
{
    outcome->replayed = outcome->widened = outcome->more = false;
    outcome->seq = seq;
    outcome->retained = (struct retained){0};
    outcome->event = (struct event){.kind = EVENT_NONE};
    outcome->hooked = false;
    outcome->hooks_lost = 0;
    outcome->erased_conversations = outcome->erased_messages = outcome->anonymized_conversations = 0;
    switch (command->kind) {
#define COMMAND(name, upper, number, erasing) \
    case COMMAND_##upper:                     \
        return rule_##name(txn, seq, &command->name, outcome);
#define FIELD(command, type, member)
#define END(name)
#include "core/commands.def"
#undef COMMAND
#undef FIELD
#undef END
    }
    return ERR_CORRUPT;
}
