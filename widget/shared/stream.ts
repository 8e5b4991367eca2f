/*
 * One connection to GET /stream, from its beginning to its end. With fetch, because EventSource can't send headers, and a key doesn't
 * belong into a URL. Who calls decides what to do when it ends.
 */
import { createParser } from 'eventsource-parser';

import { type After, type Caller, errorOf } from './http.ts';

const FIRST_BYTE_MS = 8_000; // the server speaks at once
const SILENCE_MS = 37_500; // and then at least every 15 seconds

/** Nothing came at all, though the server always begins with something: whatever lies between keeps it back. */
export class Swallowed extends Error {}

export interface StreamOptions {
    caller: Caller;
    after: After;
    since: number | null; // the last seq that is known; null: from now on
    signal: AbortSignal;
    onBytes(): void;
    onEvent(name: string, data: unknown, seq: number | null): void;
}

/** Resolves when a stream has ended that had begun; rejects with HttpError, Swallowed, or what fetch rejects with. */
export async function readStream(options: StreamOptions): Promise<void> {
    const { caller, after, since, signal, onBytes, onEvent } = options;
    const silence = new AbortController();
    const end = () => silence.abort();
    let hasBegun = false;
    let calm = after(FIRST_BYTE_MS, end);
    const parser = createParser({
        onEvent: ({ event, data, id }) => onEvent(event ?? 'message', JSON.parse(data), id ? Number(id) : null),
    });
    signal.addEventListener('abort', end);
    try {
        const headers: Record<string, string> = { ...caller.getHeaders(), accept: 'text/event-stream' };
        if (since !== null) headers['last-event-id'] = `${since}`;
        const answer = await caller.fetch(`${caller.base}/stream`, { headers, signal: silence.signal, cache: 'no-store' });
        if (!answer.ok || !answer.body) throw await errorOf(answer);
        const reader = answer.body.getReader();
        const decoder = new TextDecoder();
        for (;;) {
            const { done, value } = await reader.read();
            if (done) break;
            calm();
            calm = after(SILENCE_MS, end);
            hasBegun = true;
            onBytes();
            parser.feed(decoder.decode(value, { stream: true }));
        }
    } catch (error) {
        if (!hasBegun) throw silence.signal.aborted && !signal.aborted ? new Swallowed() : error;
    } finally {
        calm();
        end();
        signal.removeEventListener('abort', end);
    }
    if (!hasBegun) throw new Swallowed();
}
