/*
 * Deliveries wait in the tables; in memory are only their places, sorted into lanes (hook_lanes.c), so that order is
 * kept within a conversation and nothing else holds anybody back. A look reads what has come behind the last place
 * known; a webhook that was changed in any other way is read anew. What is sent is read again when it is sent.
 *
 * A result becomes a command, and only when that is on disk does the next one of its lane follow: whatever happens in
 * between, a delivery that was not noted as done is tried again, and none overtakes another.
 */
#include "api/hook_courier.h"

#include <pthread.h>
#include <stdlib.h>

#include "api/hook_lanes.h"
#include "api/hooks.h"
#include "base/logline.h"

#define LOOK_ENTRIES_MAX 5000                    /* of the queue, in one turn of the loop */
#define UNDER_WAY_MAX (POST_RUNNING_MAX * 3 / 4) /* the rest is left to mails and pings */
#define AFTER_FAILURE_MS 10000                   /* after a failure of our own */

/* A webhook. */
struct target {
    struct live_node node;
    struct id org;
    bool enabled, is_there;
    uint64_t changed_seq;
    uint64_t last_seq; /* of what has been read of its queue, and the event */
    uint32_t last_event;
    struct hook_lanes *lanes;
    unsigned failures; /* in a row, of one lane after another; one lane alone is its own affair */
    struct id failed_lane;
    int64_t paused_until_ms;
};

/* A delivery that was given to the post. */
struct flight {
    struct flight *next;
    struct courier *courier;
    struct id webhook;
    struct hook_place place;
    uint64_t tries;
    int64_t since_ms;
    struct post_result result;
    enum hook_verdict verdict;
    int64_t next_at_ms;
};

struct courier {
    struct api *api;
    struct api_loop *loop; /* loop 0, on whose thread all of this is */
    struct live_table targets;
    struct target **turns; /* the same, in the order in which they have their turn */
    size_t turn_count, turn_room, turn;
    unsigned under_way;
    uint64_t looked_seq;
    struct buffer body;
    struct loop_message message;
    atomic_bool is_woken; /* the message is on its way */
    pthread_mutex_t mutex;
    struct flight *landed; /* under the mutex: what the post is done with */
    struct courier_figures figures;
};

/* Once the server stops nobody is woken: what lands then is left to courier_drain. */
static void wake(struct courier *courier)
{
    const struct edge *edge = courier->api->edge;
    bool is_served = courier->loop->loop != NULL && edge != NULL && !edge_stopping(edge);
    if (is_served && !atomic_exchange(&courier->is_woken, true))
        loop_post(courier->loop->loop, &courier->message);
}

static struct target *find_target(struct courier *courier, struct id id)
{
    return (struct target *)live_table_find(&courier->targets, id);
}

/* ---- reading what waits ---- */

static struct target *need_target(struct courier *courier, struct id id)
{
    struct target *target = (struct target *)live_table_need(&courier->targets, id, sizeof(*target));
    if (target->lanes != NULL)
        return target;
    target->lanes = hook_lanes_new();
    if (courier->turn_count == courier->turn_room) {
        courier->turn_room = courier->turn_room == 0 ? 16 : 2 * courier->turn_room;
        courier->turns = realloc(courier->turns, courier->turn_room * sizeof(*courier->turns));
        if (courier->turns == NULL)
            abort();
    }
    courier->turns[courier->turn_count++] = target;
    return target;
}

static void forget_place(struct target *target)
{
    hook_lanes_clear(target->lanes);
    target->last_seq = target->last_event = 0;
    target->failures = 0;
    target->failed_lane = ID_NONE;
    target->paused_until_ms = 0;
}

static void add_delivery(struct target *target, const struct delivery *delivery)
{
    bool has_conversation = !id_is_none(delivery->conversation);
    struct hook_place place = {has_conversation ? delivery->conversation : delivery->visitor, delivery->seq,
                               (uint32_t)delivery->event};
    hook_lanes_add(target->lanes, &place, delivery->next_at_ms);
}

/* What lies behind the last place that is known; *left counts down. A damaged entry is passed, and `check` names it. */
static void read_queue(struct target *target, struct txn *txn, unsigned *left)
{
    struct bytes key, value;
    struct key from;
    struct id webhook = target->node.id;
    delivery_key(&from, webhook, target->last_seq, (uint64_t)target->last_event + 1);
    struct cursor *cursor = cursor_open(txn, TABLE_WEBHOOK_QUEUE);
    enum error error = cursor_seek(cursor, key_view(&from), &key, &value);
    for (; *left > 0 && (error == OK || error == ERR_CORRUPT) && key.len == ID_LEN + 12 &&
           memcmp(key.data, webhook.bytes, ID_LEN) == 0;
         --*left) {
        struct delivery delivery;
        size_t offset = ID_LEN;
        if (error == OK && delivery_decode(key, value, &delivery) == OK)
            add_delivery(target, &delivery);
        target->last_seq = key_get_u64(key, &offset);
        target->last_event = key_get_u32(key, &offset);
        error = cursor_next(cursor, &key, &value);
    }
    cursor_close(cursor);
}

static void look_at(struct courier *courier, struct txn *txn, const struct webhook *webhook, unsigned *left)
{
    struct target *target = need_target(courier, webhook->id);
    target->is_there = true;
    target->org = webhook->org;
    target->enabled = webhook->enabled;
    if (target->changed_seq != webhook->changed_seq) {
        target->changed_seq = webhook->changed_seq;
        forget_place(target);
    }
    if (webhook->enabled && webhook->waiting != 0)
        read_queue(target, txn, left);
}

/* Those that are gone from the tables, once nothing of theirs is under way. */
static void drop_missing(struct courier *courier)
{
    size_t kept = 0;
    for (size_t i = 0; i < courier->turn_count; ++i) {
        struct target *target = courier->turns[i];
        target->enabled &= target->is_there;
        bool stays = target->is_there || hook_lanes_under_way(target->lanes) != 0;
        target->is_there = false;
        if (stays) {
            courier->turns[kept++] = target;
            continue;
        }
        live_table_remove(&courier->targets, &target->node);
        hook_lanes_free(target->lanes);
        free(target);
    }
    courier->turn_count = kept;
    atomic_store_explicit(&courier->figures.targets, kept, memory_order_relaxed);
}

/* Reads all webhooks, which are few, and what is new in their queues. When that is much it goes on in another turn. */
static void look(struct courier *courier, struct txn *txn)
{
    struct bytes key, value;
    unsigned left = LOOK_ENTRIES_MAX;
    struct cursor *cursor = cursor_open(txn, TABLE_WEBHOOKS);
    enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value);
    for (; error == OK || (error == ERR_CORRUPT && key.data != NULL); error = cursor_next(cursor, &key, &value)) {
        struct webhook webhook;
        size_t offset = 0;
        if (error != OK || key.len != ID_LEN || record_decode(RECORD_WEBHOOKS, value, &webhook) != OK)
            continue;
        webhook.id = key_get_id(key, &offset);
        look_at(courier, txn, &webhook, &left);
    }
    cursor_close(cursor);
    drop_missing(courier);
    if (meta_get_u64(txn, META_SEQ, &courier->looked_seq) != OK)
        courier->looked_seq = 0;
    if (left == 0)
        wake(courier);
}

/* ---- results ---- */

static void count_verdict(struct courier *courier, enum hook_verdict verdict)
{
    struct courier_figures *figures = &courier->figures;
    count(verdict == HOOK_DELIVERED ? &figures->delivered
          : verdict == HOOK_PARK    ? &figures->parked
          : verdict == HOOK_GONE    ? &figures->gone
          : verdict == HOOK_VOID    ? &figures->void_
                                    : &figures->failed,
          1);
}

static enum hook_verdict judge(const struct flight *flight, int64_t now_ms, uint64_t random, int64_t *next_at_ms)
{
    *next_at_ms = 0;
    if (hook_has_arrived(&flight->result))
        return HOOK_DELIVERED;
    if (flight->result.failure == POST_NONE && flight->result.status == 410)
        return HOOK_GONE;
    *next_at_ms = hook_next_try_ms(flight->tries + 1, flight->since_ms, now_ms, random);
    return *next_at_ms == 0 ? HOOK_PARK : HOOK_RETRY;
}

/* A success ends every pause; a row of failures makes one. */
static void learn(struct target *target, const struct flight *flight, int64_t now_ms)
{
    bool failed = flight->verdict == HOOK_RETRY || flight->verdict == HOOK_PARK;
    if (flight->verdict == HOOK_VOID || (failed && id_equal(flight->place.lane, target->failed_lane)))
        return;
    target->failures = failed ? target->failures + 1 : 0;
    target->failed_lane = failed ? flight->place.lane : ID_NONE;
    target->paused_until_ms = failed ? now_ms + hook_pause_ms(target->failures) : 0;
}

static void log_failure(const struct flight *flight)
{
    char id[ID_TEXT_LEN + 1] = "";
    id_format(flight->webhook, id);
    if (flight->verdict == HOOK_GONE)
        log_line(LOG_WARN, "a webhook wants no more and is disabled", LOG_TEXT("webhook", id),
                 LOG_NUMBER("status", 410));
    else if (flight->verdict == HOOK_PARK)
        log_line(LOG_WARN, "a delivery to a webhook is given up", LOG_TEXT("webhook", id),
                 LOG_NUMBER("seq", flight->place.seq), LOG_NUMBER("status", flight->result.status),
                 LOG_TEXT("why", post_failure_word(flight->result.failure)));
    else if (flight->verdict == HOOK_RETRY && flight->tries == 0)
        log_line(LOG_INFO, "a delivery to a webhook failed", LOG_TEXT("webhook", id),
                 LOG_NUMBER("seq", flight->place.seq), LOG_NUMBER("status", flight->result.status),
                 LOG_TEXT("why", post_failure_word(flight->result.failure)));
}

static void end_flight(struct courier *courier, struct flight *flight, bool stays, int64_t due_ms)
{
    struct target *target = find_target(courier, flight->webhook);
    if (stays)
        hook_lanes_rest(target->lanes, &flight->place, due_ms);
    else
        hook_lanes_gone(target->lanes, &flight->place);
    --courier->under_way;
    atomic_store_explicit(&courier->figures.under_way, courier->under_way, memory_order_relaxed);
    free(flight);
}

/* What the tables know now decides: the delivery may have gone in the meantime. */
static void on_result_applied(struct api_loop *loop, struct txn *txn, struct request *request,
                              const struct log_entry *entry)
{
    struct flight *flight = *(struct flight *const *)entry_kept(entry);
    struct courier *courier = loop->api->courier;
    bool is_gone = entry->error == ERR_NOT_FOUND ||
                   (entry->error == OK && flight->verdict != HOOK_RETRY && flight->verdict != HOOK_GONE);
    (void)txn, (void)request;
    end_flight(courier, flight, !is_gone, entry->error == OK ? flight->next_at_ms : clock_now_ms() + AFTER_FAILURE_MS);
    wake(courier);
}

static bool submit_result(struct courier *courier, struct flight *flight)
{
    bool failed = flight->result.failure != POST_NONE;
    return loop_submit_keeping(
        courier->loop,
        &(struct command){
            .kind = COMMAND_WEBHOOK_RESULT,
            .webhook_result = {.webhook = flight->webhook,
                               .seq = flight->place.seq,
                               .event = flight->place.event,
                               .at_ms = clock_now_ms(),
                               .verdict = flight->verdict,
                               .status = (uint64_t)flight->result.status,
                               .failure =
                                   failed ? bytes_of_string(post_failure_word(flight->result.failure)) : BYTES_NONE,
                               .next_at_ms = flight->next_at_ms},
        },
        on_result_applied, &flight, sizeof(flight));
}

static void push_landed(struct courier *courier, struct flight *flight)
{
    pthread_mutex_lock(&courier->mutex);
    flight->next = courier->landed;
    courier->landed = flight;
    pthread_mutex_unlock(&courier->mutex);
}

/* On the post's thread. */
static void on_answer(void *context, const struct post_result *result)
{
    struct flight *flight = context;
    struct courier *courier = flight->courier;
    flight->result = *result;
    push_landed(courier, flight);
    wake(courier);
}

static void land(struct courier *courier, struct flight *flight)
{
    int64_t now_ms = clock_now_ms();
    /* The server stops: nobody knows what the receiver saw, so it is tried again after the start. */
    if (flight->result.failure == POST_STOPPING) {
        end_flight(courier, flight, true, now_ms + AFTER_FAILURE_MS);
        return;
    }
    if (flight->verdict == 0) {
        flight->verdict = judge(flight, now_ms, random_u64(&courier->loop->random), &flight->next_at_ms);
        learn(find_target(courier, flight->webhook), flight, now_ms);
        count_verdict(courier, flight->verdict);
        log_failure(flight);
    }
    if (!submit_result(courier, flight))
        push_landed(courier, flight); /* the queue of commands is full; the next second may have room */
}

static void land_all(struct courier *courier)
{
    pthread_mutex_lock(&courier->mutex);
    struct flight *flight = courier->landed;
    courier->landed = NULL;
    pthread_mutex_unlock(&courier->mutex);
    while (flight != NULL) {
        struct flight *next = flight->next;
        land(courier, flight);
        flight = next;
    }
}

/* ---- sending ---- */

static struct flight *flight_new(struct courier *courier, const struct target *target, const struct hook_place *place)
{
    struct flight *flight = calloc(1, sizeof(*flight));
    if (flight == NULL)
        abort();
    flight->courier = courier;
    flight->webhook = target->node.id;
    flight->place = *place;
    ++courier->under_way;
    atomic_store_explicit(&courier->figures.under_way, courier->under_way, memory_order_relaxed);
    return flight;
}

static enum error read_target(struct txn *txn, const struct target *target, const struct hook_place *place,
                              struct webhook *webhook, struct delivery *delivery)
{
    struct org org;
    enum error error = webhook_get(txn, target->node.id, webhook);
    if (error == OK)
        error = org_get(txn, webhook->org, &org);
    if (error == OK && org.deleted)
        error = ERR_NOT_FOUND;
    return error == OK ? delivery_get(txn, target->node.id, place->seq, place->event, delivery) : error;
}

/* ERR_NOT_FOUND: there is nothing to tell, and that is a result too. */
static enum error send_delivery(struct courier *courier, struct txn *txn, const struct webhook *webhook,
                                const struct delivery *delivery, struct flight *flight)
{
    char name[HOOK_DELIVERY_LEN_MAX];
    size_t len = hook_delivery_format(webhook->id, delivery->seq, delivery->event, name);
    buffer_clear(&courier->body);
    enum error error = hook_body_write(&courier->body, txn, webhook->org, delivery);
    return error != OK ? error
                       : hook_send(courier->api->config.post,
                                   &(struct hook_message){.webhook = webhook,
                                                          .delivery = bytes_view(name, len),
                                                          .event = hook_event_name(delivery->event),
                                                          .body = buffer_view(&courier->body)},
                                   on_answer, flight);
}

static void send_place(struct courier *courier, struct txn *txn, struct target *target, const struct hook_place *place)
{
    struct webhook webhook;
    struct delivery delivery;
    struct flight *flight = flight_new(courier, target, place);
    enum error error = read_target(txn, target, place, &webhook, &delivery);
    if (error != OK) {
        /* It was removed, and only here nobody knew yet; or it can't be read, and may be mended. */
        end_flight(courier, flight, error != ERR_NOT_FOUND, clock_now_ms() + WEBHOOK_RETRY_LONGEST_MS);
        return;
    }
    flight->tries = delivery.tries;
    flight->since_ms = delivery.since_ms;
    error = send_delivery(courier, txn, &webhook, &delivery, flight);
    if (error == ERR_NOT_FOUND) {
        flight->verdict = HOOK_VOID;
        count_verdict(courier, HOOK_VOID);
        push_landed(courier, flight);
        wake(courier);
    } else if (error != OK) {
        end_flight(courier, flight, true, clock_now_ms() + AFTER_FAILURE_MS);
    }
}

static bool may_send(const struct courier *courier, const struct target *target, int64_t now_ms)
{
    unsigned most = target->failures < WEBHOOK_FAILURES_IN_ROW ? WEBHOOK_RUNNING_MAX : 1;
    return target->enabled && courier->under_way < UNDER_WAY_MAX && target->paused_until_ms <= now_ms &&
           hook_lanes_under_way(target->lanes) < most;
}

/* One delivery of each webhook in turn, until none has one or enough is under way. */
static void send_all(struct courier *courier, struct txn *txn)
{
    int64_t now_ms = clock_now_ms();
    for (size_t idle = 0; idle < courier->turn_count;) {
        struct hook_place place;
        struct target *target = courier->turns[courier->turn++ % courier->turn_count];
        if (!may_send(courier, target, now_ms) || !hook_lanes_take(target->lanes, now_ms, &place)) {
            ++idle;
            continue;
        }
        idle = 0;
        send_place(courier, txn, target, &place);
    }
}

/* ---- when ---- */

/* Whoever has nothing to tell pays nothing: without webhooks only the sequence number is read. */
static void go_round(struct courier *courier, bool must_look)
{
    uint64_t seq = 0;
    if (edge_stopping(courier->api->edge))
        return;
    land_all(courier);
    struct txn *txn = reader_begin(courier->loop->reader);
    if (txn == NULL)
        return;
    if (must_look || (meta_get_u64(txn, META_SEQ, &seq) == OK && seq != courier->looked_seq))
        look(courier, txn);
    send_all(courier, txn);
    reader_end(courier->loop->reader);
}

static void on_woken(struct loop *loop, struct loop_message *message)
{
    struct courier *courier = (struct courier *)((char *)message - offsetof(struct courier, message));
    (void)loop;
    atomic_store(&courier->is_woken, false);
    go_round(courier, true);
}

void courier_tick(struct api_loop *loop)
{
    go_round(loop->api->courier, false);
}

void courier_hear(struct api *api, const struct log_entry *entries)
{
    bool is_hooked = false;
    for (const struct log_entry *entry = entries; entry != NULL; entry = entry->next) {
        if (entry->error != OK)
            continue;
        is_hooked |= entry->outcome.hooked;
        if (entry->outcome.hooks_lost != 0)
            count(&api->courier->figures.lost, entry->outcome.hooks_lost);
    }
    if (is_hooked)
        wake(api->courier);
}

/* ---- life ---- */

struct courier *courier_open(struct api *api)
{
    struct courier *courier = calloc(1, sizeof(*courier));
    if (courier == NULL)
        abort();
    courier->api = api;
    courier->loop = &api->loops[0];
    courier->message.run = on_woken;
    pthread_mutex_init(&courier->mutex, NULL);
    return courier;
}

void courier_drain(struct courier *courier)
{
    land_all(courier);
}

void courier_close(struct courier *courier)
{
    for (size_t i = 0; i < courier->turn_count; ++i) {
        live_table_remove(&courier->targets, &courier->turns[i]->node);
        hook_lanes_free(courier->turns[i]->lanes);
        free(courier->turns[i]);
    }
    while (courier->landed != NULL) { /* what could not be handed over any more: it is tried again after the start */
        struct flight *flight = courier->landed;
        courier->landed = flight->next;
        free(flight);
    }
    live_table_dispose(&courier->targets);
    pthread_mutex_destroy(&courier->mutex);
    buffer_dispose(&courier->body);
    free(courier->turns);
    free(courier);
}

const struct courier_figures *courier_figures(const struct courier *courier)
{
    return &courier->figures;
}
