/* What an organisation keeps, and for how long, among its settings; and what the last run of the job that looks after
 * it has done. Days of 0 are for ever. */
#include "api/internal.h"

/* ---- showing ---- */

static void put_counts(struct buffer *json, struct bytes name, const struct retained *counts)
{
    json_key(json, name);
    json_open(json, '{');
    json_member_integer(json, "visitors", (int64_t)counts->visitors);
    json_member_integer(json, "conversations", (int64_t)counts->conversations);
    json_member_integer(json, "messages", (int64_t)counts->messages);
    json_member_integer(json, "redacted", (int64_t)counts->redacted);
    json_member_integer(json, "others", (int64_t)counts->others);
    json_close(json, '}');
}

static void put_runs(struct buffer *json, const struct retention *runs)
{
    bool is_over = runs->ended_at_ms >= runs->began_at_ms;
    json_member_time(json, "beganAt", runs->began_at_ms);
    json_key(json, BYTES("endedAt"));
    if (is_over)
        json_put_time(json, runs->ended_at_ms);
    else
        json_put_literal(json, "null");
    put_counts(json, BYTES("removed"),
               &(struct retained){runs->run_visitors, runs->run_conversations, runs->run_messages, runs->run_redacted,
                                  runs->run_others});
    put_counts(json, BYTES("removedInAll"),
               &(struct retained){runs->visitors, runs->conversations, runs->messages, runs->redacted, runs->others});
}

void retention_settings_render(struct buffer *json, struct txn *txn, const struct org *org)
{
    struct retention runs;
    json_key(json, BYTES("retention"));
    json_open(json, '{');
    json_member_integer(json, "visitors", (int64_t)org->retain_visitors_days);
    json_member_integer(json, "messages", (int64_t)org->retain_messages_days);
    json_member_bool(json, "redactMessages", org->redact_messages);
    json_member_integer(json, "empty", (int64_t)org->retain_empty_days);
    json_member_integer(json, "audit",
                        (int64_t)(org->retain_audit_days != 0 ? org->retain_audit_days : AUDIT_KEPT_DAYS));
    json_member_integer(json, "erasures", (int64_t)org->retain_erasures_days);
    json_key(json, BYTES("lastRun"));
    if (retention_get(txn, org->id, &runs) == OK) {
        json_open(json, '{');
        put_runs(json, &runs);
        json_close(json, '}');
    } else {
        json_put_literal(json, "null");
    }
    json_close(json, '}');
    json_member_string(json, "addresses", org->addresses.len != 0 ? org->addresses : BYTES("none"));
}

/* ---- changing ---- */

static enum error read_days(struct call *call, const struct json_value *retention, const char *name, uint64_t *out)
{
    uint64_t days;
    bool given;
    enum error error = field_number(call, retention, name, RETAIN_DAYS_MAX, &given, &days);
    if (error == OK && given)
        *out = days + 1;
    return error;
}

static enum error read_retention(struct call *call, const struct json_value *retention, struct org_update *out)
{
    if (retention == NULL)
        return OK;
    if (!json_is_object(retention))
        return call_refuse(call, ERR_INVALID_FIELD, "The field \"retention\" must be an object.");
    enum error error = read_days(call, retention, "visitors", &out->retain_visitors);
    if (error == OK)
        error = read_days(call, retention, "messages", &out->retain_messages);
    if (error == OK)
        error = read_days(call, retention, "empty", &out->retain_empty);
    if (error == OK)
        error = read_days(call, retention, "audit", &out->retain_audit);
    if (error == OK)
        error = read_days(call, retention, "erasures", &out->retain_erasures);
    if (error == OK)
        error = field_flag(call, retention, "redactMessages", &out->set_redact_messages, &out->redact_messages);
    return error;
}

enum error retention_settings_read(struct call *call, const struct json_value *root, struct org_update *out)
{
    enum error error = read_retention(call, json_member(root, "retention"), out);
    if (error == OK)
        error = field_text(call, root, "addresses", 1, 16, &out->addresses);
    bool is_known = out->addresses.data == NULL || bytes_equal(out->addresses, BYTES("none")) ||
                    bytes_equal(out->addresses, BYTES("truncated")) || bytes_equal(out->addresses, BYTES("full"));
    return error == OK && !is_known
               ? call_refuse(call, ERR_INVALID_FIELD, "The field \"addresses\" must be none, truncated or full.")
               : error;
}
