/*
 * What search takes for a word, in the languages that the widget speaks and in others: people find what they mean,
 * however it was typed; nothing that is no word gets in the way; and no text, however broken, is read beyond its end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "search/words.h"

/* The words of a text, by blanks. */
static const char *words_in(struct bytes text)
{
    static struct buffer out;
    struct words words = words_of(text);
    struct word word;
    buffer_clear(&out);
    while (words_next(&words, &word)) {
        assert_true(word.start < word.end && word.end <= text.len);
        assert_true(word.term.len >= 1 && word.term.len <= SEARCH_TERM_LEN_MAX);
        if (out.len != 0)
            buffer_append_string(&out, " ");
        buffer_append(&out, word.term.data, word.term.len);
    }
    buffer_append(&out, "", 1);
    return out.data;
}

static void assert_words(const char *text, const char *expected)
{
    const char *words = words_in(bytes_of_string(text));
    if (strcmp(words, expected) != 0)
        fail_msg("\"%s\" has the words \"%s\", not \"%s\"", text, words, expected);
}

/* Both find the other. */
static void assert_same(const char *a, const char *b)
{
    char first[512];
    snprintf(first, sizeof(first), "%s", words_in(bytes_of_string(a)));
    assert_words(b, first);
}

/* ---- languages ------------------------------------------------------------------------------------------------------
 */

static void test_case_and_punctuation_do_not_count(void **state)
{
    (void)state;
    assert_words("", "");
    assert_words(" \t\r\n.,;:!?-_()[]{}<>\"'/\\|@#$%^&*+=~`", "");
    assert_words("Hello, World!", "hello world");
    assert_words("it's O'Neill's", "it s o neill s");
    assert_words("a-b_c d\xe2\x80\x99"
                 "e",
                 "a b c d e");
    assert_words("ORDER #48213 (2 x 49,90)", "order 48213 2 x 49 90");
    assert_words("first\nsecond\r\nthird\tfourth", "first second third fourth");
}

static void test_the_parts_of_addresses_and_links_are_words(void **state)
{
    (void)state;
    assert_words("anna.karenina+shop@mail.example.org", "anna karenina shop mail example org");
    assert_words("https://www.example.com/a/b?id=42#top", "https www example com a b id 42 top");
    assert_words("AB-129207", "ab 129207");
}

static void test_german(void **state)
{
    (void)state;
    assert_same("Größe", "grosse");
    assert_same("STRASSE", "straße");
    assert_same("Straße", "STRAẞE");
    assert_same("Müller", "MULLER");
    assert_words("Äpfel, Öl, Übermut", "apfel ol ubermut");
}

/* Whoever has a Turkish keyboard and whoever has none, in capitals or not, mean the same city. */
static void test_turkish(void **state)
{
    (void)state;
    assert_words("İstanbul", "istanbul");
    assert_same("ISTANBUL", "İSTANBUL");
    assert_same("ıstanbul", "istanbul");
    assert_same("DİYARBAKIR", "diyarbakir");
    assert_words("İstanbul'da ışık, çağrı; ĞÜŞÖÇ", "istanbul da isik cagri gusoc");
}

static void test_french_and_spanish(void **state)
{
    (void)state;
    assert_words("L'été, déjà à Noël", "l ete deja a noel");
    assert_same("œuvre", "OEUVRE");
    assert_same("ÇA VA", "ça va");
    assert_same("mañana", "MANANA");
    assert_words("¿Cuándo? ¡Ñandú!", "cuando nandu");
}

static void test_arabic(void **state)
{
    (void)state;
    assert_same("مُشْكِلَة", "مشكلة");  /* harakat */
    assert_same("ســـلام", "سلام"); /* tatweel */
    assert_same("أحمد", "احمد");    /* forms of alef */
    assert_same("إلى", "الي");      /* and of ya */
    assert_same("آخر", "اخر");
    assert_same("مدرسة", "مدرسه");
    assert_words("طلب ١٢٣٤٥، شكرا", "طلب 12345 شكرا");
}

static void test_other_alphabets(void **state)
{
    (void)state;
    assert_same("ПРИВЕТ", "привет");
    assert_same("ёлка", "елка");
    assert_same("ΕΛΛΆΔΑ", "ελλαδα");
    assert_same("Οδυσσεύς", "ΟΔΥΣΣΕΥΣ");
    assert_same("Łódź", "LODZ");
    assert_same("Þór Ægisson", "thor aegisson");
    assert_same("שָׁלוֹם", "שלום");
    assert_same("Əli", "eli");
    assert_words("नमस्ते दुनिया", "नमस्ते दुनिया");
}

static void test_what_is_typed_in_another_form_is_the_same(void **state)
{
    (void)state;
    assert_same("e\xcc\x81t\xc3\xa9", "été"); /* an accent of its own, or none */
    assert_same("Ｆｕｌｌ　Ｗｉｄｔｈ　１２", "full width 12");
    assert_same("ﬁnal", "final");
    assert_same("soft\xc2\xadhyphen", "softhyphen");
    assert_same("zero\xe2\x80\x8dwidth", "zerowidth");
}

static void test_scripts_without_blanks_are_read_in_pairs(void **state)
{
    (void)state;
    assert_words("日本語", "日本 本語 語");
    assert_words("日", "日");
    assert_words("東京都 2024年", "東京 京都 都 2024 年");
    assert_words("カタカナ", "カタ タカ カナ ナ");
    assert_words("한국어", "한국 국어 어");
    assert_words("ไทย", "ไท ทย ย");
    assert_words("iPhoneを買う", "iphone を買 買う う");
    assert_words("\xf0\xa0\x80\x8b\xf0\xa0\x80\x8c", "\xf0\xa0\x80\x8b\xf0\xa0\x80\x8c \xf0\xa0\x80\x8c");
}

static void test_which_of_a_run_stand_alone_is_told(void **state)
{
    (void)state;
    struct words words = words_of(bytes_of_string("日本 語"));
    struct word word;
    assert_true(words_next(&words, &word) && !word.is_single && !word.is_tail);
    assert_true(words_next(&words, &word) && word.is_single && word.is_tail);
    assert_true(words_next(&words, &word) && word.is_single && !word.is_tail);
    assert_false(words_next(&words, &word));
    assert_false(words_next(&words, &word));
}

static void test_a_symbol_is_a_word(void **state)
{
    (void)state;
    assert_words("ok👍👍🏽", "ok 👍 👍");
    assert_same("❤️", "❤");
    assert_words("👩‍💻", "👩 💻");
    assert_words("🇹🇷", "🇹🇷 🇷");
}

/* ---- edges
 * ------------------------------------------------------------------------------------------------------------ */

static void test_a_long_word_is_cut_at_a_character(void **state)
{
    (void)state;
    char text[200], expected[64];
    memset(text, 'X', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    memset(expected, 'x', SEARCH_TERM_LEN_MAX);
    expected[SEARCH_TERM_LEN_MAX] = '\0';
    assert_words(text, expected);
    /* 31 letters, then one of two bytes that does not fit, and nothing of what follows it. */
    for (unsigned before = 29; before <= 33; ++before) {
        snprintf(text, sizeof(text), "%.*sж%s next", (int)before, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "yyy");
        struct words words = words_of(bytes_of_string(text));
        struct word word;
        assert_true(words_next(&words, &word) && utf8_valid(word.term));
        assert_int_equal(word.term.len, before == 31 ? 31 : 32);
        assert_int_equal(word.end, before + 5);
        assert_true(words_next(&words, &word) && bytes_equal(word.term, BYTES("next")));
    }
}

static void test_places_are_those_of_the_text(void **state)
{
    (void)state;
    struct bytes text = BYTES("(\xc3\x89t\xc3\xa9, \xe6\x97\xa5\xe6\x9c\xac)");
    struct words words = words_of(text);
    struct word word;
    assert_true(words_next(&words, &word) && word.start == 1 && word.end == 6);
    assert_true(words_next(&words, &word) && word.start == 8 && word.end == 14);
    assert_true(words_next(&words, &word) && word.start == 11 && word.end == 14);
}

/* Whatever the bytes are: terms are UTF-8 without a zero, places go on, and a copy of exact size is not left. */
static void test_no_bytes_are_too_broken(void **state)
{
    (void)state;
    uint64_t random = 88172645463325252u;
    for (unsigned round = 0; round < 200000; ++round) {
        size_t len = round % 24, before = 0;
        unsigned char *bytes = malloc(len + 1);
        assert_non_null(bytes);
        for (size_t i = 0; i < len; ++i) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            static const unsigned char likely[] = {0xe3, 0x81, 0x82, 0xc3, 0xa9, 0xf0, 0x9f,
                                                   0x98, 0x80, 0xcc, 0x81, 'a',  0};
            bytes[i] = random % 3 == 0 ? (unsigned char)(random >> 20) : likely[(random >> 20) % sizeof(likely)];
        }
        unsigned char *exact = realloc(bytes, len == 0 ? 1 : len);
        struct words words = words_of(bytes_view(exact, len));
        struct word word;
        while (words_next(&words, &word)) {
            assert_true(word.start >= before && word.end > word.start && word.end <= len);
            assert_true(utf8_valid(word.term) && memchr(word.term.data, '\0', word.term.len) == NULL);
            before = word.start;
        }
        free(exact);
    }
}

/* Whoever looks for a term finds it again: a term is its own only word, but for pairs. */
static void test_a_term_is_folded_already(void **state)
{
    (void)state;
    for (uint32_t code = 1; code < 0x30000; ++code) {
        char text[4], term[SEARCH_TERM_LEN_MAX];
        size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
        for (size_t i = len; i-- > 1;)
            text[i] = (char)(0x80 | (code >> 6 * (len - 1 - i) & 0x3f));
        text[0] = (char)(leads[len] | code >> 6 * (len - 1));
        struct words words = words_of(bytes_view(text, len));
        struct word word;
        if ((code >= 0xd800 && code < 0xe000) || !words_next(&words, &word))
            continue;
        size_t term_len = word.term.len;
        memcpy(term, word.term.data, term_len);
        struct words again = words_of(bytes_view(term, term_len));
        if (!words_next(&again, &word) || !bytes_equal(word.term, bytes_view(term, term_len)) ||
            words_next(&again, &word))
            fail_msg("U+%04X is folded to something that is folded further", code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_case_and_punctuation_do_not_count),
        cmocka_unit_test(test_the_parts_of_addresses_and_links_are_words),
        cmocka_unit_test(test_german),
        cmocka_unit_test(test_turkish),
        cmocka_unit_test(test_french_and_spanish),
        cmocka_unit_test(test_arabic),
        cmocka_unit_test(test_other_alphabets),
        cmocka_unit_test(test_what_is_typed_in_another_form_is_the_same),
        cmocka_unit_test(test_scripts_without_blanks_are_read_in_pairs),
        cmocka_unit_test(test_which_of_a_run_stand_alone_is_told),
        cmocka_unit_test(test_a_symbol_is_a_word),
        cmocka_unit_test(test_a_long_word_is_cut_at_a_character),
        cmocka_unit_test(test_places_are_those_of_the_text),
        cmocka_unit_test(test_no_bytes_are_too_broken),
        cmocka_unit_test(test_a_term_is_folded_already),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
