/*
 * What is known of the visitor's conversations. Lists, pages and events come in any order and more than once; what is
 * put in here only ever moves forward, so the order doesn't matter.
 */
import type { Conversation, Message } from '../shared/protocol.ts';

export interface Talk extends Conversation {
    unreadCount: number;
    _messages: readonly Message[]; // by seq, without a gap once it is loaded
    _isLoaded: boolean;
    _hasEarlier: boolean;
}

export interface Store {
    /** Newest activity first; without those that nobody has written in. */
    _talks(): Talk[];
    _talk(id: string | null): Talk | undefined;
    _putConversation(conversation: Conversation): void;
    _putMessage(message: Message): void;
    _change(id: string, change: Partial<Talk>): void;
    _drop(id: string): void;
    _clear(): void;
    /** From now on an answer is news. */
    _setSynced(): void;
    _isSynced(): boolean;
}

export const lastSeq = (talk: Conversation | undefined): number => talk?.lastMessage?.seq ?? 0;

function inserted(messages: readonly Message[], message: Message): readonly Message[] {
    const before = messages.filter(({ seq }) => seq < message.seq);
    return [...before, message, ...messages.filter(({ seq }) => seq > message.seq)];
}

/* What is missing here comes with the first message. */
const blank = (id: string) => {
    const messages: readonly Message[] = [];
    return { id, visitorReadSeq: 0, agentReadSeq: 0, unreadCount: 0, _messages: messages } as Talk;
};

export function makeStore(onNews: (message: Message) => void, onChange: () => void): Store {
    const talks = new Map<string, Talk>();
    let isSynced = false;

    const change = (id: string, next: Partial<Talk>) => {
        const known = talks.get(id) ?? blank(id);
        const talk = { ...known, ...next };
        const message = talk.lastMessage;
        talks.set(id, talk);
        if (isSynced && message?.role === 'assistant' && lastSeq(talk) > lastSeq(known)) onNews(message);
        onChange();
    };
    return {
        _talks: () => [...talks.values()].filter(lastSeq).sort((a, b) => lastSeq(b) - lastSeq(a)),
        _talk: (id) => talks.get(id ?? ''),
        _putConversation(given) {
            const known = talks.get(given.id) ?? blank(given.id);
            const isOlder = lastSeq(given) < lastSeq(known) || given.visitorReadSeq < known.visitorReadSeq;
            const newer = isOlder ? known : given;
            const visitorReadSeq = Math.max(given.visitorReadSeq, known.visitorReadSeq);
            change(given.id, {
                ...newer,
                visitorReadSeq,
                agentReadSeq: Math.max(given.agentReadSeq, known.agentReadSeq),
                unreadCount: visitorReadSeq < lastSeq(newer) ? (newer.unreadCount ?? known.unreadCount) : 0,
            });
        },
        _putMessage(message) {
            const { conversationId: id, seq, role } = message;
            const known = talks.get(id) ?? blank(id);
            const isAnswer = role === 'assistant';
            const isUnread = isAnswer && seq > known.visitorReadSeq;
            const latest = seq > lastSeq(known) && {
                lastMessage: message,
                updatedAt: message.timestamp,
                unreadCount: known.unreadCount + (isUnread ? 1 : 0),
            };
            const agentReadSeq = Math.max(known.agentReadSeq, isAnswer ? seq : 0); // who answers has read what was said
            change(id, { ...latest, agentReadSeq, _messages: inserted(known._messages, message) });
        },
        _change: change,
        _drop(id) {
            talks.delete(id);
            onChange();
        },
        _clear() {
            talks.clear();
            isSynced = false;
            onChange();
        },
        _setSynced() {
            isSynced = true;
        },
        _isSynced: () => isSynced,
    };
}
