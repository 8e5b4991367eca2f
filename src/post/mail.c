/*
 * Headers and body. What is not ASCII goes into encoded words (RFC 2047) in headers and quoted-printable (RFC 2045) in
 * the text, so no server has to know 8BITMIME. A line is cut before 76 characters, and never inside a character.
 */
#include "post/mail.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "base/text.h"

/* ---- what is taken ---- */

static bool is_atom(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* Atoms with a dot between them. */
static bool is_dot_atom(struct bytes text)
{
    bool after_dot = true;
    for (size_t i = 0; i < text.len; ++i) {
        bool is_dot = text.data[i] == '.';
        if ((is_dot && after_dot) || (!is_dot && !is_atom(text.data[i])))
            return false;
        after_dot = is_dot;
    }
    return text.len != 0 && !after_dot;
}

static bool is_domain(struct bytes text)
{
    for (size_t i = 0; i < text.len; ++i)
        if (strchr("!#$%&'*+/=?^_`{|}~", text.data[i]) != NULL)
            return false;
    return text.len <= 253 && is_dot_atom(text) && text.data[0] != '-' && text.data[text.len - 1] != '-';
}

bool mail_address_is_valid(struct bytes address)
{
    const char *at = address.len == 0 ? NULL : memchr(address.data, '@', address.len);
    if (at == NULL || address.len > EMAIL_LEN_MAX)
        return false;
    size_t local = (size_t)(at - address.data);
    return local <= 64 && is_dot_atom(bytes_view(address.data, local)) &&
           is_domain(bytes_view(at + 1, address.len - local - 1));
}

static bool is_control(char c)
{
    return (unsigned char)c < ' ' || c == 0x7f;
}

static bool is_one_line(struct bytes text)
{
    for (size_t i = 0; i < text.len; ++i)
        if (is_control(text.data[i]))
            return false;
    return utf8_valid(text);
}

bool mail_subject_is_valid(struct bytes subject)
{
    return subject.len != 0 && subject.len <= MAIL_SUBJECT_LEN_MAX && is_one_line(subject);
}

bool mail_text_is_valid(struct bytes text)
{
    for (size_t i = 0; i < text.len; ++i) {
        char c = text.data[i];
        bool ends_line = c == '\r' && i + 1 < text.len && text.data[i + 1] == '\n';
        if (is_control(c) && c != '\n' && c != '\t' && !ends_line)
            return false;
    }
    return text.len <= MAIL_TEXT_LEN_MAX && utf8_valid(text);
}

static struct bytes trim(struct bytes text)
{
    while (text.len != 0 && text.data[0] == ' ')
        text = bytes_view(text.data + 1, text.len - 1);
    while (text.len != 0 && text.data[text.len - 1] == ' ')
        --text.len;
    return text;
}

bool mail_sender_parse(struct bytes text, struct bytes *name, struct bytes *address)
{
    text = trim(text);
    const char *open = text.len == 0 ? NULL : memchr(text.data, '<', text.len);
    *name = BYTES("");
    *address = text;
    if (open != NULL) {
        size_t before = (size_t)(open - text.data);
        if (text.data[text.len - 1] != '>')
            return false;
        *name = trim(bytes_view(text.data, before));
        *address = bytes_view(open + 1, text.len - before - 2);
    }
    return name->len <= MAIL_NAME_LEN_MAX && is_one_line(*name) && mail_address_is_valid(*address);
}

/* ---- headers ---- */

#define WORD_OPEN "=?UTF-8?Q?"
#define WORD_CLOSE "?="
#define LINE_LEN_MAX 76

/* How many bytes of text begin here as one character. */
static size_t character_len(struct bytes text, size_t at)
{
    size_t len = 1;
    while (at + len < text.len && ((unsigned char)text.data[at + len] & 0xc0) == 0x80)
        ++len;
    return len;
}

static bool is_word_letter(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static void put_word_character(struct buffer *out, struct bytes character)
{
    for (size_t i = 0; i < character.len; ++i) {
        unsigned char c = (unsigned char)character.data[i];
        if (is_word_letter((char)c))
            buffer_append(out, &character.data[i], 1);
        else if (c == ' ')
            buffer_append_string(out, "_");
        else
            buffer_printf(out, "=%02X", c);
    }
}

static size_t word_len(struct bytes character)
{
    return character.len == 1 && (is_word_letter(character.data[0]) || character.data[0] == ' ') ? 1
                                                                                                 : 3 * character.len;
}

/* As encoded words, a new line for each; `used` characters stand on the line already. */
static void put_words(struct buffer *out, struct bytes text, size_t used)
{
    size_t line = used + sizeof(WORD_OPEN) - 1;
    buffer_append_string(out, WORD_OPEN);
    for (size_t at = 0; at < text.len;) {
        struct bytes character = bytes_view(text.data + at, character_len(text, at));
        size_t len = word_len(character);
        if (line + len + sizeof(WORD_CLOSE) - 1 > LINE_LEN_MAX - 1) {
            buffer_append_string(out, WORD_CLOSE "\r\n " WORD_OPEN);
            line = 1 + sizeof(WORD_OPEN) - 1;
        }
        put_word_character(out, character);
        line += len;
        at += character.len;
    }
    buffer_append_string(out, WORD_CLOSE);
}

/* Short ASCII stands as it is, unless it looks encoded itself. */
static bool is_plain(struct bytes text, const char *special, size_t len_max)
{
    bool plain = text.len <= len_max;
    for (size_t i = 0; i < text.len && plain; ++i)
        plain = (unsigned char)text.data[i] < 0x80 && strchr(special, text.data[i]) == NULL;
    return plain && memmem(text.data, text.len, "=?", 2) == NULL && text.data[0] != ' ' &&
           text.data[text.len - 1] != ' ';
}

static void put_subject(struct buffer *out, struct bytes subject)
{
    static const char name[] = "Subject: ";
    buffer_append_string(out, name);
    if (is_plain(subject, "", LINE_LEN_MAX - sizeof(name)))
        buffer_append(out, subject.data, subject.len);
    else
        put_words(out, subject, sizeof(name) - 1);
    buffer_append_string(out, "\r\n");
}

static void put_from(struct buffer *out, const struct mail *mail)
{
    static const char name[] = "From: ";
    buffer_append_string(out, name);
    if (mail->from_name.len != 0) {
        if (is_plain(mail->from_name, "\"\\()<>[]:;@,.", LINE_LEN_MAX / 2))
            buffer_append(out, mail->from_name.data, mail->from_name.len);
        else
            put_words(out, mail->from_name, sizeof(name) - 1);
        buffer_append_string(out, "\r\n ");
    }
    buffer_printf(out, "<%.*s>\r\n", (int)mail->from.len, mail->from.data);
}

/* "Sat, 31 Jan 2026 23:59:59 +0000", with the names of RFC 5322 whatever the locale. */
static void put_date(struct buffer *out, int64_t at_ms)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm date;
    gmtime_r(&seconds, &date);
    buffer_printf(out, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[date.tm_wday], date.tm_mday,
                  months[date.tm_mon], date.tm_year + 1900, date.tm_hour, date.tm_min, date.tm_sec);
}

static void put_message_id(struct buffer *out, const struct mail *mail)
{
    const char *at = memchr(mail->from.data, '@', mail->from.len);
    size_t local = (size_t)(at - mail->from.data);
    buffer_printf(out, "Message-ID: <%.*s%.*s>\r\n", (int)mail->id.len, mail->id.data, (int)(mail->from.len - local),
                  at);
}

/* ---- the text ---- */

/* Whether a blank at `at` is the last of its line: some servers would take it away. */
static bool ends_line(struct bytes text, size_t at)
{
    return at + 1 == text.len || text.data[at + 1] == '\n' ||
           (text.data[at + 1] == '\r' && at + 2 < text.len && text.data[at + 2] == '\n');
}

static bool is_quoted(struct bytes text, size_t at)
{
    unsigned char c = (unsigned char)text.data[at];
    return c >= 0x7f || c == '=' || c == '\t' || (c == ' ' && ends_line(text, at));
}

static void put_text(struct buffer *out, struct bytes text)
{
    size_t line = 0;
    for (size_t at = 0; at < text.len; ++at) {
        if (text.data[at] == '\r')
            continue;
        if (text.data[at] == '\n') {
            buffer_append_string(out, "\r\n");
            line = 0;
            continue;
        }
        bool quoted = is_quoted(text, at);
        size_t len = quoted ? 3 : 1;
        if (line + len > LINE_LEN_MAX - 1) {
            buffer_append_string(out, "=\r\n");
            line = 0;
        }
        if (quoted)
            buffer_printf(out, "=%02X", (unsigned char)text.data[at]);
        else
            buffer_append(out, &text.data[at], 1);
        line += len;
    }
    if (line != 0)
        buffer_append_string(out, "\r\n");
}

void mail_write(struct buffer *out, const struct mail *mail)
{
    put_date(out, mail->at_ms);
    put_from(out, mail);
    buffer_printf(out, "To: <%.*s>\r\n", (int)mail->to.len, mail->to.data);
    put_subject(out, mail->subject);
    put_message_id(out, mail);
    buffer_append_string(out, "Auto-Submitted: auto-generated\r\n"
                              "MIME-Version: 1.0\r\n"
                              "Content-Type: text/plain; charset=utf-8\r\n"
                              "Content-Transfer-Encoding: quoted-printable\r\n"
                              "\r\n");
    put_text(out, mail->text);
}
