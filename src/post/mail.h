#pragma once
/*
 * A mail as bytes (RFC 5322, MIME): plain text in UTF-8, for any mail server of the last thirty years. Nothing that
 * comes from outside can add a header or a recipient: addresses and subjects are checked first.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

#define MAIL_NAME_LEN_MAX 100 /* bytes of a sender's name */

/* "local@domain" in visible ASCII without quotes, brackets, commas or blanks, as RFC 5321 limits it. */
bool mail_address_is_valid(struct bytes address);
/* One line of UTF-8 of 1 to MAIL_SUBJECT_LEN_MAX bytes. */
bool mail_subject_is_valid(struct bytes subject);
/* UTF-8 of at most MAIL_TEXT_LEN_MAX bytes, with no control characters but \n, \r before \n, and tabs. */
bool mail_text_is_valid(struct bytes text);
/* "a@b" or "Name <a@b>": views into `text`; the name may be empty. False when it is neither. */
bool mail_sender_parse(struct bytes text, struct bytes *name, struct bytes *address);

struct mail {
    struct bytes from_name, from, to, subject, text; /* as the checks above let them pass */
    int64_t at_ms;
    struct bytes id; /* the left part of Message-ID: letters and digits */
};
/* Appends the whole message, with CRLF at the end of each line and none above 76 characters, but for an address. */
void mail_write(struct buffer *out, const struct mail *mail);
