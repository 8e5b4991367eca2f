/* What purging an organisation and erasing a visitor share: walks that take away what they pass. */
#include "rules/internal.h"

enum error damaged_too(enum error error, struct bytes key)
{
    return error == ERR_CORRUPT && key.data != NULL ? OK : error;
}

enum error remove_if_there(struct txn *txn, enum table table, struct bytes key)
{
    enum error error = table_del(txn, table, key);
    return error == ERR_NOT_FOUND ? OK : error;
}

static bool begins_with(struct bytes key, struct bytes prefix)
{
    return key.len >= prefix.len && (prefix.len == 0 || memcmp(key.data, prefix.data, prefix.len) == 0);
}

enum error remove_under(struct txn *txn, enum table table, struct bytes prefix, uint64_t *left, entry_look *look,
                        void *context)
{
    struct bytes key, value;
    struct cursor *cursor = cursor_open(txn, table);
    enum error found = cursor_seek(cursor, prefix, &key, &value), error = damaged_too(found, key);
    while (error == OK && begins_with(key, prefix)) {
        bool goes = true;
        if (left != NULL && *left == 0) /* before the look, which may take away what belongs to the entry */
            error = ERR_CONFLICT;
        else if (look != NULL)
            error = look(context, key, found == OK ? value : BYTES_NONE, &goes);
        if (error == OK && goes) {
            error = cursor_del(cursor);
            if (left != NULL)
                --*left;
        }
        txn_arena_reset(txn); /* the texts of a long conversation would add up */
        if (error == OK) {
            found = cursor_next(cursor, &key, &value);
            error = damaged_too(found, key);
        }
    }
    cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}
