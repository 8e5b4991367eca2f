/*
 * LMDB trusts its file, so what can be checked before its pages are followed is checked here: a text file, a truncated
 * one or one of another system gives a sentence and not a crash. Runs while the store is opened, before there is
 * another thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/internal.h"

bool store_refuse(char why[STORE_WHY_LEN], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, STORE_WHY_LEN, format, args);
    va_end(args);
    return false;
}

/* No link and no device: whoever may write into the directory must not make us write elsewhere. */
int store_open_file(const char *path)
{
    struct stat file;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd >= 0 && (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode) || file.st_nlink != 1)) {
        close(fd);
        errno = EPERM;
        fd = -1;
    }
    return fd;
}

/* ---- faults ---- */

static const char *fault_sentence;
static int fault_status;
static void (*fault_clean)(void);

static void on_fault(int signal_number)
{
    (void)signal_number;
    if (fault_clean != NULL)
        fault_clean();
    (void)!write(STDERR_FILENO, fault_sentence, strlen(fault_sentence));
    _exit(fault_status);
}

void store_guard(const char *sentence, int status, bool crashes_too)
{
    struct sigaction action = {.sa_handler = on_fault};
    fault_sentence = sentence;
    fault_status = status;
    sigaction(SIGBUS, &action, NULL);
    if (crashes_too) {
        sigaction(SIGSEGV, &action, NULL);
        sigaction(SIGABRT, &action, NULL);
    }
}

void store_guard_cleans(void (*clean)(void))
{
    fault_clean = clean;
}

/* ---- the first page ---- */

/* The start of LMDB's first meta page: a page header of 16 bytes, then struct MDB_meta of mdb.c. */
static bool meta_page_is_sound(const unsigned char *page)
{
    uint32_t magic, version, page_size;
    memcpy(&magic, page + 16, 4);
    memcpy(&version, page + 20, 4);
    memcpy(&page_size, page + 40, 4);
    return magic == 0xBEEFC0DE && version == 1 && page_size >= 512 && page_size <= 65536 &&
           (page_size & (page_size - 1)) == 0;
}

/* A missing file is fine where one is made; an empty one is a start that was cut off before the first commit. */
bool soundness_of_data_file(const struct store *store, bool create, char why[STORE_WHY_LEN])
{
    unsigned char page[64];
    int fd = open(store->data_file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (store->is_file ? 0 : O_NOFOLLOW));
    if (fd < 0)
        return (create && errno == ENOENT) ||
               store_refuse(why, "there is no database in %s: %s", store->directory, strerror(errno));
    ssize_t got = pread(fd, page, sizeof(page), 0);
    close(fd); /* before LMDB has locked anything through this file: closing it later would drop those locks */
    if (got == 0 && store->mode != STORE_READ_ONLY)
        return true;
    if (got == (ssize_t)sizeof(page) && meta_page_is_sound(page))
        return true;
    return store_refuse(why, "%s is not a database of helvino, or it is damaged", store->data_file);
}

/* ---- the length ---- */

/* Looking at a page that the file does not have is SIGBUS; here it means "truncated". */
static sigjmp_buf missing_page;

static void on_missing_page(int signal_number)
{
    (void)signal_number;
    siglongjmp(missing_page, 1);
}

/*
 * LMDB does not write pages that were taken and freed within one transaction, so the file of a sound environment can
 * end before its last page. It is truncated when one of the missing pages is in use, that is: not all of them are in
 * the free list.
 */
static bool missing_pages_are_free(struct store *store, uint64_t file_pages, uint64_t missing)
{
    struct sigaction handler = {.sa_handler = on_missing_page}, before;
    MDB_txn *txn = NULL;
    volatile bool free = false;
    sigaction(SIGBUS, &handler, &before);
    if (sigsetjmp(missing_page, 1) == 0 && mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn) == 0) {
        free = store_count_free(txn, file_pages) == missing;
        mdb_txn_abort(txn);
    }
    sigaction(SIGBUS, &before, NULL);
    return free;
}

bool soundness_of_length(struct store *store, char why[STORE_WHY_LEN])
{
    MDB_envinfo info;
    MDB_stat stat;
    struct stat file;
    int fd;
    if (mdb_env_info(store->env, &info) != 0 || mdb_env_stat(store->env, &stat) != 0 ||
        mdb_env_get_fd(store->env, &fd) != 0 || fstat(fd, &file) != 0)
        return store_refuse(why, "cannot look at the database in %s", store->directory);
    uint64_t file_pages = (uint64_t)file.st_size / stat.ms_psize, pages = (uint64_t)info.me_last_pgno + 1;
    if (file_pages >= pages || info.me_last_txnid == 0 || missing_pages_are_free(store, file_pages, pages - file_pages))
        return true;
    return store_refuse(why, "%s is truncated: it has %llu bytes and should have %llu", store->data_file,
                        (unsigned long long)file.st_size, (unsigned long long)(pages * stat.ms_psize));
}
