/*
 * What is known of the visitor's conversations. Lists, pages and events come in any order and more than once; what is put in here only
 * ever moves forward, so the order doesn't matter.
 */
import type { Conversation, Message } from '../shared/protocol.ts';

export interface Thread {
    messages: readonly Message[]; // by seq, without a gap once it is loaded
    isLoaded: boolean;
    hasEarlier: boolean;
}

export interface Store {
    /** Newest activity first; without those that nobody has written in. */
    conversations(): Conversation[];
    conversation(id: string | null): Conversation | undefined;
    thread(id: string): Thread;
    setThread(id: string, change: Partial<Thread>): void;
    putConversation(conversation: Conversation): void;
    putMessage(message: Message): void;
    /** From now on an answer is news. */
    setSynced(): void;
    isSynced(): boolean;
    drop(id: string): void;
    clear(): void;
    unread(): number;
}

const seqOf = (message: Message | null | undefined) => message?.seq ?? 0;

function inserted(messages: readonly Message[], message: Message): readonly Message[] {
    let at = messages.length;
    while (at > 0 && seqOf(messages[at - 1]) > message.seq) --at;
    return messages[at - 1]?.seq === message.seq ? messages : [...messages.slice(0, at), message, ...messages.slice(at)];
}

function firstOf(message: Message): Conversation {
    const { conversationId: id, timestamp } = message;
    const marks = { messageCount: 0, lastMessage: null, visitorReadSeq: 0, agentReadSeq: 0, unreadCount: 0 };
    return { id, visitorId: null, createdAt: timestamp, updatedAt: timestamp, ...marks };
}

export function makeStore(onNews: (message: Message) => void, onChange: () => void): Store {
    const talks = new Map<string, Conversation>();
    const threads = new Map<string, Thread>();
    let isSynced = false;

    const thread = (id: string): Thread => threads.get(id) ?? { messages: [], isLoaded: false, hasEarlier: false };
    const setThread = (id: string, change: Partial<Thread>) => {
        threads.set(id, { ...thread(id), ...change });
        onChange();
    };
    const hear = (message: Message | null, known: number) => {
        if (message && isSynced && message.role === 'assistant' && message.seq > known) onNews(message);
    };
    return {
        conversations: () =>
            [...talks.values()]
                .filter((talk) => talk.lastMessage)
                .sort((a, b) => seqOf(b.lastMessage) - seqOf(a.lastMessage)),
        conversation: (id) => talks.get(id ?? ''),
        thread,
        setThread,
        putConversation(given) {
            const known = talks.get(given.id);
            const last = seqOf(known?.lastMessage);
            const isOlder = seqOf(given.lastMessage) < last || given.visitorReadSeq < (known?.visitorReadSeq ?? 0);
            const newer = isOlder && known ? known : given;
            const visitorReadSeq = Math.max(given.visitorReadSeq, known?.visitorReadSeq ?? 0);
            const hasReadAll = visitorReadSeq >= seqOf(newer.lastMessage);
            talks.set(given.id, {
                ...newer,
                visitorReadSeq,
                agentReadSeq: Math.max(given.agentReadSeq, known?.agentReadSeq ?? 0),
                unreadCount: hasReadAll ? 0 : (newer.unreadCount ?? known?.unreadCount ?? 0),
            });
            onChange();
            hear(given.lastMessage, last);
        },
        putMessage(message) {
            const id = message.conversationId;
            const known = talks.get(id) ?? firstOf(message);
            const last = seqOf(known.lastMessage);
            if (message.seq > last) {
                const isUnread = message.role === 'assistant' && message.seq > known.visitorReadSeq;
                const unreadCount = (known.unreadCount ?? 0) + (isUnread ? 1 : 0);
                talks.set(id, { ...known, lastMessage: message, updatedAt: message.timestamp, unreadCount });
            }
            setThread(id, { messages: inserted(thread(id).messages, message) });
            hear(message, last);
        },
        setSynced() {
            isSynced = true;
        },
        isSynced: () => isSynced,
        drop(id) {
            talks.delete(id);
            threads.delete(id);
            onChange();
        },
        clear() {
            talks.clear();
            threads.clear();
            isSynced = false;
            onChange();
        },
        unread: () => [...talks.values()].reduce((sum, talk) => sum + (talk.unreadCount ?? 0), 0),
    };
}
