#include "core/rights.h"

enum level scope_level(struct bytes scope)
{
    if (scope.data == NULL || bytes_equal(scope, BYTES("write")))
        return LEVEL_WRITE;
    return bytes_equal(scope, BYTES("read"))    ? LEVEL_READ
           : bytes_equal(scope, BYTES("admin")) ? LEVEL_ADMIN
                                                : LEVEL_NONE;
}

enum level role_level(struct bytes role)
{
    return bytes_equal(role, BYTES("agent"))   ? LEVEL_WRITE
           : bytes_equal(role, BYTES("admin")) ? LEVEL_ADMIN
           : bytes_equal(role, BYTES("owner")) ? LEVEL_OWNER
                                               : LEVEL_NONE;
}
