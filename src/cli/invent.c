/*
 * Three sources of events are merged by time: visitors arrive over the year with the rhythm of days and weeks, some
 * come back after minutes or months, and in conversations one message follows another. What is pending lies in two
 * heaps; everything else about a thing (its id, its texts, how long it goes on) follows from its number and the seed,
 * so nothing is kept for it.
 *
 * How often a visitor returns and how long a conversation gets are drawn as weights from a table with a long tail, and
 * the wanted total is dealt out in proportion to the running sum of the weights: so the sums are exact.
 */
#include "cli/invent.h"

#include <assert.h>
#include <stdlib.h>

#include "core/work.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define WEEK_MS (7 * DAY_MS)
#define SPAN_MS (365 * DAY_MS)
#define BEGIN_MS (INVENTION_END_MS - SPAN_MS)

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* What the dice are thrown for. */
enum kind { OF_ORG, OF_ARRIVAL, OF_VISITOR, OF_RETURNS, OF_CONVERSATION, OF_LENGTH, OF_MESSAGE, OF_END };

struct event {
    int64_t at_ms;
    uint64_t order;     /* of two at the same time, the one that was thought of first */
    int64_t created_ms; /* of the conversation */
    uint32_t visitor;   /* numbers, from 0 */
    uint32_t conversation;
    uint32_t left;   /* visits or messages, this one included; 0: the conversation is resolved */
    bool is_answer;  /* the next message is the organisation's */
    bool is_ignored; /* nobody ever answers */
};

struct heap {
    struct event *events;
    size_t count, capacity;
};

/* Deals `total` out over things with weights, in order. */
struct dealer {
    uint64_t total, weights_sum, weights_seen;
    bool is_flat; /* every weight was 0: each counts as 1 */
};

struct invention {
    struct invention_size size;
    uint64_t seed;
    const char *org_key;
    struct id org;
    uint64_t arrived, created, said; /* visitors, conversations, messages so far */
    uint64_t order;
    int64_t arrival_ms; /* of the next visitor */
    struct dealer returns, lengths;
    struct heap visits, talks;
    bool introduces; /* the visitor that arrived last says where it wants to be answered: every third one does */
    int64_t introduced_ms;
};

/* ---- heaps ----------------------------------------------------------------------------------------------------- */

static bool is_before(const struct event *a, const struct event *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void heap_push(struct heap *heap, const struct event *event)
{
    if (heap->count == heap->capacity) {
        heap->capacity = heap->capacity == 0 ? 1024 : heap->capacity * 2;
        heap->events = realloc(heap->events, heap->capacity * sizeof(*heap->events));
        if (heap->events == NULL)
            abort();
    }
    size_t at = heap->count++;
    for (; at != 0 && is_before(event, &heap->events[(at - 1) / 2]); at = (at - 1) / 2)
        heap->events[at] = heap->events[(at - 1) / 2];
    heap->events[at] = *event;
}

static struct event heap_pop(struct heap *heap)
{
    struct event first = heap->events[0], last = heap->events[--heap->count];
    size_t at = 0;
    for (size_t child = 1; child < heap->count; at = child, child = 2 * at + 1) {
        if (child + 1 < heap->count && is_before(&heap->events[child + 1], &heap->events[child]))
            ++child;
        if (!is_before(&heap->events[child], &last))
            break;
        heap->events[at] = heap->events[child];
    }
    heap->events[at] = last;
    return first;
}

/* ---- distributions --------------------------------------------------------------------------------------------- */

/* So many of a thousand lie between from and to. */
struct bracket {
    unsigned share;
    int64_t from, to;
};

static int64_t draw(struct dice *dice, const struct bracket *brackets)
{
    unsigned roll = dice_below(dice, 1000);
    while (roll >= brackets->share)
        roll -= brackets++->share;
    return brackets->from + (int64_t)(dice_u64(dice) % (uint64_t)(brackets->to - brackets->from + 1));
}

/* Many come once, few come dozens of times: two further visits on average. */
static const struct bracket returns_brackets[] = {{560, 0, 0}, {170, 1, 1},  {90, 2, 2}, {90, 3, 5},
                                                  {65, 6, 12}, {20, 13, 30}, {5, 31, 80}};
/* Messages in a conversation: ten for three conversations on average. */
static const struct bracket length_brackets[] = {{100, 0, 0}, {260, 1, 1}, {270, 2, 2}, {190, 3, 4},
                                                 {120, 5, 8}, {50, 9, 20}, {10, 21, 60}};
static const struct bracket gap_brackets[] = {{150, MINUTE_MS, 30 * MINUTE_MS},
                                              {200, 30 * MINUTE_MS, 12 * HOUR_MS},
                                              {350, 12 * HOUR_MS, 7 * DAY_MS},
                                              {250, 7 * DAY_MS, 30 * DAY_MS},
                                              {50, 30 * DAY_MS, 120 * DAY_MS}};
static const struct bracket first_brackets[] = {{900, 1000, MINUTE_MS}, {100, MINUTE_MS, 10 * MINUTE_MS}};
static const struct bracket answer_brackets[] = {{400, 4000, MINUTE_MS},
                                                 {350, MINUTE_MS, 15 * MINUTE_MS},
                                                 {200, 15 * MINUTE_MS, 3 * HOUR_MS},
                                                 {50, 3 * HOUR_MS, 2 * DAY_MS}};
static const struct bracket reply_brackets[] = {
    {600, 3000, 2 * MINUTE_MS}, {300, 2 * MINUTE_MS, 20 * MINUTE_MS}, {100, 20 * MINUTE_MS, DAY_MS}};
static const struct bracket more_brackets[] = {{1000, 2000, MINUTE_MS}};
static const struct bracket end_brackets[] = {
    {500, MINUTE_MS, HOUR_MS}, {300, HOUR_MS, DAY_MS}, {200, DAY_MS, 7 * DAY_MS}};

static bool happens(struct dice *dice, unsigned of_thousand)
{
    return dice_below(dice, 1000) < of_thousand;
}

/* What would come after the year's end comes in what is left of it. */
static int64_t later(struct dice *dice, int64_t at_ms, const struct bracket *brackets)
{
    int64_t then_ms = at_ms + draw(dice, brackets);
    if (then_ms < INVENTION_END_MS)
        return then_ms;
    return at_ms + (int64_t)(dice_u64(dice) % (uint64_t)(INVENTION_END_MS - at_ms));
}

static void dealer_init(struct dealer *dealer, uint64_t total, uint64_t things, uint64_t seed, enum kind kind,
                        const struct bracket *brackets)
{
    *dealer = (struct dealer){.total = total};
    for (uint64_t i = 0; i < things; ++i) {
        struct dice dice = dice_of(seed, kind, i);
        dealer->weights_sum += (uint64_t)draw(&dice, brackets);
    }
    dealer->is_flat = dealer->weights_sum == 0;
    if (dealer->is_flat)
        dealer->weights_sum = things;
}

static uint64_t share_up_to(const struct dealer *dealer, uint64_t weights)
{
    return (uint64_t)((unsigned __int128)weights * dealer->total / dealer->weights_sum);
}

static uint32_t deal(struct dealer *dealer, uint64_t seed, enum kind kind, uint64_t number,
                     const struct bracket *brackets)
{
    struct dice dice = dice_of(seed, kind, number);
    uint64_t before = share_up_to(dealer, dealer->weights_seen);
    dealer->weights_seen += dealer->is_flat ? 1 : (uint64_t)draw(&dice, brackets);
    return (uint32_t)(share_up_to(dealer, dealer->weights_seen) - before);
}

/* ---- when visitors arrive -------------------------------------------------------------------------------------- */

/* Moves a moment of an even span to where the weights of the span's parts put it; order is kept. */
static int64_t warp(int64_t at_ms, int64_t span_ms, const uint8_t *weights, unsigned count)
{
    unsigned sum = 0, part = 0;
    for (unsigned i = 0; i < count; ++i)
        sum += weights[i];
    int64_t position = at_ms * sum;
    for (; position >= weights[part] * span_ms; ++part)
        position -= weights[part] * span_ms;
    return part * (span_ms / count) + position / (weights[part] * count);
}

static int64_t arrival_of(const struct invention *invention, uint64_t visitor)
{
    static const uint8_t days[7] = {10, 10, 9, 5, 4, 11, 11}; /* 2025 began on a Wednesday */
    static const uint8_t hours[24] = {3, 2, 1, 1, 1, 1, 2, 4, 7, 10, 12, 12, 10, 10, 12, 12, 11, 9, 8, 9, 10, 9, 7, 5};
    struct dice dice = dice_of(invention->seed, OF_ARRIVAL, visitor);
    unsigned __int128 share = (unsigned __int128)visitor << 32 | dice_u64(&dice) >> 32;
    int64_t at_ms = (int64_t)(share * SPAN_MS / ((unsigned __int128)invention->size.visitors << 32));
    int64_t week_ms = at_ms - at_ms % WEEK_MS;
    if (week_ms + WEEK_MS <= SPAN_MS)
        at_ms = week_ms + warp(at_ms - week_ms, WEEK_MS, days, COUNT(days));
    int64_t day_ms = at_ms - at_ms % DAY_MS;
    return BEGIN_MS + day_ms + warp(at_ms - day_ms, DAY_MS, hours, COUNT(hours));
}

static void expect_next_visitor(struct invention *invention)
{
    invention->arrival_ms =
        invention->arrived < invention->size.visitors ? arrival_of(invention, invention->arrived) : INT64_MAX;
}

/* ---- ids and keys ---------------------------------------------------------------------------------------------- */

/* Of the shape that core/id.h tells. */
static struct id invent_id(struct dice *dice, int64_t at_ms)
{
    struct id id;
    uint64_t high = __builtin_bswap64((uint64_t)at_ms * 1679616 + dice_below(dice, 1679616)); /* 36^4 */
    uint64_t low = __builtin_bswap64(dice_u64(dice) % ID_HALF_LIMIT);
    memcpy(id.bytes, &high, 8);
    memcpy(id.bytes + 8, &low, 8);
    return id;
}

static struct id conversation_id(const struct invention *invention, uint64_t conversation, int64_t created_ms)
{
    struct dice dice = dice_of(invention->seed, OF_CONVERSATION, conversation);
    return invent_id(&dice, created_ms);
}

static char *put_hex(char *to, uint64_t number, unsigned digits)
{
    while (digits-- != 0)
        *to++ = "0123456789abcdef"[number >> 4 * digits & 15];
    return to;
}

/* "v_" and a UUID of version 4. */
static char *put_visitor_key(struct dice *dice, char *to)
{
    uint64_t a = dice_u64(dice), b = dice_u64(dice);
    memcpy(to, "v_", 2);
    to = put_hex(to + 2, a >> 32, 8);
    *to++ = '-';
    to = put_hex(to, a >> 16, 4);
    memcpy(to, "-4", 2);
    to = put_hex(to + 2, a, 3);
    memcpy(to, "-8", 2);
    to = put_hex(to + 2, b >> 48, 3);
    *to++ = '-';
    return put_hex(to, b, 12);
}

/* The visitor's key, put at *to, and browser: the same each time. The dice go on to its id. */
static struct bytes visitor_of(const struct invention *invention, uint64_t visitor, char **to, struct bytes *user_agent,
                               struct dice *dice)
{
    char *begin = *to;
    *dice = dice_of(invention->seed, OF_VISITOR, visitor);
    *to = put_visitor_key(dice, begin);
    *user_agent = invent_user_agent(dice);
    return bytes_view(begin, (size_t)(*to - begin));
}

/* ---- what happens ---------------------------------------------------------------------------------------------- */

/* Nobody says any more: somebody mostly sees to it that it is resolved, unless the year is over before. */
static void expect_end(struct invention *invention, struct event talk)
{
    struct dice dice = dice_of(invention->seed, OF_END, talk.conversation);
    talk.at_ms += draw(&dice, end_brackets);
    talk.left = 0;
    talk.order = invention->order++;
    if (happens(&dice, 970) && talk.at_ms < INVENTION_END_MS)
        heap_push(&invention->talks, &talk);
}

static void resolve(const struct invention *invention, struct event talk, struct command *out)
{
    *out = (struct command){
        .kind = COMMAND_CONVERSATION_UPDATE,
        .conversation_update = {.org = invention->org,
                                .conversation = conversation_id(invention, talk.conversation, talk.created_ms),
                                .at_ms = talk.at_ms,
                                .set_status = true,
                                .status = STATUS_RESOLVED},
    };
}

static char *begin_conversation(struct invention *invention, struct event visit, char *room, struct command *out)
{
    uint64_t number = invention->created++;
    struct dice dice;
    struct conversation_create command = {
        .org = invention->org,
        .conversation = conversation_id(invention, number, visit.at_ms),
        .at_ms = visit.at_ms,
    };
    command.visitor_key = visitor_of(invention, visit.visitor, &room, &command.user_agent, &dice);
    command.visitor = invent_id(&dice, visit.at_ms);
    *out = (struct command){.kind = COMMAND_CONVERSATION_CREATE, .conversation_create = command};

    dice = dice_of(invention->seed, OF_CONVERSATION, ~number);
    struct event talk = {
        .at_ms = later(&dice, visit.at_ms, first_brackets),
        .order = invention->order++,
        .created_ms = visit.at_ms,
        .visitor = visit.visitor,
        .conversation = (uint32_t)number,
        .left = deal(&invention->lengths, invention->seed, OF_LENGTH, number, length_brackets),
        .is_answer = happens(&dice, 30), /* a greeting */
        .is_ignored = happens(&dice, 180),
    };
    if (talk.left != 0)
        heap_push(&invention->talks, &talk);
    else
        expect_end(invention, talk);
    if (--visit.left != 0) {
        visit.at_ms = later(&dice, visit.at_ms, gap_brackets);
        visit.order = invention->order++;
        heap_push(&invention->visits, &visit);
    }
    return room;
}

/* The visitor that has just arrived gives its e-mail address. */
static char *introduce(struct invention *invention, char *room, struct command *out)
{
    struct dice dice;
    struct visitor_see command = {.org = invention->org, .at_ms = invention->introduced_ms};
    uint64_t number = invention->arrived - 1;
    command.visitor_key = visitor_of(invention, number, &room, &command.user_agent, &dice);
    command.visitor = invent_id(&dice, command.at_ms);
    command.email = bytes_view(room, invent_email(&dice, room));
    *out = (struct command){.kind = COMMAND_VISITOR_SEE, .visitor_see = command};
    invention->introduces = false;
    return room + command.email.len;
}

static char *arrive(struct invention *invention, char *room, struct command *out)
{
    uint64_t number = invention->arrived++;
    struct event visit = {
        .at_ms = invention->arrival_ms,
        .visitor = (uint32_t)number,
        .left = 1 + deal(&invention->returns, invention->seed, OF_RETURNS, number, returns_brackets),
    };
    invention->introduces = number % 3 == 0;
    invention->introduced_ms = visit.at_ms;
    expect_next_visitor(invention);
    return begin_conversation(invention, visit, room, out);
}

static void expect_next_message(struct invention *invention, struct event talk, struct dice *dice)
{
    bool was_answer = talk.is_answer;
    if (--talk.left == 0) {
        expect_end(invention, talk);
        return;
    }
    talk.is_answer = !talk.is_ignored && happens(dice, was_answer ? 150 : 780);
    talk.at_ms = later(dice, talk.at_ms,
                       talk.is_answer == was_answer ? more_brackets
                       : was_answer                 ? reply_brackets
                                                    : answer_brackets);
    talk.order = invention->order++;
    heap_push(&invention->talks, &talk);
}

static char *say(struct invention *invention, struct event talk, char *room, struct command *out)
{
    struct dice dice = dice_of(invention->seed, OF_MESSAGE, invention->said++), visitor_dice;
    struct message_create command = {
        .org = invention->org,
        .conversation = conversation_id(invention, talk.conversation, talk.created_ms),
        .message = invent_id(&dice, talk.at_ms),
        .at_ms = talk.at_ms,
        .role = talk.is_answer ? BYTES("assistant") : BYTES("user"),
        .by_org = talk.is_answer,
    };
    if (!talk.is_answer) {
        command.visitor_key = visitor_of(invention, talk.visitor, &room, &command.user_agent, &visitor_dice);
        command.client_id = bytes_view(room, 18);
        memcpy(room, "m_", 2);
        room = put_hex(room + 2, dice_u64(&dice), 16);
    }
    command.content = bytes_view(room, invent_text(&dice, room));
    *out = (struct command){.kind = COMMAND_MESSAGE_CREATE, .message_create = command};
    expect_next_message(invention, talk, &dice);
    return room + command.content.len;
}

static int64_t first_time(const struct heap *heap)
{
    return heap->count == 0 ? INT64_MAX : heap->events[0].at_ms;
}

char *invention_next(struct invention *invention, char *room, struct command *out)
{
    int64_t visit_ms = first_time(&invention->visits), talk_ms = first_time(&invention->talks);
    if (invention->introduces)
        return introduce(invention, room, out);
    if (talk_ms != INT64_MAX && talk_ms <= visit_ms && talk_ms <= invention->arrival_ms) {
        struct event talk = heap_pop(&invention->talks);
        if (talk.left != 0)
            return say(invention, talk, room, out);
        resolve(invention, talk, out);
        return room;
    }
    if (visit_ms != INT64_MAX && visit_ms <= invention->arrival_ms)
        return begin_conversation(invention, heap_pop(&invention->visits), room, out);
    return invention->arrival_ms != INT64_MAX ? arrive(invention, room, out) : NULL;
}

/* ---- beginning and end ----------------------------------------------------------------------------------------- */

/* FNV-1a. */
static uint64_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text != '\0'; ++text)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash;
}

struct invention *invention_open(const struct invention_size *size, uint64_t seed, const char *org_key)
{
    assert(size->visitors >= 1 && size->conversations >= size->visitors && size->conversations <= UINT32_MAX);
    struct invention *invention = calloc(1, sizeof(*invention));
    if (invention == NULL)
        abort();
    struct dice dice = dice_of(seed, OF_ORG, hash_of(org_key));
    invention->size = *size;
    invention->org_key = org_key;
    invention->org = invent_id(&dice, BEGIN_MS);
    invention->seed = seed = dice_u64(&dice);
    dealer_init(&invention->returns, size->conversations - size->visitors, size->visitors, seed, OF_RETURNS,
                returns_brackets);
    dealer_init(&invention->lengths, size->messages, size->conversations, seed, OF_LENGTH, length_brackets);
    expect_next_visitor(invention);
    return invention;
}

void invention_close(struct invention *invention)
{
    free(invention->visits.events);
    free(invention->talks.events);
    free(invention);
}

struct command invention_org(const struct invention *invention)
{
    return (struct command){
        .kind = COMMAND_ORG_CREATE,
        .org_create = {.org = invention->org,
                       .key = bytes_of_string(invention->org_key),
                       .name = BYTES("Invented data"),
                       .origins = BYTES(""),
                       .at_ms = BEGIN_MS},
    };
}

uint64_t invention_rows(const struct invention *invention)
{
    return invention->arrived + invention->created + invention->said;
}
