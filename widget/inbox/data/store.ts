/*
 * What is known of the organisation's conversations. Lists, pages, answers and events come in any order and more than
 * once, from the stream, from requests and from other tabs; what is put in here only ever moves forward, so the order
 * doesn't matter. A change that is under way is shown at once, laid over what the server has said until it has answered.
 */
import type { Change, Conversation, Message, Note, ThreadPage, Visitor } from './protocol.ts';

const THREADS_MAX = 40; // whose messages are kept; others are asked for again

export type Entry = Message | Note;

export const isNote = (entry: Entry): entry is Note => !('role' in entry);

export interface Thread {
    readonly entries: readonly Entry[]; // messages and notes by seq, without a gap once it is loaded
    readonly isLoaded: boolean;
    readonly hasEarlier: boolean;
}

export type OnConversation = (id: string) => void;

export interface Store {
    /** As it is shown: with the changes that are under way. */
    conversation(id: string): Conversation | undefined;
    conversations(): IterableIterator<Conversation>;
    thread(id: string): Thread;
    visitor(id: string | null): Visitor | undefined;
    visitors(): IterableIterator<Visitor>;
    putConversation(given: Conversation): void;
    putVisitor(given: Visitor): void;
    /** False when its conversation is not known, and has to be asked for. */
    putMessage(message: Message): boolean;
    putNote(note: Note): void;
    putMarks(marks: Pick<Conversation, 'visitorReadSeq' | 'agentReadSeq'> & { conversationId: string }): void;
    putPage(page: ThreadPage, direction: 'before' | 'after'): void;
    setOnline(visitor: string, online: boolean): void;
    /** Shows a change before the server has answered; gives what takes it back. */
    overlay(id: string, change: Change): () => void;
    /** It is there no more, and doesn't come back with an answer that is on its way. */
    drop(id: string): void;
    /** Its conversations go as well, or stay and are nobody's. */
    dropVisitor(id: string, keeps?: boolean): void;
    isGone(conversation: string): boolean;
    /** Forgets all messages: something may have been missed. */
    forgetThreads(): void;
    /** Tells which conversation, or whose messages or visitor, have changed; gives what ends it. */
    onChange(listener: OnConversation): () => void;
}

const NO_THREAD: Thread = { entries: [], isLoaded: false, hasEarlier: false };

export const lastSeq = (conversation: Conversation | undefined): number => conversation?.lastMessage?.seq ?? 0;

/** Its last word is the visitor's, and nobody has read it. */
export const isUnread = ({ lastMessage, agentReadSeq }: Conversation): boolean =>
    lastMessage?.role === 'user' && lastMessage.seq > agentReadSeq;

export const endOf = ({ entries }: Thread): number => entries.at(-1)?.seq ?? 0;

/** What comes first by time is mostly at the end already. */
export function inserted(entries: readonly Entry[], given: readonly Entry[]): readonly Entry[] {
    const end = entries.at(-1)?.seq ?? 0;
    if (given.every(({ seq }, at) => seq > (given[at - 1]?.seq ?? end))) return given.length ? [...entries, ...given] : entries;
    const bySeq = new Map(entries.map((entry) => [entry.seq, entry]));
    for (const entry of given) bySeq.set(entry.seq, entry);
    return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

function changedTags(tags: readonly string[], { tags: all, addTags = [], removeTags = [] }: Change): string[] {
    const next = new Set([...(all ?? tags), ...addTags]);
    for (const tag of removeTags) next.delete(tag);
    return [...next].sort();
}

/** The conversation as it will be once the server has made the change. */
export function applied(conversation: Conversation, change: Change): Conversation {
    const { status, snoozedUntil, assigneeId, priority } = change;
    const next = { ...conversation };
    if (status) next.status = status;
    if (status || snoozedUntil) next.snoozedUntil = status && status !== 'snoozed' ? null : (snoozedUntil ?? null);
    if (snoozedUntil) next.status = 'snoozed';
    if (assigneeId !== undefined) next.assigneeId = assigneeId;
    if (priority !== undefined) next.priority = priority;
    if (change.tags || change.addTags || change.removeTags) next.tags = changedTags(conversation.tags, change);
    return next;
}

/* Three pictures in one, each with an order of its own: what was said last, how far was read, and what was made of it. */
function merged(known: Conversation, given: Conversation): Conversation {
    const work = given.seq >= known.seq ? given : known;
    const { lastMessage, updatedAt, messageCount, activitySeq } = given.activitySeq >= known.activitySeq ? given : known;
    return {
        ...work,
        lastMessage,
        updatedAt,
        messageCount,
        activitySeq,
        visitorReadSeq: Math.max(given.visitorReadSeq, known.visitorReadSeq),
        agentReadSeq: Math.max(given.agentReadSeq, known.agentReadSeq),
    };
}

const LISTED_CHARACTERS = 300;

/* A list of many thousands keeps the beginnings of what was said last; the whole of it comes with the messages. */
function slim(given: Conversation): Conversation {
    const { lastMessage } = given;
    if (!lastMessage || lastMessage.content.length <= LISTED_CHARACTERS) return given;
    return { ...given, lastMessage: { ...lastMessage, content: lastMessage.content.slice(0, LISTED_CHARACTERS) } };
}

export function makeStore(): Store {
    const said = new Map<string, Conversation>(); // as the server says
    const shown = new Map<string, Conversation>(); // where changes are under way
    const overlays = new Map<string, Change[]>();
    const threads = new Map<string, Thread>(); // the one that was looked at last is the last
    const visitors = new Map<string, Visitor>();
    const ofVisitor = new Map<string, Set<string>>(); // conversations that are known
    const gone = new Set<string>();
    const listeners = new Set<OnConversation>();

    const tell = (id: string) => listeners.forEach((listener) => listener(id));
    const show = (id: string) => {
        const conversation = said.get(id);
        const changes = overlays.get(id);
        if (conversation && changes) shown.set(id, changes.reduce(applied, conversation));
        else shown.delete(id);
        tell(id);
    };
    const say = (conversation: Conversation) => {
        const { id, visitorId } = conversation;
        said.set(id, slim(conversation));
        if (visitorId) {
            const ids = ofVisitor.get(visitorId) ?? new Set();
            ofVisitor.set(visitorId, ids.add(id));
        }
        show(id);
    };
    const setThread = (id: string, thread: Thread) => {
        threads.delete(id);
        threads.set(id, thread);
        if (threads.size > THREADS_MAX) threads.delete(threads.keys().next().value ?? '');
    };
    const insert = (entry: Entry) => {
        const id = entry.conversationId;
        const thread = threads.get(id);
        if (thread?.isLoaded) threads.set(id, { ...thread, entries: inserted(thread.entries, [entry]) });
    };
    const store: Store = {
        conversation: (id) => shown.get(id) ?? said.get(id),
        *conversations() {
            for (const [id, conversation] of said) yield shown.get(id) ?? conversation;
        },
        thread: (id) => threads.get(id) ?? NO_THREAD,
        visitor: (id) => visitors.get(id ?? ''),
        visitors: () => visitors.values(),
        putConversation(given) {
            if (gone.has(given.id) || gone.has(given.visitorId ?? '')) return;
            const known = said.get(given.id);
            say(known ? merged(known, given) : given);
        },
        putVisitor(given) {
            if (gone.has(given.id)) return;
            visitors.set(given.id, given);
            ofVisitor.get(given.id)?.forEach(tell);
        },
        putMessage(message) {
            const { conversationId: id, seq, timestamp } = message;
            const known = said.get(id);
            if (gone.has(id)) return true;
            insert(message);
            if (!known) return false;
            const isLater = seq > known.activitySeq;
            const latest = { lastMessage: message, updatedAt: timestamp, activitySeq: seq, messageCount: known.messageCount + 1 };
            if (isLater) say({ ...known, ...latest });
            else tell(id);
            return true;
        },
        putNote(note) {
            insert(note);
            tell(note.conversationId);
        },
        putMarks({ conversationId, visitorReadSeq, agentReadSeq }) {
            const known = said.get(conversationId);
            if (!known) return;
            say({
                ...known,
                visitorReadSeq: Math.max(known.visitorReadSeq, visitorReadSeq),
                agentReadSeq: Math.max(known.agentReadSeq, agentReadSeq),
            });
        },
        putPage({ messages, notes, hasMore, ...conversation }, direction) {
            const { id } = conversation;
            const { entries, hasEarlier } = store.thread(id);
            const page = [...messages, ...notes].sort((a, b) => a.seq - b.seq);
            setThread(id, {
                entries: inserted(entries, page),
                isLoaded: true,
                hasEarlier: direction === 'before' ? hasMore : hasEarlier,
            });
            store.putConversation(conversation);
        },
        setOnline(id, online) {
            const visitor = visitors.get(id);
            if (visitor && visitor.online !== online) store.putVisitor({ ...visitor, online });
        },
        overlay(id, change) {
            overlays.set(id, [...(overlays.get(id) ?? []), change]);
            show(id);
            return () => {
                const rest = overlays.get(id)?.filter((each) => each !== change) ?? [];
                if (rest.length) overlays.set(id, rest);
                else overlays.delete(id);
                show(id);
            };
        },
        drop(id) {
            gone.add(id);
            ofVisitor.get(said.get(id)?.visitorId ?? '')?.delete(id);
            for (const map of [said, shown, overlays, threads]) map.delete(id);
            tell(id);
        },
        isGone: (id) => gone.has(id),
        dropVisitor(id, keeps = false) {
            gone.add(id);
            visitors.delete(id);
            const conversations = [...(ofVisitor.get(id) ?? [])];
            ofVisitor.delete(id);
            for (const each of conversations) {
                const known = said.get(each);
                if (!keeps) store.drop(each);
                else if (known) say({ ...known, visitorId: null });
            }
        },
        forgetThreads() {
            const ids = [...threads.keys()];
            threads.clear();
            ids.forEach(tell);
        },
        onChange(listener) {
            listeners.add(listener);
            return () => listeners.delete(listener);
        },
    };
    return store;
}
