/* One table, both ways. */
#include "core/hooks.h"

#define HOOK_EVENT_LIMIT 64

static const char *const names[HOOK_EVENT_LIMIT] = {
#define EVENT(name, number, text) [number] = text,
    HOOK_EVENTS(EVENT)
#undef EVENT
};

const char *hook_event_name(uint64_t event)
{
    return event < HOOK_EVENT_LIMIT ? names[event] : NULL;
}

enum hook_event hook_event_parse(struct bytes name)
{
    for (unsigned event = 0; event < HOOK_EVENT_LIMIT; ++event)
        if (names[event] != NULL && bytes_equal(name, bytes_of_string(names[event])))
            return (enum hook_event)event;
    return HOOK_NONE;
}

bool hook_events_parse(struct bytes text, uint64_t *bits)
{
    *bits = 0;
    while (text.len != 0) {
        const char *blank = memchr(text.data, ' ', text.len);
        size_t len = blank == NULL ? text.len : (size_t)(blank - text.data);
        enum hook_event event = hook_event_parse(bytes_view(text.data, len));
        if (event == HOOK_NONE || len + 1 == text.len)
            return false;
        *bits |= HOOK_BIT(event);
        len += blank != NULL;
        text = bytes_view(text.data + len, text.len - len);
    }
    return *bits != 0;
}

void hook_events_write(struct buffer *out, uint64_t bits)
{
    bool any = false;
    for (unsigned event = 0; event < HOOK_EVENT_LIMIT; ++event) {
        if ((bits >> event & 1) == 0 || names[event] == NULL)
            continue;
        buffer_append_string(out, any ? " " : "");
        buffer_append_string(out, names[event]);
        any = true;
    }
}
