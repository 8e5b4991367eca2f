/*
 * The JSON of openapi_components.def becomes text by the preprocessor's own means, after its shorthands were replaced:
 * so it stands there without a quote that is escaped. No header of the house may come in here, since <stdbool.h> would
 * make numbers of true and false.
 */
#include "api/openapi_components.h"

#include <stddef.h>

#ifdef true
#error "true would be written as 1"
#endif

/* clang-format off */
#define STRING {"type": "string"}
#define STRING_OR_NULL {"type": ["string", "null"]}
#define BOOLEAN {"type": "boolean"}
#define COUNT {"type": "integer", "minimum": 0}
#define TIME {"type": "string", "format": "date-time"}
#define TIME_OR_NULL {"type": ["string", "null"], "format": "date-time"}
#define HOOK_EVENTS {"type": "array", "minItems": 1, "items": {"enum": ["conversation.created", "conversation.status", "message.created", "visitor.created", "visitor.identified", "visitor.erased"]}}
#define WEBHOOK_MEMBERS \
    "id": ID, \
    "url": STRING, \
    "events": HOOK_EVENTS, \
    "description": STRING_OR_NULL, \
    "enabled": BOOLEAN, \
    "disabledBecause": {"type": ["string", "null"], "description": "gone: it has answered 410. null: by hand, or it is enabled."}, \
    "createdAt": TIME, \
    "updatedAt": TIME, \
    "waiting": {"type": "integer", "minimum": 0, "description": "Deliveries that wait."}, \
    "parked": {"type": "integer", "minimum": 0, "description": "Deliveries that were given up after 24 hours."}, \
    "lost": {"type": "integer", "minimum": 0, "description": "What it was never told, since more than 10000 deliveries waited."}
#define ID {"type": "string", "pattern": "^c[0-9a-z]{24}$"}
#define ID_OR_NULL {"type": ["string", "null"], "pattern": "^c[0-9a-z]{24}$"}
#define TIME_OR_NULL {"type": ["string", "null"], "format": "date-time"}
#define ROLE {"enum": ["user", "assistant"]}
#define AGENT_ROLE {"enum": ["agent", "admin", "owner"]}
#define SCOPE {"enum": ["read", "write", "admin"]}
#define BUSINESS_HOURS \
    {"type": ["string", "null"], \
     "description": "Such as: Europe/Istanbul mon-fri 09:00-18:00, sat 10:00-14:00. Empty or null: always."}
#define WIDGET \
    {"type": "object", \
     "description": "null or empty: the default.", \
     "properties": {"title": STRING_OR_NULL, "subtitle": STRING_OR_NULL, "color": STRING_OR_NULL, \
                    "position": STRING_OR_NULL, "language": STRING_OR_NULL}}
#define CURSOR {"type": ["string", "null"], "description": "Pass it as `before` for the next page; null at the end."}
#define LIST(reference) {"type": "array", "items": {"$ref": reference}}
#define ORGANIZATION {"type": "object", "properties": {"id": ID, "key": STRING, "name": STRING}}
#define DAYS {"type": "integer", "minimum": 0, "maximum": 36500, "description": "In days; 0: for ever."}
#define RETENTION_MEMBERS \
    "visitors": DAYS, \
    "messages": DAYS, \
    "redactMessages": BOOLEAN, \
    "empty": DAYS, \
    "audit": DAYS, \
    "erasures": DAYS
#define ADDRESSES {"enum": ["none", "truncated", "full"], "description": "What is kept of visitors' network addresses."}
#define STATUS {"enum": ["open", "pending", "snoozed", "resolved"]}
#define TIME_OR_NULL {"type": ["string", "null"], "format": "date-time"}
#define TAGS {"type": "array", "maxItems": 20, "items": {"type": "string", "minLength": 1, "maxLength": 40}}
#define WORK_MEMBERS \
    "seq": {"type": "integer", "minimum": 0, \
            "description": "This member and the following: for the organisation's side alone. Of the last change of \
whatever kind: the larger one is the newer picture."}, \
    "activitySeq": {"type": "integer", "minimum": 0, "description": "What lists are ordered by."}, \
    "status": STATUS, \
    "snoozedUntil": TIME_OR_NULL, \
    "resolvedAt": TIME_OR_NULL, \
    "assigneeId": ID_OR_NULL, \
    "priority": {"enum": ["low", "medium", "high", "urgent", null]}, \
    "tags": TAGS
#define CONVERSATION_MEMBERS \
    "id": ID, \
    "visitorId": ID_OR_NULL, \
    "createdAt": TIME, \
    "updatedAt": TIME, \
    "messageCount": COUNT, \
    "lastMessage": {"oneOf": [{"$ref": "#/components/schemas/Message"}, {"type": "null"}]}, \
    "visitorReadSeq": COUNT, \
    "agentReadSeq": COUNT, \
    "anonymized": {"const": true, "description": "Its visitor was erased. Else absent."}, \
    WORK_MEMBERS
/* clang-format on */

#define TEXT(...) #__VA_ARGS__
#define COMPONENT(name, ...) {#name, TEXT(__VA_ARGS__)},

const struct openapi_component openapi_schemas[] = {
#define SCHEMA(name, ...) COMPONENT(name, __VA_ARGS__)
#define PARAMETER(name, ...)
#include "api/openapi_components.def"
#undef SCHEMA
#undef PARAMETER
    {NULL, NULL}};

const struct openapi_component openapi_parameters[] = {
#define SCHEMA(name, ...)
#define PARAMETER(name, ...) COMPONENT(name, __VA_ARGS__)
#include "api/openapi_components.def"
#undef SCHEMA
#undef PARAMETER
    {NULL, NULL}};
