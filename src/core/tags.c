#include "core/tags.h"

#include "base/limits.h"
#include "base/text.h"

bool tag_is_valid(struct bytes tag)
{
    if (tag.len == 0 || tag.len > TAG_LEN_MAX || tag.data[0] == ' ' || tag.data[tag.len - 1] == ' ')
        return false;
    for (size_t i = 0; i < tag.len; ++i)
        if ((unsigned char)tag.data[i] < ' ' || tag.data[i] == 0x7f)
            return false;
    return utf8_valid(tag);
}

bool tags_next(struct bytes *rest, struct bytes *tag)
{
    if (rest->len == 0)
        return false;
    const char *end = memchr(rest->data, '\n', rest->len);
    *tag = bytes_view(rest->data, end == NULL ? rest->len : (size_t)(end - rest->data));
    size_t skip = tag->len + (end != NULL);
    *rest = bytes_view(rest->data + skip, rest->len - skip);
    return true;
}

bool tags_have(struct bytes tags, struct bytes tag)
{
    struct bytes each;
    while (tags_next(&tags, &each))
        if (bytes_equal(each, tag))
            return true;
    return false;
}

static int compare(struct bytes a, struct bytes b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

bool tags_are_valid(struct bytes tags)
{
    struct bytes each, before = BYTES_NONE;
    unsigned count = 0;
    if (tags.data != NULL && (tags.len == 0 || tags.data[tags.len - 1] == '\n'))
        return false;
    for (; tags_next(&tags, &each); before = each)
        if (++count > TAGS_MAX || !tag_is_valid(each) || (before.len != 0 && compare(before, each) >= 0))
            return false;
    return true;
}

/* Puts it at its place, unless it is there. */
static bool insert(struct bytes set[TAGS_MAX], unsigned *count, struct bytes tag)
{
    unsigned at = 0;
    while (at < *count && compare(set[at], tag) < 0)
        ++at;
    if (at < *count && bytes_equal(set[at], tag))
        return true;
    if (*count == TAGS_MAX)
        return false;
    memmove(&set[at + 1], &set[at], (*count - at) * sizeof(*set));
    set[at] = tag;
    ++*count;
    return true;
}

bool tags_change(struct bytes tags, struct bytes more, struct bytes less, struct buffer *out)
{
    struct bytes set[TAGS_MAX], lists[] = {tags, more}, each;
    unsigned count = 0;
    for (unsigned i = 0; i < 2; ++i)
        while (tags_next(&lists[i], &each))
            if (!tags_have(less, each) && !insert(set, &count, each))
                return false;
    for (unsigned i = 0; i < count; ++i) {
        buffer_append(out, "\n", i != 0);
        buffer_append(out, set[i].data, set[i].len);
    }
    return true;
}
