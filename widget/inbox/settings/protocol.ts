/* What the server says to whoever administers (the schemas of /openapi.json). */
import type { Agent, AgentRole } from '../data/protocol.ts';

export interface Organization {
    id: string;
    key: string;
    name: string;
    allowedOrigins: string[];
    widget: WidgetLook;
    countVisits: boolean;
    businessHours: string | null;
    retention: Retention;
    addresses: 'none' | 'truncated' | 'full';
    writeEnabled: boolean;
    widgetEnabled: boolean;
    blockedAnswer: 'silence' | 'refuse';
    createdAt: string;
    updatedAt: string;
}

/** Null: what the widget does by itself. */
export interface WidgetLook {
    title: string | null;
    subtitle: string | null;
    color: string | null;
    position: string | null;
    language: string | null;
}

export const RETAINED = ['visitors', 'messages', 'empty', 'audit', 'erasures'] as const;
export type Retained = (typeof RETAINED)[number];

export interface Removed {
    visitors: number;
    conversations: number;
    messages: number;
    redacted: number;
    others: number;
}

/** GET /retention/preview */
export interface WouldGo extends Removed {
    complete: boolean;
}

/** Days; 0 is for ever. */
export interface Retention extends Record<Retained, number> {
    redactMessages: boolean;
    lastRun: { beganAt: string; endedAt: string | null; removed: Removed; removedInAll: Removed } | null;
}

export interface Member extends Agent {
    secondFactor?: boolean;
    lastLoginAt?: string | null;
    createdAt: string;
}

export const ROLES: readonly AgentRole[] = ['agent', 'admin', 'owner'];

export const SCOPES = ['read', 'write', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

export interface Token {
    id: string;
    name: string;
    scope: Scope;
    createdAt: string;
    expiresAt: string | null;
    lastUsedAt: string | null;
}

export const HOOK_EVENTS = [
    'conversation.created',
    'conversation.status',
    'message.created',
    'visitor.created',
    'visitor.identified',
    'visitor.erased',
] as const;
export type HookEvent = (typeof HOOK_EVENTS)[number];

export interface Webhook {
    id: string;
    url: string;
    events: HookEvent[];
    description: string | null;
    enabled: boolean;
    disabledBecause: string | null;
    createdAt: string;
    waiting: number;
    parked: number;
    lost: number;
    secret?: string;
}

export interface Delivery {
    id: string;
    event: string;
    conversationId: string | null;
    createdAt: string;
    tries: number;
    lastTryAt: string | null;
    nextTryAt: string | null;
    lastStatus: number | null;
    lastFailure: string | null;
}

export interface Deliveries {
    waitingCount: number;
    parkedCount: number;
    lostCount: number;
    waiting: Delivery[];
    parked: Delivery[];
    delivered: Delivery[];
}

export interface PingResult {
    delivered: boolean;
    status: number | null;
    failure: string | null;
    reason: string | null;
    milliseconds: number;
}

export interface AuditEntry {
    seq: number;
    at: string;
    action: string;
    actorId: string | null;
    actorName: string | null;
    address: string | null;
    subjectId: string | null;
    subjectName: string | null;
    detail: string | null;
}

export type Severity = 'high' | 'medium' | 'low';

/** GET /security: each thing that was looked at, and whether it is as it should be. */
export interface Check {
    id: string;
    ok: boolean;
    severity: Severity;
    count: number;
    names: string[];
}

export interface Security {
    version: string;
    checkedAt: string;
    checks: Check[];
}
