/*
 * Giving a password: at the door, and again where somebody who is in already wants to change what guards the account.
 * Each is a try that counts as a failure from the beginning (login_guard.c), so that many at once are no way around it.
 */
#include "api/login.h"
#include "base/logline.h"

static void log_failure(struct request *request, const char *why)
{
    struct bytes address = request_address_text(request);
    log_line(LOG_WARN, "a log-in failed", LOG_TEXT("why", why), LOG_TEXT("address", address.data));
}

static struct bytes network_of(const struct in6_addr *client)
{
    /* A client of IPv6 has a network of 64 bits to itself. */
    return bytes_view(client, IN6_IS_ADDR_V4MAPPED(client) ? 16 : 8);
}

enum error login_may_go_on(struct call *call, uint64_t wait_ms, const char *sentence)
{
    if (wait_ms == 0)
        return OK;
    count(&call->loop->figures.limited[LIMIT_LOGIN], 1);
    call->retry_after_s = (unsigned)(wait_ms / 1000) + 1;
    return call_refuse(call, ERR_RATE_LIMITED, sentence);
}

/* Of this account, or of mail to it, and from the client's address. */
static enum error admit(struct call *call, uint64_t key, const char *sentence, struct login_try *out)
{
    struct login_guard *guard = call->loop->api->login_guard;
    struct in6_addr client = request_client_address(call->request);
    uint64_t address = login_guard_address(guard, network_of(&client));
    return login_may_go_on(call, login_guard_try(guard, key, address, login_clock_ms(), out), sentence);
}

enum error login_admit_mail(struct call *call, struct bytes email)
{
    struct login_try try;
    return admit(call, login_guard_mail(call->loop->api->login_guard, email),
                 "Too many mails were asked for; please wait a while.", &try);
}

enum error login_compare(struct call *call, const struct login_account *account, struct bytes password,
                         on_password *done, struct login_try *try, const void *extra, size_t extra_len)
{
    uint64_t key = login_guard_account(call->loop->api->login_guard, account->email, account->at_home);
    enum error error = admit(call, key, "Too many failed log-ins; please wait a moment.", try);
    if (error != OK)
        return error;
    error = password_compare(call, account->at_home ? QUEUE_KNOWN : QUEUE_STRANGERS, password, account->password_hash,
                             done, extra, extra_len);
    return error == OK ? OK : login_settle(call->loop, call->request, try, error);
}

/* What is the server's own fault is nobody's failure; and with the password alone nothing has failed yet. */
static bool is_failure(enum error error)
{
    return error != OK && error != ERR_SECOND_FACTOR_REQUIRED && error_status(error) < 500;
}

enum error login_settle(struct api_loop *loop, struct request *request, const struct login_try *try, enum error error)
{
    if (loop != NULL && !is_failure(error))
        login_guard_take_back(loop->api->login_guard, try, login_clock_ms());
    if (request != NULL && is_failure(error))
        log_failure(request, error_code(error));
    return error;
}
