/* What the server says to the organisation's side, beyond what visitors hear too (shared/protocol.ts). */
import type * as shared from '../../shared/protocol.ts';

export const STATUSES = ['open', 'pending', 'snoozed', 'resolved'] as const;
export type Status = (typeof STATUSES)[number];

export const PRIORITIES = ['urgent', 'high', 'medium', 'low'] as const;
export type Priority = (typeof PRIORITIES)[number];

export type AgentRole = 'agent' | 'admin' | 'owner';

export interface Message extends shared.Message {
    agentId?: string | null; // of an answer: who gave it; null: a token
}

export interface Note {
    id: string;
    conversationId: string;
    agentId: string | null;
    content: string;
    mentions: string[]; // agents
    timestamp: string;
    seq: number; // of one sequence with the messages'
    clientId?: string;
}

export interface Conversation extends shared.Conversation {
    lastMessage: Message | null;
    seq: number; // of its last change, whatever it was: the larger one is the newer picture
    activitySeq: number; // what lists are ordered by
    status: Status;
    snoozedUntil: string | null;
    resolvedAt: string | null;
    assigneeId: string | null;
    priority: Priority | null;
    tags: string[];
}

export interface Visitor {
    id: string;
    visitorKey: string;
    firstSeenAt: string;
    lastSeenAt: string;
    userAgent: string | null;
    email: string | null;
    conversationCount: number;
    online: boolean;
    onlineSince: string | null;
    page: string | null; // as its browser says; not a fact
    blocked: boolean;
    blockedAt: string | null;
}

/** GET /conversations?include=visitors */
export interface ConversationPage {
    conversations: Conversation[];
    visitors?: Visitor[];
    next: string | null;
}

/** GET /conversations/:id */
export interface ThreadPage extends Conversation {
    messages: Message[];
    notes: Note[];
    hasMore: boolean;
}

export interface Counts {
    open: number;
    unassigned: number;
    mine: number;
    pending: number;
    snoozed: number;
    max: number;
}

/** PATCH /conversations/:id */
export interface Change {
    status?: Status;
    snoozedUntil?: string | null;
    assigneeId?: string | null;
    ifAssigneeId?: string | null;
    priority?: Priority | null;
    tags?: string[];
    addTags?: string[];
    removeTags?: string[];
}

export interface BulkResult {
    id: string;
    ok: boolean;
    error?: string;
    code?: string;
}

export interface Agent {
    id: string;
    name: string;
    role: AgentRole;
    email: string;
    disabled: boolean;
    invited: boolean;
    online: boolean;
}

export interface Reply {
    id: string;
    shortcut: string;
    text: string;
    createdAt: string;
    updatedAt: string;
}

export interface Organization {
    id: string;
    key: string;
    name: string;
    role: AgentRole;
}

/** GET and POST /session */
export interface Session {
    agent: { id: string; email: string; name: string; secondFactor: boolean; recoveryCodesLeft: number };
    organizations: Organization[];
    csrfToken: string;
    seq: number; // everything up to here is in what is asked for from now on
}

/** GET /sessions */
export interface OpenSession {
    id: string;
    current: boolean;
    createdAt: string;
    lastUsedAt: string;
    userAgent: string | null;
    address: string | null;
}

/** GET /search */
export interface Found {
    messages: Hit[];
    visitors: Visitor[];
    next: string | null;
    complete: boolean; // false: the index is being built, or is behind
}

export interface Hit {
    message: Message;
    conversationId: string;
    visitorId: string | null;
    snippet: { text: string; start: number; matches: { start: number; length: number }[] };
}

/** DELETE /visitors/:id, and with ?preview=1 what it would be. */
export interface Erasure {
    receipt?: string;
    erasedAt?: string;
    visitors: number;
    conversations: number;
    messages: number;
    anonymizedConversations?: number;
    complete?: boolean;
}

export interface StreamEvents {
    message: Message;
    note: Note;
    conversation: Conversation;
    typing: { conversationId: string; role: shared.Role; agentId?: string; typing: boolean };
    presence: { role: shared.Role; online: boolean; visitorId?: string; agentId?: string };
    erased: { visitorId: string; conversations: 'deleted' | 'anonymized' };
    reset: { seq: number };
}
