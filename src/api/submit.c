/*
 * The way of a change: a handler suspends its request and gives a command to the loop's port; the turn's end hands all
 * of them over at once; the committer brings the batch back as one message to the loop, which answers each request that
 * is still there.
 */
#include <stdlib.h>

#include "api/internal.h"

struct waiting {
    struct ticket *ticket; /* NULL: nobody waits */
    on_applied *applied;
    bool hears_refusals;
    _Alignas(16) char kept[];
};

/* What the answer will need beside the command and its outcome. */
struct kept {
    const void *data;
    size_t len;
};

static struct log_entry *entry_new(struct api_loop *loop, const struct command *command, on_applied *applied,
                                   struct kept kept)
{
    struct log_entry *entry = log_entry_new(command, &loop->scratch, (uint32_t)(sizeof(struct waiting) + kept.len));
    struct waiting *waiting = log_entry_extra(entry);
    *waiting = (struct waiting){.applied = applied};
    if (kept.len != 0)
        memcpy(waiting->kept, kept.data, kept.len);
    return entry;
}

const void *entry_kept(const struct log_entry *entry)
{
    return ((const struct waiting *)log_entry_extra(entry))->kept;
}

void respond_done(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    (void)loop, (void)txn, (void)entry;
    request_respond(request, 204, NULL, BYTES_NONE);
}

static enum error submit(struct call *call, const struct command *command, on_applied *applied, bool hears_refusals,
                         struct kept kept)
{
    struct api_loop *loop = call->loop;
    if (edge_stopping(loop->api->edge))
        return ERR_STOPPING;
    struct log_entry *entry = entry_new(loop, command, applied, kept);
    enum error error = log_port_add(loop->port, entry);
    if (error != OK) {
        log_entry_free(entry);
        return error;
    }
    struct waiting *waiting = log_entry_extra(entry);
    waiting->hears_refusals = hears_refusals;
    waiting->ticket = request_suspend(call->request);
    return OK;
}

enum error call_submit(struct call *call, const struct command *command, on_applied *applied)
{
    return submit(call, command, applied, false, (struct kept){NULL, 0});
}

enum error call_submit_heard(struct call *call, const struct command *command, on_applied *applied)
{
    return submit(call, command, applied, true, (struct kept){NULL, 0});
}

enum error call_submit_keeping(struct call *call, const struct command *command, on_applied *applied, const void *kept,
                               size_t kept_len)
{
    return submit(call, command, applied, true, (struct kept){kept, kept_len});
}

bool loop_submit(struct api_loop *loop, const struct command *command, on_applied *applied)
{
    return loop_submit_keeping(loop, command, applied, NULL, 0);
}

bool loop_submit_keeping(struct api_loop *loop, const struct command *command, on_applied *applied, const void *kept,
                         size_t kept_len)
{
    struct log_entry *entry = entry_new(loop, command, applied, (struct kept){kept, kept_len});
    bool added = log_port_add(loop->port, entry) == OK;
    if (!added)
        log_entry_free(entry);
    return added;
}

/* ---- the way back ---- */

struct handback {
    struct loop_message message;
    struct api_loop *loop;
    struct log_entry *entries;
};

/* By the rules; the others are about the server. */
static bool is_refusal(enum error error)
{
    return error_status(error) < 500;
}

static void answer(struct api_loop *loop, struct txn *txn, struct log_entry *entry)
{
    const struct waiting *waiting = log_entry_extra(entry);
    struct request *request = waiting->ticket == NULL ? NULL : ticket_redeem(waiting->ticket);
    bool is_heard = entry->error == OK || (waiting->hears_refusals && is_refusal(entry->error));
    if (request != NULL && !is_heard)
        respond_error(request, entry->error, NULL, entry->error == ERR_OUTCOME_UNKNOWN ? 1 : 0);
    else if (waiting->applied != NULL && (request != NULL || waiting->ticket == NULL))
        waiting->applied(loop, txn, request, entry);
    if (entry->error == OK && entry->outcome.event.by_org)
        presence_note(loop, entry->outcome.event.org, entry->outcome.event.agent);
    log_entry_free(entry);
}

/* On the loop's thread; or, for what was applied after the loop had ended, on the one that closes it. */
static void on_handback(struct loop *unused, struct loop_message *message)
{
    struct handback *handback = (struct handback *)message;
    struct api_loop *loop = handback->loop;
    struct txn *txn = reader_begin(loop->reader);
    (void)unused;
    for (struct log_entry *entry = handback->entries, *next; entry != NULL; entry = next) {
        next = entry->next;
        answer(loop, txn, entry);
    }
    if (txn != NULL)
        reader_end(loop->reader);
    free(handback);
}

void on_delivered(struct log_port *port, struct log_entry *entries)
{
    struct handback *handback = malloc(sizeof(*handback));
    if (handback == NULL)
        abort();
    *handback = (struct handback){.message.run = on_handback, .loop = log_port_context(port), .entries = entries};
    loop_post(handback->loop->loop, &handback->message);
}
