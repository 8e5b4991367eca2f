/*
 * Texts that the server has not answered yet. Each is kept under a key of its own, so tabs that write at once don't
 * undo each other; the leading tab sends them, one after the other, until there is an answer. The server takes a
 * clientId and an Idempotency-Key once, however often they come: so trying again is always right, also by two tabs, and
 * after a reload. How one is sent is its owner's affair.
 */
import type { Failure } from './http.ts';
import { backOff, makeWait } from './wait.ts';

const ITEMS_MAX = 100;
const CHARACTERS_MAX = 131_072; // two bytes each

/** As it is kept, and told to other tabs. */
export interface Item {
    id: string; // the clientId
    text: string;
    at: number;
    why: string | null; // failed, with the server's sentence
}

/** Too many texts wait to be sent (100, or 256 KB); or this one is longer than the server takes. */
export type Refusal = 'outbox_full' | 'too_long';

/** Texts by key, for what has to outlive a reload. Never throws. */
export interface Keep {
    get(key: string): string | null;
    set(key: string, value: string): void;
    remove(key: string): void;
    keys(): string[]; // all of ours
}

export interface OutboxEvents<T extends Item> {
    _onItem(item: T): void; // it is new, or has changed
    /** Resolves once it has been answered and dropped; rejects with a Failure. */
    _deliver(item: T): Promise<void>;
    /** It was refused, and would be again: to be put with the reason, or dropped. */
    _refused(item: T, failure: Failure): void;
}

export interface Outbox<T extends Item> {
    _items(): readonly T[]; // oldest first
    /** Null when it was taken. */
    _add(item: T, bytesMax: number): Refusal | null;
    _put(item: T): void;
    /** As another tab tells it. */
    _take(item: T): void;
    _drop(id: string): void;
    _retry(id: string): void;
    /** Reads what is kept, and sends from now on. */
    _start(): void;
    /** Sends no more; resolves when nothing is under way. */
    _stop(): Promise<void>;
    _wake(): void;
}

/* What will be refused again the next time. */
const isFinal = (status?: number) => /^4(?!01|08|09|29)/.test(`${status}`);

export function makeOutbox<T extends Item>(keep: Keep, prefix: string, events: OutboxEvents<T>): Outbox<T> {
    const items = new Map<string, T>();
    const { _sleep: sleep, _wake: wake } = makeWait();
    let sending: object | null = null; // each start is another one
    let flushing = Promise.resolve();

    const sorted = () => [...items.values()].sort((a, b) => a.at - b.at);
    const put = (item: T) => {
        items.set(item.id, item);
        keep.set(prefix + item.id, JSON.stringify(item));
        events._onItem(item);
    };
    const drop = (id: string) => {
        items.delete(id);
        keep.remove(prefix + id);
    };
    const read = () => {
        for (const key of keep.keys()) {
            if (!key.startsWith(prefix)) continue;
            try {
                const item: T = JSON.parse(keep.get(key) ?? '');
                items.set(item.id, items.get(item.id) ?? item);
            } catch {
                keep.remove(key);
            }
        }
    };
    const flush = async () => {
        const own = sending;
        for (let failures = 0; own && own === sending; ) {
            const next = sorted().find((item) => !item.why);
            if (!next) return;
            try {
                await events._deliver(next);
                failures = 0;
            } catch (error) {
                const failure = error as Failure;
                if (isFinal(failure.status)) events._refused(items.get(next.id) ?? next, failure);
                else if (own === sending) await sleep(Math.max(backOff(failures++), failure.waitMs || 0));
            }
        }
    };
    const send = () => {
        flushing = flushing.then(flush);
    };

    read();
    return {
        _items: sorted,
        _add(item, bytesMax) {
            const all = sorted();
            const characters = all.reduce((sum, { text }) => sum + text.length, item.text.length);
            if (new Blob([item.text]).size > bytesMax) return 'too_long';
            if (all.length >= ITEMS_MAX || characters > CHARACTERS_MAX) return 'outbox_full';
            put({ ...item, at: Math.max(Date.now(), (all.at(-1)?.at ?? 0) + 1) });
            send();
            return null;
        },
        _put: put,
        _take(item) {
            items.set(item.id, item);
            send();
        },
        _drop: drop,
        _retry(id) {
            const item = items.get(id);
            if (item) put({ ...item, why: null });
            wake();
            send();
        },
        _start() {
            sending = {};
            read();
            send();
        },
        _stop() {
            sending = null;
            wake();
            return flushing;
        },
        _wake: wake,
    };
}
