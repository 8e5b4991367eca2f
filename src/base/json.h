#pragma once
/*
 * JSON: a reader over yyjson (this is the one folder that includes it) that says in a sentence what is wrong, and a
 * writer that appends to a buffer. A reader and what it returns belong to one thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

/* ---- reading ------------------------------------------------------------------------------------------------- */

struct json_document;
/* A value inside a document, or NULL for "not there"; valid until the document is freed. */
struct json_value;

/*
 * Parses a whole text that must be one JSON object in UTF-8: strict (RFC 8259), no byte order mark, no duplicate member
 * names, no NUL character, nested at most JSON_DEPTH_MAX, no lone surrogate. On failure returns NULL and *sentence
 * (static) says why. The text is copied, so it need not outlive the call.
 */
struct json_document *json_parse_object(struct bytes text, const char **sentence);
void json_free(struct json_document *document);
const struct json_value *json_root(const struct json_document *document);

/* The member `name` of an object; NULL when absent. A member that is null counts as absent. */
const struct json_value *json_member(const struct json_value *object, const char *name);
/* True and *out set when the value is a string (UTF-8, exactly as sent; may be empty). */
bool json_string(const struct json_value *value, struct bytes *out);
bool json_bool(const struct json_value *value, bool *out);
bool json_integer(const struct json_value *value, int64_t *out);
bool json_is_null(const struct json_value *value);
/* Calls `visit` for each member of an object in order, those that are null included. */
typedef void json_visit(void *context, struct bytes name, const struct json_value *value);
void json_each_member(const struct json_value *object, json_visit *visit, void *context);
bool json_is_object(const struct json_value *value);
bool json_is_array(const struct json_value *value);
/* Of an array; 0 for everything else. */
size_t json_array_len(const struct json_value *array);
typedef void json_visit_element(void *context, const struct json_value *value);
void json_each_element(const struct json_value *array, json_visit_element *visit, void *context);

/* ---- writing ------------------------------------------------------------------------------------------------- */

/* A string with its quotes; escapes what RFC 8259 asks for, and U+2028, U+2029, "<" stay as they are. The text must be
 * UTF-8. */
void json_put_string(struct buffer *out, struct bytes text);
void json_put_integer(struct buffer *out, int64_t number);
/* "2026-01-31T23:59:59.999Z" with its quotes. */
void json_put_time(struct buffer *out, int64_t time_ms);

/*
 * Objects and arrays: json_open/close put the brackets; json_key puts a comma where one is due and the name with its
 * colon. Commas are found by looking at the last byte written, so a writer has no state beside the buffer.
 */
void json_open(struct buffer *out, char bracket);
void json_close(struct buffer *out, char bracket);
/* name must be a literal that needs no escaping; KEY passes its length at compile time. */
void json_key(struct buffer *out, struct bytes name);
#define json_member_string(out, name, text) (json_key((out), BYTES(name)), json_put_string((out), (text)))
#define json_member_integer(out, name, number) (json_key((out), BYTES(name)), json_put_integer((out), (number)))
#define json_member_time(out, name, time_ms) (json_key((out), BYTES(name)), json_put_time((out), (time_ms)))
#define json_member_bool(out, name, flag) \
    (json_key((out), BYTES(name)), json_put_literal((out), (flag) ? "true" : "false"))
#define json_member_null(out, name) (json_key((out), BYTES(name)), json_put_literal((out), "null"))
/* Before an element of an array: puts a comma where one is due. */
void json_element(struct buffer *out);
void json_put_literal(struct buffer *out, const char *literal);
