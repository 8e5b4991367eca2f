/*
 * Rows of another database. Each command may come again, from the same file or from a later one: what is there already
 * stays, times widen, and what contradicts it is refused. A row that changes nothing writes nothing, so a second import
 * of the same file leaves every byte as it is.
 */
#include "base/clock.h"
#include "core/work.h"
#include "rules/internal.h"

/* What an importer refuses earlier, with a sentence; here it keeps the tables sound whatever comes. */
static bool is_time(int64_t time_ms)
{
    return time_ms >= 0 && time_ms <= TIME_MS_MAX;
}

static bool is_id(struct id id)
{
    return !id_is_none(id) && id_is_valid(id);
}

static bool is_text(struct bytes text, size_t len_max)
{
    return text.len >= 1 && text.len <= len_max;
}

static bool raise_to(int64_t *time_ms, int64_t to_ms)
{
    bool raised = to_ms > *time_ms;
    if (raised)
        *time_ms = to_ms;
    return raised;
}

/* ---- aliases ---- */

/* OK when the alias is there, ERR_NOT_FOUND when it has to be put, ERR_CONFLICT when it stands for something else. */
static enum error find_alias(struct txn *txn, struct id org, struct bytes text, struct id target)
{
    struct alias alias;
    if (text.data == NULL)
        return OK;
    if (!alias_text_is_fit(text))
        return ERR_CONFLICT;
    enum error error = alias_get(txn, org, text, &alias);
    return error == OK && !id_equal(alias.target, target) ? ERR_CONFLICT : error;
}

/* Asks before the first write whether `text` can stand for `target`; *missing is whether it has to be put. */
static enum error prepare_alias(struct txn *txn, struct id org, struct bytes text, struct id target, bool *missing)
{
    enum error error = find_alias(txn, org, text, target);
    *missing = error == ERR_NOT_FOUND;
    return *missing ? OK : error;
}

static enum error put_alias(struct txn *txn, struct id org, struct bytes text, struct id target, bool missing)
{
    return missing ? alias_put(txn, &(struct alias){.org = org, .text = text, .target = target}) : OK;
}

/* ERR_NOT_FOUND unless the id is a conversation's or a visitor's of this organisation. */
static enum error target_exists(struct txn *txn, struct id org, struct id target)
{
    struct conversation conversation;
    struct visitor visitor;
    enum error error = conversation_get(txn, target, &conversation);
    if (error == OK)
        return id_equal(conversation.org, org) ? OK : ERR_NOT_FOUND;
    if (error == ERR_NOT_FOUND)
        error = visitor_get(txn, target, &visitor);
    return error == OK && !id_equal(visitor.org, org) ? ERR_NOT_FOUND : error;
}

enum error rule_alias_import(struct txn *txn, uint64_t seq, const struct alias_import *command, struct outcome *outcome)
{
    bool missing;
    (void)seq;
    if (command->alias.data == NULL)
        return ERR_CONFLICT;
    enum error error = org_is_alive(txn, command->org);
    if (error == OK)
        error = target_exists(txn, command->org, command->target);
    if (error == OK)
        error = prepare_alias(txn, command->org, command->alias, command->target, &missing);
    if (error != OK)
        return error;
    outcome->replayed = !missing;
    return put_alias(txn, command->org, command->alias, command->target, missing);
}

/* ---- organisations ---- */

static enum error write_org(struct txn *txn, const struct org_import *command)
{
    struct org org = {
        .id = command->org,
        .key = command->key,
        .name = command->name,
        .origins = command->origins,
        .created_at_ms = command->created_at_ms,
        .updated_at_ms = command->updated_at_ms,
        .widget_title = command->widget_title,
        .widget_subtitle = command->widget_subtitle,
        .widget_color = command->widget_color,
        .widget_position = command->widget_position,
        .widget_language = command->widget_language,
        .count_visits = command->count_visits,
        .retain_visitors_days = command->retain_visitors_days,
        .retain_messages_days = command->retain_messages_days,
        .redact_messages = command->redact_messages,
        .retain_empty_days = command->retain_empty_days,
        .retain_audit_days = command->retain_audit_days,
        .retain_erasures_days = command->retain_erasures_days,
        .addresses = bytes_equal(command->addresses, BYTES("none")) ? BYTES_NONE : command->addresses,
    };
    return org_add(txn, &org);
}

static bool org_is_fit(const struct org_import *command)
{
    return is_id(command->org) && is_text(command->key, ORG_KEY_LEN_MAX) && is_time(command->created_at_ms) &&
           is_time(command->updated_at_ms) && command->retain_visitors_days <= RETAIN_DAYS_MAX &&
           command->retain_messages_days <= RETAIN_DAYS_MAX && command->retain_empty_days <= RETAIN_DAYS_MAX &&
           command->retain_audit_days <= RETAIN_DAYS_MAX && command->retain_erasures_days <= RETAIN_DAYS_MAX &&
           org_addresses_are_valid(command->addresses);
}

/* What is known under this id stays as it is: its settings may have been changed here since. */
enum error rule_org_import(struct txn *txn, uint64_t seq, const struct org_import *command, struct outcome *outcome)
{
    struct org org;
    (void)seq;
    if (!org_is_fit(command))
        return ERR_CONFLICT;
    outcome->id = command->org;
    enum error error = org_get(txn, command->org, &org);
    if (error == OK) {
        outcome->replayed = !org.deleted && bytes_equal(org.key, command->key);
        return outcome->replayed ? OK : ERR_CONFLICT;
    }
    if (error == ERR_NOT_FOUND)
        error = org_get_by_key(txn, command->key, &org);
    if (error != ERR_NOT_FOUND)
        return error == OK ? ERR_CONFLICT : error;
    return write_org(txn, command);
}

/* ---- visitors ---- */

static bool visitor_is_fit(const struct visitor_import *command)
{
    return is_id(command->visitor) && is_text(command->visitor_key, VISITOR_KEY_LEN_MAX) &&
           is_time(command->first_seen_at_ms) && is_time(command->last_seen_at_ms) && is_time(command->created_at_ms) &&
           is_time(command->updated_at_ms) && command->first_seen_at_ms <= command->last_seen_at_ms &&
           (command->email.data == NULL || email_is_valid(command->email)) &&
           (command->address.data == NULL || address_text_is_valid(command->address)) &&
           (command->blocked_at_ms == 0 || is_time(command->blocked_at_ms));
}

/* Whom the row speaks of: the visitor of its id, the one that has its key already, or a new one. */
static enum error find_visitor(struct txn *txn, const struct visitor_import *command, struct sighting *out)
{
    struct id id;
    struct visitor *visitor = &out->visitor;
    *out = (struct sighting){.present = true};
    enum error error = visitor_get(txn, command->visitor, visitor);
    if (error == OK)
        return id_equal(visitor->org, command->org) && bytes_equal(visitor->visitor_key, command->visitor_key)
                   ? OK
                   : ERR_CONFLICT;
    if (error == ERR_NOT_FOUND)
        error = visitor_id_by_key(txn, command->org, command->visitor_key, &id);
    if (error == OK) {
        error = visitor_get(txn, id, visitor);
        return error == ERR_NOT_FOUND ? ERR_CORRUPT : error;
    }
    if (error != ERR_NOT_FOUND)
        return error;
    out->is_new = true;
    *visitor = (struct visitor){
        .id = command->visitor,
        .org = command->org,
        .visitor_key = command->visitor_key,
        .first_seen_at_ms = command->first_seen_at_ms,
        .last_seen_at_ms = command->last_seen_at_ms,
        .user_agent = command->user_agent,
        .created_at_ms = command->created_at_ms,
        .updated_at_ms = command->updated_at_ms,
        .email = command->email,
        .blocked_at_ms = command->blocked_at_ms,
    };
    return OK;
}

/* The row's network address, as far as the organisation lets it be kept. */
static enum error find_address(struct txn *txn, const struct visitor_import *command, char room[ADDRESS_LEN_MAX],
                               struct bytes *out)
{
    struct org org;
    *out = BYTES_NONE;
    enum error error = command->address.len == 0 ? OK : org_get(txn, command->org, &org);
    if (error == OK && command->address.len != 0)
        *out = org_keeps_address(&org, command->address, room);
    return error;
}

/* Whether anything had to be changed. An older row must not bring back an address that has been forgotten since. */
static bool widen_visitor(struct visitor *visitor, const struct visitor_import *command, struct bytes address)
{
    bool first = command->first_seen_at_ms < visitor->first_seen_at_ms;
    bool last = raise_to(&visitor->last_seen_at_ms, command->last_seen_at_ms);
    bool updated = raise_to(&visitor->updated_at_ms, command->updated_at_ms);
    if (first)
        visitor->first_seen_at_ms = command->first_seen_at_ms;
    if (last && command->user_agent.data != NULL)
        visitor->user_agent = command->user_agent;
    if (updated && command->email.data != NULL)
        visitor->email = command->email;
    if (updated && address.data != NULL)
        visitor->address = address;
    return first || last || updated;
}

/*
 * Two ids that have become one: conversations name the visitor by the id of their own row, so that id leads to the one
 * that is kept; and so does the text that it was made of.
 */
enum error rule_visitor_import(struct txn *txn, uint64_t seq, const struct visitor_import *command,
                               struct outcome *outcome)
{
    struct sighting sighting;
    char text[ID_TEXT_LEN], room[ADDRESS_LEN_MAX];
    bool alias_is_missing, id_is_missing;
    struct bytes address;
    (void)seq;
    enum error error = org_is_alive(txn, command->org);
    if (error == OK && !visitor_is_fit(command))
        error = ERR_CONFLICT;
    if (error == OK)
        error = erasure_keeps_out(txn, command->org, command->visitor_key, command->created_at_ms);
    if (error == OK)
        error = find_address(txn, command, room, &address);
    if (error == OK)
        error = find_visitor(txn, command, &sighting);
    if (error != OK)
        return error;
    struct id id = outcome->id = sighting.visitor.id;
    struct bytes merged = BYTES_NONE;
    if (!id_equal(id, command->visitor)) {
        id_format(command->visitor, text);
        merged = bytes_view(text, ID_TEXT_LEN);
    }
    error = prepare_alias(txn, command->org, command->alias, id, &alias_is_missing);
    if (error == OK)
        error = prepare_alias(txn, command->org, merged, id, &id_is_missing);
    if (error != OK)
        return error;
    sighting.seen_before_ms = sighting.visitor.last_seen_at_ms;
    sighting.email_before = sighting.is_new ? BYTES_NONE : sighting.visitor.email;
    if (sighting.is_new)
        sighting.visitor.address = address;
    sighting.present = widen_visitor(&sighting.visitor, command, address) || sighting.is_new;
    outcome->replayed = !sighting.present && !alias_is_missing && !id_is_missing;
    outcome->widened = !sighting.is_new && !outcome->replayed;
    error = visitor_write(txn, &sighting);
    if (error == OK)
        error = put_alias(txn, command->org, command->alias, id, alias_is_missing);
    return error == OK ? put_alias(txn, command->org, merged, id, id_is_missing) : error;
}

/* ---- conversations ---- */

static bool conversation_is_fit(const struct conversation_import *command)
{
    return is_id(command->conversation) && id_is_valid(command->visitor) && is_time(command->created_at_ms) &&
           is_time(command->updated_at_ms) && (!command->anonymized || id_is_none(command->visitor)) &&
           is_time(command->snoozed_until_ms) && is_time(command->resolved_at_ms) &&
           work_is_valid(command->status, command->snoozed_until_ms, command->priority, command->tags) &&
           (command->status == STATUS_RESOLVED || command->resolved_at_ms == 0);
}

/* The visitor that a conversation's row names, by its id or by the one that it has become. */
static enum error find_owner(struct txn *txn, const struct conversation_import *command, struct sighting *out)
{
    struct alias alias;
    char text[ID_TEXT_LEN];
    *out = (struct sighting){.present = !id_is_none(command->visitor)};
    if (!out->present)
        return OK;
    enum error error = visitor_get(txn, command->visitor, &out->visitor);
    if (error == ERR_NOT_FOUND) {
        id_format(command->visitor, text);
        error = alias_get(txn, command->org, bytes_view(text, ID_TEXT_LEN), &alias);
        if (error == OK)
            error = visitor_get(txn, alias.target, &out->visitor);
    }
    out->seen_before_ms = out->visitor.last_seen_at_ms;
    out->email_before = out->visitor.email;
    return error == OK && !id_equal(out->visitor.org, command->org) ? ERR_NOT_FOUND : error;
}

static enum error widen_conversation(struct txn *txn, uint64_t seq, struct conversation *conversation,
                                     const struct conversation_import *command, bool *changed)
{
    struct conversation_activity activity;
    *changed = false;
    enum error error = conversation_activity(txn, conversation, &activity);
    /* A row's updatedAt may be that of its last message, which is no change of the conversation itself. */
    if (error != OK || command->updated_at_ms <= activity.updated_at_ms)
        return error;
    *changed = true;
    conversation->changed_seq = seq;
    conversation->changed_at_ms = command->updated_at_ms;
    error = conversation_put(txn, conversation);
    return error == OK
               ? conversation_note_change(txn, seq, conversation, activity.updated_at_ms, command->updated_at_ms)
               : error;
}

/* Writes what the row adds to what there is; *is_new: there was none; *changed: something was written. */
static enum error merge_conversation(struct txn *txn, uint64_t seq, const struct conversation_import *command,
                                     struct sighting *owner, bool *is_new, bool *changed)
{
    struct conversation conversation;
    enum error error = conversation_get(txn, command->conversation, &conversation);
    *is_new = error == ERR_NOT_FOUND;
    if (error == OK) {
        bool same = id_equal(conversation.org, command->org) &&
                    id_equal(conversation.visitor, owner->present ? owner->visitor.id : ID_NONE);
        return same ? widen_conversation(txn, seq, &conversation, command, changed) : ERR_CONFLICT;
    }
    if (error != ERR_NOT_FOUND)
        return error;
    *changed = true;
    conversation = (struct conversation){
        .id = command->conversation,
        .org = command->org,
        .created_at_ms = command->created_at_ms,
        .changed_at_ms = command->updated_at_ms,
        .anonymized = command->anonymized,
        .status = command->status,
        .snoozed_until_ms = command->snoozed_until_ms,
        .priority = command->priority,
        .tags = command->tags,
        .resolved_at_ms = command->resolved_at_ms,
    };
    return conversation_add(txn, seq, &conversation, owner);
}

enum error rule_conversation_import(struct txn *txn, uint64_t seq, const struct conversation_import *command,
                                    struct outcome *outcome)
{
    struct sighting owner;
    bool alias_is_missing, is_new, changed;
    enum error error = org_is_alive(txn, command->org);
    if (error == OK && !conversation_is_fit(command))
        error = ERR_CONFLICT;
    if (error == OK)
        error = find_owner(txn, command, &owner);
    if (error == OK)
        error = prepare_alias(txn, command->org, command->alias, command->conversation, &alias_is_missing);
    if (error == OK)
        error = merge_conversation(txn, seq, command, &owner, &is_new, &changed);
    if (error != OK)
        return error;
    outcome->id = command->conversation;
    outcome->replayed = !changed && !alias_is_missing;
    outcome->widened = !is_new && !outcome->replayed;
    return put_alias(txn, command->org, command->alias, command->conversation, alias_is_missing);
}

/* ---- messages ---- */

static bool message_is_fit(const struct message_import *command)
{
    bool role = bytes_equal(command->role, BYTES("user")) || bytes_equal(command->role, BYTES("assistant"));
    return role && is_id(command->message) && is_text(command->content, MESSAGE_CONTENT_LEN_MAX) &&
           is_text(command->client_id, CLIENT_ID_LEN_MAX) && is_time(command->at_ms);
}

/* Whether the message is there already: OK, ERR_NOT_FOUND, or ERR_CONFLICT when another one has its clientId. */
static enum error find_message(struct txn *txn, const struct message_import *command, struct bytes *block,
                               uint64_t *seq)
{
    struct message message;
    enum error error = client_id_find(txn, command->conversation, command->role, command->client_id, block, seq);
    if (error == OK)
        error = message_get(txn, command->conversation, *seq, &message);
    return error == OK && !id_equal(message.id, command->message) ? ERR_CONFLICT : error;
}

enum error rule_message_import(struct txn *txn, uint64_t seq, const struct message_import *command,
                               struct outcome *outcome)
{
    struct conversation conversation;
    struct bytes block;
    enum error error = org_is_alive(txn, command->org);
    if (error == OK)
        error = conversation_get(txn, command->conversation, &conversation);
    if (error == OK && !id_equal(conversation.org, command->org))
        error = ERR_NOT_FOUND;
    if (error != OK)
        return error;
    if (!message_is_fit(command))
        return ERR_CONFLICT;
    outcome->id = command->conversation;
    error = find_message(txn, command, &block, &outcome->seq);
    outcome->replayed = error == OK;
    if (error != ERR_NOT_FOUND)
        return error;
    outcome->seq = seq;
    struct message message = {
        .id = command->message,
        .org = command->org,
        .role = command->role,
        .content = command->content,
        .at_ms = command->at_ms,
        .client_id = command->client_id,
    };
    return message_add(txn, seq, &conversation, &message, block);
}
