/* POST /conversations: creating one. */
#include <sodium.h>
#include <stdlib.h>

#include "api/internal.h"
#include "base/address_text.h"
#include "base/text.h"

enum error call_may_read(struct call *call, const struct conversation *conversation)
{
    struct id visitor;
    if (!id_equal(conversation->org, call->org.id))
        return ERR_NOT_FOUND;
    if (call->by_org || (id_is_none(conversation->visitor) && !conversation->anonymized))
        return OK;
    if (conversation->anonymized)
        return ERR_NOT_FOUND;
    if (call->visitor_key.data == NULL)
        return ERR_NOT_FOUND;
    enum error error = visitor_id_by_key(call->txn, call->org.id, call->visitor_key, &visitor);
    return error == OK && !id_equal(visitor, conversation->visitor) ? ERR_NOT_FOUND : error;
}

/* ---- creating ---- */

struct bytes call_user_agent(const struct call *call)
{
    struct bytes agent = request_header(call->request, BYTES("user-agent"), NULL);
    return agent.data == NULL || !utf8_valid(agent) ? BYTES_NONE : utf8_cut(agent, USER_AGENT_LEN_MAX);
}

struct bytes call_kept_address(const struct call *call)
{
    struct in6_addr address;
    char *text;
    if (call->org.addresses.len == 0 || call->by_org || call->visitor_key.data == NULL)
        return BYTES_NONE;
    address = request_client_address(call->request);
    text = request_alloc(call->request, ADDRESS_LEN_MAX);
    return bytes_view(text, address_text(&address, !bytes_equal(call->org.addresses, BYTES("full")), text));
}

static void hash_header(crypto_generichash_state *state, const struct call *call, struct bytes name)
{
    struct bytes value = request_header(call->request, name, NULL);
    crypto_generichash_update(state, (const unsigned char *)&value.len, sizeof(value.len));
    if (value.len != 0)
        crypto_generichash_update(state, (const unsigned char *)value.data, value.len);
}

/* The caller is part of the hash, so that a key gives an answer only to whoever got it first: the token, the visitor,
 * or, without one, the client's address and browser. */
static enum error idempotency_hash(struct call *call, unsigned char hash[IDEMPOTENCY_HASH_LEN], struct bytes *out)
{
    struct bytes key;
    crypto_generichash_state state;
    struct in6_addr address = request_client_address(call->request);
    *out = BYTES_NONE;
    enum error error = single_header(call, BYTES("idempotency-key"), &key);
    if (error != OK || key.data == NULL)
        return error;
    bool valid = key.len >= 1 && key.len <= IDEMPOTENCY_KEY_LEN_MAX;
    for (size_t i = 0; i < key.len && valid; ++i)
        valid = key.data[i] >= 0x21 && key.data[i] <= 0x7e;
    if (!valid)
        return call_refuse(call, ERR_INVALID_HEADER,
                           "The header Idempotency-Key must be 1 to 64 visible ASCII characters.");
    struct bytes caller = call->visitor_key.data != NULL ? call->visitor_key
                          : call->by_org                 ? BYTES_NONE
                                                         : bytes_view(&address, sizeof(address));
    unsigned char kind[2] = {call->by_org                     ? 't'
                             : call->visitor_key.data != NULL ? 'v'
                                                              : 'a',
                             (unsigned char)caller.len};
    crypto_generichash_init(&state, NULL, 0, IDEMPOTENCY_HASH_LEN);
    crypto_generichash_update(&state, call->org.id.bytes, ID_LEN);
    crypto_generichash_update(&state, kind, sizeof(kind));
    if (caller.len != 0)
        crypto_generichash_update(&state, (const unsigned char *)caller.data, caller.len);
    if (kind[0] == 'a') /* an address may be a whole office */
        hash_header(&state, call, BYTES("user-agent")), hash_header(&state, call, BYTES("origin"));
    crypto_generichash_update(&state, (const unsigned char *)key.data, key.len);
    crypto_generichash_final(&state, hash, IDEMPOTENCY_HASH_LEN);
    *out = bytes_view(hash, IDEMPOTENCY_HASH_LEN);
    return OK;
}

static void respond_created(struct api_loop *loop, struct request *request, struct id id, int64_t at_ms, int status)
{
    struct buffer *json = &loop->json;
    buffer_clear(json);
    json_open(json, '{');
    member_id(json, "id", id);
    json_member_time(json, "createdAt", at_ms);
    json_close(json, '}');
    request_respond(request, status, CONTENT_TYPE_JSON, buffer_view(json));
}

static void on_created(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    struct command command;
    if (entry->error == OK)
        respond_created(loop, request, entry->outcome.id, entry->outcome.at_ms, entry->outcome.replayed ? 200 : 201);
    else if (is_to_be_silenced(txn, entry, &command))
        respond_created(loop, request, command.conversation_create.conversation, command.conversation_create.at_ms,
                        201);
    else
        respond_error(request, entry->error, NULL, 0);
}

enum error handle_conversation_create(struct call *call)
{
    struct json_document *document;
    unsigned char hash[IDEMPOTENCY_HASH_LEN];
    struct bytes idempotency;
    enum error error = body_object(call, &document);
    if (error != OK)
        return error;
    json_free(document);
    error = idempotency_hash(call, hash, &idempotency);
    if (error == OK)
        error = rate_limit(call, LIMITED_CONVERSATIONS);
    if (error != OK)
        return error;
    struct command command = {
        .kind = COMMAND_CONVERSATION_CREATE,
        .conversation_create = {.org = call->org.id,
                                .conversation = id_make(call->now_ms, &call->loop->random),
                                .at_ms = call->now_ms,
                                .visitor_key = call->visitor_key,
                                .user_agent = call->by_org ? BYTES_NONE : call_user_agent(call),
                                .address = call_kept_address(call),
                                .idempotency = idempotency,
                                .by_org = call->by_org},
    };
    if (call->visitor_key.data != NULL)
        command.conversation_create.visitor = id_make(call->now_ms, &call->loop->random);
    return call_submit_heard(call, &command, on_created);
}
