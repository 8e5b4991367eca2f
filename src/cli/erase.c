/* `helvino erase`: one visitor, at somebody's wish. The receipt goes to standard output, and names nobody. */
#include <inttypes.h>

#include "base/clock.h"
#include "cli/admin.h"

enum { CONVERSATIONS_DELETE, CONVERSATIONS_ANONYMIZE };

static bool anonymizes(const struct admin *admin)
{
    return admin->options->erase_conversations == CONVERSATIONS_ANONYMIZE;
}

/* ---- what would go ---- */

static enum error count_messages(struct txn *txn, const struct visitor *visitor, uint64_t *out)
{
    *out = 0;
    for (struct id at = visitor->last_conversation; !id_is_none(at);) {
        struct conversation conversation;
        struct conversation_activity activity;
        enum error error = conversation_get(txn, at, &conversation);
        if (error == OK)
            error = conversation_activity(txn, &conversation, &activity);
        if (error != OK)
            return error;
        *out += activity.message_count;
        at = conversation.previous_of_visitor;
    }
    return OK;
}

static int preview(struct admin *admin, const struct visitor *visitor)
{
    uint64_t messages;
    if (count_messages(admin->txn, visitor, &messages) != OK) {
        cli_complain(
            "a record of this visitor is damaged, so what would go can't be counted; it would go all the same");
        return EXIT_FAILED;
    }
    if (anonymizes(admin))
        printf("would erase 1 visitor, and leave %" PRIu64 " conversations with %" PRIu64 " messages without it\n",
               visitor->conversation_count, messages);
    else
        printf("would erase 1 visitor, %" PRIu64 " conversations and %" PRIu64 " messages\n",
               visitor->conversation_count, messages);
    return EXIT_FINE;
}

/* ---- erasing ---- */

static void print_receipt(const struct outcome *outcome)
{
    char id[ID_TEXT_LEN], at[TIME_TEXT_LEN];
    id_format(outcome->receipt, id);
    time_format(outcome->at_ms, at);
    printf("receipt %.*s\nerased at %.*s: 1 visitor, %" PRIu64 " conversations, %" PRIu64 " messages", ID_TEXT_LEN, id,
           TIME_TEXT_LEN, at, outcome->erased_conversations, outcome->erased_messages);
    if (outcome->anonymized_conversations != 0)
        printf("; %" PRIu64 " conversations stay without it", outcome->anonymized_conversations);
    putchar('\n');
}

static int erase(struct admin *admin, struct id org, struct id visitor)
{
    const struct options *options = admin->options;
    struct outcome outcome;
    int64_t now_ms = clock_now_ms();
    const struct command command = {.kind = COMMAND_VISITOR_ERASE,
                                    .visitor_erase = {.org = org,
                                                      .visitor_key = bytes_of_string(options->visitor),
                                                      .at_ms = now_ms,
                                                      .visitor = visitor,
                                                      .anonymizes = anonymizes(admin),
                                                      .receipt = admin_make_id(admin, now_ms)}};
    enum error error = admin_execute(admin, &command, ERR_NOT_FOUND, &outcome);
    if (error == ERR_NOT_FOUND)
        cli_complain("the visitor was erased by somebody else this very moment");
    if (error == OK)
        print_receipt(&outcome);
    return error == OK ? EXIT_FINE : EXIT_FAILED;
}

static int run(struct admin *admin)
{
    const struct options *options = admin->options;
    struct org org;
    struct visitor visitor;
    if (admin_read(admin) == NULL || !admin_find_org(admin, options->org, &org) ||
        !admin_find_visitor(admin, &org, options->visitor, &visitor))
        return EXIT_FAILED;
    if (options->preview)
        return preview(admin, &visitor);
    struct id org_id = org.id, visitor_id = visitor.id;
    admin_read_end(admin);
    return erase(admin, org_id, visitor_id);
}

int cli_erase(const struct options *options)
{
    struct admin admin;
    if (!admin_names_visitor(options))
        return EXIT_USAGE;
    if (!options->yes && !options->preview) {
        cli_complain("this erases the visitor for good; --preview says what would go, and --yes does it");
        return EXIT_USAGE;
    }
    if (!admin_open(&admin, options, options->preview ? STORE_READ_ONLY : STORE_ADMIN))
        return EXIT_FAILED;
    int status = run(&admin);
    admin_close(&admin);
    return status;
}
