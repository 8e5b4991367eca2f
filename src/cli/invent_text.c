/*
 * Messages as people write them: most short, some long, in several languages, with what breaks careless programs:
 * accents, a dotless i, emoji, quotes, commas, newlines, and a beginning that a spreadsheet would take for a formula.
 * Words come as often as in real text: the n-th commonest word of a language about one n-th as often as the commonest
 * (Zipf's law), with a long tail of words that few messages have; and there are order numbers, addresses and links.
 */
#include <assert.h>
#include <stdio.h>

#include "cli/invent.h"

/* ---- numbers --------------------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t dice_u64(struct dice *dice)
{
    return mix(dice->state += UINT64_C(0x9e3779b97f4a7c15));
}

uint32_t dice_below(struct dice *dice, uint32_t limit)
{
    return (uint32_t)((dice_u64(dice) >> 32) * limit >> 32);
}

struct dice dice_of(uint64_t seed, uint64_t kind, uint64_t number)
{
    return (struct dice){mix(seed ^ mix(kind)) ^ mix(number + UINT64_C(0x632be59bd9b4e019))};
}

/* ---- words ----------------------------------------------------------------------------------------------------- */

#define WORD(text)                \
    {                             \
        "" text, sizeof(text) - 1 \
    }
#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof(*(array))))
#define WORD_LEN_MAX 32
#define RANK_BITS 16 /* a language has 65,535 words */

/* The commonest words of each language, the commonest first. */
static const struct bytes english[] = {
    WORD("the"),     WORD("I"),        WORD("to"),       WORD("my"),       WORD("is"),       WORD("order"),
    WORD("it"),      WORD("and"),      WORD("you"),      WORD("a"),        WORD("not"),      WORD("have"),
    WORD("please"),  WORD("can"),      WORD("for"),      WORD("with"),     WORD("when"),     WORD("what"),
    WORD("address"), WORD("delivery"), WORD("on"),       WORD("this"),     WORD("in"),       WORD("number"),
    WORD("of"),      WORD("that"),     WORD("will"),     WORD("thanks"),   WORD("we"),       WORD("but"),
    WORD("was"),     WORD("how"),      WORD("at"),       WORD("hello"),    WORD("if"),       WORD("parcel"),
    WORD("size"),    WORD("return"),   WORD("so"),       WORD("be"),       WORD("are"),      WORD("me"),
    WORD("your"),    WORD("do"),       WORD("where"),    WORD("invoice"),  WORD("there"),    WORD("account"),
    WORD("get"),     WORD("from"),     WORD("no"),       WORD("still"),    WORD("back"),     WORD("now"),
    WORD("one"),     WORD("would"),    WORD("change"),   WORD("like"),     WORD("which"),    WORD("about"),
    WORD("page"),    WORD("today"),    WORD("work"),     WORD("just"),     WORD("could"),    WORD("yes"),
    WORD("product"), WORD("up"),       WORD("payment"),  WORD("here"),     WORD("back"),     WORD("e-mail"),
    WORD("card"),    WORD("why"),      WORD("refund"),   WORD("two"),      WORD("blue"),     WORD("button"),
    WORD("arrived"), WORD("days"),     WORD("error"),    WORD("again"),    WORD("small"),    WORD("large"),
    WORD("yet"),     WORD("shirt"),    WORD("password"), WORD("does"),     WORD("sorry"),    WORD("week"),
    WORD("shop"),    WORD("question"), WORD("tomorrow"), WORD("maybe"),    WORD("Tuesday"),  WORD("price"),
    WORD("call"),    WORD("phone"),    WORD("link"),     WORD("sent"),     WORD("send"),     WORD("got"),
    WORD("need"),    WORD("look"),     WORD("into"),     WORD("hours"),    WORD("three"),    WORD("already"),
    WORD("sure"),    WORD("delay"),    WORD("express"),  WORD("shipping"), WORD("tracking"), WORD("screenshot"),
    WORD("browser"), WORD("were"),
};

static const struct bytes german[] = {
    WORD("ich"),        WORD("die"),    WORD("ist"),      WORD("nicht"),  WORD("und"),    WORD("das"),
    WORD("der"),        WORD("zu"),     WORD("mit"),      WORD("ein"),    WORD("bitte"),  WORD("es"),
    WORD("bestellung"), WORD("auf"),    WORD("wann"),     WORD("habe"),   WORD("für"),    WORD("mein"),
    WORD("sie"),        WORD("wir"),    WORD("Rechnung"), WORD("noch"),   WORD("den"),    WORD("eine"),
    WORD("Lieferung"),  WORD("von"),    WORD("kann"),     WORD("ihr"),    WORD("mir"),    WORD("Größe"),
    WORD("Adresse"),    WORD("danke"),  WORD("haben"),    WORD("wie"),    WORD("schon"),  WORD("aber"),
    WORD("Paket"),      WORD("im"),     WORD("hallo"),    WORD("heute"),  WORD("zurück"), WORD("Nummer"),
    WORD("Konto"),      WORD("möchte"), WORD("Straße"),   WORD("Müller"), WORD("grüße"),  WORD("ändern"),
    WORD("Kleid"),      WORD("schön"),
};

static const struct bytes turkish[] = {
    WORD("ve"),       WORD("bir"),    WORD("bu"),          WORD("sipariş"), WORD("ne"),     WORD("için"),
    WORD("çok"),      WORD("zaman"),  WORD("mı"),          WORD("merhaba"), WORD("kargo"),  WORD("ama"),
    WORD("lütfen"),   WORD("ben"),    WORD("teşekkürler"), WORD("değil"),   WORD("var"),    WORD("yok"),
    WORD("fatura"),   WORD("adres"),  WORD("nasıl"),       WORD("iade"),    WORD("numara"), WORD("ürün"),
    WORD("bugün"),    WORD("yarın"),  WORD("hesap"),       WORD("şifre"),   WORD("ödeme"),  WORD("ışık"),
    WORD("ılık"),     WORD("küçük"),  WORD("büyük"),       WORD("beden"),   WORD("gömlek"), WORD("güncelleme"),
    WORD("İstanbul"), WORD("ulaştı"), WORD("göğüs"),
};

static const struct bytes french[] = {
    WORD("je"),        WORD("de"),   WORD("la"),      WORD("le"),      WORD("et"),
    WORD("est"),       WORD("pas"),  WORD("que"),     WORD("ma"),      WORD("les"),
    WORD("commande"),  WORD("à"),    WORD("vous"),    WORD("il"),      WORD("en"),
    WORD("pour"),      WORD("une"),  WORD("mon"),     WORD("bonjour"), WORD("merci"),
    WORD("livraison"), WORD("un"),   WORD("dans"),    WORD("quand"),   WORD("facture"),
    WORD("avec"),      WORD("été"),  WORD("adresse"), WORD("colis"),   WORD("taille"),
    WORD("déjà"),      WORD("où"),   WORD("numéro"),  WORD("compte"),  WORD("remboursement"),
    WORD("français"),  WORD("très"), WORD("œuvre"),   WORD("reçu"),
};

static const struct bytes spanish[] = {
    WORD("de"),      WORD("que"),        WORD("no"),    WORD("el"),     WORD("la"),      WORD("mi"),
    WORD("en"),      WORD("y"),          WORD("un"),    WORD("pedido"), WORD("es"),      WORD("por"),
    WORD("gracias"), WORD("cuándo"),     WORD("hola"),  WORD("una"),    WORD("con"),     WORD("para"),
    WORD("se"),      WORD("dirección"),  WORD("envío"), WORD("está"),   WORD("factura"), WORD("número"),
    WORD("cuenta"),  WORD("devolución"), WORD("talla"), WORD("mañana"), WORD("señor"),   WORD("niño"),
    WORD("pequeño"), WORD("todavía"),    WORD("más"),
};

static const struct bytes arabic[] = {
    WORD("من"),    WORD("في"),    WORD("على"),    WORD("هل"),    WORD("لا"),   WORD("ما"),      WORD("هذا"),
    WORD("طلب"),   WORD("شكرا"),  WORD("مرحبا"),  WORD("متى"),   WORD("أريد"), WORD("العنوان"), WORD("الفاتورة"),
    WORD("رقم"),   WORD("أنا"),   WORD("إلى"),    WORD("مع"),    WORD("كيف"),  WORD("التوصيل"), WORD("حساب"),
    WORD("اليوم"), WORD("غدا"),   WORD("المقاس"), WORD("إرجاع"), WORD("لم"),   WORD("بعد"),     WORD("الطلب"),
    WORD("أين"),   WORD("مُشكلة"), WORD("الدفع"),
};

/* What careless programs stumble over. */
static const struct bytes rare_words[] = {
    WORD("café"),
    WORD("Zürich"),
    WORD("naïve"),
    WORD("señor"),
    WORD("Łódź"),
    WORD("teşekkürler"),
    WORD("İstanbul"),
    WORD("ılık"),
    WORD("sipariş"),
    WORD("günaydın"),
    WORD("😀"),
    WORD("👍🏽"),
    WORD("❤️"),
    WORD("👩‍💻"),
    WORD("🇹🇷"),
    WORD("日本語"),
    WORD("привет"),
    WORD("مرحبا"),
    WORD("Ελλάδα"),
    WORD("€49,90"),
    WORD("\"quoted\""),
    WORD("it's"),
    WORD("O'Neill"),
    WORD("yes, no, maybe"),
    WORD("100%"),
    WORD("a\\b"),
    WORD("first\nsecond"),
    WORD("one\r\ntwo"),
    WORD("tab\there"),
    WORD("<b>bold</b>"),
    WORD("=1+1"),
    WORD("+49 30 1234567"),
    WORD("-5"),
    WORD("@all"),
    WORD("NULL"),
    WORD("; DROP"),
    WORD("{\"a\": 1}"),
    WORD("$HOME"),
    WORD("e\xcc\x81t\xc3\xa9"),
    WORD("\\N"),
};

static const struct bytes whole_texts[] = {
    WORD("ok"), WORD("?"),   WORD("Hi"), WORD("Thanks!"),        WORD("👍"),           WORD("yes"),
    WORD("no"), WORD("..."), WORD("😀"),  WORD("Anybody there?"), WORD("Teşekkürler"), WORD("=SUM(A1:A9)"),
};

static const struct bytes endings[] = {WORD("."), WORD("?"), WORD("!"), WORD(""), WORD("..."), WORD(".")};

/* One or two letters of a word that is made up, with a NUL. */
typedef char sound[5];

#define SOUNDS(name, ...) static const sound name[] = {__VA_ARGS__}
SOUNDS(english_consonants, "b", "c", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "br", "cr",
       "st", "th", "sh");
SOUNDS(english_vowels, "a", "e", "i", "o", "u", "ea", "oo");
SOUNDS(turkish_consonants, "b", "c", "ç", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "ş", "t", "v", "y", "z");
SOUNDS(turkish_vowels, "a", "e", "ı", "i", "o", "ö", "u", "ü");
SOUNDS(german_consonants, "b", "d", "f", "g", "h", "k", "l", "m", "n", "r", "s", "t", "w", "z", "sch", "st", "pf");
SOUNDS(german_vowels, "a", "e", "i", "o", "u", "ä", "ö", "ü", "ei", "ie");
SOUNDS(french_consonants, "b", "c", "ç", "d", "f", "g", "j", "l", "m", "n", "p", "r", "s", "t", "v", "tr");
SOUNDS(french_vowels, "a", "e", "é", "è", "ê", "i", "o", "ou", "u", "eau");
SOUNDS(spanish_consonants, "b", "c", "d", "f", "g", "l", "ll", "m", "n", "ñ", "p", "r", "rr", "s", "t", "v");
SOUNDS(spanish_vowels, "a", "e", "i", "o", "u", "á", "é", "í", "ó");
SOUNDS(arabic_consonants, "ب", "ت", "ج", "ح", "د", "ر", "س", "ش", "ع", "ف", "ق", "ك", "ل", "م", "ن", "ه");
SOUNDS(arabic_vowels, "ا", "و", "ي");

struct language {
    uint32_t share; /* of 100 messages */
    const struct bytes *words;
    const sound *consonants, *vowels;
    uint32_t word_count, consonant_count, vowel_count;
};

#define LANGUAGE(share, name)                                                                                      \
    {                                                                                                              \
        share, name, name##_consonants, name##_vowels, COUNT(name), COUNT(name##_consonants), COUNT(name##_vowels) \
    }
static const struct language languages[] = {LANGUAGE(66, english), LANGUAGE(9, turkish), LANGUAGE(9, german),
                                            LANGUAGE(6, french),   LANGUAGE(6, spanish), LANGUAGE(4, arabic)};

static const struct language *choose_language(struct dice *dice)
{
    const struct language *language = languages;
    for (uint32_t roll = dice_below(dice, 100); roll >= language->share; ++language)
        roll -= language->share;
    return language;
}

static char *put(char *to, struct bytes text)
{
    memcpy(to, text.data, text.len);
    return to + text.len;
}

static char *put_sound(struct dice *dice, char *to, const sound *sounds, uint32_t count)
{
    return put(to, bytes_of_string(sounds[dice_below(dice, count)]));
}

/* The word of this rank: always the same, of two to four syllables. */
static struct bytes make_word(const struct language *language, uint32_t rank, char room[WORD_LEN_MAX])
{
    struct dice dice = dice_of(rank, language->share, (uint64_t)language->word_count << 32 | rank);
    char *to = room;
    for (uint32_t syllables = 2 + dice_below(&dice, 3); syllables > 0; --syllables) {
        to = put_sound(&dice, to, language->consonants, language->consonant_count);
        to = put_sound(&dice, to, language->vowels, language->vowel_count);
    }
    return bytes_view(room, (size_t)(to - room));
}

/* Each power of two as likely as the other, and each rank within: so rank n comes about one n-th as often as the first.
 */
static uint32_t choose_rank(struct dice *dice)
{
    uint32_t power = dice_below(dice, RANK_BITS);
    return (UINT32_C(1) << power) - 1 + dice_below(dice, UINT32_C(1) << power);
}

static struct bytes common_word(struct dice *dice, const struct language *language, char room[WORD_LEN_MAX])
{
    uint32_t rank = choose_rank(dice);
    return rank < language->word_count ? language->words[rank] : make_word(language, rank, room);
}

/* What few messages have: the number of an order, an address, a link. */
static struct bytes unusual_word(struct dice *dice, char room[WORD_LEN_MAX])
{
    static const char *const shapes[] = {"%06u", "%06u", "AB-%u", "user%u@example.org", "https://example.com/p/%u"};
    int len = snprintf(room, WORD_LEN_MAX, shapes[dice_below(dice, COUNT(shapes))], 100000 + dice_below(dice, 900000));
    return bytes_view(room, (size_t)len);
}

static struct bytes next_word(struct dice *dice, const struct language *language, char room[WORD_LEN_MAX])
{
    uint32_t roll = dice_below(dice, 64);
    return roll == 0   ? rare_words[dice_below(dice, COUNT(rare_words))]
           : roll == 1 ? unusual_word(dice, room)
                       : common_word(dice, language, room);
}

/* Each bracket as likely as its share of 16. */
static uint32_t invent_len(struct dice *dice)
{
    static const struct {
        uint16_t from, to;
    } brackets[16] = {
        {1, 15},   {8, 30},   {15, 40},  {15, 40},  {20, 60},  {20, 60},   {30, 80},   {30, 80},
        {40, 100}, {40, 120}, {50, 120}, {60, 150}, {80, 200}, {100, 250}, {150, 400}, {200, INVENTED_TEXT_LEN_MAX},
    };
    uint32_t bracket = dice_below(dice, 16);
    return brackets[bracket].from + dice_below(dice, brackets[bracket].to - brackets[bracket].from + 1u);
}

/* Words until the wanted length is reached; a word that would go beyond the limit is left out. */
size_t invent_text(struct dice *dice, char *out)
{
    uint32_t wanted = invent_len(dice);
    const struct language *language = choose_language(dice);
    char *to = out, room[WORD_LEN_MAX];
    if (wanted < 8)
        return (size_t)(put(out, whole_texts[dice_below(dice, COUNT(whole_texts))]) - out);
    while ((size_t)(to - out) < wanted) {
        struct bytes word = next_word(dice, language, room);
        if ((size_t)(to - out) + word.len + WORD_LEN_MAX > INVENTED_TEXT_LEN_MAX)
            break;
        if (to != out)
            *to++ = ' ';
        to = put(to, word);
    }
    to = put(to, endings[dice_below(dice, COUNT(endings))]);
    assert(to != out && to - out <= INVENTED_TEXT_LEN_MAX);
    return (size_t)(to - out);
}

/* ---- addresses ------------------------------------------------------------------------------------------------- */

#define NAMES 4096 /* first names, and as many family names */

/* "morea.shivoo42@example.com" */
size_t invent_email(struct dice *dice, char *out)
{
    static const struct bytes domains[] = {WORD("example.com"),      WORD("example.org"),     WORD("example.net"),
                                           WORD("mail.example.com"), WORD("post.example.de"), WORD("uni.example.edu")};
    char room[WORD_LEN_MAX];
    char *to = put(out, make_word(&languages[0], dice_below(dice, NAMES), room));
    *to++ = '.';
    to = put(to, make_word(&languages[0], NAMES + dice_below(dice, NAMES), room));
    if (dice_below(dice, 2) == 0)
        to += snprintf(to, WORD_LEN_MAX, "%u", dice_below(dice, 100));
    *to++ = '@';
    return (size_t)(put(to, domains[dice_below(dice, COUNT(domains))]) - out);
}

/* ---- browsers -------------------------------------------------------------------------------------------------- */

static const struct bytes user_agents[] = {
    WORD("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 "
         "Safari/537.36"),
    WORD("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile "
         "Safari/537.36"),
    WORD("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 "
         "Mobile/15E148 Safari/604.1"),
    WORD("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 "
         "Safari/605.1.15"),
    WORD("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0"),
    WORD("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"),
    WORD("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 "
         "Safari/537.36 "
         "Edg/131.0.0.0"),
    WORD("Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 "
         "Chrome/125.0.0.0 Mobile Safari/537.36"),
};

/* The first ones are the commonest: the smaller of two rolls. */
struct bytes invent_user_agent(struct dice *dice)
{
    uint32_t a = dice_below(dice, COUNT(user_agents)), b = dice_below(dice, COUNT(user_agents));
    return user_agents[a < b ? a : b];
}
