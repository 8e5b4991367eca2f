/*
 * Messages that the server has not answered yet. Each is kept under a key of its own, so tabs that write at once don't undo each other;
 * the leading tab sends them, one after the other, until there is an answer. The server takes a clientId and an Idempotency-Key once,
 * however often they come: so trying again is always right, also by two tabs, and after a reload.
 */
import { HttpError, type Ask } from '../shared/http.ts';
import type { Message } from '../shared/protocol.ts';
import type { Keep, Refusal } from './contract.ts';
import type { Env } from './env.ts';
import { backOff, makePause } from './pause.ts';

const ITEMS_MAX = 100;
const CHARACTERS_MAX = 131_072; // two bytes each
const MESSAGE_BYTES_MAX = 32_768; // what the server takes

export interface Item {
    id: string; // the clientId
    to: string | null; // the conversation; null: one that is yet to begin
    start: string; // which new one: its Idempotency-Key
    text: string;
    at: number;
    why: string | null; // failed, with the server's sentence
}

export interface OutboxOptions {
    env: Env;
    keep: Keep;
    prefix: string;
    ask: Ask;
    onItem(item: Item): void;
    onSent(item: Item, message: Message): void;
    onBegun(item: Item): void; // its conversation is there
    onMissing(conversation: string): void; // it is there no more
}

export interface Outbox {
    items(): readonly Item[]; // oldest first
    add(text: string, to: string | null, start: string): Refusal | null;
    /** As another tab tells it. */
    take(item: Item): void;
    drop(id: string): void;
    retry(id: string): Item | null;
    /** Reads what is kept, and sends from now on. */
    start(): void;
    /** Sends no more; resolves when nothing is under way. */
    stop(): Promise<void>;
    wake(): void;
}

/* What will be refused again the next time. */
const isFinal = ({ status }: HttpError) => status >= 400 && status < 500 && ![401, 408, 409, 429].includes(status);

export function makeOutbox(options: OutboxOptions): Outbox {
    const { env, keep, prefix, ask } = options;
    const items = new Map<string, Item>();
    const pause = makePause(env);
    let isSending = false;
    let flushing: Promise<void> = Promise.resolve();

    const sorted = () => [...items.values()].sort((a, b) => a.at - b.at);
    const store = (item: Item) => {
        items.set(item.id, item);
        keep.set(prefix + item.id, JSON.stringify(item));
    };
    const update = (item: Item, change: Partial<Item>) => {
        const next = { ...item, ...change };
        if (items.has(item.id)) store(next);
        options.onItem(next);
        return next;
    };
    const drop = (id: string) => {
        items.delete(id);
        keep.remove(prefix + id);
    };
    const read = () => {
        for (const key of keep.keys()) {
            if (!key.startsWith(prefix)) continue;
            try {
                const item = JSON.parse(keep.get(key) ?? '') as Item;
                if (!items.has(item.id)) items.set(item.id, item);
            } catch {
                keep.remove(key);
            }
        }
    };

    const begin = async (item: Item) => {
        const { id } = await ask<{ id: string }>('POST', '/conversations', undefined, {
            headers: { 'idempotency-key': item.start },
        });
        for (const each of sorted()) if (each.start === item.start && !each.to) options.onBegun(update(each, { to: id }));
        return id;
    };
    const deliver = async (item: Item) => {
        const to = item.to ?? (await begin(item));
        const body = { role: 'user', content: item.text, clientId: item.id };
        const message = await ask<Message>('POST', `/conversations/${to}/messages`, body);
        drop(item.id);
        options.onSent(item, message);
    };
    const fail = (item: Item, error: HttpError) => {
        const latest = items.get(item.id) ?? item;
        const isMissing = error.status === 404 && latest.to !== null;
        // A next attempt begins another conversation, because this one is gone.
        update(latest, isMissing ? { why: error.message, to: null, start: env.uuid() } : { why: error.message });
        if (isMissing) options.onMissing(latest.to ?? '');
    };
    const flush = async () => {
        for (let failures = 0; isSending; ) {
            const next = sorted().find((item) => !item.why);
            if (!next) return;
            try {
                await deliver(next);
                failures = 0;
            } catch (error) {
                const refusal = error instanceof HttpError ? error : null;
                if (refusal && isFinal(refusal)) fail(next, refusal);
                else if (isSending) await pause.wait(Math.max(backOff(env, failures++), refusal?.retryAfterMs ?? 0));
            }
        }
    };
    const send = () => {
        flushing = flushing.then(flush);
    };

    read();
    return {
        items: sorted,
        add(text, to, start) {
            const all = sorted();
            if (new TextEncoder().encode(text).length > MESSAGE_BYTES_MAX) return 'too_long';
            const characters = all.reduce((sum, item) => sum + item.text.length, text.length);
            if (all.length >= ITEMS_MAX || characters > CHARACTERS_MAX) return 'outbox_full';
            const at = Math.max(env.now(), (all.at(-1)?.at ?? 0) + 1);
            const item: Item = { id: env.uuid(), to, start, text, at, why: null };
            store(item);
            options.onItem(item);
            send();
            return null;
        },
        take(item) {
            items.set(item.id, item);
            send();
        },
        drop,
        retry(id) {
            const item = items.get(id);
            const next = item ? update(item, { why: null }) : null;
            pause.wake();
            send();
            return next;
        },
        start() {
            isSending = true;
            read();
            send();
        },
        stop() {
            isSending = false;
            pause.wake();
            return flushing;
        },
        wake: () => pause.wake(),
    };
}
