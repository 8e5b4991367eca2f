/*
 * From cells to commands. Whatever the API could never have stored is refused here with a reason, row by row; what
 * depends on other rows is for the rules. An id of another shape becomes one of ours that is always the same, and goes
 * along as an alias, so that links with the old id go on working.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "api/api.h"
#include "base/address_text.h"
#include "base/clock.h"
#include "base/text.h"
#include "core/tags.h"
#include "core/work.h"
#include "rules/rules.h"

#include "import_private.h"

/* One row on its way. */
struct row {
    struct import_rows *rows;
    const struct import_table *table;
    const struct bytes *cells;
    struct import_reason *reason;
};

static const char *name_of(const struct row *row, int member)
{
    return row->table->members[member].names[0];
}

/* ---- single cells ---------------------------------------------------------------------------------------------- */

static bool read_text(const struct row *row, int member, struct bytes *out)
{
    *out = row->cells[member];
    return out->data != NULL || import_refuse(row->reason, "%s is missing", name_of(row, member));
}

/* What is missing is `fallback_ms`. */
static bool read_time_or(const struct row *row, int member, int64_t fallback_ms, int64_t *out)
{
    struct bytes text = row->cells[member];
    *out = fallback_ms;
    if (text.data == NULL || (time_parse(text, out) && *out >= 0))
        return true;
    import_refuse(row->reason, "%s is not a time between 1970 and 9999 such as 2026-01-31 23:59:59.999",
                  name_of(row, member));
    return import_refuse_text(row->reason, text);
}

static bool read_time(const struct row *row, int member, int64_t *out)
{
    struct bytes text;
    return read_text(row, member, &text) && read_time_or(row, member, 0, out);
}

static bool read_bool(const struct row *row, int member, bool *out)
{
    struct bytes text = row->cells[member];
    *out = bytes_equal(text, BYTES("t")) || bytes_equal(text, BYTES("true"));
    if (*out || text.data == NULL || bytes_equal(text, BYTES("f")) || bytes_equal(text, BYTES("false")))
        return true;
    import_refuse(row->reason, "%s is none of t, f, true and false", name_of(row, member));
    return import_refuse_text(row->reason, text);
}

/* What is missing is 0. */
static bool read_number(const struct row *row, int member, uint64_t max, uint64_t *out)
{
    struct bytes text = row->cells[member];
    *out = 0;
    if (text.data == NULL || parse_uint(text, 0, max, out))
        return true;
    import_refuse(row->reason, "%s is not a whole number from 0 to %" PRIu64, name_of(row, member), max);
    return import_refuse_text(row->reason, text);
}

/* A text for one line, of len_max bytes at most; it may be missing. */
static bool read_line(const struct row *row, int member, size_t len_max, struct bytes *out)
{
    *out = row->cells[member];
    if (out->len > len_max)
        return import_refuse(row->reason, "%s is longer than %zu bytes", name_of(row, member), len_max);
    for (size_t i = 0; i < out->len; ++i)
        if ((unsigned char)out->data[i] < ' ' || out->data[i] == '\x7f')
            return import_refuse(row->reason, "%s holds a control character", name_of(row, member));
    return true;
}

/* The words that a flag of the command line takes for the same thing, or nothing. */
static bool read_word(const struct row *row, int member, enum option option, struct bytes *out)
{
    *out = row->cells[member];
    struct bytes words = bytes_of_string(option_specs[option].argument);
    for (size_t at = 0; at < words.len && out->len != 0;) {
        const char *bar = memchr(words.data + at, '|', words.len - at);
        size_t len = bar != NULL ? (size_t)(bar - words.data) - at : words.len - at;
        if (bytes_equal(*out, bytes_view(words.data + at, len)))
            return true;
        at += len + 1;
    }
    if (out->len == 0)
        return true;
    import_refuse(row->reason, "%s is none of %s", name_of(row, member), option_specs[option].argument);
    return import_refuse_text(row->reason, *out);
}

/* ---- ids ------------------------------------------------------------------------------------------------------- */

/* The id that a text stands for; *alias is the text when it is of another shape, else none. */
static bool read_id(const struct row *row, int member, struct id org, struct id *out, struct bytes *alias)
{
    struct bytes text;
    *alias = BYTES_NONE;
    if (!read_text(row, member, &text))
        return false;
    if (id_parse(text, out))
        return true;
    if (!alias_text_is_fit(text)) {
        import_refuse(row->reason, "%s is not an id of 1 to %d visible ASCII characters", name_of(row, member),
                      ALIAS_LEN_MAX);
        return import_refuse_text(row->reason, text);
    }
    *alias = text;
    *out = id_derive(org, text);
    return true;
}

void import_adopt_org(struct import_rows *rows, struct id from, struct id to)
{
    rows->orgs = realloc(rows->orgs, (rows->org_count + 1) * sizeof(*rows->orgs));
    if (rows->orgs == NULL)
        abort();
    rows->orgs[rows->org_count++] = (struct import_org){from, to};
}

bool import_has_org(const struct import_rows *rows, struct id to)
{
    for (size_t i = 0; i < rows->org_count; ++i)
        if (id_equal(rows->orgs[i].to, to))
            return true;
    return false;
}

static bool read_org_id(const struct row *row, int member, struct id *out)
{
    struct bytes alias;
    return read_id(row, member, ID_NONE, out, &alias);
}

/* The organisation that a row belongs to here. */
static bool read_org(const struct row *row, int member, struct id *out)
{
    if (!read_org_id(row, member, out))
        return false;
    for (size_t i = 0; i < row->rows->org_count; ++i) {
        if (id_equal(row->rows->orgs[i].from, *out)) {
            *out = row->rows->orgs[i].to;
            break;
        }
    }
    return true;
}

/* ---- organizations --------------------------------------------------------------------------------------------- */

/* One a line, as the record has them. */
static bool read_origins(const struct row *row, struct bytes *out)
{
    struct bytes rest = *out = row->cells[ORGANIZATION_ORIGINS];
    for (unsigned count = 0; rest.len != 0; ++count) {
        const char *end = memchr(rest.data, '\n', rest.len);
        struct bytes origin = bytes_view(rest.data, end != NULL ? (size_t)(end - rest.data) : rest.len);
        if (!origin_is_valid(origin)) {
            import_refuse(row->reason, "allowedOrigins are not origins such as https://www.example.com, one a line");
            return import_refuse_text(row->reason, origin);
        }
        if (count == ORG_ORIGINS_MAX)
            return import_refuse(row->reason, "allowedOrigins are more than %d", ORG_ORIGINS_MAX);
        size_t used = origin.len + (end != NULL);
        rest = bytes_view(rest.data + used, rest.len - used);
    }
    return true;
}

static bool read_color(const struct row *row, struct bytes *out)
{
    *out = row->cells[ORGANIZATION_WIDGET_COLOR];
    bool is_fit = out->len == 0 || (out->len == 7 && out->data[0] == '#');
    for (size_t i = 1; i < out->len && is_fit; ++i)
        is_fit = out->data[i] != '\0' && strchr("0123456789abcdefABCDEF", out->data[i]) != NULL;
    if (is_fit)
        return true;
    import_refuse(row->reason, "widgetColor is not # and six hexadecimal digits");
    return import_refuse_text(row->reason, *out);
}

static bool read_widget(const struct row *row, struct org_import *out)
{
    return read_line(row, ORGANIZATION_WIDGET_TITLE, ORG_TEXT_LEN_MAX, &out->widget_title) &&
           read_line(row, ORGANIZATION_WIDGET_SUBTITLE, ORG_TEXT_LEN_MAX, &out->widget_subtitle) &&
           read_color(row, &out->widget_color) &&
           read_word(row, ORGANIZATION_WIDGET_POSITION, OPTION_widget_position, &out->widget_position) &&
           read_word(row, ORGANIZATION_WIDGET_LANGUAGE, OPTION_widget_language, &out->widget_language) &&
           read_bool(row, ORGANIZATION_COUNT_VISITS, &out->count_visits);
}

static bool read_retention(const struct row *row, struct org_import *out)
{
    return read_number(row, ORGANIZATION_RETAIN_VISITORS, RETAIN_DAYS_MAX, &out->retain_visitors_days) &&
           read_number(row, ORGANIZATION_RETAIN_MESSAGES, RETAIN_DAYS_MAX, &out->retain_messages_days) &&
           read_bool(row, ORGANIZATION_REDACT_MESSAGES, &out->redact_messages) &&
           read_number(row, ORGANIZATION_RETAIN_EMPTY, RETAIN_DAYS_MAX, &out->retain_empty_days) &&
           read_number(row, ORGANIZATION_RETAIN_AUDIT, RETAIN_DAYS_MAX, &out->retain_audit_days) &&
           read_number(row, ORGANIZATION_RETAIN_ERASURES, RETAIN_DAYS_MAX, &out->retain_erasures_days) &&
           read_word(row, ORGANIZATION_ADDRESSES, OPTION_addresses, &out->addresses);
}

static bool read_organization(const struct row *row, struct command *command)
{
    struct org_import *out = &command->org_import;
    command->kind = COMMAND_ORG_IMPORT;
    if (!read_org_id(row, ORGANIZATION_ID, &out->org) || !read_text(row, ORGANIZATION_KEY, &out->key))
        return false;
    if (!org_key_is_valid(out->key)) {
        import_refuse(row->reason, "key is not 1 to %d characters of A-Z, a-z, 0-9, _ and -", ORG_KEY_LEN_MAX);
        return import_refuse_text(row->reason, out->key);
    }
    if (!read_line(row, ORGANIZATION_NAME, ORG_NAME_LEN_MAX, &out->name) || !read_origins(row, &out->origins) ||
        !read_time(row, ORGANIZATION_CREATED_AT, &out->created_at_ms) ||
        !read_time_or(row, ORGANIZATION_UPDATED_AT, out->created_at_ms, &out->updated_at_ms))
        return false;
    if (out->name.data == NULL)
        out->name = out->key;
    return read_widget(row, out) && read_retention(row, out);
}

/* ---- erasures --------------------------------------------------------------------------------------------------- */

static bool read_receipt(const struct row *row, struct id *out)
{
    struct bytes text = row->cells[ERASURE_RECEIPT];
    *out = ID_NONE;
    if (text.data == NULL || id_parse(text, out))
        return true;
    import_refuse(row->reason, "receipt is not an id of c and 24 digits");
    return import_refuse_text(row->reason, text);
}

static bool read_visitor_hash(const struct row *row, struct bytes *out)
{
    if (!read_text(row, ERASURE_VISITOR_HASH, out))
        return false;
    if (erasure_hash_is_valid(*out))
        return true;
    import_refuse(row->reason, "visitorHash is not %d hexadecimal digits", ERASURE_HASH_LEN);
    return import_refuse_text(row->reason, *out);
}

static bool read_erasure(const struct row *row, struct command *command)
{
    struct erasure_import *out = &command->erasure_import;
    command->kind = COMMAND_ERASURE_IMPORT;
    return read_org(row, ERASURE_ORG, &out->org) && read_visitor_hash(row, &out->visitor_hash) &&
           read_time(row, ERASURE_ERASED_AT, &out->erased_at_ms) &&
           read_number(row, ERASURE_VISITORS, INT64_MAX, &out->visitors) &&
           read_number(row, ERASURE_CONVERSATIONS, INT64_MAX, &out->conversations) &&
           read_number(row, ERASURE_MESSAGES, INT64_MAX, &out->messages) &&
           read_number(row, ERASURE_ANONYMIZED, INT64_MAX, &out->anonymized) && read_receipt(row, &out->receipt);
}

/* ---- visitors -------------------------------------------------------------------------------------------------- */

static bool read_visitor_key(const struct row *row, struct bytes *out)
{
    if (!read_text(row, VISITOR_KEY, out))
        return false;
    if (visitor_key_is_valid(*out))
        return true;
    import_refuse(row->reason, "visitorKey is not v_ and 1 to %d characters of A-Z, a-z, 0-9, _, . and -",
                  VISITOR_KEY_LEN_MAX - 2);
    return import_refuse_text(row->reason, *out);
}

static bool read_seen(const struct row *row, struct visitor_import *out)
{
    if (!read_time(row, VISITOR_FIRST_SEEN_AT, &out->first_seen_at_ms) ||
        !read_time(row, VISITOR_LAST_SEEN_AT, &out->last_seen_at_ms) ||
        !read_time_or(row, VISITOR_CREATED_AT, out->first_seen_at_ms, &out->created_at_ms) ||
        !read_time_or(row, VISITOR_UPDATED_AT, out->last_seen_at_ms, &out->updated_at_ms))
        return false;
    return out->first_seen_at_ms <= out->last_seen_at_ms ||
           import_refuse(row->reason, "lastSeenAt lies before firstSeenAt");
}

/* Whether it is kept is for the organisation to say; see rules/import.c. */
static bool read_address(const struct row *row, struct bytes *out)
{
    struct bytes text = row->cells[VISITOR_ADDRESS];
    *out = text.len == 0 ? BYTES_NONE : text;
    if (text.len == 0 || address_text_is_valid(text))
        return true;
    import_refuse(row->reason, "address is not a network address such as 203.0.113.7 or 203.0.113.0/24");
    return import_refuse_text(row->reason, text);
}

/* An empty text is none, as it is for the API. */
static bool read_email(const struct row *row, struct bytes *out)
{
    struct bytes text = row->cells[VISITOR_EMAIL];
    *out = text.len == 0 ? BYTES_NONE : text;
    if (text.len == 0 || email_is_valid(text))
        return true;
    import_refuse(row->reason, "email is not an address of at most %d bytes", EMAIL_LEN_MAX);
    return import_refuse_text(row->reason, text);
}

static bool read_visitor(const struct row *row, struct command *command)
{
    struct visitor_import *out = &command->visitor_import;
    command->kind = COMMAND_VISITOR_IMPORT;
    if (!read_org(row, VISITOR_ORG, &out->org) || !read_id(row, VISITOR_ID, out->org, &out->visitor, &out->alias) ||
        !read_visitor_key(row, &out->visitor_key) || !read_seen(row, out) || !read_email(row, &out->email) ||
        !read_address(row, &out->address) || !read_time_or(row, VISITOR_BLOCKED_AT, 0, &out->blocked_at_ms))
        return false;
    struct bytes agent = row->cells[VISITOR_USER_AGENT];
    out->user_agent = utf8_cut(agent, USER_AGENT_LEN_MAX);
    row->rows->agents_cut += out->user_agent.len < agent.len;
    return true;
}

/* ---- conversations, messages, aliases --------------------------------------------------------------------------- */

/* Whoever knows the id of nobody's conversation can read it, so an old id must be as hard to guess as ours: letters and
 * digits, and many of them. */
static bool is_secret(struct bytes text)
{
    bool has_letter = false;
    for (size_t i = 0; i < text.len; ++i)
        has_letter |= (text.data[i] | 32) >= 'a' && (text.data[i] | 32) <= 'z';
    return has_letter && text.len >= IMPORT_SECRET_ID_LEN_MIN;
}

static void drop_guessable_alias(const struct row *row, struct conversation_import *out)
{
    if (out->alias.data == NULL || !id_is_none(out->visitor) || out->anonymized || is_secret(out->alias))
        return;
    out->alias = BYTES_NONE;
    ++row->rows->links_dropped;
}

/* One that says that it is anonymized, and has a visitor, is not. */
static bool read_anonymized(const struct row *row, struct conversation_import *out)
{
    if (!read_bool(row, CONVERSATION_ANONYMIZED, &out->anonymized))
        return false;
    out->anonymized &= id_is_none(out->visitor);
    return true;
}

/* What does not say is from before there was a status: resolved. */
static bool read_status(const struct row *row, uint64_t *out)
{
    struct bytes text = row->cells[CONVERSATION_STATUS];
    *out = STATUS_RESOLVED;
    if (text.len == 0 || status_parse(text, out))
        return true;
    import_refuse(row->reason, "status is none of open, pending, snoozed and resolved");
    return import_refuse_text(row->reason, text);
}

static bool read_priority(const struct row *row, struct bytes *out)
{
    struct bytes text = row->cells[CONVERSATION_PRIORITY];
    *out = text.len == 0 || bytes_equal(text, BYTES("none")) ? BYTES_NONE : text;
    if (priority_is_valid(*out))
        return true;
    import_refuse(row->reason, "priority is none of low, medium, high and urgent");
    return import_refuse_text(row->reason, text);
}

static bool read_tags(const struct row *row, struct bytes *out)
{
    struct bytes text = row->cells[CONVERSATION_TAGS];
    *out = text.len == 0 ? BYTES_NONE : text;
    return tags_are_valid(*out) || import_refuse(row->reason,
                                                 "tags are not at most %d texts of 1 to %d bytes, one a line, in the "
                                                 "order of their bytes",
                                                 TAGS_MAX, TAG_LEN_MAX);
}

/* A snooze needs an end, and only what is resolved was resolved at a time. */
static bool read_work(const struct row *row, struct conversation_import *out)
{
    if (!read_status(row, &out->status) || !read_priority(row, &out->priority) || !read_tags(row, &out->tags) ||
        !read_time_or(row, CONVERSATION_SNOOZED_UNTIL, 0, &out->snoozed_until_ms) ||
        !read_time_or(row, CONVERSATION_RESOLVED_AT, 0, &out->resolved_at_ms))
        return false;
    if (out->status == STATUS_SNOOZED && out->snoozed_until_ms == 0)
        return import_refuse(row->reason, "it is snoozed, and snoozedUntil is missing");
    if (out->status != STATUS_SNOOZED)
        out->snoozed_until_ms = 0;
    if (out->status != STATUS_RESOLVED)
        out->resolved_at_ms = 0;
    return true;
}

static bool read_conversation(const struct row *row, struct command *command)
{
    struct conversation_import *out = &command->conversation_import;
    struct bytes visitor_alias;
    command->kind = COMMAND_CONVERSATION_IMPORT;
    if (!read_org(row, CONVERSATION_ORG, &out->org) ||
        !read_id(row, CONVERSATION_ID, out->org, &out->conversation, &out->alias))
        return false;
    if (row->cells[CONVERSATION_VISITOR].data != NULL &&
        !read_id(row, CONVERSATION_VISITOR, out->org, &out->visitor, &visitor_alias))
        return false;
    if (!read_anonymized(row, out))
        return false;
    drop_guessable_alias(row, out);
    return read_time(row, CONVERSATION_CREATED_AT, &out->created_at_ms) &&
           read_time_or(row, CONVERSATION_UPDATED_AT, out->created_at_ms, &out->updated_at_ms) && read_work(row, out);
}

/* The organisation of a conversation that is in the database, for messages that don't say theirs. */
static bool look_up_org(const struct row *row, struct id *out)
{
    struct import_rows *rows = row->rows;
    struct conversation conversation;
    struct bytes text;
    struct id id;
    if (!read_text(row, MESSAGE_CONVERSATION, &text))
        return false;
    if (!id_parse(text, &id)) {
        import_refuse(row->reason, "orgId is missing, without which a conversationId of this form means nothing");
        return import_refuse_text(row->reason, text);
    }
    if (!rows->is_looked_up || !id_equal(id, rows->conversation)) {
        rows->is_looked_up = rows->txn != NULL && conversation_get(rows->txn, id, &conversation) == OK;
        if (!rows->is_looked_up) {
            import_refuse(row->reason, "orgId is missing, and its conversation does not exist either");
            row->reason->is_erased = import_erased_has(&rows->erased, id);
            return import_refuse_text(row->reason, text);
        }
        rows->conversation = id;
        rows->org = conversation.org;
    }
    *out = rows->org;
    return true;
}

static bool read_role(const struct row *row, struct bytes *out)
{
    if (!read_text(row, MESSAGE_ROLE, out))
        return false;
    if (bytes_equal(*out, BYTES("user")) || bytes_equal(*out, BYTES("assistant")))
        return true;
    import_refuse(row->reason, "role is neither user nor assistant");
    return import_refuse_text(row->reason, *out);
}

static bool read_content(const struct row *row, int member, int len_max, struct bytes *out)
{
    if (!read_text(row, member, out))
        return false;
    if (out->len == 0)
        return import_refuse(row->reason, "content is empty");
    return out->len <= (size_t)len_max || import_refuse(row->reason, "content is longer than %d bytes", len_max);
}

/* data NULL when it has none. */
static bool read_client_id(const struct row *row, int member, struct bytes *out)
{
    *out = row->cells[member];
    if (out->data == NULL)
        return true;
    bool is_fit = out->len >= 1 && out->len <= CLIENT_ID_LEN_MAX;
    for (size_t i = 0; i < out->len && is_fit; ++i)
        is_fit = out->data[i] >= 0x21 && out->data[i] <= 0x7e;
    if (is_fit)
        return true;
    import_refuse(row->reason, "clientId is not 1 to %d visible ASCII characters", CLIENT_ID_LEN_MAX);
    return import_refuse_text(row->reason, *out);
}

/* Without one of its own, a message is known again by the text of its id. */
static void replace_missing(const struct row *row, struct id message, struct bytes *client_id)
{
    if (client_id->data != NULL)
        return;
    id_format(message, row->rows->client_id);
    *client_id = bytes_view(row->rows->client_id, ID_TEXT_LEN);
}

static bool read_message(const struct row *row, struct command *command)
{
    struct message_import *out = &command->message_import;
    struct bytes alias;
    command->kind = COMMAND_MESSAGE_IMPORT;
    bool has_org = row->cells[MESSAGE_ORG].data != NULL;
    bool is_fit = (has_org ? read_org(row, MESSAGE_ORG, &out->org) : look_up_org(row, &out->org)) &&
                  read_id(row, MESSAGE_CONVERSATION, out->org, &out->conversation, &alias) &&
                  read_id(row, MESSAGE_ID, out->org, &out->message, &alias) && read_role(row, &out->role) &&
                  read_content(row, MESSAGE_CONTENT, MESSAGE_CONTENT_LEN_MAX, &out->content) &&
                  read_time(row, MESSAGE_TIMESTAMP, &out->at_ms) &&
                  read_client_id(row, MESSAGE_CLIENT_ID, &out->client_id);
    if (is_fit)
        replace_missing(row, out->message, &out->client_id);
    return is_fit;
}

static bool read_note(const struct row *row, struct command *command)
{
    struct note_import *out = &command->note_import;
    struct bytes alias;
    command->kind = COMMAND_NOTE_IMPORT;
    return read_org(row, NOTE_ORG, &out->org) &&
           read_id(row, NOTE_CONVERSATION, out->org, &out->conversation, &alias) &&
           read_id(row, NOTE_ID, out->org, &out->note, &alias) &&
           read_content(row, NOTE_CONTENT, NOTE_CONTENT_LEN_MAX, &out->content) &&
           read_time(row, NOTE_TIMESTAMP, &out->at_ms) && read_client_id(row, NOTE_CLIENT_ID, &out->client_id);
}

static bool read_alias(const struct row *row, struct command *command)
{
    struct alias_import *out = &command->alias_import;
    struct bytes text;
    command->kind = COMMAND_ALIAS_IMPORT;
    if (!read_org(row, ALIAS_ORG, &out->org) || !read_text(row, ALIAS_TEXT, &out->alias) ||
        !read_text(row, ALIAS_TARGET, &text))
        return false;
    if (!alias_text_is_fit(out->alias)) {
        import_refuse(row->reason, "alias is not 1 to %d visible ASCII characters", ALIAS_LEN_MAX);
        return import_refuse_text(row->reason, out->alias);
    }
    if (id_parse(text, &out->target))
        return true;
    import_refuse(row->reason, "targetId is not an id of c and 24 digits");
    return import_refuse_text(row->reason, text);
}

/* ---- any row --------------------------------------------------------------------------------------------------- */

bool import_command(struct import_rows *rows, const struct import_table *table, const struct import_record *record,
                    struct command *out, struct import_reason *reason)
{
    struct row row = {.rows = rows, .table = table, .cells = record->cells, .reason = reason};
    memset(out, 0, sizeof(*out));
    switch (table->kind) {
    case RECORD_ORGS:
        return read_organization(&row, out);
    case RECORD_ERASURES:
        return read_erasure(&row, out);
    case RECORD_VISITORS:
        return read_visitor(&row, out);
    case RECORD_CONVERSATIONS:
        return read_conversation(&row, out);
    case RECORD_MESSAGES:
        return read_message(&row, out);
    case RECORD_NOTES:
        return read_note(&row, out);
    default:
        assert(table->kind == RECORD_ALIASES);
        return read_alias(&row, out);
    }
}
