/*
 * A compact copy of one snapshot. LMDB reads in the calling thread and writes in one of its own, page after page in the
 * order of the trees, so the target may be a pipe; it never syncs. A damaged tree or a leak in the free list ends the
 * copy, which makes it a first check of the source.
 */
#include <errno.h>

#include "store/internal.h"

static const char *reason(int code)
{
    switch (code) {
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INCOMPATIBLE: /* what LMDB says when its count of pages does not come out */
        return "the database is damaged";
    default:
        return mdb_strerror(code);
    }
}

bool store_backup(struct store *store, int fd, char why[STORE_WHY_LEN])
{
    int code = mdb_env_copyfd2(store->env, fd, MDB_CP_COMPACT);
    while (code == MDB_MAP_RESIZED) { /* another process has grown it; nothing has been written yet */
        store_adopt_size(store);
        code = mdb_env_copyfd2(store->env, fd, MDB_CP_COMPACT);
    }
    return code == 0 || store_refuse(why, "%s", reason(code));
}
