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
#define SMALL_BODY_LEN_MAX 4096 /* bytes of a body that holds a field or two */
#define ORGANIZATION_BODY_LEN_MAX 16384
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
#define HOURS_TEXT_LEN_MAX 400   /* bytes of an organisation's business hours */
#define TOKENS_PER_ORG_MAX 100
#define MEMBERS_PER_ORG_MAX 1000   /* agents of one organisation */
#define ORGS_PER_AGENT_MAX 100     /* organisations that one agent is a member of */
#define SESSIONS_PER_AGENT_MAX 20  /* one more ends the oldest */
#define SESSION_KEPT_MS 1209600000 /* how long a session lasts after its last use: 14 days */
#define AGENT_NAME_LEN_MAX 200     /* bytes */
#define PASSWORD_LEN_MIN 10        /* characters */
#define PASSWORD_LEN_MAX 256       /* bytes */
#define RECOVERY_CODES 10          /* made with a second factor, each good once */
#define PASSWORD_JOBS_MAX 32       /* passwords that wait in one of two queues to be hashed; one more is answered 503 */
#define LOGIN_FAILURES_ACCOUNT 5   /* of one account before the next try has to wait */
#define LOGIN_FAILURES_ADDRESS 20  /* and from one address */
#define LOGIN_WAIT_ACCOUNT_MAX_MS 60000
#define LOGIN_WAIT_ADDRESS_MAX_MS 900000
#define LOGIN_WAIT_FACTOR_MAX_MS 3600000
#define LOGIN_MAILS 3 /* with a link for a new password, to one account, before the next has to wait */
#define LOGIN_WAIT_MAIL_MAX_MS 3600000
#define LOGIN_FORGOTTEN_MS 7200000   /* after which failures count no more */
#define INVITATION_KEPT_MS 604800000 /* how long an invitation is good: 7 days */
#define RESET_KEPT_MS 3600000        /* and a link to choose a new password: an hour */
#define SETUP_KEPT_MS 1800000        /* and the link to set up a new server: 30 minutes */
#define ALIAS_LEN_MAX 64             /* bytes of an id of another shape */
#define ADDRESS_LEN_MAX 49           /* bytes of a network address as text, with the length of a prefix */
#define EMAIL_LEN_MAX 254            /* bytes of a visitor's e-mail address (RFC 5321) */
#define UNREAD_MAX 100               /* unread messages of a conversation are counted up to here */
#define UNREAD_LOOK_MAX 5000         /* messages that one answer looks at to count them */
#define EXPORT_BYTES_MAX 8388608     /* bytes after which a visitor's export goes on in a next page */
#define EXPORTS_PER_MINUTE 10        /* pages of an export that a visitor may ask for */

/* ---- conversations as agents work on them ---- */
#define TAGS_MAX 20                /* of one conversation */
#define TAG_LEN_MAX 40             /* bytes */
#define SNOOZE_MAX_MS 31622400000  /* how far ahead a conversation may be snoozed: 366 days */
#define BULK_CONVERSATIONS_MAX 100 /* changed by one request */
#define BULK_BODY_LEN_MAX 16384    /* bytes of its JSON */
#define OPEN_SET_MAX 2000    /* conversations that one page of a list looks at to find those that are not resolved */
#define WORK_COUNT_MAX 10000 /* conversations of one badge are counted up to here */
#define NOTE_CONTENT_LEN_MAX 16384 /* bytes of UTF-8 in one note */
#define NOTE_BODY_LEN_MAX 104448   /* bytes of a note's JSON */
#define NOTES_PER_CONVERSATION_MAX 1000
#define NOTE_MENTIONS_MAX 20         /* agents that one note mentions */
#define NOTE_CLIENT_IDS_KEPT 100     /* a clientId is known again among as many last notes of its conversation */
#define REPLIES_PER_ORG_MAX 500      /* canned ones */
#define REPLY_SHORTCUT_LEN_MAX 40    /* bytes */
#define REPLY_TEXT_LEN_MAX 8192      /* bytes of UTF-8 */
#define REPLY_BODY_LEN_MAX 57344     /* bytes of a reply's JSON */
#define TRANSCRIPT_BYTES_MAX 8388608 /* bytes after which a transcript ends and says where to go on */
#define WAKE_STEP_MAX 100            /* conversations that are woken, or taken from who has left, in a second */
#define UNATTENDED_LOOKS_MAX 200     /* assignees that are looked at in a second for having left */

/* ---- streams ---- */
#define STREAMS_PER_CALLER_MAX 16       /* of one visitor, or of one token */
#define STREAM_CATCH_UP_MAX 5000        /* events that a stream is given again; what missed more is told to reset */
#define STREAM_CONVERSATIONS_MAX 2000   /* conversations that a catch-up looks at */
#define STREAM_NEWS_MAX 256             /* events that wait for one subscriber; more are found in the tables instead */
#define STREAM_MOMENTS_MAX 256          /* typing and presence that wait for one subscriber; older ones are dropped */
#define STREAM_PIECE_BYTES 65536        /* of one send; the next one waits until the client has taken it */
#define STREAM_SEND_BUFFER_BYTES 131072 /* asked of the kernel, which doubles it and else keeps 4 MiB */
#define STREAM_STALL_MS 15000           /* how long a client may take for one piece; TCP_USER_TIMEOUT_MS comes later */
#define STREAM_INPUT_BYTES_MAX 16384    /* of what a client says after its request; more and it is cut off */
#define STREAM_HEARTBEAT_MS 15000       /* silence after which a comment is sent */
#define STREAM_RIGHTS_MS 4000           /* how often each stream's right to go on is asked for again */
#define PAGE_URL_LEN_MAX 500            /* bytes of the address of the page that a visitor is on */
#define VISIT_REST_MS 60000             /* how long a visit outlives its last stream: from page to page is one */
#define AGENT_PRESENT_MS 120000         /* how long a write by the token counts as somebody being there */

/* ---- what goes out ---- */
#define POST_RUNNING_MAX 32             /* requests and mails under way at a time */
#define POST_WAITING_MAX 512            /* under way and waiting for their turn; one more is refused */
#define POST_WAITING_BYTES_MAX 33554432 /* bytes of their bodies */
#define POST_CONNECTIONS_MAX 64         /* kept open for a next request */
#define POST_CONNECT_MS 5000            /* how long a connection may take, its name and TLS included */
#define POST_ANSWER_BYTES_MAX 16384     /* of an answer's head and body that are read */
#define POST_STOP_MS 2000               /* what is under way gets that long when the server stops */
#define MAIL_DEADLINE_MS 30000
#define MAIL_SUBJECT_LEN_MAX 500 /* bytes */
#define MAIL_TEXT_LEN_MAX 65536  /* bytes */

/* ---- webhooks ---- */
#define WEBHOOKS_PER_ORG_MAX 20
#define WEBHOOK_URL_LEN_MAX 1024        /* characters */
#define WEBHOOK_SECRET_LEN_MAX 64       /* characters */
#define WEBHOOK_DESCRIPTION_LEN_MAX 200 /* bytes */
#define WEBHOOK_BODY_LEN_MAX 8192       /* bytes of a webhook's JSON in a request */
#define WEBHOOK_WAITING_MAX 10000      /* deliveries that wait for one webhook; what happens beyond is not told to it */
#define WEBHOOK_WAITING_ALL_MAX 100000 /* the same for all webhooks together */
#define WEBHOOK_PARKED_MAX 1000        /* deliveries that were given up, kept to be looked at; then the oldest goes */
#define WEBHOOK_DELIVERED_MAX 100      /* the same of those that succeeded */
#define WEBHOOK_RUNNING_MAX 4          /* deliveries of one webhook under way at a time */
#define WEBHOOK_DEADLINE_MS 10000      /* of one try */
#define WEBHOOK_RETRY_FIRST_MS 1000    /* the first pause; each next one is twice as long */
#define WEBHOOK_RETRY_LONGEST_MS 3600000
#define WEBHOOK_RETRY_FOR_MS 86400000 /* then a delivery is parked: 24 hours */
#define WEBHOOK_FAILURES_IN_ROW 8     /* from then on a webhook is tried one at a time, with pauses up to the next */
#define WEBHOOK_PAUSE_LONGEST_MS 30000
#define WEBHOOK_TESTS_PER_MINUTE 10 /* pings that an organisation may ask for */

/* ---- the write path ---- */
#define BATCH_COMMANDS_MAX 1024    /* commands in one transaction */
#define BATCH_BYTES_MAX 8388608    /* bytes of commands in one transaction */
#define EXECUTE_COMMANDS_MAX 20000 /* commands that an import gives in one transaction */
#define QUEUE_COMMANDS_MAX 16384   /* commands waiting; one more is answered 503 */
#define QUEUE_BYTES_MAX 67108864   /* bytes of commands waiting */
#define TOUCH_INTERVAL_MS 1000     /* reads move a visitor's lastSeenAt at most this often */
#define OPENINGS_SECONDS 2         /* between two looks at who is within business hours */
#define SWEEP_ENTRIES_MAX 512      /* index entries that one maintenance command looks at */
#define PURGE_RECORDS_MAX 200      /* records that one step of deleting an organisation removes */

/* ---- retention ---- */
#define RETAIN_DAYS_MAX 36500          /* a hundred years */
#define AUDIT_KEPT_DAYS 365            /* unless the organisation says otherwise */
#define RETENTION_INTERVAL_MS 86400000 /* between two runs of an organisation */
#define RETENTION_LOOK_MAX 512         /* entries that one turn of a loop looks at */
#define RETENTION_SUBJECTS_MAX 32      /* visitors, conversations, … that one step is about */
#define RETENTION_ENTRIES_MAX 128      /* entries that one step removes or changes, or a few more */

/* ---- search ---- */
#define SEARCH_TERM_LEN_MAX 32       /* bytes of a word that tell it from others; a longer one is cut at a character */
#define SEARCH_BLOCK_BYTES 4072      /* of postings in one value, which fills an overflow page of its own */
#define SEARCH_STEP_MESSAGES 256     /* places of messages that one step of the indexer looks at */
#define SEARCH_STEP_TEXT_BYTES 65536 /* of their texts; then the step ends early */
#define SEARCH_POURED_BYTES \
    512 /* of postings that a step pours into a larger segment for each message that it may look at */
#define SEARCH_STEP_ENTRIES 1024 /* of a table that one step of building the index anew passes */
#define SEARCH_WAITING 256 /* messages of an organisation that wait to be worth a segment; a question reads them */
#define SEARCH_POURED 8    /* segments of one level that are poured into one of the next */
#define SEARCH_LEVEL_MAX 4 /* segments of some two million messages are large enough */
#define SEARCH_SPAN_MAX 33554432    /* seqs from a poured segment's first to its last: a bit for each fits 4 MiB */
#define SEARCH_QUESTION_LEN_MAX 256 /* bytes of what is searched for */
#define SEARCH_QUESTION_WORDS_MAX 16
#define SEARCH_LIMIT_DEFAULT 20  /* hits of a page */
#define SEARCH_WORK_MAX 4000000  /* postings that one answer reads; it goes on in a next page */
#define SEARCH_LOOKED_MAX 2000   /* messages whose text one answer reads, hits or not */
#define SEARCH_PROBES 64         /* messages of a segment that are read before a prefix is looked up in all of it */
#define SEARCH_PLACES_MAX 32     /* places of a text that are told */
#define SEARCH_SNIPPET_BYTES 240 /* of a message's text, around them */
#define SEARCH_CHANGES_MAX 65536 /* postings to be taken out that are gathered before they are */

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
