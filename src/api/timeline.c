/* Two walks side by side; the one whose entry has the smaller number (backwards: the larger) goes on. */
#include "api/timeline.h"

static enum error settle(const struct timeline *timeline, struct timeline_source *source, enum error error)
{
    size_t offset = ID_LEN;
    bool is_there = error == OK && message_key_is_of(source->key, timeline->conversation);
    source->seq = is_there ? key_get_u64(source->key, &offset) : 0;
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum error open_source(struct timeline *timeline, struct timeline_source *source, struct txn *txn,
                              uint64_t bound)
{
    struct key from;
    source->cursor = cursor_open(txn, source->table);
    message_key(&from, timeline->conversation, timeline->is_backwards ? bound : bound + 1);
    return settle(timeline, source,
                  (timeline->is_backwards ? cursor_seek_before : cursor_seek)(source->cursor, key_view(&from),
                                                                              &source->key, &source->value));
}

enum error timeline_open(struct timeline *timeline, struct txn *txn, struct id conversation, uint64_t bound,
                         bool is_backwards, bool with_notes)
{
    *timeline = (struct timeline){
        .conversation = conversation,
        .is_backwards = is_backwards,
        .messages = {.table = TABLE_MESSAGES},
        .notes = {.table = TABLE_NOTES},
    };
    enum error error = open_source(timeline, &timeline->messages, txn, bound);
    return error == OK && with_notes ? open_source(timeline, &timeline->notes, txn, bound) : error;
}

static void close_source(struct timeline_source *source)
{
    if (source->cursor != NULL)
        cursor_close(source->cursor);
}

void timeline_close(struct timeline *timeline)
{
    close_source(&timeline->messages);
    close_source(&timeline->notes);
}

struct timeline_source *timeline_next(struct timeline *timeline)
{
    struct timeline_source *messages = &timeline->messages, *notes = &timeline->notes;
    if (messages->seq == 0 || notes->seq == 0)
        return messages->seq != 0 ? messages : notes->seq != 0 ? notes : NULL;
    return (messages->seq < notes->seq) != timeline->is_backwards ? messages : notes;
}

enum error timeline_step(const struct timeline *timeline, struct timeline_source *source)
{
    return settle(
        timeline, source,
        (timeline->is_backwards ? cursor_previous : cursor_next)(source->cursor, &source->key, &source->value));
}
