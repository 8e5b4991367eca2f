/*
 * Challenges of an ACME client (RFC 8555, 8.3): files that it puts into a directory, to be read over plain HTTP. They
 * lie in the directory itself, or where clients put them that take it for a web server's root. Only names of its token
 * alphabet are looked at, and only regular files directly in those two places, so no path of a client can lead anywhere
 * else. The files are tiny and rare; reading them on the loop is fine.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "edge/private.h"

#define PREFIX "/.well-known/acme-challenge/"
#define NAME_LEN_MAX 128
#define FILE_LEN_MAX 65536

bool acme_is_challenge(const struct request *request)
{
    return request->loop->edge->config.acme_dir != NULL && request->path.len > sizeof(PREFIX) - 1 &&
           memcmp(request->path.data, PREFIX, sizeof(PREFIX) - 1) == 0;
}

static bool is_token(struct bytes name)
{
    for (size_t i = 0; i < name.len; ++i) {
        char c = name.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_'))
            return false;
    }
    return name.len != 0 && name.len <= NAME_LEN_MAX;
}

#define OPEN_FOLDER (O_PATH | O_DIRECTORY | O_CLOEXEC)
#define OPEN_FILE (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

/* As openat(2), for a folder that may be -1, and closes it. */
static int open_in(int folder, const char *name, int flags)
{
    if (folder == -1)
        return -1;
    int fd = openat(folder, name, flags);
    close(folder);
    return fd;
}

static int open_file(const char *directory, struct bytes name)
{
    char text[NAME_LEN_MAX + 1];
    memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    int fd = open_in(open(directory, OPEN_FOLDER), text, OPEN_FILE);
    if (fd != -1)
        return fd;
    int known = open_in(open(directory, OPEN_FOLDER), ".well-known", OPEN_FOLDER | O_NOFOLLOW);
    return open_in(open_in(known, "acme-challenge", OPEN_FOLDER | O_NOFOLLOW), text, OPEN_FILE);
}

bool acme_check(const char *directory, const char **why)
{
    static __thread char sentence[512];
    int folder = open(directory, OPEN_FOLDER);
    bool is_usable = folder != -1 && faccessat(folder, ".", X_OK, AT_EACCESS) == 0;
    if (!is_usable)
        snprintf(sentence, sizeof(sentence), "the ACME directory %s cannot be used: %s", directory, strerror(errno));
    if (folder != -1)
        close(folder);
    *why = sentence;
    return is_usable;
}

/* Memory of the request; data NULL when the file is not one to serve. */
static struct bytes read_file(struct request *request, int fd)
{
    struct stat info;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size > FILE_LEN_MAX)
        return BYTES_NONE;
    size_t size = (size_t)info.st_size, len = 0;
    char *text = request_alloc(request, size);
    while (len < size) {
        ssize_t got = read(fd, text + len, size - len);
        if (got <= 0)
            break;
        len += (size_t)got;
    }
    return bytes_view(text, len);
}

static struct bytes find_file(struct request *request, struct bytes name)
{
    if (!is_token(name))
        return BYTES_NONE;
    int fd = open_file(request->loop->edge->config.acme_dir, name);
    if (fd == -1)
        return BYTES_NONE;
    struct bytes file = read_file(request, fd);
    close(fd);
    return file;
}

void acme_respond(struct request *request)
{
    struct bytes method = request_method(request);
    struct bytes name = bytes_view(request->path.data + sizeof(PREFIX) - 1, request->path.len - (sizeof(PREFIX) - 1));
    if (!request->is_head && !bytes_equal(method, BYTES("GET"))) {
        request_add_header(request, BYTES("allow"), BYTES("GET, HEAD"));
        respond_edge_error(request, ERR_METHOD_NOT_ALLOWED);
        return;
    }
    struct bytes file = find_file(request, name);
    if (file.data == NULL)
        respond_edge_error(request, ERR_NOT_FOUND);
    else
        request_respond(request, 200, "text/plain", file);
}
