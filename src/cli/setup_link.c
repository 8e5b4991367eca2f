#include "cli/setup_link.h"

#include <sodium.h>

#include "base/clock.h"
#include "cli/cli.h"

static bool has_agents(struct store *store)
{
    struct reader *reader = reader_open(store);
    struct txn *txn = reader_begin(reader);
    bool has = txn == NULL || table_rows(txn, TABLE_AGENTS) != 0;
    if (txn != NULL)
        reader_end(reader);
    reader_close(reader);
    return has;
}

bool setup_link_prepare(struct store *store, struct setup_link *out)
{
    struct random_pool random = {.left = 0};
    struct outcome outcome;
    unsigned char hash[SECRET_HASH_LEN];
    int64_t now_ms = clock_now_ms();
    out->text[0] = '\0';
    if (has_agents(store))
        return true;
    struct id id = id_make(now_ms, &random);
    link_make(id, &random, out->text, hash);
    sodium_memzero(&random, sizeof(random));
    enum error error = log_execute(store,
                                   &(struct command){.kind = COMMAND_LINK_CREATE,
                                                     .link_create = {.link = id,
                                                                     .kind = BYTES("setup"),
                                                                     .secret_hash = bytes_view(hash, sizeof(hash)),
                                                                     .expires_at_ms = now_ms + SETUP_KEPT_MS,
                                                                     .at_ms = now_ms}},
                                   &outcome);
    if (error == OK)
        return true;
    out->text[0] = '\0';
    if (error == ERR_STORE_FULL) /* the server still serves what is there */
        return true;
    cli_complain("the link to set up the server can't be made: %s", error_sentence(error));
    return false;
}
