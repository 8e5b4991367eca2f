/*
 * One connection to GET /stream, from its beginning to its end. With fetch, because EventSource can't send headers, and
 * a key doesn't belong into a URL. Who calls decides what to do when it ends.
 */
import { createParser } from 'eventsource-parser';

import { type Caller, failureOf } from './http.ts';

const FIRST_BYTE_MS = 8_000; // the server speaks at once
const SILENCE_MS = 37_500; // and then at least every 15 seconds

export type OnEvent = (name: string, data: unknown, seq: number | null) => void;

/**
 * Goes on after `since` (null: from now on). Resolves when the stream ends; rejects with a Failure, or when `ending` is
 * aborted.
 */
export async function readStream(
    { base, fetch, getHeaders }: Caller,
    since: number | null,
    ending: AbortController,
    onBytes: () => void,
    onEvent: OnEvent,
): Promise<void> {
    let isSilent = false;
    const end = () => {
        isSilent = true;
        ending.abort();
    };
    const headers = getHeaders();
    const decoder = new TextDecoder();
    const parser = createParser({
        onEvent: ({ event, data, id }) => onEvent(event ?? 'message', JSON.parse(data), id ? +id : null),
    });
    let timer = setTimeout(end, FIRST_BYTE_MS);
    if (since !== null) headers['last-event-id'] = `${since}`;
    try {
        const answer = await fetch(`${base}/stream`, { headers, signal: ending.signal });
        if (!answer.ok) throw await failureOf(answer);
        const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
        for (;;) {
            const { done, value } = await reader.read();
            if (done) return;
            clearTimeout(timer);
            timer = setTimeout(end, SILENCE_MS);
            onBytes();
            parser.feed(decoder.decode(value, { stream: true }));
        }
    } catch (error) {
        throw isSilent ? { isSilent } : error;
    } finally {
        clearTimeout(timer);
        ending.abort();
    }
}
