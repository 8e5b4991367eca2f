#pragma once
/*
 * Operating errors as values: 0 is success, everything else is a line of errors.def. A function that can fail returns
 * `enum error`; programmer errors are asserts, which stay on in every build; running out of memory aborts.
 */

enum error {
    OK = 0,
#define ERROR(name, status, code, sentence) ERR_##name,
#include "base/errors.def"
#undef ERROR
    ERROR_COUNT
};

/* The HTTP status of an error; 200 for OK. */
int error_status(enum error error);
/* The machine's word for it (snake_case) and its sentence; both static. */
const char *error_code(enum error error);
const char *error_sentence(enum error error);
