#pragma once
/*
 * The commands of commands.def as structs, and their encoding. A command is what crosses from the event loops to the
 * committer, and what a replicated log will carry: bytes that mean the same wherever and whenever they are applied.
 */
#include "core/codec.h"

#define COMMAND(name, upper, number, erasing) struct name {
#define FIELD(command, type, member) FIELD_C_##type member;
#define END(name) \
    }             \
    ;
#include "core/commands.def"
#undef COMMAND
#undef FIELD
#undef END

enum command_kind {
#define COMMAND(name, upper, number, erasing) COMMAND_##upper = number,
#define FIELD(command, type, member)
#define END(name)
#include "core/commands.def"
#undef COMMAND
#undef FIELD
#undef END
};

/* A decoded command: kind says which member is set. Texts are views into the bytes that it was decoded from. */
struct command {
    enum command_kind kind;
    union {
#define COMMAND(name, upper, number, erasing) struct name name;
#define FIELD(command, type, member)
#define END(name)
#include "core/commands.def"
#undef COMMAND
#undef FIELD
#undef END
    };
};

/* Appends the encoding to out. */
void command_encode(const struct command *command, struct buffer *out);
/* ERR_CORRUPT when the bytes are not a command of this program's version. */
enum error command_decode(struct bytes encoded, struct command *out);
/* Whether it may use the reserve of a full disk. */
bool command_is_erasing(enum command_kind kind);
