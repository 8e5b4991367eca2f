/*
 * Thousands of random commands with the index kept up in between, by steps of every size: whatever is asked is what a
 * look at every message finds; all invariants hold at every stop; and a second store that got the same commands in
 * batches of its own holds the same bytes.
 *
 * HELVINO_SEED repeats a run; the seed is printed when something fails.
 */
#include "dice.h"
#include "searching.h"

#include "log/apply.h"

#define COMMANDS 6000
#define CONVERSATIONS 40
#define VISITORS 12
#define TOGETHER_MAX 40

/* ---- texts
 * --------------------------------------------------------------------------------------------------------------- */

static const char *const vocabulary[] = {
    "the",     "order",   "is",     "İstanbul", "größe",
    "été",     "سلام",    "日本語", "東京都",   "👍",
    "refund",  "refunds", "ref",    "blue",     "e-mail",
    "o'neill", "zq1",     "zq12",   "zq123",    "zz",
    "café",    "naïve",   "42",     "4242",     "anna@example.org",
    "x",       "xy",      "xyz",    "привет",   "1",
    "the-end", "AB-1234",
};

static char *text_of(unsigned words)
{
    static char texts[64][6000];
    static unsigned turn;
    char *text = texts[turn++ % 64], *to = text;
    for (unsigned i = 0; i < words; ++i) {
        unsigned a = below(sizeof(vocabulary) / sizeof(*vocabulary)),
                 b = below(sizeof(vocabulary) / sizeof(*vocabulary));
        to += below(9) == 0 ? sprintf(to, "w%u ", below(4000)) : sprintf(to, "%s ", vocabulary[a < b ? a : b]);
    }
    if (words == 0)
        strcpy(text, "...");
    return text;
}

/* ---- commands
 * ------------------------------------------------------------------------------------------------------------ */

static struct world *w;
static struct id conversations[CONVERSATIONS];
static const char *keys[VISITORS];
static char emails[64][64];

static struct command random_conversation(unsigned at)
{
    struct command command = conversation_create(w, at % 5 == 0 ? w->other_org : w->org, keys[below(VISITORS)]);
    conversations[at] = command.conversation_create.conversation;
    return command;
}

static struct command random_message(void)
{
    unsigned at = below(CONVERSATIONS);
    struct command command = message_create(w, at % 5 == 0 ? w->other_org : w->org, conversations[at], NULL,
                                            text_of(below(60) == 0 ? below(300) : below(12)));
    command.message_create.by_org = true;
    return command;
}

static struct command random_see(void)
{
    static unsigned turn;
    char *email = emails[turn++ % 64];
    snprintf(email, sizeof(emails[0]), "%s%u@example.org", below(2) ? "anna." : "zq", below(20));
    return visitor_see(w, w->org, keys[below(VISITORS)], below(4) == 0 ? "" : email);
}

static struct command random_command(void)
{
    unsigned dice = below(1000);
    w->now_ms += below(50000);
    if (dice < 560)
        return random_message();
    if (dice < 610)
        return random_conversation(below(CONVERSATIONS));
    if (dice < 630)
        return visitor_erase(w, below(5) ? w->org : w->other_org, keys[below(VISITORS)]);
    if (dice < 660)
        return random_see();
    if (dice < 700)
        return sweep(w, 1 + below(100), BYTES_NONE, BYTES_NONE, BYTES_NONE);
    if (dice < 701)
        return search_rebuild(w);
    if (dice < 800)
        return search_build(1 + below(300));
    return search_index(below(6) ? w->org : w->other_org, 1 + below(below(4) ? 6 : 100));
}

/* ---- looking
 * ------------------------------------------------------------------------------------------------------------- */

struct naive {
    uint64_t seqs[HITS_MAX];
    size_t count;
};

static int newest_first(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
    return one > other ? -1 : one < other;
}

/* Every message of the organisation that answers the question. */
static struct naive *look_at_all(struct id org, const struct question *question)
{
    static struct naive naive;
    struct match match = {.count = 0};
    struct bytes key, value;
    naive.count = 0;
    struct cursor *cursor = cursor_open(look(w), TABLE_MESSAGES);
    for (enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value); error == OK;
         error = cursor_next(cursor, &key, &value)) {
        struct message message;
        if (((unsigned char)key.data[ID_LEN] & 0x80) != 0)
            continue;
        assert_int_equal(message_decode(key, value, &message), OK);
        if (id_equal(message.org, org) && match_text(&match, question, message.content))
            naive.seqs[naive.count++] = message.seq;
    }
    cursor_close(cursor);
    look_away(w);
    match_dispose(&match);
    qsort(naive.seqs, naive.count, sizeof(naive.seqs[0]), newest_first);
    return &naive;
}

static const char *random_question(void)
{
    static char text[500];
    char *to = text;
    for (unsigned words = 1 + below(3); words > 0; --words) {
        const char *word = vocabulary[below(sizeof(vocabulary) / sizeof(*vocabulary))];
        if (below(6) == 0)
            to += sprintf(to, "\"%s %s\" ", word, vocabulary[below(4)]);
        else if (below(8) == 0)
            to += sprintf(to, "w%u ", below(4000));
        else
            to += sprintf(to, "%s ", word);
    }
    if (below(2) == 0 && to[-2] != '"')
        to[-1] = '\0';
    if (below(3) == 0 && text[0] != '"' && strlen(text) > 2 && (text[2] & 0xc0) != 0x80 && (text[1] & 0xc0) != 0x80)
        text[1 + below(2)] = '\0';
    return text;
}

static void ask(struct id org)
{
    struct question question;
    const char *text = random_question();
    if (!question_read(bytes_of_string(text), &question) || question.count == 0)
        return;
    struct hits *hits = find_pages(w, org, text, 1 + below(30));
    struct naive *naive = look_at_all(org, &question);
    bool is_complete = state_of(w).phase == SEARCH_READY;
    assert_true(hits->is_complete == is_complete);
    if (is_complete && hits->count != naive->count)
        fail_msg("\"%s\" has %zu hits, not %zu", text, hits->count, naive->count);
    for (size_t i = 0, at = 0; i < hits->count; ++i, ++at) {
        while (at < naive->count && naive->seqs[at] > hits->seqs[i])
            ++at;
        assert_true(at < naive->count && naive->seqs[at] == hits->seqs[i]);
    }
}

/* ---- visitors
 * -------------------------------------------------------------------------------------------------------------- */

static bool count_visitor(void *context, const struct visitor *visitor)
{
    (void)visitor;
    ++*(size_t *)context;
    return true;
}

static void ask_for_visitors(void)
{
    static const char *const texts[] = {"anna", "zq1", "zq1 ", "example", "anna.1", "org", "zq", "anna.1@example.org"};
    const char *text = texts[below(8)];
    struct question question;
    struct visitors_found found;
    struct match match = {.count = 0};
    size_t count = 0, expected = 0;
    assert_true(question_read(bytes_of_string(text), &question));
    struct txn *txn = look(w);
    assert_int_equal(
        find_visitors(txn, w->org, bytes_of_string(text), &question, ID_NONE, count_visitor, &count, &found), OK);
    for (unsigned i = 0; i < VISITORS; ++i) {
        struct id id;
        struct visitor visitor;
        if (visitor_id_by_key(txn, w->org, bytes_of_string(keys[i]), &id) == OK && visitor_get(txn, id, &visitor) == OK)
            expected += match_text(&match, &question, visitor.email);
    }
    look_away(w);
    match_dispose(&match);
    if (state_of(w).phase > SEARCH_VISITORS)
        assert_int_equal(count, expected);
    assert_true(count <= expected);
}

/* ---- all
 * ---------------------------------------------------------------------------------------------------------------------
 */

static void apply(struct store *store, struct log_entry **entries, unsigned count)
{
    struct log_figures figures = {0};
    struct batch_span span;
    for (unsigned i = 0; i < count; ++i)
        entries[i]->next = i + 1 < count ? entries[i + 1] : NULL;
    assert_int_equal(batch_apply(store, entries[0], &figures, &span), BATCH_DONE);
    for (unsigned i = 0; i < count; ++i)
        assert_true(entries[i]->error == OK || entries[i]->error == ERR_NOT_FOUND);
}

static struct log_entry *entry_of(struct command command, struct log_entry **copy)
{
    static struct buffer scratch;
    *copy = log_entry_new(&command, &scratch, 0);
    return log_entry_new(&command, &scratch, 0);
}

/* Batches of random sizes; what was given is applied to a second store in other ones. */
static void give_all(struct log_entry **again)
{
    struct log_entry *entries[TOGETHER_MAX];
    for (unsigned given = 0; given < COMMANDS;) {
        unsigned count = 0, wanted = 1 + below(TOGETHER_MAX);
        for (; count < wanted && given < COMMANDS; ++count, ++given) {
            entries[count] =
                entry_of(given < CONVERSATIONS ? random_conversation(given) : random_command(), &again[given]);
        }
        apply(w->store, entries, count);
        for (unsigned i = 0; i < count; ++i)
            log_entry_free(entries[i]);
        for (unsigned i = 0; i < 4; ++i)
            ask(below(4) ? w->org : w->other_org);
        ask_for_visitors();
        if (below(6) == 0)
            assert_sound(w);
    }
    assert_sound(w);
}

static void copy_orgs(struct store *store)
{
    struct txn *from = look(w), *to = begin_write(store);
    for (int table = 0; table < TABLE_COUNT; ++table) {
        struct bytes key, value;
        struct cursor *cursor = cursor_open(from, (enum table)table);
        for (enum error error = cursor_seek(cursor, BYTES_NONE, &key, &value); error == OK;
             error = cursor_next(cursor, &key, &value))
            assert_int_equal(table_put(to, (enum table)table, key, value), OK);
        cursor_close(cursor);
    }
    look_away(w);
    commit_write(to);
}

static void test_whatever_is_asked_is_what_a_look_at_every_message_finds(void **state)
{
    static struct log_entry *again[COMMANDS];
    w = *state;
    for (unsigned i = 0; i < VISITORS; ++i) {
        static char texts[VISITORS][16];
        snprintf(texts[i], sizeof(texts[0]), "v_%u", i);
        keys[i] = texts[i];
    }
    struct directory directory = directory_make();
    struct store *second = open_store(&directory);
    copy_orgs(second);
    give_all(again);
    for (unsigned done = 0; done < COMMANDS;) {
        unsigned count = 1 + below(TOGETHER_MAX);
        count = count > COMMANDS - done ? COMMANDS - done : count;
        apply(second, again + done, count);
        done += count;
    }
    for (unsigned i = 0; i < COMMANDS; ++i)
        log_entry_free(again[i]);
    struct buffer first = dump_store(w->store), other = dump_store(second);
    assert_dumps_equal(&first, &other);
    buffer_dispose(&first);
    buffer_dispose(&other);
    store_close(second);
    directory_remove(&directory);
}

int main(void)
{
    dice_begin();
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_whatever_is_asked_is_what_a_look_at_every_message_finds),
    };
    return dice_end(cmocka_run_group_tests(tests, NULL, NULL));
}
