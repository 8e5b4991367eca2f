#pragma once
/*
 * Every fixed limit of the program, with its unit. What a flag can change has its default in cli/options.def and the
 * bounds of the flag here. Each limit that a client can run into is counted in /metrics and has a test.
 */

/* ---- what clients send ---- */
#define ORG_KEY_LEN_MAX 64            /* characters of A-Za-z0-9_- */
#define VISITOR_KEY_LEN_MAX 80        /* characters, the "v_" included */
#define IDEMPOTENCY_KEY_LEN_MAX 64    /* visible ASCII characters */
#define IDEMPOTENCY_KEPT_MS 86400000  /* how long an Idempotency-Key gives the first answer again: 24 hours */
#define CLIENT_ID_LEN_MAX 64          /* visible ASCII characters */
#define USER_AGENT_LEN_MAX 512        /* bytes kept; a longer one is cut at a character */
#define MESSAGE_CONTENT_LEN_MAX 32768 /* bytes of UTF-8 in one message */
#define MESSAGE_BODY_LEN_MAX \
    200704 /* bytes of a message's JSON: six can stand for one of text, and 4 KiB for the rest */
#define CONVERSATION_BODY_LEN_MAX 16384
#define REQUEST_BODY_LEN_MAX 204800 /* the HTTP layer's outer wall, bytes */
#define JSON_DEPTH_MAX 32           /* nested arrays and objects in a body */
#define PAGE_LIMIT_DEFAULT 50       /* items of a list */
#define PAGE_LIMIT_MAX 100
#define MESSAGES_LIMIT_DEFAULT 200 /* messages in one answer */
#define MESSAGES_LIMIT_MAX 1000
#define ANSWER_BYTES_MAX 1048576 /* bytes after which a page of messages ends early */
#define LIST_ENTRIES_MAX 5000    /* index entries, stale ones included, that one page of a list looks at */
#define VISITOR_CHAIN_MAX 1000   /* conversations of one visitor that a list looks at, newest first */
#define ORG_NAME_LEN_MAX 200     /* bytes */
#define ORG_ORIGINS_MAX 32       /* allowed origins of an organisation */
#define ORIGIN_LEN_MAX 256       /* bytes */
#define ORG_TEXT_LEN_MAX 500     /* bytes of one widget text */
#define TOKENS_PER_ORG_MAX 100
#define ALIAS_LEN_MAX 64 /* bytes of an id of another shape */

/* ---- the write path ---- */
#define BATCH_COMMANDS_MAX 1024    /* commands in one transaction */
#define BATCH_BYTES_MAX 8388608    /* bytes of commands in one transaction */
#define EXECUTE_COMMANDS_MAX 20000 /* commands that an import gives in one transaction */
#define QUEUE_COMMANDS_MAX 16384   /* commands waiting; one more is answered 503 */
#define QUEUE_BYTES_MAX 67108864   /* bytes of commands waiting */
#define TOUCH_INTERVAL_MS 1000     /* reads move a visitor's lastSeenAt at most this often */
#define SWEEP_ENTRIES_MAX 512      /* index entries that one maintenance command looks at */
#define PURGE_RECORDS_MAX 200      /* records that one step of deleting an organisation removes */

/* ---- the store ---- */
#define STORE_READERS_MAX 512 /* slots for read transactions, all processes together */
#define STORE_MAP_BYTES_MIN 1048576
#define STORE_RESERVE_BYTES 16777216 /* disk space that only erasing commands may use */
#define STORE_TABLES_MAX 64          /* named tables of one environment */
#define STORE_VALUE_LEN_MAX 1048576  /* bytes of a value; a longer one is damage */
#define STORE_KEY_LEN_MAX 128        /* bytes of a key */

/* ---- connections ---- */
#define LOOPS_MAX 64
#define LISTENERS_MAX 16
#define LISTEN_BACKLOG 1024
#define THREAD_STACK_BYTES 2097152
#define TCP_USER_TIMEOUT_MS 20000
#define LOG_LINES_PER_SECOND_MAX 100 /* of one event */
