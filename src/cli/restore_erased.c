/*
 * A backup from before somebody was erased must not become the data as it is. It is unpacked in a directory of its own
 * within the new one, where it is brought up to date and everybody in question erased again; a compact copy of that, in
 * which no byte of them is left, becomes the data. The directory within is gone before the data gets its name, so
 * whenever the machine stops, nobody who was erased is in what a server would use.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/interrupt.h"
#include "cli/restore_private.h"

#define ASIDE "restoring"

struct aside {
    struct restoring *restoring;
    char directory[COPY_PATH_LEN], path[COPY_PATH_LEN];
};

/* ---- the directory within -------------------------------------------------------------------------------------- */

static bool make_aside(struct aside *aside)
{
    snprintf(aside->directory, sizeof(aside->directory), "%s/" ASIDE, aside->restoring->directory);
    snprintf(aside->path, sizeof(aside->path), "%s/" ASIDE "/data.mdb", aside->restoring->directory);
    if (mkdir(aside->directory, 0700) == 0)
        return true;
    cli_complain("cannot make the directory %s: %s", aside->directory, strerror(errno));
    return false;
}

static void file_path(const struct aside *aside, size_t file, char out[COPY_PATH_LEN])
{
    snprintf(out, COPY_PATH_LEN, "%s/" ASIDE "/%s", aside->restoring->directory, store_files[file]);
}

static bool remove_aside(const struct aside *aside)
{
    char path[COPY_PATH_LEN];
    for (size_t i = 0; i < STORE_FILE_COUNT; ++i) {
        file_path(aside, i, path);
        unlink(path);
    }
    return rmdir(aside->directory) == 0;
}

static void name_what_must_not_stay(const struct aside *aside)
{
    char path[COPY_PATH_LEN];
    for (size_t i = 0; i < STORE_FILE_COUNT; ++i) {
        file_path(aside, i, path);
        interrupt_removes(path);
    }
    interrupt_removes(aside->directory);
    if (aside->restoring->made != NULL)
        interrupt_removes(aside->restoring->made);
    interrupt_ends();
}

/* ---- unpacking ------------------------------------------------------------------------------------------------- */

static bool unpack(struct aside *aside)
{
    struct restoring *restoring = aside->restoring;
    struct partial partial = {.fd = -1};
    if (!copy_create(&partial, aside->path, aside->directory))
        return false;
    bool is_sound = copy_bytes(restoring->from, restoring->name, partial.fd, partial.unfinished, restoring->bytes) &&
                    copy_sync(&partial) &&
                    copy_verify(partial.unfinished, restoring->name, STORE_READ_ONLY, &restoring->figures);
    if (!is_sound && !restoring->figures.is_older) {
        copy_abandon(&partial);
        return false;
    }
    interrupt_holds(true);
    is_sound = copy_finish(&partial, aside->path, false);
    if (is_sound)
        name_what_must_not_stay(aside);
    interrupt_holds(false);
    return is_sound;
}

static bool bring_up_to_date(struct aside *aside)
{
    struct restoring *restoring = aside->restoring;
    if (!restoring->figures.is_older)
        return true;
    cli_complain("the backup is of an older helvino; bringing it up to date");
    return copy_verify(aside->directory, restoring->name, STORE_ADMIN, &restoring->figures);
}

/* ---- erasing, and what is left --------------------------------------------------------------------------------- */

static bool copy(struct admin *admin, struct restoring *restoring)
{
    char why[STORE_WHY_LEN];
    struct partial *partial = &restoring->partial;
    if (!copy_create(partial, restoring->path, restoring->made))
        return false;
    if (copy_store(admin, partial->fd, why))
        return copy_sync(partial);
    cli_complain("the copy failed: %s", why);
    return false;
}

/* Into restoring->partial, which may be there also when it fails. */
static bool erase_and_copy(struct aside *aside)
{
    struct restoring *restoring = aside->restoring;
    struct options within = *restoring->options;
    struct admin admin;
    within.data = aside->directory;
    if (!admin_open(&admin, &within, STORE_ADMIN))
        return false;
    bool is_fine = erasures_take(&admin, restoring->erasures) && erasures_apply(&admin, &restoring->erased) &&
                   copy(&admin, restoring);
    admin_close(&admin);
    return is_fine;
}

static bool finish(struct aside *aside)
{
    struct restoring *restoring = aside->restoring;
    if (!erase_and_copy(aside) ||
        !copy_verify(restoring->partial.unfinished, restoring->name, STORE_READ_ONLY, &restoring->figures))
        return false;
    if (remove_aside(aside))
        return copy_finish(&restoring->partial, restoring->path, false);
    cli_complain("cannot remove %s: %s", aside->directory, strerror(errno));
    return false;
}

bool restore_erased(struct restoring *restoring)
{
    struct aside aside = {.restoring = restoring};
    if (!make_aside(&aside))
        return false;
    bool is_fine = unpack(&aside) && bring_up_to_date(&aside) && finish(&aside);
    if (!is_fine && restoring->partial.fd >= 0)
        copy_abandon(&restoring->partial);
    if (!is_fine)
        remove_aside(&aside);
    interrupt_is_nothing_special();
    interrupt_removes_nothing();
    return is_fine;
}
