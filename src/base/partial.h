#pragma once
/*
 * A file that has its name only when it is whole: written beside its place as "PATH.partial", mode 0600, synced, given
 * its name, and the directory synced. What a dead run left there is replaced; a link, or anything else that is no file
 * of ours, is neither followed nor removed; and of two runs that write to one PATH the second is refused. Failures
 * leave their reason in errno: EBUSY when another run is writing PATH, EEXIST when something else lies in the way.
 */
#include <stdbool.h>

struct partial {
    char *path, *unfinished;
    int fd; /* for reading and writing, and locked as long as it is open; -1: there is none */
};

/* False with errno, and nothing to end. */
bool partial_create(struct partial *partial, const char *path);
/* Syncs it and gives it its name; what has that name is replaced, or with `replaces` false refused (EEXIST). False with
 * errno; then the file is gone. Frees everything in both cases. */
bool partial_finish(struct partial *partial, bool replaces);
/* Removes it, if it is still ours, and frees everything. */
void partial_abandon(struct partial *partial);
/* What errno means for a file that could not be made. */
const char *partial_reason(int error);

/* Makes a new name last: syncs the directory that `path` is in. False with errno. */
bool partial_sync_parent(const char *path);
