/*
 * A ticket is shared by two: the request, which may die at any moment, and whoever answers it. The request's side is an
 * anchor in its pool, because only the disposal of a pool's shared memory runs on every way a request can end. Both
 * sides act on the request's loop, so there is nothing to lock.
 */
#include "edge/ticket.h"

#include <stdlib.h>

struct anchor {
    struct ticket *ticket; /* NULL once redeemed */
};

struct ticket {
    h2o_linklist_t link;     /* in the loop's tickets while there is a request */
    struct request *request; /* NULL once gone */
    struct anchor *anchor;
};

/* Parts the two; what stays is the holder's. */
static struct request *detach(struct ticket *ticket)
{
    struct request *request = ticket->request;
    if (request != NULL) {
        h2o_linklist_unlink(&ticket->link);
        ticket->anchor->ticket = NULL;
        ticket->request = NULL;
    }
    return request;
}

static void on_request_end(void *data)
{
    struct anchor *anchor = data;
    if (anchor->ticket != NULL)
        detach(anchor->ticket);
}

struct ticket *request_suspend(struct request *request)
{
    struct ticket *ticket = calloc(1, sizeof(*ticket));
    if (ticket == NULL)
        abort();
    ticket->request = request;
    ticket->anchor = h2o_mem_alloc_shared(&request->h2o->pool, sizeof(*ticket->anchor), on_request_end);
    ticket->anchor->ticket = ticket;
    h2o_linklist_insert(&request->loop->tickets, &ticket->link);
    return ticket;
}

struct request *ticket_redeem(struct ticket *ticket)
{
    struct request *request = detach(ticket);
    free(ticket);
    return request;
}

void tickets_answer_stopping(struct loop *loop)
{
    while (!h2o_linklist_is_empty(&loop->tickets)) {
        struct ticket *ticket = H2O_STRUCT_FROM_MEMBER(struct ticket, link, loop->tickets.next);
        /* What it waits for may still be done: saying "not taken" would make a client do it twice. */
        request_respond_error(
            detach(ticket), ERR_OUTCOME_UNKNOWN,
            "The server stopped before this was answered; whether it was kept is not known. Please retry.", 1);
    }
}
