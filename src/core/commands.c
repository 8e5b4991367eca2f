/* Shapes by number, generated from commands.def. */
#include "core/commands.h"

#include <assert.h>

#define COMMAND_NUMBER_LIMIT 128

#define COMMAND(name, upper, number, erasing) static const struct field name##_fields[] = {
#define FIELD(command, type, member) {#member, FIELD_##type, false, offsetof(struct command, member)},
#define END(name) \
    }             \
    ;
#include "core/commands.def"
#undef COMMAND
#undef FIELD
#undef END

static const struct command_description {
    struct shape shape;
    bool erasing;
} descriptions[COMMAND_NUMBER_LIMIT] = {
#define COMMAND(name, upper, number, erasing_) \
    [number] = {{#name, name##_fields, sizeof(name##_fields) / sizeof(struct field), sizeof(struct name), 0}, erasing_},
#define FIELD(command, type, member)
#define END(name)
#include "core/commands.def"
#undef COMMAND
#undef FIELD
#undef END
};

static const struct command_description *describe(uint64_t kind)
{
    return kind < COMMAND_NUMBER_LIMIT && descriptions[kind].shape.name != NULL ? &descriptions[kind] : NULL;
}

/* Every member of the union begins at the same place. */
static const void *payload(const struct command *command)
{
    return &command->conversation_create;
}

void command_encode(const struct command *command, struct buffer *out)
{
    const struct command_description *description = describe(command->kind);
    assert(description != NULL);
    codec_encode(&description->shape, command->kind, payload(command), out);
}

enum error command_decode(struct bytes encoded, struct command *out)
{
    uint64_t kind;
    enum error error = codec_tag(encoded, &kind);
    if (error != OK)
        return error;
    const struct command_description *description = describe(kind);
    if (description == NULL)
        return ERR_CORRUPT;
    out->kind = (enum command_kind)kind;
    return codec_decode(&description->shape, encoded, &kind, (void *)(uintptr_t)payload(out));
}

bool command_is_erasing(enum command_kind kind)
{
    const struct command_description *description = describe(kind);
    assert(description != NULL);
    return description->erasing;
}
