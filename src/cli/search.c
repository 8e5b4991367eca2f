/* `helvino search KEY TEXT`: the newest messages with the words, for whoever has the database at hand. */
#include "base/text.h"
#include "cli/admin.h"
#include "cli/grid.h"
#include "search/find.h"

#define LINE_BYTES 100 /* of a message's text */

struct listing {
    struct grid grid;
    uint64_t left;
};

/* On one line, from a little before the first place on. */
static void add_text(struct grid *grid, struct bytes text, const struct match *match)
{
    size_t from = match->places[0].start > LINE_BYTES / 3 ? match->places[0].start - LINE_BYTES / 3 : 0;
    while (from > 0 && ((unsigned char)text.data[from] & 0xc0) == 0x80)
        --from;
    struct bytes part = utf8_cut(bytes_view(text.data + from, text.len - from), LINE_BYTES);
    char line[LINE_BYTES + 1];
    for (size_t i = 0; i < part.len; ++i)
        line[i] = (unsigned char)part.data[i] < ' ' ? ' ' : part.data[i];
    grid_add(grid, bytes_view(line, part.len));
}

static bool on_hit(void *context, const struct message *message, const struct match *match)
{
    struct listing *listing = context;
    char minute[MINUTE_TEXT_LEN + 1], id[ID_TEXT_LEN];
    format_minute(message->at_ms, minute);
    id_format(message->conversation, id);
    grid_add(&listing->grid, bytes_of_string(minute));
    grid_add(&listing->grid, bytes_view(id, ID_TEXT_LEN));
    grid_add(&listing->grid, message->role);
    add_text(&listing->grid, message->content, match);
    return --listing->left > 0;
}

static enum error find(struct admin *admin, struct id org, const struct question *question, struct listing *listing,
                       struct found *found)
{
    enum error error = OK;
    found->next = INT64_MAX;
    do
        error = find_messages(admin->txn, org, question, found->next, on_hit, listing, found);
    while (error == OK && found->next != 0 && listing->left > 0);
    return error;
}

static bool search(struct admin *admin, const struct options *options)
{
    struct org org;
    struct question question;
    struct listing listing = {.grid = {.column_count = 4}, .left = options->limit};
    struct found found;
    if (!question_read(bytes_of_string(options->arguments[1]), &question) || question.count == 0) {
        cli_complain("there must be 1 to %d words to search for", SEARCH_QUESTION_WORDS_MAX);
        return false;
    }
    if (!admin_find_org(admin, options->arguments[0], &org))
        return false;
    for (unsigned i = 0; i < 4; ++i)
        grid_add(&listing.grid, bytes_of_string((const char *[]){"TIME", "CONVERSATION", "ROLE", "TEXT"}[i]));
    enum error error = find(admin, org.id, &question, &listing, &found);
    if (error == OK)
        grid_print(&listing.grid, stdout);
    else
        cli_complain("%s", error_sentence(error));
    if (error == OK && !found.is_complete)
        cli_complain("the search index is not complete yet; older messages may be missing");
    grid_dispose(&listing.grid);
    return error == OK;
}

int cli_search(const struct options *options)
{
    struct admin admin;
    if (!admin_open(&admin, options, STORE_READ_ONLY))
        return EXIT_FAILED;
    bool is_fine = admin_read(&admin) != NULL && search(&admin, options);
    admin_close(&admin);
    return is_fine ? EXIT_FINE : EXIT_FAILED;
}
