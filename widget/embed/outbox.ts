/*
 * Messages that the server has not answered yet. Each is kept under a key of its own, so tabs that write at once don't
 * undo each other; the leading tab sends them, one after the other, until there is an answer. The server takes a
 * clientId and an Idempotency-Key once, however often they come: so trying again is always right, also by two tabs, and
 * after a reload.
 */
import type { Ask, Failure } from '../shared/http.ts';
import type { Message } from '../shared/protocol.ts';
import type { Host, Refusal } from './contract.ts';
import { backOff, makeWait } from './wait.ts';

const ITEMS_MAX = 100;
const CHARACTERS_MAX = 131_072; // two bytes each
const MESSAGE_BYTES_MAX = 32_768; // what the server takes

/** As it is kept, and told to other tabs. */
export interface Item {
    id: string; // the clientId
    to: string | null; // the conversation; null: one that is yet to begin
    start: string; // which new one: its Idempotency-Key; empty for a message to one that was there
    text: string;
    at: number;
    why: string | null; // failed, with the server's sentence
}

export interface OutboxEvents {
    _onItem(item: Item): void; // it is new, or has changed
    _onSent(message: Message): void;
    _onMissing(conversation: string): void; // it is there no more
}

export interface Outbox {
    _items(): readonly Item[]; // oldest first
    _add(text: string, to: string | null, start: string): Refusal | null;
    /** As another tab tells it. */
    _take(item: Item): void;
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

export function makeOutbox({ keep, orgKey, uuid }: Host, ask: Ask, events: OutboxEvents): Outbox {
    const prefix = `helvino_out:${orgKey}:`;
    const items = new Map<string, Item>();
    const { _sleep: sleep, _wake: wake } = makeWait();
    let sending: object | null = null; // each start is another one
    let flushing = Promise.resolve();

    const sorted = () => [...items.values()].sort((a, b) => a.at - b.at);
    const put = (item: Item) => {
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
                const item: Item = JSON.parse(keep.get(key) ?? '');
                items.set(item.id, items.get(item.id) ?? item);
            } catch {
                keep.remove(key);
            }
        }
    };
    const begin = async ({ start }: Item) => {
        const { id } = await ask<{ id: string }>('POST', '/conversations', 0, { 'idempotency-key': start });
        for (const each of sorted()) if (each.start === start && !each.to) put({ ...each, to: id });
        return id;
    };
    const deliver = async (item: Item) => {
        const to = item.to ?? (await begin(item));
        const body = { role: 'user', content: item.text, clientId: item.id };
        events._onSent(await ask<Message>('POST', `/conversations/${to}/messages`, body));
    };
    const fail = (item: Item, { status, message: why }: Failure) => {
        const { to } = item;
        // The next attempt begins another conversation when this one is gone.
        put(to && status === 404 ? { ...item, why, to: null, start: uuid() } : { ...item, why });
        if (to && status === 404) events._onMissing(to);
    };
    const flush = async () => {
        const own = sending;
        for (let failures = 0; own && own === sending; ) {
            const next = sorted().find((item) => !item.why);
            if (!next) return;
            try {
                await deliver(next);
                failures = 0;
            } catch (error) {
                const failure = error as Failure;
                if (isFinal(failure.status)) fail(items.get(next.id) ?? next, failure);
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
        _add(text, to, start) {
            const all = sorted();
            const characters = all.reduce((sum, item) => sum + item.text.length, text.length);
            if (new Blob([text]).size > MESSAGE_BYTES_MAX) return 'too_long';
            if (all.length >= ITEMS_MAX || characters > CHARACTERS_MAX) return 'outbox_full';
            const at = Math.max(Date.now(), (all.at(-1)?.at ?? 0) + 1);
            put({ id: uuid(), to, start: to ? '' : start, text, at, why: null });
            send();
            return null;
        },
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
