/*
 * /password/forgotten: a link for a new password, by mail. Whoever asks gets the same answer at once, whether anybody
 * has the address or not; what follows happens afterwards. Where nobody has it a link is made all the same, of nobody,
 * which nobody has seen: else the number of changes, which /health tells, would say it.
 */
#include <sodium.h>
#include <stdlib.h>

#include "api/login.h"
#include "base/logline.h"

#define MAIL_LEN_MAX 2048

/* What is known when the link is on disk. */
struct invitation {
    size_t email_len; /* 0: nobody has the address */
    char email[EMAIL_LEN_MAX], link[LINK_TEXT_LEN + 1];
};

static void on_mailed(void *context, const struct post_result *result)
{
    (void)context;
    if (result->failure != POST_NONE || result->status >= 400)
        log_line(LOG_WARN, "a mail with a link for a new password was not taken",
                 LOG_TEXT("why", post_failure_sentence(result->failure)), LOG_NUMBER("status", result->status));
}

static void mail_link(struct api_loop *loop, const struct invitation *it)
{
    const struct api_config *config = &loop->api->config;
    char text[MAIL_LEN_MAX];
    int len = snprintf(text, sizeof(text),
                       "Somebody, probably you, asked for a new password for the chat inbox at %s.\n\n"
                       "This link is good once, for an hour:\n%s/account#%s\n\n"
                       "The old password works until a new one is chosen. If it was not you, nothing has to be done.\n",
                       config->public_url, config->public_url, it->link);
    struct post_mail mail = {.to = bytes_view(it->email, it->email_len),
                             .subject = BYTES("A new password for the chat inbox"),
                             .text = bytes_view(text, (size_t)len)};
    enum error error = post_mail(config->post, &mail, on_mailed, NULL);
    if (error != OK)
        log_line(LOG_WARN, "a mail with a link for a new password could not be sent",
                 LOG_TEXT("why", error_sentence(error)));
    sodium_memzero(text, sizeof(text));
}

/* Disabled meanwhile: nothing is sent. */
static void on_linked(struct api_loop *loop, struct txn *txn, struct request *request, const struct log_entry *entry)
{
    const struct invitation *it = entry_kept(entry);
    (void)txn, (void)request;
    if (entry->error == OK && it->email_len != 0)
        mail_link(loop, it);
}

/* Beside those that there are: whoever asks in somebody else's name must not make its links useless. */
static void make_link(struct call *call, const struct agent *agent)
{
    struct invitation it = {.email_len = agent->email.len};
    unsigned char hash[SECRET_HASH_LEN];
    struct id id = id_make(call->now_ms, &call->loop->random);
    if (it.email_len != 0)
        memcpy(it.email, agent->email.data, it.email_len);
    link_make(id, &call->loop->random, it.link, hash);
    loop_submit_keeping(call->loop,
                        &(struct command){.kind = COMMAND_LINK_CREATE,
                                          .link_create = {.link = id,
                                                          .kind = BYTES("reset"),
                                                          .agent = agent->id,
                                                          .secret_hash = bytes_view(hash, sizeof(hash)),
                                                          .expires_at_ms = call->now_ms + RESET_KEPT_MS,
                                                          .at_ms = call->now_ms,
                                                          .from = request_address_text(call->request),
                                                          .adds = true}},
                        on_linked, &it, sizeof(it));
    sodium_memzero(&it, sizeof(it));
}

/* One that is disabled is nobody. */
static enum error find_agent(struct call *call, struct bytes email, struct agent *out)
{
    struct id id;
    enum error error = agent_id_by_email(call->txn, email, &id);
    if (error == OK)
        error = agent_get(call->txn, id, out);
    if (error == ERR_NOT_FOUND || (error == OK && out->disabled))
        *out = (struct agent){.id = ID_NONE};
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum error ask_for_link(struct call *call, const struct json_value *root)
{
    struct bytes email;
    struct agent agent;
    enum error error = field_email(call, root, "email", &email);
    if (error == OK)
        error = login_admit_mail(call, email);
    if (error == OK)
        error = find_agent(call, email, &agent);
    if (error != OK)
        return error;
    make_link(call, &agent);
    request_respond(call->request, 202, CONTENT_TYPE_JSON, BYTES("{}"));
    return OK;
}

enum error handle_password_forgotten(struct call *call)
{
    const struct api_config *config = &call->loop->api->config;
    enum error error = refuse_other_sites(call);
    if (error == OK && (config->post == NULL || !post_can_mail(config->post) || config->public_url == NULL))
        error = ERR_MAIL_UNAVAILABLE;
    return error == OK ? call_with_body(call, ask_for_link) : error;
}
