/* What the server says, as it says it: the JSON of its answers and of its stream's events. The inbox shares this. */

export type Role = 'user' | 'assistant';

export interface Message {
    id: string;
    conversationId: string;
    role: Role;
    content: string;
    timestamp: string; // ISO 8601, UTC
    seq: number;
    clientId?: string; // when its sender gave it one
}

export interface Conversation {
    id: string;
    visitorId: string | null;
    createdAt: string;
    updatedAt: string;
    messageCount: number;
    lastMessage: Message | null;
    visitorReadSeq: number; // up to which message its visitor has read; 0: none yet
    agentReadSeq: number; // and whoever answers
    unreadCount?: number; // in a visitor's own list: answers that it has not read, counted up to 100
}

export interface ConversationList {
    conversations: Conversation[];
    next: string | null; // pass it as ?before=
}

/**
 * GET /conversations/:id?after=&limit= (what came after), or ?before=&limit= (the last ones before), always in order.
 */
export interface ConversationWithMessages extends Conversation {
    messages: Message[];
    hasMore: boolean; // in the direction that was asked for
}

/** POST and GET /visitors/me */
export interface Self {
    id: string;
    firstSeenAt: string;
    lastSeenAt: string;
    email: string | null;
    conversationCount: number;
    unreadCount: number; // over all conversations, counted up to 100
}

/** DELETE /visitors/me */
export interface Receipt {
    receipt: string; // an id to quote
    erasedAt: string;
    visitors: number;
    conversations: number;
    messages: number;
}

/** GET /visitors/me/export?after=: one page of it; almost always the only one. */
export interface ExportPage {
    exportedAt: string;
    organization: { id: string; key: string; name: string };
    visitor: Record<string, unknown>;
    conversations: (Record<string, unknown> & { id: string; messages: Message[] })[];
    next: string | null; // pass it as ?after=; a conversation that was cut goes on under the same id
}

export interface Bootloader {
    ok: true;
    org: { id: string; key: string; name: string };
    config: {
        title: string;
        subtitle: string;
        color: string; // #RRGGBB
        position: 'left' | 'right';
        language: string; // auto, en, tr, de, fr, es, ar
        enabled: boolean; // whether the widget appears
        countVisits: boolean; // whether loading a page makes the visitor known, and seen while it is there
        visitorCookie: boolean; // whether /visitors/me/cookie is there
    };
    online: boolean; // somebody is there to answer
    opensAt: string | null; // when business hours begin again; null: within them, or nobody knows
    // Null: x-visitor-id is unknown, or none was sent.
    visitor: { conversationCount: number; unreadCount: number } | null;
    timestamp: string;
}

export interface ApiError {
    error: string;
    code: string;
}

/* GET /stream: `id:` is the sequence number of message, conversation, reset and of the first presence event. */
export interface StreamEvents {
    message: Message;
    conversation: Conversation; // a new one, or its read marks have moved
    typing: { conversationId: string; role: Role; typing: boolean };
    // To visitors: role assistant. Always sent once at the beginning.
    presence: { role: Role; online: boolean; opensAt: string | null; visitorId?: string };
    reset: { seq: number }; // too much was missed: ask for the lists again, and go on from here
}
