/* A mail's bytes: what they are, that nothing from outside can add to them, and that what was written is read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/limits.h"
#include "post/mail.h"

#define AT_MS INT64_C(1769903999999) /* 2026-01-31T23:59:59.999Z, a Saturday */

static struct buffer write_mail(const char *subject, const char *text)
{
    struct buffer out = {0};
    mail_write(&out, &(struct mail){.from_name = BYTES("Helvino"),
                                    .from = BYTES("noreply@example.com"),
                                    .to = BYTES("somebody@example.org"),
                                    .subject = bytes_of_string(subject),
                                    .text = bytes_of_string(text),
                                    .at_ms = AT_MS,
                                    .id = BYTES("abc234")});
    return out;
}

static void test_a_plain_mail_is_these_bytes(void **state)
{
    (void)state;
    struct buffer mail = write_mail("Your link", "Hello,\n\nhttps://example.com/reset?t=1\n.\n");
    static const char expected[] = "Date: Sat, 31 Jan 2026 23:59:59 +0000\r\n"
                                   "From: Helvino\r\n <noreply@example.com>\r\n"
                                   "To: <somebody@example.org>\r\n"
                                   "Subject: Your link\r\n"
                                   "Message-ID: <abc234@example.com>\r\n"
                                   "Auto-Submitted: auto-generated\r\n"
                                   "MIME-Version: 1.0\r\n"
                                   "Content-Type: text/plain; charset=utf-8\r\n"
                                   "Content-Transfer-Encoding: quoted-printable\r\n"
                                   "\r\n"
                                   "Hello,\r\n\r\nhttps://example.com/reset?t=3D1\r\n.\r\n";
    assert_int_equal(mail.len, sizeof(expected) - 1);
    assert_memory_equal(mail.data, expected, mail.len);
    buffer_dispose(&mail);
}

/* ---- reading it again ------------------------------------------------------------------------------------------ */

static int hex(char c)
{
    return c <= '9' ? c - '0' : c - 'A' + 10;
}

/* Undoes "=XX"; a soft line break when `soft`, "_" for a blank when not. */
static void decode_quoted(struct bytes text, bool soft, struct buffer *out)
{
    for (size_t i = 0; i < text.len; ++i) {
        char c = text.data[i];
        if (c == '=' && soft && text.data[i + 1] == '\r') {
            i += 2;
            continue;
        }
        if (c == '=') {
            c = (char)(hex(text.data[i + 1]) << 4 | hex(text.data[i + 2]));
            i += 2;
        } else if (c == '_' && !soft) {
            c = ' ';
        }
        buffer_append(out, &c, 1);
    }
}

static struct buffer subject_of(const struct buffer *mail)
{
    struct buffer out = {0};
    const char *at = memmem(mail->data, mail->len, "Subject: ", 9);
    const char *end = memmem(at, mail->len - (size_t)(at - mail->data), "\r\nMessage-ID", 12);
    at += 9;
    if (memmem(at, (size_t)(end - at), "=?", 2) == NULL) {
        buffer_append(&out, at, (size_t)(end - at));
        return out;
    }
    while (at < end) {
        assert_memory_equal(at, "=?UTF-8?Q?", 10);
        const char *close = memmem(at + 10, (size_t)(end - at) - 10, "?=", 2);
        decode_quoted(bytes_view(at + 10, (size_t)(close - at) - 10), false, &out);
        at = close + 2;
        if (at < end)
            assert_memory_equal(at, "\r\n ", 3), at += 3;
    }
    return out;
}

static struct buffer text_of(const struct buffer *mail)
{
    struct buffer out = {0};
    const char *at = (const char *)memmem(mail->data, mail->len, "\r\n\r\n", 4) + 4;
    decode_quoted(bytes_view(at, mail->len - (size_t)(at - mail->data)), true, &out);
    return out;
}

static void assert_lines_are_short_ascii(const struct buffer *mail)
{
    size_t line = 0;
    for (size_t i = 0; i < mail->len; ++i) {
        unsigned char c = (unsigned char)mail->data[i];
        assert_true(c < 0x7f);
        assert_true(c != '\n' || (i > 0 && mail->data[i - 1] == '\r'));
        assert_true(c != '\r' || (i + 1 < mail->len && mail->data[i + 1] == '\n'));
        line = c == '\n' ? 0 : line + (c != '\r');
        assert_true(line <= 76);
    }
    assert_int_equal(line, 0);
}

static void assert_comes_back(const char *subject, const char *text, const char *text_with_crlf)
{
    struct buffer mail = write_mail(subject, text), decoded_subject = subject_of(&mail), decoded_text = text_of(&mail);
    assert_lines_are_short_ascii(&mail);
    assert_true(bytes_equal(buffer_view(&decoded_subject), bytes_of_string(subject)));
    assert_true(bytes_equal(buffer_view(&decoded_text), bytes_of_string(text_with_crlf)));
    buffer_dispose(&mail);
    buffer_dispose(&decoded_subject);
    buffer_dispose(&decoded_text);
}

static void test_every_language_comes_back(void **state)
{
    (void)state;
    assert_comes_back("Passwort zurücksetzen", "Grüße\n", "Grüße\r\n");
    assert_comes_back("إعادة تعيين كلمة المرور", "مرحبا\n", "مرحبا\r\n");
    assert_comes_back(
        "Şifrenizi sıfırlayın: İstanbul'daki ekibiniz için çok uzun bir konu satırı, gerçekten çok uzun 😀",
        "a=b\t\n trailing \n", "a=b\t\r\n trailing \r\n");
    assert_comes_back("=?UTF-8?Q?not_encoded?=", "x\n", "x\r\n");
    assert_comes_back("a line of exactly the length at which it has to be cut, or one more than that.", "\n\n",
                      "\r\n\r\n");
    assert_comes_back("ends with a blank ", "no line end", "no line end\r\n");
    assert_comes_back("x", "was written with\r\nboth\r\n", "was written with\r\nboth\r\n");
}

static void test_long_lines_are_cut_and_come_back(void **state)
{
    (void)state;
    char subject[MAIL_SUBJECT_LEN_MAX + 1] = "", text[5000] = "", with_crlf[5002] = "";
    for (size_t len = 1; len < MAIL_SUBJECT_LEN_MAX - 4; len += 7) {
        for (size_t i = 0; i + 4 < len; i += 4)
            memcpy(subject + i, i % 3 == 0 ? "\xf0\x9f\x98\x80" : "abc ", 5);
        subject[len - 1] = 'z', subject[len] = '\0';
        if (!mail_subject_is_valid(bytes_of_string(subject)))
            continue;
        memset(text, 'a', len * 9), text[len * 9] = '\0';
        snprintf(with_crlf, sizeof(with_crlf), "%s\r\n", text);
        assert_comes_back(subject, text, with_crlf);
    }
}

/* ---- what is refused ------------------------------------------------------------------------------------------- */

static void test_subjects_can_add_no_header(void **state)
{
    (void)state;
    assert_true(mail_subject_is_valid(BYTES("fine")));
    assert_false(mail_subject_is_valid(BYTES("")));
    assert_false(mail_subject_is_valid(BYTES("a\r\nBcc: evil@example.com")));
    assert_false(mail_subject_is_valid(BYTES("a\nb")));
    assert_false(mail_subject_is_valid(BYTES("a\rb")));
    assert_false(mail_subject_is_valid(BYTES("a\0b")));
    assert_false(mail_subject_is_valid(BYTES("a\xff")));
    assert_false(mail_text_is_valid(BYTES("a\0b")));
    assert_false(mail_text_is_valid(BYTES("a\rb")));
    assert_true(mail_text_is_valid(BYTES("a\r\nb\n.\n\tc")));
}

static void test_addresses_are_one_and_plain(void **state)
{
    (void)state;
    static const char *const fine[] = {"a@b", "first.last+tag@sub.example.com", "o'brien@example.com",
                                       "x_y-z@1.example"};
    static const char *const wrong[] = {"",
                                        "a",
                                        "@b",
                                        "a@",
                                        "a@b@c",
                                        "a b@example.com",
                                        "a@exa mple.com",
                                        "a@example.com,b@example.com",
                                        "a@example.com>\r\nRCPT TO:<evil@example.com",
                                        "<a@example.com>",
                                        "\"quoted\"@example.com",
                                        "a..b@example.com",
                                        ".a@example.com",
                                        "a.@example.com",
                                        "a@.example.com",
                                        "a@example..com",
                                        "a@example.com.",
                                        "a@-example.com",
                                        "a@example.com\n",
                                        "a@[127.0.0.1]",
                                        "\xc3\xa4@example.com",
                                        "a@ex\xc3\xa4mple.com",
                                        "a@example.com ",
                                        "a@ex%41mple.com"};
    for (size_t i = 0; i < sizeof(fine) / sizeof(*fine); ++i)
        if (!mail_address_is_valid(bytes_of_string(fine[i])))
            fail_msg("%s is refused", fine[i]);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); ++i)
        if (mail_address_is_valid(bytes_of_string(wrong[i])))
            fail_msg("%s is taken", wrong[i]);
    char longest[EMAIL_LEN_MAX + 2];
    memset(longest, 'a', sizeof(longest));
    longest[64] = '@';
    assert_false(mail_address_is_valid(bytes_view(longest, EMAIL_LEN_MAX + 1)));
    longest[64] = 'a', longest[65] = '@';
    assert_false(mail_address_is_valid(bytes_view(longest, 100)));
}

static void test_senders_have_a_name_or_none(void **state)
{
    struct bytes name, address;
    (void)state;
    assert_true(mail_sender_parse(BYTES("a@example.com"), &name, &address));
    assert_true(name.len == 0 && bytes_equal(address, BYTES("a@example.com")));
    assert_true(mail_sender_parse(BYTES("Das Büro <a@example.com>"), &name, &address));
    assert_true(bytes_equal(name, BYTES("Das Büro")) && bytes_equal(address, BYTES("a@example.com")));
    assert_true(mail_sender_parse(BYTES(" <a@example.com> "), &name, &address));
    assert_true(name.len == 0);
    assert_false(mail_sender_parse(BYTES(""), &name, &address));
    assert_false(mail_sender_parse(BYTES("Name"), &name, &address));
    assert_false(mail_sender_parse(BYTES("Name <a@example.com"), &name, &address));
    assert_false(mail_sender_parse(BYTES("Na\nme <a@example.com>"), &name, &address));
    assert_false(mail_sender_parse(BYTES("<>"), &name, &address));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plain_mail_is_these_bytes),      cmocka_unit_test(test_every_language_comes_back),
        cmocka_unit_test(test_long_lines_are_cut_and_come_back), cmocka_unit_test(test_subjects_can_add_no_header),
        cmocka_unit_test(test_addresses_are_one_and_plain),      cmocka_unit_test(test_senders_have_a_name_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
