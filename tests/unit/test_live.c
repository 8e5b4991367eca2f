/* The hub: who hears what, what waits and how much of it, who is there, and what an idle subscriber costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <malloc.h>

#include "live/internal.h"

static struct live *live;
static struct live_figures figures;
static unsigned calls; /* of on_news */

static void on_news(struct live_subscriber *subscriber)
{
    assert_true(live_has_news(subscriber));
    ++calls;
}

static int set_up(void **state)
{
    (void)state;
    calls = 0;
    memset(&figures, 0, sizeof(figures));
    live = live_new(on_news, &figures);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    live_free(live);
    return 0;
}

static struct id id_of(unsigned number)
{
    struct id id = {{0}};
    memcpy(id.bytes, &number, sizeof(number));
    id.bytes[ID_LEN - 1] = 1;
    return id;
}

static bool visitor_is_online(struct id id)
{
    const struct live_visitor *visitor = live_visitor_find(live, id);
    return visitor != NULL && visitor->streams != 0;
}

/* One that has caught up. */
static void listen_to(struct live_subscriber *subscriber, unsigned org, unsigned visitor)
{
    live_add(live, subscriber, id_of(org), visitor == 0 ? ID_NONE : id_of(visitor), 0);
    live_catch_up(subscriber, NULL, 0, 0, true);
    assert_false(live_has_news(subscriber));
}

static void hear(enum event_kind kind, bool by_org, unsigned org, unsigned visitor, unsigned conversation, uint64_t seq)
{
    struct event event = {.kind = kind,
                          .by_org = by_org,
                          .on = true,
                          .org = id_of(org),
                          .visitor = visitor == 0 ? ID_NONE : id_of(visitor),
                          .conversation = id_of(conversation),
                          .seq = seq};
    live_hear(live, &event, 1000);
}

static void hear_message(unsigned org, unsigned visitor, unsigned conversation, uint64_t seq)
{
    hear(EVENT_MESSAGE, false, org, visitor, conversation, seq);
}

static void hear_presence(unsigned org, unsigned visitor, bool on)
{
    struct event event = {.kind = EVENT_PRESENCE,
                          .by_org = visitor == 0,
                          .on = on,
                          .org = id_of(org),
                          .visitor = visitor == 0 ? ID_NONE : id_of(visitor)};
    live_hear(live, &event, 1000);
}

static void hear_present(unsigned org, uint64_t now_ms)
{
    live_hear(live, &(struct event){.kind = EVENT_PRESENT, .org = id_of(org)}, now_ms);
}

/* ---- news -------------------------------------------------------------------------------------------------------- */

static void test_news_reach_the_visitor_and_its_organisation_alone(void **state)
{
    (void)state;
    struct live_subscriber org, visitor, tab, other, foreign, foreign_org;
    listen_to(&org, 1, 0), listen_to(&visitor, 1, 11), listen_to(&tab, 1, 11), listen_to(&other, 1, 12);
    listen_to(&foreign, 2, 21), listen_to(&foreign_org, 2, 0);
    hear_message(1, 11, 100, 5);
    struct live_subscriber *listeners[] = {&org, &visitor, &tab};
    for (unsigned i = 0; i < 3; ++i) {
        assert_int_equal(listeners[i]->news_count, 1);
        assert_int_equal(listeners[i]->news[0].seq, 5);
        assert_int_equal(listeners[i]->news[0].kind, EVENT_MESSAGE);
        assert_true(id_equal(listeners[i]->news[0].conversation, id_of(100)));
    }
    assert_int_equal(calls, 3);
    assert_false(live_has_news(&other) || live_has_news(&foreign) || live_has_news(&foreign_org));
    hear_message(1, 0, 101, 6); /* nobody's */
    assert_int_equal(org.news_count, 2);
    assert_int_equal(visitor.news_count, 1);
    struct live_subscriber *all[] = {&org, &visitor, &tab, &other, &foreign, &foreign_org};
    for (unsigned i = 0; i < 6; ++i)
        live_remove(live, all[i]);
}

static void test_what_the_tables_have_shown_is_not_told_again(void **state)
{
    (void)state;
    struct live_subscriber subscriber;
    live_add(live, &subscriber, id_of(1), ID_NONE, 10);
    assert_true(subscriber.is_behind && live_has_news(&subscriber));
    hear_message(1, 11, 100, 12); /* while it is behind: the tables have it */
    assert_int_equal(subscriber.news_count, 0);
    struct live_news found[] = {{12, id_of(100), EVENT_MESSAGE, false}, {14, id_of(100), EVENT_MESSAGE, false}};
    live_catch_up(&subscriber, found, 2, 15, true);
    hear_message(1, 11, 100, 14); /* they were on their way */
    hear_message(1, 11, 100, 15);
    assert_int_equal(subscriber.news_count, 2);
    hear_message(1, 11, 100, 16);
    assert_int_equal(subscriber.news_count, 3);
    live_take_news(&subscriber, 1);
    assert_int_equal(subscriber.sent_seq, 12);
    live_take_news(&subscriber, 2);
    assert_int_equal(subscriber.sent_seq, 16);
    assert_null(subscriber.news);
    assert_false(live_has_news(&subscriber));
    live_remove(live, &subscriber);
}

static void test_a_part_of_what_was_missed_leaves_it_behind(void **state)
{
    (void)state;
    struct live_subscriber subscriber;
    live_add(live, &subscriber, id_of(1), ID_NONE, 0);
    struct live_news found[] = {{1, id_of(100), EVENT_MESSAGE, false}, {2, id_of(100), EVENT_MESSAGE, false}};
    live_catch_up(&subscriber, found, 2, 9, false);
    hear_message(1, 11, 100, 10);
    assert_int_equal(subscriber.news_count, 2);
    live_take_news(&subscriber, 2);
    assert_int_equal(subscriber.sent_seq, 2);
    assert_true(subscriber.is_behind);
    live_catch_up(&subscriber, NULL, 0, 10, true);
    assert_int_equal(subscriber.sent_seq, 10);
    live_remove(live, &subscriber);
}

static void test_too_many_news_are_left_to_the_tables(void **state)
{
    (void)state;
    struct live_subscriber subscriber;
    listen_to(&subscriber, 1, 0);
    for (uint64_t seq = 1; seq <= STREAM_NEWS_MAX; ++seq)
        hear_message(1, 11, 100, seq);
    assert_int_equal(subscriber.news_count, STREAM_NEWS_MAX);
    assert_int_equal(subscriber.news_capacity, STREAM_NEWS_MAX);
    assert_false(subscriber.is_behind);
    assert_int_equal(figures.news_overflows, 0);
    live_take_news(&subscriber, 7);
    hear_message(1, 11, 100, STREAM_NEWS_MAX + 1);
    assert_int_equal(subscriber.news_count, STREAM_NEWS_MAX - 6);
    for (uint64_t seq = STREAM_NEWS_MAX + 2; seq <= STREAM_NEWS_MAX + 9; ++seq)
        hear_message(1, 11, 100, seq);
    assert_true(subscriber.is_behind);
    assert_null(subscriber.news);
    assert_int_equal(subscriber.sent_seq, 7);
    assert_int_equal(figures.news_overflows, 1);
    live_remove(live, &subscriber);
}

static void test_another_process_leaves_everybody_behind(void **state)
{
    (void)state;
    struct live_subscriber org, visitor;
    listen_to(&org, 1, 0), listen_to(&visitor, 2, 21);
    hear_message(1, 11, 100, 5);
    live_hear(live, &(struct event){.kind = EVENT_BEHIND}, 1000);
    assert_true(org.is_behind && visitor.is_behind);
    assert_int_equal(org.news_count, 0);
    assert_int_equal(org.sent_seq, 0);
    live_remove(live, &org), live_remove(live, &visitor);
}

static void test_a_reset_goes_back_too(void **state)
{
    (void)state;
    struct live_subscriber subscriber;
    live_add(live, &subscriber, id_of(1), ID_NONE, 1000000);
    live_reset(&subscriber, 10);
    hear_message(1, 11, 100, 11);
    assert_int_equal(subscriber.news_count, 1);
    live_remove(live, &subscriber);
}

static void test_an_erased_visitor_is_over(void **state)
{
    (void)state;
    struct live_subscriber gone, tab, other, org;
    listen_to(&gone, 1, 11), listen_to(&tab, 1, 11), listen_to(&other, 1, 12), listen_to(&org, 1, 0);
    hear(EVENT_ERASED, false, 1, 11, 0, 9);
    assert_true(gone.is_over && tab.is_over && live_has_news(&gone));
    assert_false(other.is_over || org.is_over);
    assert_true(other.moment_count == 0 && org.moment_count == 1 && org.moments[0].kind == EVENT_ERASED);
    assert_true(id_equal(org.moments[0].subject, id_of(11)));
    assert_int_equal(calls, 3);
    live_remove(live, &gone), live_remove(live, &tab), live_remove(live, &other), live_remove(live, &org);
}

/* ---- moments ----------------------------------------------------------------------------------------------------- */

static void test_typing_goes_to_the_other_side(void **state)
{
    (void)state;
    struct live_subscriber org, visitor;
    listen_to(&org, 1, 0), listen_to(&visitor, 1, 11);
    hear(EVENT_TYPING, false, 1, 11, 100, 0);
    assert_int_equal(org.moment_count, 1);
    assert_int_equal(visitor.moment_count, 0);
    hear(EVENT_TYPING, true, 1, 11, 100, 0);
    assert_int_equal(visitor.moment_count, 1);
    assert_true(visitor.moments[0].by_org && visitor.moments[0].on);
    live_take_moments(&visitor);
    assert_false(live_has_news(&visitor));
    live_remove(live, &org), live_remove(live, &visitor);
}

static void test_a_newer_moment_takes_the_place_of_an_older_one(void **state)
{
    (void)state;
    struct live_subscriber org;
    listen_to(&org, 1, 0);
    hear(EVENT_TYPING, false, 1, 11, 100, 0);
    hear(EVENT_TYPING, false, 1, 12, 200, 0);
    struct event stopped = {
        .kind = EVENT_TYPING, .org = id_of(1), .visitor = id_of(11), .conversation = id_of(100), .on = false};
    live_hear(live, &stopped, 1000);
    assert_int_equal(org.moment_count, 2);
    assert_true(id_equal(org.moments[0].subject, id_of(200)));
    assert_true(id_equal(org.moments[1].subject, id_of(100)) && !org.moments[1].on);
    live_remove(live, &org);
}

static void test_what_is_told_in_another_way_does_not_wait(void **state)
{
    (void)state;
    struct live_subscriber visitor;
    struct live_moment presence = {.kind = EVENT_PRESENCE, .by_org = true, .subject = ID_NONE};
    listen_to(&visitor, 1, 11);
    hear(EVENT_TYPING, true, 1, 11, 100, 0);
    hear_presence(1, 0, true);
    live_forget_moment(&visitor, &presence);
    assert_int_equal(visitor.moment_count, 1);
    assert_int_equal(visitor.moments[0].kind, EVENT_TYPING);
    live_forget_moment(&visitor, &presence);
    assert_int_equal(visitor.moment_count, 1);
    live_remove(live, &visitor);
    hear_presence(1, 0, false);
}

static void test_who_has_sent_its_message_does_not_type_it_any_more(void **state)
{
    (void)state;
    struct live_subscriber org;
    listen_to(&org, 1, 0);
    hear(EVENT_TYPING, false, 1, 11, 100, 0);
    hear(EVENT_TYPING, true, 1, 11, 100, 0);
    hear(EVENT_TYPING, false, 1, 12, 200, 0);
    hear_message(1, 11, 100, 5);
    assert_int_equal(org.moment_count, 2);
    assert_true(org.moments[0].by_org);
    assert_true(id_equal(org.moments[1].subject, id_of(200)));
    live_remove(live, &org);
}

static void test_of_too_many_moments_the_oldest_go(void **state)
{
    (void)state;
    struct live_subscriber org;
    listen_to(&org, 1, 0);
    for (unsigned i = 0; i < STREAM_MOMENTS_MAX + 5; ++i)
        hear(EVENT_TYPING, false, 1, 11, 100 + i, 0);
    assert_int_equal(org.moment_count, STREAM_MOMENTS_MAX);
    assert_int_equal(org.moment_capacity, STREAM_MOMENTS_MAX);
    assert_true(id_equal(org.moments[0].subject, id_of(105)));
    assert_int_equal(figures.moments_dropped, 5);
    live_remove(live, &org);
}

static void test_whoever_misses_that_somebody_came_is_marked(void **state)
{
    (void)state;
    struct live_subscriber org;
    listen_to(&org, 1, 0);
    for (unsigned i = 0; i < STREAM_MOMENTS_MAX; ++i)
        hear_presence(1, 1000 + i, true);
    assert_false(org.has_lost_facts);
    hear_presence(1, 1000, false); /* news of the same visitor, so nothing is lost */
    assert_false(org.has_lost_facts);
    hear_presence(1, 10, true);
    assert_true(org.has_lost_facts);
    live_take_moments(&org);
    assert_false(org.has_lost_facts);
    live_remove(live, &org);
    for (unsigned i = 1; i < STREAM_MOMENTS_MAX; ++i)
        hear_presence(1, 1000 + i, false);
    hear_presence(1, 10, false);
}

/* ---- the organisation's side among itself ------------------------------------------------------------------------ */

static void test_what_the_organisation_alone_may_know_reaches_no_visitor(void **state)
{
    (void)state;
    struct live_subscriber org, visitor, foreign;
    listen_to(&org, 1, 0), listen_to(&visitor, 1, 11), listen_to(&foreign, 2, 0);
    hear(EVENT_WORK, true, 1, 11, 100, 5);
    hear(EVENT_NOTE, true, 1, 11, 100, 6);
    assert_int_equal(org.news_count, 2);
    assert_true(org.news[0].kind == EVENT_WORK && org.news[1].kind == EVENT_NOTE);
    struct event reopening = {.kind = EVENT_MESSAGE,
                              .works = true,
                              .org = id_of(1),
                              .visitor = id_of(11),
                              .conversation = id_of(100),
                              .seq = 7};
    live_hear(live, &reopening, 1000);
    assert_true(org.news[2].works);
    assert_int_equal(visitor.news_count, 1);
    assert_false(visitor.news[0].works);
    assert_false(live_has_news(&foreign));
    live_remove(live, &org), live_remove(live, &visitor), live_remove(live, &foreign);
}

static void hear_typing_of(unsigned agent, bool on)
{
    struct event event = {.kind = EVENT_TYPING,
                          .by_org = true,
                          .on = on,
                          .agent = agent == 0 ? ID_NONE : id_of(agent),
                          .org = id_of(1),
                          .visitor = id_of(11),
                          .conversation = id_of(100)};
    live_hear(live, &event, 1000);
}

static void test_typing_names_the_agent_to_the_others_alone(void **state)
{
    (void)state;
    struct live_subscriber anna, bob, visitor;
    listen_to(&anna, 1, 0), listen_to(&bob, 1, 0), listen_to(&visitor, 1, 11);
    live_is_of_agent(&anna, id_of(71)), live_is_of_agent(&bob, id_of(72));
    hear_typing_of(71, true);
    assert_int_equal(anna.moment_count, 0);
    assert_int_equal(bob.moment_count, 1);
    assert_true(id_equal(bob.moments[0].agent, id_of(71)));
    assert_int_equal(visitor.moment_count, 1);
    assert_true(id_is_none(visitor.moments[0].agent));
    hear_typing_of(73, true); /* to the visitor it is one and the same */
    assert_int_equal(anna.moment_count, 1);
    assert_int_equal(bob.moment_count, 2);
    assert_int_equal(visitor.moment_count, 1);
    /* Whoever has sent its answer does not type it any more; somebody else may. */
    struct event answer = {.kind = EVENT_MESSAGE,
                           .by_org = true,
                           .agent = id_of(71),
                           .org = id_of(1),
                           .visitor = id_of(11),
                           .conversation = id_of(100),
                           .seq = 5};
    live_hear(live, &answer, 1000);
    assert_int_equal(bob.moment_count, 1);
    assert_true(id_equal(bob.moments[0].agent, id_of(73)));
    assert_int_equal(visitor.moment_count, 0);
    live_remove(live, &anna), live_remove(live, &bob), live_remove(live, &visitor);
}

static void hear_agent(enum event_kind kind, unsigned agent, bool on, uint64_t now_ms)
{
    struct event event = {
        .kind = kind, .by_org = kind == EVENT_PRESENCE, .on = on, .agent = id_of(agent), .org = id_of(1)};
    live_hear(live, &event, now_ms);
}

static void test_an_agent_is_there_while_it_listens_or_has_just_done_something(void **state)
{
    (void)state;
    struct live_subscriber org, visitor, foreign;
    listen_to(&org, 1, 0), listen_to(&visitor, 1, 11), listen_to(&foreign, 2, 0);
    hear_agent(EVENT_PRESENCE, 71, true, 1000);
    hear_agent(EVENT_PRESENCE, 71, true, 1000);
    assert_true(live_agent_is_online(live, id_of(1), id_of(71)) && live_org_is_online(live, id_of(1)));
    assert_false(live_agent_is_online(live, id_of(2), id_of(71)) || live_agent_is_online(live, id_of(1), id_of(72)));
    assert_int_equal(org.moment_count, 1);
    assert_true(org.moments[0].kind == EVENT_PRESENCE && org.moments[0].by_org && org.moments[0].on);
    assert_true(id_equal(org.moments[0].subject, id_of(71)));
    assert_int_equal(visitor.moment_count, 1); /* that somebody is there, and not who */
    assert_true(id_is_none(visitor.moments[0].subject) && id_is_none(visitor.moments[0].agent));
    hear_agent(EVENT_PRESENCE, 71, false, 1000);
    assert_true(live_agent_is_online(live, id_of(1), id_of(71)));
    assert_true(live_org_seems_quiet(live, id_of(1), id_of(71), 2000));
    hear_agent(EVENT_PRESENT, 71, false, 2000);
    assert_false(live_org_seems_quiet(live, id_of(1), id_of(71), 2000));
    assert_true(live_org_seems_quiet(live, id_of(1), id_of(72), 2000));
    assert_false(live_org_seems_quiet(live, id_of(1), ID_NONE, 2000));
    hear_agent(EVENT_PRESENCE, 71, false, 3000);
    hear_agent(EVENT_PRESENT, 72, false, 5000);
    live_tick(live, 2000 + AGENT_PRESENT_MS);
    assert_false(live_agent_is_online(live, id_of(1), id_of(71)));
    assert_true(live_agent_is_online(live, id_of(1), id_of(72)) && live_org_is_online(live, id_of(1)));
    live_tick(live, 5000 + AGENT_PRESENT_MS);
    assert_false(live_agent_is_online(live, id_of(1), id_of(72)) || live_org_is_online(live, id_of(1)));
    assert_int_equal(org.moment_count, 2);
    assert_false(org.moments[0].on || org.moments[1].on);
    assert_false(live_has_news(&foreign));
    live_remove(live, &org), live_remove(live, &visitor), live_remove(live, &foreign);
}

/* ---- who is there ------------------------------------------------------------------------------------------------ */

static void test_an_organisation_is_there_while_a_stream_of_it_is_open_on_any_loop(void **state)
{
    (void)state;
    struct live_subscriber visitor, foreign;
    listen_to(&visitor, 1, 11), listen_to(&foreign, 2, 21);
    assert_false(live_org_is_online(live, id_of(1)));
    hear_presence(1, 0, true);
    hear_presence(1, 0, true);
    assert_true(live_org_is_online(live, id_of(1)));
    assert_int_equal(visitor.moment_count, 1);
    assert_true(visitor.moments[0].on && visitor.moments[0].by_org);
    live_take_moments(&visitor);
    hear_presence(1, 0, false);
    assert_true(live_org_is_online(live, id_of(1)));
    assert_int_equal(visitor.moment_count, 0);
    hear_presence(1, 0, false);
    assert_false(live_org_is_online(live, id_of(1)));
    assert_int_equal(visitor.moment_count, 1);
    assert_false(visitor.moments[0].on);
    assert_int_equal(foreign.moment_count, 0);
    live_remove(live, &visitor), live_remove(live, &foreign);
}

static void test_who_has_done_something_is_there_for_a_while(void **state)
{
    (void)state;
    struct live_subscriber visitor;
    listen_to(&visitor, 1, 11);
    assert_true(live_org_seems_quiet(live, id_of(1), ID_NONE, 5000));
    hear_present(1, 5000);
    assert_true(live_org_is_online(live, id_of(1)));
    assert_false(live_org_seems_quiet(live, id_of(1), ID_NONE, 5500));
    assert_true(live_org_seems_quiet(live, id_of(1), ID_NONE, 6001));
    hear_present(1, 8000);
    live_tick(live, 5000 + AGENT_PRESENT_MS);
    live_tick(live, 7999 + AGENT_PRESENT_MS);
    assert_true(live_org_is_online(live, id_of(1)));
    assert_int_equal(visitor.moment_count, 1);
    live_tick(live, 8000 + AGENT_PRESENT_MS);
    assert_false(live_org_is_online(live, id_of(1)));
    assert_int_equal(visitor.moment_count, 1);
    assert_false(visitor.moments[0].on);
    live_remove(live, &visitor);
}

static void test_a_stream_outlasts_what_was_done(void **state)
{
    (void)state;
    hear_present(1, 1000);
    hear_presence(1, 0, true);
    live_tick(live, 1000 + AGENT_PRESENT_MS);
    assert_true(live_org_is_online(live, id_of(1)));
    hear_presence(1, 0, false);
    assert_false(live_org_is_online(live, id_of(1)));
}

static void test_a_visitor_comes_with_its_first_stream_and_goes_with_its_last(void **state)
{
    (void)state;
    struct live_subscriber org, foreign, visitor;
    listen_to(&org, 1, 0), listen_to(&foreign, 2, 0), listen_to(&visitor, 1, 11);
    hear_presence(1, 11, true);
    hear_presence(1, 11, true);
    assert_int_equal(org.moment_count, 1);
    assert_true(org.moments[0].on && !org.moments[0].by_org && id_equal(org.moments[0].subject, id_of(11)));
    assert_true(visitor_is_online(id_of(11)));
    hear_presence(1, 11, false);
    assert_true(org.moments[0].on);
    live_remove(live, &visitor); /* here; the other one is on another loop */
    assert_true(visitor_is_online(id_of(11)));
    hear_presence(1, 11, false);
    assert_int_equal(org.moment_count, 1);
    assert_false(org.moments[0].on);
    assert_false(visitor_is_online(id_of(11)));
    assert_int_equal(foreign.moment_count, 0);
    live_remove(live, &org), live_remove(live, &foreign);
}

/* ---- against a plain model --------------------------------------------------------------------------------------- */

#define MODEL_SUBSCRIBERS 40
#define MODEL_EVENTS 12000

struct modelled {
    struct live_subscriber subscriber;
    bool is_there;
    unsigned org, visitor;
    uint64_t expected[MODEL_EVENTS], got[MODEL_EVENTS];
    unsigned expected_count, got_count;
};

struct past {
    enum event_kind kind;
    unsigned org, visitor;
    uint64_t seq;
};

static struct past past[MODEL_EVENTS + 1];

static bool concerns(const struct modelled *each, const struct past *event)
{
    bool is_for_org_alone = event->kind == EVENT_WORK || event->kind == EVENT_NOTE;
    return each->org == event->org && (each->visitor == 0 || (each->visitor == event->visitor && !is_for_org_alone));
}

/* What the api does with the tables: the first few of what came after sent_seq. */
static void catch_up(struct modelled *each, uint64_t seen_seq)
{
    struct live_news found[STREAM_NEWS_MAX];
    unsigned number = 0, most = 1 + (unsigned)rand() % STREAM_NEWS_MAX;
    uint64_t seq = each->subscriber.sent_seq + 1;
    for (; seq <= seen_seq && number < most; ++seq)
        if (concerns(each, &past[seq]))
            found[number++] = (struct live_news){seq, ID_NONE, EVENT_MESSAGE, false};
    live_catch_up(&each->subscriber, found, number, seen_seq, seq > seen_seq);
}

static void take_some(struct modelled *each, uint64_t seen_seq)
{
    if (each->subscriber.news_count == 0 && each->subscriber.is_behind)
        catch_up(each, seen_seq);
    unsigned taken = each->subscriber.news_count == 0 ? 0 : (unsigned)rand() % (each->subscriber.news_count + 1u);
    for (unsigned i = 0; i < taken; ++i)
        each->got[each->got_count++] = each->subscriber.news[i].seq;
    live_take_news(&each->subscriber, taken);
}

static void toggle(struct modelled *each, uint64_t seq)
{
    if (each->is_there) {
        live_remove(live, &each->subscriber);
        assert_true(each->got_count <= each->expected_count);
        assert_memory_equal(each->got, each->expected, each->got_count * sizeof(each->got[0]));
    } else {
        each->org = 1 + (unsigned)rand() % 3;
        each->visitor = rand() % 3 == 0 ? 0 : each->org * 10 + (unsigned)rand() % 4;
        each->expected_count = each->got_count = 0;
        live_add(live, &each->subscriber, id_of(each->org), each->visitor == 0 ? ID_NONE : id_of(each->visitor), seq);
    }
    each->is_there = !each->is_there;
}

static void test_at_random_each_one_gets_all_of_its_own_in_order(void **state)
{
    (void)state;
    static struct modelled all[MODEL_SUBSCRIBERS];
    memset(all, 0, sizeof(all));
    srand(20260131);
    for (uint64_t seq = 1; seq <= MODEL_EVENTS; ++seq) {
        unsigned org = 1 + (unsigned)rand() % 3;
        static const enum event_kind kinds[] = {EVENT_MESSAGE, EVENT_MESSAGE, EVENT_CONVERSATION, EVENT_WORK,
                                                EVENT_NOTE};
        past[seq] = (struct past){kinds[rand() % 5], org, org * 10 + (unsigned)rand() % 4, seq};
        for (unsigned i = 0; i < MODEL_SUBSCRIBERS; ++i)
            if (all[i].is_there && concerns(&all[i], &past[seq]))
                all[i].expected[all[i].expected_count++] = seq;
        if (rand() % 1000 == 0) /* the tables have it, and nobody says what it was */
            live_hear(live, &(struct event){.kind = EVENT_BEHIND}, 1000);
        else
            hear(past[seq].kind, false, past[seq].org, past[seq].visitor, 100, seq);
        if (rand() % 80 == 0)
            toggle(&all[rand() % MODEL_SUBSCRIBERS], seq);
        struct modelled *some = &all[rand() % MODEL_SUBSCRIBERS];
        if (some->is_there && rand() % 25 == 0)
            take_some(some, seq);
    }
    for (unsigned i = 0; i < MODEL_SUBSCRIBERS; ++i) {
        while (all[i].is_there && live_has_news(&all[i].subscriber))
            take_some(&all[i], MODEL_EVENTS);
        if (!all[i].is_there)
            continue;
        assert_int_equal(all[i].got_count, all[i].expected_count);
        toggle(&all[i], MODEL_EVENTS);
    }
    assert_true(figures.news_overflows > 0);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

#define CROWD 5000

/* The sanitizers have allocators of their own, which tell nothing here. */
static size_t heap_bytes_since(size_t before)
{
    return mallinfo2().uordblks - before;
}

/* On two loops: here with the subscriber, there with its presence alone. */
static void test_an_idle_subscriber_is_small_and_leaves_nothing_behind(void **state)
{
    (void)state;
    struct live *elsewhere = live_new(on_news, &figures);
    struct live_subscriber *crowd = calloc(CROWD, sizeof(*crowd));
    size_t before = heap_bytes_since(0);
    for (unsigned i = 0; i < CROWD; ++i) {
        struct event event = {.kind = EVENT_PRESENCE, .on = true, .org = id_of(1), .visitor = id_of(10 + i)};
        listen_to(&crowd[i], 1, 10 + i);
        live_hear(live, &event, 1000);
        live_hear(elsewhere, &event, 1000);
    }
    assert_in_range(sizeof(*crowd) + heap_bytes_since(before) / CROWD, sizeof(*crowd), 250);
    for (unsigned i = 0; i < CROWD; ++i) {
        struct event event = {.kind = EVENT_PRESENCE, .org = id_of(1), .visitor = id_of(10 + i)};
        live_remove(live, &crowd[i]);
        live_hear(live, &event, 1000);
        live_hear(elsewhere, &event, 1000);
        assert_false(visitor_is_online(id_of(10 + i)));
    }
    assert_in_range(heap_bytes_since(before), 0, 16384); /* the allocator keeps a few */
    free(crowd);
    live_free(elsewhere);
}

int main(void)
{
#define LIVE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        LIVE_TEST(test_news_reach_the_visitor_and_its_organisation_alone),
        LIVE_TEST(test_what_the_tables_have_shown_is_not_told_again),
        LIVE_TEST(test_a_part_of_what_was_missed_leaves_it_behind),
        LIVE_TEST(test_too_many_news_are_left_to_the_tables),
        LIVE_TEST(test_another_process_leaves_everybody_behind),
        LIVE_TEST(test_a_reset_goes_back_too),
        LIVE_TEST(test_an_erased_visitor_is_over),
        LIVE_TEST(test_typing_goes_to_the_other_side),
        LIVE_TEST(test_a_newer_moment_takes_the_place_of_an_older_one),
        LIVE_TEST(test_what_is_told_in_another_way_does_not_wait),
        LIVE_TEST(test_who_has_sent_its_message_does_not_type_it_any_more),
        LIVE_TEST(test_of_too_many_moments_the_oldest_go),
        LIVE_TEST(test_whoever_misses_that_somebody_came_is_marked),
        LIVE_TEST(test_what_the_organisation_alone_may_know_reaches_no_visitor),
        LIVE_TEST(test_typing_names_the_agent_to_the_others_alone),
        LIVE_TEST(test_an_agent_is_there_while_it_listens_or_has_just_done_something),
        LIVE_TEST(test_an_organisation_is_there_while_a_stream_of_it_is_open_on_any_loop),
        LIVE_TEST(test_who_has_done_something_is_there_for_a_while),
        LIVE_TEST(test_a_stream_outlasts_what_was_done),
        LIVE_TEST(test_a_visitor_comes_with_its_first_stream_and_goes_with_its_last),
        LIVE_TEST(test_at_random_each_one_gets_all_of_its_own_in_order),
        LIVE_TEST(test_an_idle_subscriber_is_small_and_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
