/* The three columns of errors.def, each as a table indexed by the error. */
#include "base/error.h"

#include <assert.h>

static const struct {
    int status;
    const char *code, *sentence;
} errors[ERROR_COUNT] = {
    [OK] = {200, "ok", "It went well."},
#define ERROR(name, status_, code_, sentence_) [ERR_##name] = {status_, code_, sentence_},
#include "base/errors.def"
#undef ERROR
};

int error_status(enum error error)
{
    assert(error < ERROR_COUNT);
    return errors[error].status;
}

const char *error_code(enum error error)
{
    assert(error < ERROR_COUNT);
    return errors[error].code;
}

const char *error_sentence(enum error error)
{
    assert(error < ERROR_COUNT);
    return errors[error].sentence;
}
