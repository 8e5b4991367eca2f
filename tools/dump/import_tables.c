/* The tables that are read, and the names that their columns go by: ours first, then those of other systems. */
#include "import_private.h"

#define NAMES(...)                  \
    {                               \
        {__VA_ARGS__}, false, false \
    }
#define REQUIRED(...)              \
    {                              \
        {__VA_ARGS__}, true, false \
    }
#define NUMBER(name)        \
    {                       \
        {name}, false, true \
    }

const struct import_table import_tables[SCHEMA_EXPORTED_COUNT] = {
    {
        .name = "organizations",
        .kind = RECORD_ORGS,
        .members =
            {
                [ORGANIZATION_ID] = REQUIRED("id"),
                [ORGANIZATION_KEY] = REQUIRED("key", "orgKey", "slug"),
                [ORGANIZATION_NAME] = NAMES("name"),
                [ORGANIZATION_ORIGINS] = NAMES("allowedOrigins"),
                [ORGANIZATION_CREATED_AT] = REQUIRED("createdAt"),
                [ORGANIZATION_UPDATED_AT] = NAMES("updatedAt"),
                [ORGANIZATION_WIDGET_TITLE] = NAMES("widgetTitle"),
                [ORGANIZATION_WIDGET_SUBTITLE] = NAMES("widgetSubtitle"),
                [ORGANIZATION_WIDGET_COLOR] = NAMES("widgetColor"),
                [ORGANIZATION_WIDGET_POSITION] = NAMES("widgetPosition"),
                [ORGANIZATION_WIDGET_LANGUAGE] = NAMES("widgetLanguage"),
                [ORGANIZATION_COUNT_VISITS] = NAMES("countVisits"),
                [ORGANIZATION_RETAIN_VISITORS] = NUMBER("retainVisitorsDays"),
                [ORGANIZATION_RETAIN_MESSAGES] = NUMBER("retainMessagesDays"),
                [ORGANIZATION_REDACT_MESSAGES] = NAMES("redactMessages"),
                [ORGANIZATION_RETAIN_EMPTY] = NUMBER("retainEmptyDays"),
                [ORGANIZATION_RETAIN_AUDIT] = NUMBER("retainAuditDays"),
                [ORGANIZATION_RETAIN_ERASURES] = NUMBER("retainErasuresDays"),
                [ORGANIZATION_ADDRESSES] = NAMES("addresses"),
            },
        .time = IMPORT_NO_MEMBER,
        .group = IMPORT_NO_MEMBER,
    },
    {
        .name = "erasures",
        .kind = RECORD_ERASURES,
        .members =
            {
                [ERASURE_ORG] = REQUIRED("orgId"),
                [ERASURE_VISITOR_HASH] = REQUIRED("visitorHash"),
                [ERASURE_ERASED_AT] = REQUIRED("erasedAt"),
                [ERASURE_VISITORS] = NUMBER("visitors"),
                [ERASURE_CONVERSATIONS] = NUMBER("conversations"),
                [ERASURE_MESSAGES] = NUMBER("messages"),
                [ERASURE_ANONYMIZED] = NUMBER("anonymizedConversations"),
                [ERASURE_RECEIPT] = NAMES("receipt"),
            },
        .time = IMPORT_NO_MEMBER,
        .group = IMPORT_NO_MEMBER,
    },
    {
        .name = "visitors",
        .kind = RECORD_VISITORS,
        .members =
            {
                [VISITOR_ID] = REQUIRED("id"),
                [VISITOR_ORG] = REQUIRED("orgId"),
                [VISITOR_KEY] = REQUIRED("visitorKey"),
                [VISITOR_FIRST_SEEN_AT] = REQUIRED("firstSeenAt"),
                [VISITOR_LAST_SEEN_AT] = REQUIRED("lastSeenAt"),
                [VISITOR_USER_AGENT] = NAMES("userAgent"),
                [VISITOR_CREATED_AT] = NAMES("createdAt"),
                [VISITOR_UPDATED_AT] = NAMES("updatedAt"),
                [VISITOR_EMAIL] = NAMES("email"),
                [VISITOR_ADDRESS] = NAMES("address"),
                [VISITOR_BLOCKED_AT] = NAMES("blockedAt"),
            },
        .time = IMPORT_NO_MEMBER,
        .group = IMPORT_NO_MEMBER,
    },
    {
        .name = "conversations",
        .kind = RECORD_CONVERSATIONS,
        .members =
            {
                [CONVERSATION_ID] = REQUIRED("id"),
                [CONVERSATION_ORG] = REQUIRED("orgId"),
                [CONVERSATION_VISITOR] = REQUIRED("visitorId"),
                [CONVERSATION_CREATED_AT] = REQUIRED("createdAt"),
                [CONVERSATION_UPDATED_AT] = NAMES("updatedAt"),
                [CONVERSATION_ANONYMIZED] = NAMES("anonymized"),
                [CONVERSATION_STATUS] = NAMES("status"),
                [CONVERSATION_SNOOZED_UNTIL] = NAMES("snoozedUntil"),
                [CONVERSATION_RESOLVED_AT] = NAMES("resolvedAt"),
                [CONVERSATION_PRIORITY] = NAMES("priority"),
                [CONVERSATION_TAGS] = NAMES("tags"),
            },
        .time = CONVERSATION_CREATED_AT,
        .group = IMPORT_NO_MEMBER,
    },
    {
        .name = "messages",
        .kind = RECORD_MESSAGES,
        .members =
            {
                [MESSAGE_ID] = REQUIRED("id"),
                [MESSAGE_CONVERSATION] = REQUIRED("conversationId"),
                [MESSAGE_ORG] = NAMES("orgId"),
                [MESSAGE_ROLE] = REQUIRED("role"),
                [MESSAGE_CONTENT] = REQUIRED("content"),
                [MESSAGE_TIMESTAMP] = REQUIRED("timestamp"),
                [MESSAGE_CLIENT_ID] = NAMES("clientId"),
            },
        .time = MESSAGE_TIMESTAMP,
        .group = MESSAGE_CONVERSATION,
    },
    {
        .name = "aliases",
        .kind = RECORD_ALIASES,
        .members =
            {
                [ALIAS_ORG] = REQUIRED("orgId"),
                [ALIAS_TEXT] = REQUIRED("alias"),
                [ALIAS_TARGET] = REQUIRED("targetId"),
            },
        .time = IMPORT_NO_MEMBER,
        .group = IMPORT_NO_MEMBER,
    },
    {
        .name = "notes",
        .kind = RECORD_NOTES,
        .members =
            {
                [NOTE_ID] = REQUIRED("id"),
                [NOTE_CONVERSATION] = REQUIRED("conversationId"),
                [NOTE_ORG] = REQUIRED("orgId"),
                [NOTE_AGENT] = NAMES("agentId"),
                [NOTE_CONTENT] = REQUIRED("content"),
                [NOTE_TIMESTAMP] = REQUIRED("timestamp"),
                [NOTE_CLIENT_ID] = NAMES("clientId"),
            },
        .time = NOTE_TIMESTAMP,
        .group = NOTE_CONVERSATION,
    },
};
