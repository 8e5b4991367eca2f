/* The demo organisation is made by the same commands as every other one. */
#include "cli/demo.h"

#include <sodium.h>
#include <stdio.h>

#include "api/api.h"
#include "base/clock.h"
#include "cli/cli.h"

_Static_assert(DEMO_TOKEN_LEN > TOKEN_TEXT_LEN, "a token fits");

static bool has_orgs(struct store *store)
{
    struct reader *reader = reader_open(store);
    struct txn *txn = reader_begin(reader);
    bool has = txn == NULL || table_rows(txn, TABLE_ORGS) != 0;
    if (txn != NULL)
        reader_end(reader);
    reader_close(reader);
    return has;
}

static enum error create_org(struct store *store, struct id org)
{
    struct outcome outcome;
    return log_execute(
        store,
        &(struct command){
            .kind = COMMAND_ORG_CREATE,
            .org_create = {.org = org, .key = BYTES(DEMO_ORG_KEY), .name = BYTES("Demo"), .at_ms = clock_now_ms()}},
        &outcome);
}

static enum error create_token(struct store *store, struct id org, struct random_pool *random,
                               char token[DEMO_TOKEN_LEN])
{
    struct outcome outcome;
    unsigned char hash[TOKEN_HASH_LEN];
    int64_t now_ms = clock_now_ms();
    struct id id = id_make(now_ms, random);
    token_make(id, random, token, hash);
    return log_execute(store,
                       &(struct command){.kind = COMMAND_TOKEN_CREATE,
                                         .token_create = {.token = id,
                                                          .org = org,
                                                          .name = BYTES("demo"),
                                                          .secret_hash = bytes_view(hash, sizeof(hash)),
                                                          .at_ms = now_ms}},
                       &outcome);
}

bool demo_create(struct store *store, char token[DEMO_TOKEN_LEN])
{
    struct random_pool random = {.left = 0};
    token[0] = '\0';
    if (has_orgs(store))
        return true;
    struct id org = id_make(clock_now_ms(), &random);
    enum error error = create_org(store, org);
    if (error == OK)
        error = create_token(store, org, &random, token);
    sodium_memzero(&random, sizeof(random));
    if (error != OK)
        cli_complain("the organisation %s can't be created: %s", DEMO_ORG_KEY, error_sentence(error));
    return error == OK;
}

void demo_print(const char *url, const char *token)
{
    const char *shown = token[0] != '\0' ? token : "TOKEN";
    printf("\nHelvino is ready at %s\n\n", url);
    if (token[0] != '\0')
        printf("  organisation  %s\n  token         %s  (shown only now)\n\n", DEMO_ORG_KEY, token);
    printf("Start a conversation as a visitor:\n"
           "  curl -X POST %s/conversations -H 'x-org-key: %s' -H 'x-visitor-id: v_alice'\n\n"
           "Say something in it (put its id in place of ID):\n"
           "  curl %s/conversations/ID/messages -H 'x-org-key: %s' -H 'x-visitor-id: v_alice' \\\n"
           "       -H 'content-type: application/json' -d '{\"role\":\"user\",\"content\":\"Hello!\"}'\n\n"
           "See it with the organisation's token:\n"
           "  curl %s/conversations -H 'authorization: Bearer %s'\n\n",
           url, DEMO_ORG_KEY, url, DEMO_ORG_KEY, url, shown);
}
