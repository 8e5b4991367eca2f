/* The demo organisation is made by the same commands as every other one. */
#include "cli/demo.h"

#include <sodium.h>
#include <stdio.h>

#include "api/api.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "store/records.h"

_Static_assert(DEMO_TOKEN_LEN > TOKEN_TEXT_LEN, "a token fits");

#define DEMO_KEY "demo"

/* Whether there are organisations, and whether this one is among them. */
static enum error look(struct store *store, bool *has_orgs, bool *has_demo)
{
    struct org org;
    struct reader *reader = reader_open(store);
    struct txn *txn = reader_begin(reader);
    enum error error = ERR_INTERNAL;
    if (txn != NULL) {
        error = org_get_by_key(txn, BYTES(DEMO_KEY), &org);
        *has_demo = error == OK;
        *has_orgs = table_rows(txn, TABLE_ORGS) != 0;
        reader_end(reader);
    }
    reader_close(reader);
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum error create_org(struct store *store, struct id org)
{
    struct outcome outcome;
    return log_execute(
        store,
        &(struct command){
            .kind = COMMAND_ORG_CREATE,
            .org_create = {.org = org, .key = BYTES(DEMO_KEY), .name = BYTES("Demo"), .at_ms = clock_now_ms()}},
        &outcome);
}

static enum error create_token(struct store *store, struct id org, struct random_pool *random,
                               char token[DEMO_TOKEN_LEN])
{
    struct outcome outcome;
    unsigned char hash[SECRET_HASH_LEN];
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

static enum error create(struct store *store, struct demo *demo)
{
    struct random_pool random = {.left = 0};
    struct id org = id_make(clock_now_ms(), &random);
    enum error error = create_org(store, org);
    if (error == OK)
        error = create_token(store, org, &random, demo->token);
    sodium_memzero(&random, sizeof(random));
    demo->has_org = error == OK;
    return error;
}

bool demo_prepare(struct store *store, struct demo *demo)
{
    bool has_orgs;
    *demo = (struct demo){.has_org = false};
    enum error error = look(store, &has_orgs, &demo->has_org);
    if (error == OK && !has_orgs)
        error = create(store, demo);
    if (error != OK)
        cli_complain("the organisation " DEMO_KEY " can't be made: %s", error_sentence(error));
    else if (!demo->has_org)
        cli_complain("there are other organisations already, so --demo makes none");
    return error == OK;
}

/* A line for a shell that makes the later ones work as they stand. */
static void print_token(const struct demo *demo, const struct options *options)
{
    if (demo->token[0] != '\0')
        printf(" (it is shown only now):\n  TOKEN=%s\n", demo->token);
    else
        printf(" (a new one; the first was shown when it was made):\n  TOKEN=$(%s)\n",
               cli_command(options, "org token create " DEMO_KEY));
}

void demo_print(const struct demo *demo, const struct options *options, const char *url)
{
    printf("\nOpen  %s/demo  and write something in the chat.\n\n"
           "Then answer it in the inbox. For an account of your own, in another terminal:\n"
           "  %s\n"
           "prints a link: put %s before it, and open it.\n\n"
           "Or answer it as your own programs would, with the organisation's token",
           url, cli_command(options, "agent create you@example.com --org " DEMO_KEY " --role owner"), url);
    print_token(demo, options);
    printf("  curl %s/conversations -H \"authorization: Bearer $TOKEN\"\n"
           "  curl %s/conversations/ID/messages -H \"authorization: Bearer $TOKEN\" \\\n"
           "       -H 'content-type: application/json' -d '{\"role\":\"assistant\",\"content\":\"Hello!\"}'\n"
           "ID is a conversation's in that list; the page shows the command with it filled in.\n\n",
           url, url);
}
