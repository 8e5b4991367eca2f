/*
 * What was erased here does not come back: the rules refuse its visitor by its key, and what belongs to it by nothing
 * but that it leads nowhere. So the ids of what was refused are remembered, for the rows that name them.
 */
#include <stdlib.h>

#include "import_private.h"

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, ID_LEN);
}

static void remember(struct import_erased *erased, struct id id)
{
    if (erased->count == erased->room) {
        erased->room = erased->room == 0 ? 64 : 2 * erased->room;
        erased->ids = realloc(erased->ids, erased->room * sizeof(*erased->ids));
        if (erased->ids == NULL)
            abort();
    }
    erased->ids[erased->count++] = id;
}

/* Sorted when something is looked for: ids come table by table, and are looked for in the next one. */
bool import_erased_has(struct import_erased *erased, struct id id)
{
    if (erased->count == 0 || id_is_none(id))
        return false;
    if (erased->sorted != erased->count)
        qsort(erased->ids, erased->count, sizeof(*erased->ids), compare_ids);
    erased->sorted = erased->count;
    return bsearch(&id, erased->ids, erased->count, sizeof(*erased->ids), compare_ids) != NULL;
}

static bool depends_on_it(struct import_erased *erased, const struct command *command)
{
    switch (command->kind) {
    case COMMAND_CONVERSATION_IMPORT:
        return import_erased_has(erased, command->conversation_import.visitor);
    case COMMAND_MESSAGE_IMPORT:
        return import_erased_has(erased, command->message_import.conversation);
    case COMMAND_ALIAS_IMPORT:
        return import_erased_has(erased, command->alias_import.target);
    default:
        return false;
    }
}

bool import_is_erased(struct import_erased *erased, const struct command *command, enum error verdict)
{
    bool is_erased = verdict == ERR_ERASED || (verdict == ERR_NOT_FOUND && depends_on_it(erased, command));
    if (is_erased && command->kind == COMMAND_VISITOR_IMPORT)
        remember(erased, command->visitor_import.visitor);
    if (is_erased && command->kind == COMMAND_CONVERSATION_IMPORT)
        remember(erased, command->conversation_import.conversation);
    return is_erased;
}

void import_erased_dispose(struct import_erased *erased)
{
    free(erased->ids);
    *erased = (struct import_erased){0};
}
