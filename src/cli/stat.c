/* `helvino stat`: how much there is, and how much room is left. Bytes of a table are the pages of its tree; its entries
 * are more than its rows in SQL where something else lies beside them, as clientIds do beside messages. */
#include <inttypes.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/admin.h"
#include "cli/grid.h"

struct totals {
    struct store_stats stats;
    uint64_t page_bytes;
    uint64_t seq;
};

static bool read_totals(struct admin *admin, struct totals *out)
{
    enum error error = store_stats(admin->store, admin->reader, &out->stats);
    out->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    if (error == OK && admin_read(admin) != NULL) {
        error = meta_get_u64(admin->txn, META_SEQ, &out->seq);
        admin_read_end(admin);
    }
    if (error != OK)
        cli_complain("%s", error_sentence(error));
    return error == OK;
}

static void put_tables_json(struct buffer *out, const struct totals *totals)
{
    json_key(out, BYTES("tables"));
    json_open(out, '{');
    for (int table = 0; table < TABLE_COUNT; ++table) {
        json_key(out, bytes_of_string(table_name((enum table)table)));
        json_open(out, '{');
        json_member_integer(out, "rows", (int64_t)totals->stats.tables[table].rows);
        json_member_integer(out, "bytes", (int64_t)(totals->stats.tables[table].pages * totals->page_bytes));
        json_member_integer(out, "depth", totals->stats.tables[table].depth);
        json_close(out, '}');
    }
    json_close(out, '}');
}

static void print_json(const struct totals *totals)
{
    struct buffer out = {0};
    json_open(&out, '{');
    json_member_integer(&out, "seq", (int64_t)totals->seq);
    json_member_integer(&out, "fileBytes", (int64_t)totals->stats.file_bytes);
    json_member_integer(&out, "usedBytes", (int64_t)totals->stats.used_bytes);
    json_member_integer(&out, "freeBytes", (int64_t)totals->stats.free_bytes);
    json_member_integer(&out, "mapBytes", (int64_t)totals->stats.map_bytes);
    json_member_integer(&out, "readers", totals->stats.readers);
    json_member_integer(&out, "readersMax", totals->stats.readers_max);
    put_tables_json(&out, totals);
    json_close(&out, '}');
    printf("%.*s\n", (int)out.len, out.data);
    buffer_dispose(&out);
}

static void add_size(struct grid *grid, uint64_t bytes)
{
    char text[SIZE_TEXT_LEN];
    format_size(bytes, text);
    grid->is_number[grid->cell_count % grid->column_count] = true;
    grid_add(grid, bytes_of_string(text));
}

static void print_tables(const struct totals *totals)
{
    static const char *const heads[] = {"TABLE", "ENTRIES", "SIZE", "DEPTH"};
    struct grid grid = {.column_count = 4};
    for (size_t i = 0; i < 4; ++i)
        grid_add(&grid, bytes_of_string(heads[i]));
    for (int table = 0; table < TABLE_COUNT; ++table) {
        grid_add(&grid, bytes_of_string(table_name((enum table)table)));
        grid_add_number(&grid, totals->stats.tables[table].rows);
        add_size(&grid, totals->stats.tables[table].pages * totals->page_bytes);
        grid_add_number(&grid, totals->stats.tables[table].depth);
    }
    grid_print(&grid, stdout);
    grid_dispose(&grid);
}

static void print_size(const char *name, uint64_t bytes, const char *note)
{
    char text[SIZE_TEXT_LEN];
    format_size(bytes, text);
    printf("%-10s %10s   %s\n", name, text, note);
}

static void print_text(const struct totals *totals)
{
    const struct store_stats *stats = &totals->stats;
    char note[64];
    print_tables(totals);
    putchar('\n');
    print_size("file", stats->file_bytes, "data.mdb on disk");
    snprintf(note, sizeof(note), "%.1f %% of the map", 100.0 * (double)stats->used_bytes / (double)stats->map_bytes);
    print_size("used", stats->used_bytes, note);
    print_size("free in it", stats->free_bytes, "pages that will be used again");
    print_size("map", stats->map_bytes, "address space; grows when needed");
    printf("%-10s %10u   of %u\n", "readers", stats->readers, stats->readers_max);
    printf("%-10s %10" PRIu64 "   the last change\n", "seq", totals->seq);
}

int cli_stat(const struct options *options)
{
    struct admin admin;
    struct totals totals = {0};
    if (!admin_open(&admin, options, STORE_READ_ONLY))
        return EXIT_FAILED;
    bool is_fine = read_totals(&admin, &totals);
    if (is_fine)
        (options->format == FORMAT_JSON ? print_json : print_text)(&totals);
    admin_close(&admin);
    return is_fine ? EXIT_FINE : EXIT_FAILED;
}
