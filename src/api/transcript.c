/*
 * GET /conversations/:id/transcript: a conversation as a file to be kept or sent on, as text, as a page or as JSON. A
 * visitor may have its own, without notes and without the names of those who answered. Whatever anybody has typed stays
 * text: a page has no script, loads nothing, and says so in a policy of its own, since it is opened from a disk.
 */
#include <sodium.h>
#include <stdio.h>

#include "api/internal.h"
#include "api/timeline.h"
#include "base/text.h"

enum format { FORMAT_TEXT, FORMAT_HTML, FORMAT_JSON };

struct transcript {
    struct call *call;
    struct buffer *out;
    enum format format;
    const struct conversation *conversation;
    struct visitor visitor; /* whose it is; id none: nobody's */
    uint64_t next;          /* the last entry, when there are more; or 0 */
    struct id named;        /* the agent of `name` */
    struct bytes name;
};

/* An entry, whatever it is. */
struct line {
    bool is_note, is_answer;
    struct id agent;
    struct bytes content;
    int64_t at_ms;
};

/* ---- whose words ----------------------------------------------------------------------------------------------- */

static struct bytes visitor_name(const struct transcript *transcript)
{
    if (!transcript->call->by_org)
        return BYTES("You");
    return transcript->visitor.email.data != NULL ? transcript->visitor.email : BYTES("Visitor");
}

/* Visitors are answered by the organisation. */
static struct bytes agent_name(struct transcript *transcript, struct id id)
{
    struct agent agent;
    if (!transcript->call->by_org || id_is_none(id))
        return transcript->call->org.name;
    if (!id_equal(id, transcript->named)) {
        transcript->named = id;
        transcript->name = agent_get(transcript->call->txn, id, &agent) == OK ? agent.name : transcript->call->org.name;
    }
    return transcript->name;
}

static struct bytes name_of(struct transcript *transcript, const struct line *line)
{
    return line->is_answer || line->is_note ? agent_name(transcript, line->agent) : visitor_name(transcript);
}

/* ---- text ------------------------------------------------------------------------------------------------------ */

/* "2026-01-31 23:59:59 UTC" */
static void put_time(struct buffer *out, int64_t at_ms)
{
    char text[TIME_TEXT_LEN];
    time_format(at_ms, text);
    buffer_append(out, text, 10);
    buffer_append_string(out, " ");
    buffer_append(out, text + 11, 8);
    buffer_append_string(out, " UTC");
}

/* What a terminal could take for a command, or a page for nothing at all: control characters but the line's end and the
 * tab. Those of two bytes are U+0080 to U+009F. Returns their length. */
static size_t control_len(struct bytes text, size_t at)
{
    unsigned char c = (unsigned char)text.data[at];
    if (c < ' ' || c == 0x7f)
        return c == '\n' || c == '\t' ? 0 : 1;
    return c == 0xc2 && at + 1 < text.len && (unsigned char)text.data[at + 1] < 0xa0 ? 2 : 0;
}

/* `line_end` takes the place of each line's end. */
static void put_words(const struct transcript *transcript, struct bytes text, const char *line_end)
{
    struct buffer *out = transcript->out;
    for (size_t at = 0; at < text.len; ++at) {
        size_t control = control_len(text, at);
        const char *markup = transcript->format == FORMAT_HTML ? markup_of(text.data[at]) : NULL;
        if (control != 0) {
            buffer_append_string(out, "\xef\xbf\xbd");
            at += control - 1;
        } else if (text.data[at] == '\n') {
            buffer_append_string(out, line_end);
        } else if (markup != NULL) {
            buffer_append_string(out, markup);
        } else {
            buffer_append(out, &text.data[at], 1);
        }
    }
}

static void put_text_line(struct transcript *transcript, const struct line *line)
{
    struct buffer *out = transcript->out;
    buffer_append_string(out, "\n[");
    put_time(out, line->at_ms);
    buffer_append_string(out, line->is_note ? "] Note by " : "] ");
    put_words(transcript, name_of(transcript, line), " ");
    buffer_append_string(out, "\n    ");
    put_words(transcript, line->content, "\n    ");
    buffer_append_string(out, "\n");
}

static void put_text_head(struct transcript *transcript)
{
    char id[ID_TEXT_LEN];
    id_format(transcript->conversation->id, id);
    put_words(transcript, transcript->call->org.name, " ");
    buffer_printf(transcript->out, "\nConversation %.*s, begun ", ID_TEXT_LEN, id);
    put_time(transcript->out, transcript->conversation->created_at_ms);
    buffer_append_string(transcript->out, "\n");
}

static void put_text_tail(struct transcript *transcript)
{
    if (transcript->next != 0)
        buffer_printf(transcript->out, "\nIt goes on: ask again with after=%llu.\n",
                      (unsigned long long)transcript->next);
}

/* ---- a page ---------------------------------------------------------------------------------------------------- */

static const char style[] = ":root{color-scheme:light dark}"
                            "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}"
                            "h1{font-size:1.25rem;margin:0}"
                            "ol{list-style:none;padding:0}"
                            "li{margin:1rem 0;padding:.5rem .75rem;border:1px solid #8888;border-radius:.5rem}"
                            "li.answer{margin-inline-start:2rem}"
                            "li.note{border-style:dashed}"
                            "b{unicode-bidi:isolate}"
                            "time,p.more{opacity:.75;font-size:.875rem}"
                            "div{white-space:pre-wrap;overflow-wrap:anywhere}";

#define POLICY_LEN 128

/* Nothing but this one style sheet. */
static const char *policy(void)
{
    static _Thread_local char text[POLICY_LEN];
    unsigned char hash[crypto_hash_sha256_BYTES];
    char encoded[sodium_base64_ENCODED_LEN(sizeof(hash), sodium_base64_VARIANT_ORIGINAL)];
    crypto_hash_sha256(hash, (const unsigned char *)style, sizeof(style) - 1);
    sodium_bin2base64(encoded, sizeof(encoded), hash, sizeof(hash), sodium_base64_VARIANT_ORIGINAL);
    snprintf(text, sizeof(text), "default-src 'none'; style-src 'sha256-%s'", encoded);
    return text;
}

static void put_html_head(struct transcript *transcript)
{
    struct buffer *out = transcript->out;
    char id[ID_TEXT_LEN];
    id_format(transcript->conversation->id, id);
    buffer_printf(out,
                  "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
                  "<meta http-equiv=\"content-security-policy\" content=\"%s\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width\">\n<title>Conversation %.*s</title>\n"
                  "<style>%s</style>\n<h1 dir=\"auto\">",
                  policy(), ID_TEXT_LEN, id, style);
    put_words(transcript, transcript->call->org.name, " ");
    buffer_printf(out, "</h1>\n<p>Conversation %.*s, begun <time>", ID_TEXT_LEN, id);
    put_time(out, transcript->conversation->created_at_ms);
    buffer_append_string(out, "</time></p>\n<ol>\n");
}

static void put_html_line(struct transcript *transcript, const struct line *line)
{
    struct buffer *out = transcript->out;
    buffer_append_string(out, line->is_note     ? "<li class=\"note\">Note by <b>"
                              : line->is_answer ? "<li class=\"answer\"><b>"
                                                : "<li><b>");
    put_words(transcript, name_of(transcript, line), " ");
    buffer_append_string(out, "</b> <time>");
    put_time(out, line->at_ms);
    buffer_append_string(out, "</time><div dir=\"auto\">");
    put_words(transcript, line->content, "\n");
    buffer_append_string(out, "</div>\n");
}

static void put_html_tail(struct transcript *transcript)
{
    buffer_append_string(transcript->out, "</ol>\n");
    if (transcript->next != 0)
        buffer_printf(transcript->out, "<p class=\"more\">It goes on: ask again with after=%llu.</p>\n",
                      (unsigned long long)transcript->next);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------ */

static void put_json_head(struct transcript *transcript)
{
    struct buffer *out = transcript->out;
    json_open(out, '{');
    member_id(out, "conversationId", transcript->conversation->id);
    json_member_string(out, "organization", transcript->call->org.name);
    json_member_time(out, "createdAt", transcript->conversation->created_at_ms);
    json_key(out, BYTES("entries"));
    json_open(out, '[');
}

static void put_json_line(struct transcript *transcript, const struct line *line)
{
    struct buffer *out = transcript->out;
    json_element(out);
    json_open(out, '{');
    json_member_string(out, "kind", line->is_note ? BYTES("note") : BYTES("message"));
    json_member_string(out, "role", line->is_note || line->is_answer ? BYTES("assistant") : BYTES("user"));
    json_member_string(out, "name", name_of(transcript, line));
    json_member_time(out, "timestamp", line->at_ms);
    json_member_string(out, "content", line->content);
    json_close(out, '}');
}

static void put_json_tail(struct transcript *transcript)
{
    struct buffer *out = transcript->out;
    json_close(out, ']');
    json_key(out, BYTES("next"));
    if (transcript->next == 0)
        json_put_literal(out, "null");
    else
        buffer_printf(out, "\"%llu\"", (unsigned long long)transcript->next);
    json_close(out, '}');
}

/* ---- all together ---------------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *ending, *content_type;
    void (*put_head)(struct transcript *transcript);
    void (*put_line)(struct transcript *transcript, const struct line *line);
    void (*put_tail)(struct transcript *transcript);
} formats[] = {
    [FORMAT_TEXT] = {"text", "txt", "text/plain; charset=utf-8", put_text_head, put_text_line, put_text_tail},
    [FORMAT_HTML] = {"html", "html", "text/html; charset=utf-8", put_html_head, put_html_line, put_html_tail},
    [FORMAT_JSON] = {"json", "json", CONTENT_TYPE_JSON, put_json_head, put_json_line, put_json_tail},
};

static enum error read_format(struct call *call, enum format *out)
{
    struct bytes text;
    enum error error = query_text(call, "format", &text);
    *out = FORMAT_TEXT;
    if (error != OK || text.data == NULL)
        return error;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); ++i)
        if (bytes_equal(text, bytes_of_string(formats[i].name))) {
            *out = (enum format)i;
            return OK;
        }
    return call_refuse(call, ERR_INVALID_QUERY, "The parameter \"format\" must be text, html or json.");
}

static enum error read_note(const struct timeline_source *source, struct line *out)
{
    struct note note;
    enum error error = note_decode(source->key, source->value, &note);
    if (error == OK)
        *out = (struct line){true, false, note.agent, note.content, note.at_ms};
    return error;
}

static enum error read_message(const struct timeline_source *source, struct line *out)
{
    struct message message;
    enum error error = message_decode(source->key, source->value, &message);
    if (error == OK)
        *out = (struct line){false, bytes_equal(message.role, BYTES("assistant")), message.agent, message.content,
                             message.at_ms};
    return error;
}

/* A file that has grown long ends, and says where to go on. */
static enum error put_lines(struct transcript *transcript, struct timeline *timeline)
{
    enum error error = OK;
    uint64_t last = 0;
    for (struct timeline_source *source; error == OK && (source = timeline_next(timeline)) != NULL;) {
        struct line line;
        if (transcript->out->len > TRANSCRIPT_BYTES_MAX) {
            count(&transcript->call->loop->figures.limited[LIMIT_TRANSCRIPT], 1);
            transcript->next = last;
            break;
        }
        error = (source->table == TABLE_NOTES ? read_note : read_message)(source, &line);
        if (error == OK)
            formats[transcript->format].put_line(transcript, &line);
        last = source->seq;
        if (error == OK)
            error = timeline_step(timeline, source);
    }
    return error;
}

static enum error put_transcript(struct transcript *transcript, uint64_t after)
{
    struct timeline timeline;
    const struct conversation *conversation = transcript->conversation;
    struct call *call = transcript->call;
    enum error error = OK;
    if (!id_is_none(conversation->visitor))
        error = visitor_get(call->txn, conversation->visitor, &transcript->visitor);
    if (error != OK)
        return error == ERR_NOT_FOUND ? ERR_CORRUPT : error;
    formats[transcript->format].put_head(transcript);
    error = timeline_open(&timeline, call->txn, conversation->id, after, false, call->by_org);
    if (error == OK)
        error = put_lines(transcript, &timeline);
    timeline_close(&timeline);
    formats[transcript->format].put_tail(transcript);
    return error;
}

static void respond(struct transcript *transcript)
{
    struct call *call = transcript->call;
    char *name = request_alloc(call->request, 80), *own_policy = request_alloc(call->request, POLICY_LEN);
    char id[ID_TEXT_LEN];
    id_format(transcript->conversation->id, id);
    int len = snprintf(name, 80, "attachment; filename=\"conversation-%.*s.%s\"", ID_TEXT_LEN, id,
                       formats[transcript->format].ending);
    request_add_header(call->request, BYTES("content-disposition"), bytes_view(name, (size_t)len));
    if (transcript->format == FORMAT_HTML) {
        len = snprintf(own_policy, POLICY_LEN, "%s", policy());
        request_add_header(call->request, BYTES("content-security-policy"), bytes_view(own_policy, (size_t)len));
    }
    request_respond(call->request, 200, formats[transcript->format].content_type, buffer_view(transcript->out));
}

enum error handle_transcript(struct call *call)
{
    struct conversation conversation;
    struct transcript transcript = {.call = call, .out = &call->loop->json, .conversation = &conversation};
    uint64_t after;
    struct id id;
    enum error error = read_format(call, &transcript.format);
    if (error == OK)
        error = query_uint(call, "after", 0, INT64_MAX, 0, &after);
    if (error == OK)
        error = path_id(call, &id);
    if (error == OK)
        error = conversation_get(call->txn, id, &conversation);
    if (error == OK)
        error = call_may_read(call, &conversation);
    if (error == OK)
        error = rate_limit(call, LIMITED_EXPORTS);
    if (error == OK)
        error = put_transcript(&transcript, after);
    if (error == OK)
        respond(&transcript);
    buffer_dispose(&call->loop->json); /* it may have grown as no other answer lets it */
    return error;
}
