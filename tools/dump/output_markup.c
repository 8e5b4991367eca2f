/* Text for pages: whatever a visitor typed stays text. */
#include "base/text.h"
#include "output_private.h"

/* What can't stand in a page as it is: control characters, which are shown as U+FFFD, and the five signs of markup. */
static const char *substitute(unsigned char byte)
{
    switch (byte) {
    case '\r':
        return "&#13;";
    case '\t':
    case '\n':
        return NULL;
    default:
        return byte < 0x20 || byte == 0x7f ? "\ufffd" : markup_of((char)byte);
    }
}

void markup_put_text(struct buffer *out, struct bytes text)
{
    struct buffer mended = {0};
    size_t from = 0;
    text = utf8_mend(text, &mended);
    for (size_t at = 0; at < text.len; ++at) {
        const char *instead = substitute((unsigned char)text.data[at]);
        if (instead == NULL)
            continue;
        buffer_append(out, text.data + from, at - from);
        buffer_append_string(out, instead);
        from = at + 1;
    }
    if (from < text.len)
        buffer_append(out, text.data + from, text.len - from);
    buffer_dispose(&mended);
}

static bool is_upper(char letter)
{
    return letter >= 'A' && letter <= 'Z';
}

static bool is_lower(char letter)
{
    return letter >= 'a' && letter <= 'z';
}

static bool is_digit(char letter)
{
    return letter >= '0' && letter <= '9';
}

void put_name_for_people(struct buffer *out, struct bytes name)
{
    size_t letters = 0; /* in a row, so that "p90" stays whole and "week0" does not */
    for (size_t at = 0; at < name.len; ++at) {
        char now = name.data[at], before = at != 0 ? name.data[at - 1] : ' ';
        bool begins_word = (is_upper(now) && (is_lower(before) || is_digit(before))) || (is_digit(now) && letters > 3);
        bool ends_word = at + 1 == name.len || !is_upper(name.data[at + 1]);
        letters = is_upper(now) || is_lower(now) ? letters + 1 : 0;
        if (begins_word)
            buffer_append_string(out, " ");
        if (at == 0 && is_lower(now))
            now = (char)(now - 'a' + 'A');
        else if (begins_word && is_upper(now) && ends_word)
            now = (char)(now - 'A' + 'a');
        buffer_append(out, now == '_' ? " " : &now, 1);
    }
}

void markup_put_name(struct buffer *out, struct bytes name)
{
    struct buffer text = {0};
    put_name_for_people(&text, name);
    markup_put_text(out, buffer_view(&text));
    buffer_dispose(&text);
}
