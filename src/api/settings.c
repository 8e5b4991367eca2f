/* What the settings of an organisation may be, for the API and the shell alike. */
#include <stdio.h>

#include "api/api.h"
#include "base/hours.h"
#include "base/zone.h"

bool origin_read(struct bytes text, char out[ORIGIN_LEN_MAX + 1])
{
    size_t len = text.len;
    len -= len != 0 && text.data[len - 1] == '/';
    if (len > ORIGIN_LEN_MAX)
        return false;
    for (size_t i = 0; i < len; ++i)
        out[i] = text.data[i] >= 'A' && text.data[i] <= 'Z' ? (char)(text.data[i] - 'A' + 'a') : text.data[i];
    out[len] = '\0';
    return origin_is_valid(bytes_view(out, len));
}

bool origin_next(struct bytes *rest, struct bytes *origin)
{
    if (rest->len == 0)
        return false;
    const char *end = memchr(rest->data, '\n', rest->len);
    size_t len = end != NULL ? (size_t)(end - rest->data) : rest->len;
    *origin = bytes_view(rest->data, len);
    len += end != NULL;
    *rest = bytes_view(rest->data + len, rest->len - len);
    return true;
}

bool color_is_valid(struct bytes color)
{
    if (color.len != 7 || color.data[0] != '#')
        return false;
    for (size_t i = 1; i < color.len; ++i)
        if (strchr("0123456789abcdefABCDEF", color.data[i]) == NULL || color.data[i] == '\0')
            return false;
    return true;
}

bool business_hours_are_valid(struct bytes text, char why[SETTING_WHY_LEN])
{
    struct hours hours;
    const char *sentence;
    char zone_why[ZONE_WHY_LEN];
    if (text.len == 0)
        return true;
    if (!hours_parse(text, &hours, &sentence)) {
        snprintf(why, SETTING_WHY_LEN, "%s", sentence);
        return false;
    }
    if (zone_is_known(hours.zone, zone_why))
        return true;
    snprintf(why, SETTING_WHY_LEN, "Business hours: %s.", zone_why);
    return false;
}
