/*
 * What is being written, by conversation: a reply and a note, which are two texts, so that one is never sent as the
 * other. Kept from the first letter on.
 */
import { signal, type ReadonlySignal } from '@preact/signals-core';

import type { Keep } from '../../shared/outbox.ts';
import { keyOf, read } from './keep.ts';

export type Mode = 'reply' | 'note';

export interface Draft {
    mode: Mode;
    reply: string;
    note: string;
    since: number; // the conversation's last seq when the reply was begun
    at: number; // when it was changed last
}

const EMPTY: Draft = { mode: 'reply', reply: '', note: '', since: 0, at: 0 };
const KEPT_MS = 30 * 86_400_000;

export interface Drafts {
    get(conversation: string): Draft;
    set(conversation: string, change: Partial<Draft>): void;
    has(conversation: string): boolean;
    /** The conversations that have one. */
    readonly all: ReadonlySignal<ReadonlySet<string>>;
}

export function makeDrafts(keep: Keep, org: string, agent: string): Drafts {
    const prefix = keyOf('draft', org, agent, '');
    const get = (conversation: string): Draft => read(keep, prefix + conversation, EMPTY);
    for (const key of keep.keys()) {
        if (key.startsWith(prefix) && Date.now() - read(keep, key, EMPTY).at > KEPT_MS) keep.remove(key);
    }
    const isSomething = ({ reply, note }: Draft) => !!(reply.trim() || note.trim());
    const ids = keep.keys().filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
    const all = signal<ReadonlySet<string>>(new Set(ids.filter((id) => isSomething(get(id)))));
    const note = (id: string, isOne: boolean) => {
        if (all.peek().has(id) === isOne) return;
        const next = new Set(all.peek());
        if (isOne) next.add(id);
        else next.delete(id);
        all.value = next;
    };
    return {
        get,
        all,
        set(conversation, change) {
            const next = { ...get(conversation), ...change, at: Date.now() };
            if (next.reply || next.note) keep.set(prefix + conversation, JSON.stringify(next));
            else keep.remove(prefix + conversation);
            note(conversation, isSomething(next));
        },
        has: (conversation) => all.peek().has(conversation),
    };
}
