#include "core/work.h"

static const char *const words[STATUSES] = {
    [STATUS_RESOLVED] = "resolved",
    [STATUS_OPEN] = "open",
    [STATUS_PENDING] = "pending",
    [STATUS_SNOOZED] = "snoozed",
};

const char *status_word(uint64_t status)
{
    return status < STATUSES ? words[status] : NULL;
}

bool status_parse(struct bytes word, uint64_t *out)
{
    for (uint64_t status = 0; status < STATUSES; ++status)
        if (bytes_equal(word, bytes_of_string(words[status]))) {
            *out = status;
            return true;
        }
    return false;
}

bool priority_is_valid(struct bytes priority)
{
    return priority.data == NULL || bytes_equal(priority, BYTES("low")) || bytes_equal(priority, BYTES("medium")) ||
           bytes_equal(priority, BYTES("high")) || bytes_equal(priority, BYTES("urgent"));
}
