/*
 * Messages as people write them: most short, some long, with what breaks careless programs: accents, a dotless i,
 * emoji, quotes, commas, newlines, and a beginning that a spreadsheet would take for a formula.
 */
#include <assert.h>

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

static const struct bytes words[] = {
    WORD("I"),        WORD("the"),      WORD("order"),    WORD("when"),     WORD("please"),     WORD("my"),
    WORD("is"),       WORD("it"),       WORD("to"),       WORD("and"),      WORD("a"),          WORD("can"),
    WORD("you"),      WORD("have"),     WORD("delivery"), WORD("address"),  WORD("change"),     WORD("invoice"),
    WORD("number"),   WORD("not"),      WORD("yet"),      WORD("arrived"),  WORD("parcel"),     WORD("return"),
    WORD("size"),     WORD("blue"),     WORD("large"),    WORD("small"),    WORD("shirt"),      WORD("account"),
    WORD("password"), WORD("e-mail"),   WORD("does"),     WORD("work"),     WORD("page"),       WORD("button"),
    WORD("error"),    WORD("again"),    WORD("today"),    WORD("tomorrow"), WORD("Tuesday"),    WORD("week"),
    WORD("thanks"),   WORD("hello"),    WORD("of"),       WORD("for"),      WORD("with"),       WORD("on"),
    WORD("in"),       WORD("at"),       WORD("we"),       WORD("will"),     WORD("look"),       WORD("into"),
    WORD("this"),     WORD("that"),     WORD("was"),      WORD("were"),     WORD("there"),      WORD("here"),
    WORD("price"),    WORD("payment"),  WORD("card"),     WORD("refund"),   WORD("days"),       WORD("hours"),
    WORD("shop"),     WORD("product"),  WORD("question"), WORD("about"),    WORD("how"),        WORD("what"),
    WORD("where"),    WORD("why"),      WORD("which"),    WORD("one"),      WORD("two"),        WORD("three"),
    WORD("still"),    WORD("already"),  WORD("maybe"),    WORD("sure"),     WORD("sorry"),      WORD("delay"),
    WORD("express"),  WORD("shipping"), WORD("tracking"), WORD("link"),     WORD("screenshot"), WORD("browser"),
    WORD("phone"),    WORD("call"),     WORD("back"),     WORD("send"),     WORD("sent"),       WORD("got"),
    WORD("need"),     WORD("like"),     WORD("would"),    WORD("could"),
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

static struct bytes next_word(struct dice *dice)
{
    uint32_t roll = dice_below(dice, 64 * COUNT(words));
    return roll % 64 == 0 ? rare_words[roll / 64 % COUNT(rare_words)] : words[roll / 64];
}

static char *put(char *to, struct bytes text)
{
    memcpy(to, text.data, text.len);
    return to + text.len;
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
    char *to = out;
    if (wanted < 8)
        return (size_t)(put(out, whole_texts[dice_below(dice, COUNT(whole_texts))]) - out);
    while ((size_t)(to - out) < wanted) {
        struct bytes word = next_word(dice);
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
