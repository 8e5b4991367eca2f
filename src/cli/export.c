/* `helvino export`: an access request, as the API answers it page by page, in one document. It is written as it grows,
 * so a visitor with millions of messages costs no memory. */
#include <stdio.h>

#include "api/api.h"
#include "base/clock.h"
#include "cli/admin.h"
#include "cli/interrupt.h"

#define PIECE_BYTES 65536

struct output {
    struct buffer json;
    bool has_failed;
};

/* The last byte stays: it says whether a comma is due. */
static void write_but_last(struct output *out)
{
    size_t len = out->json.len - 1;
    out->has_failed |= fwrite(out->json.data, 1, len, stdout) != len;
    out->json.data[0] = out->json.data[len];
    out->json.len = 1;
}

static bool has_room(void *context, struct buffer *json, uint64_t conversations, size_t pending)
{
    struct output *out = context;
    (void)conversations;
    (void)pending;
    if (json->len > PIECE_BYTES)
        write_but_last(out);
    return !out->has_failed && !interrupt_was_noted();
}

static int write_export(struct admin *admin, const struct org *org, const struct visitor *visitor)
{
    struct output out = {.has_failed = false};
    struct visitor_export export = {.org = org,
                                    .visitor = visitor,
                                    .viewer = VIEWER_ORG,
                                    .now_ms = clock_now_ms(),
                                    .conversation = visitor->last_conversation,
                                    .has_room = has_room,
                                    .context = &out};
    enum error error = visitor_export_put(admin->txn, &export, &out.json);
    buffer_append_string(&out.json, "\n");
    bool is_written = fwrite(out.json.data, 1, out.json.len, stdout) == out.json.len && !out.has_failed;
    buffer_dispose(&out.json);
    if (interrupt_was_noted())
        return EXIT_INTERRUPTED;
    if (error != OK)
        cli_complain("a record of this visitor is damaged, so the export is not whole; this lists all that is: %s",
                     cli_command(admin->options, "check"));
    return error == OK && is_written ? EXIT_FINE : EXIT_FAILED;
}

int cli_export(const struct options *options)
{
    struct admin admin;
    struct org org;
    struct visitor visitor;
    if (!admin_names_visitor(options))
        return EXIT_USAGE;
    interrupt_note();
    if (!admin_open(&admin, options, STORE_READ_ONLY))
        return EXIT_FAILED;
    int status = EXIT_FAILED;
    if (admin_read(&admin) != NULL && admin_find_org(&admin, options->org, &org) &&
        admin_find_visitor(&admin, &org, options->visitor, &visitor))
        status = write_export(&admin, &org, &visitor);
    admin_close(&admin);
    return status;
}
