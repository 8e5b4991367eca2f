/* Requests to the server: JSON both ways, the visitor's headers, and an error that carries the server's own sentence. */
import type { ApiError } from './protocol.ts';

/** Runs `task` after so many milliseconds; gives what prevents it. */
export type After = (ms: number, task: () => void) => () => void;

export class HttpError extends Error {
    readonly status: number;
    readonly code: string;
    readonly retryAfterMs: number;

    constructor(status: number, code: string, sentence: string, retryAfterMs: number) {
        super(sentence);
        this.status = status;
        this.code = code;
        this.retryAfterMs = retryAfterMs;
    }
}

export interface Caller {
    readonly fetch: typeof fetch;
    readonly base: string;
    getHeaders(): Record<string, string>;
}

export interface Extra {
    headers?: Record<string, string>;
    credentials?: RequestCredentials;
}

export type Ask = <T>(method: string, path: string, body?: unknown, extra?: Extra) => Promise<T>;

const PATIENCE_MS = 30_000;

export async function errorOf(answer: Response): Promise<HttpError> {
    const told = (await answer.json().catch(() => ({}))) as Partial<ApiError>;
    const seconds = Number(answer.headers.get('retry-after')) || 0;
    return new HttpError(answer.status, told.code ?? '', told.error ?? `HTTP ${answer.status}`, seconds * 1000);
}

/** An answer that doesn't come is a failure after half a minute, like one that can't be had. */
export function makeAsk(caller: Caller, after: After): Ask {
    return async <T>(method: string, path: string, body?: unknown, extra: Extra = {}): Promise<T> => {
        const patience = new AbortController();
        const calm = after(PATIENCE_MS, () => patience.abort());
        const headers: Record<string, string> = { ...caller.getHeaders(), ...extra.headers };
        const init: RequestInit = { method, headers, signal: patience.signal, cache: 'no-store' };
        if (extra.credentials) init.credentials = extra.credentials;
        if (body) {
            headers['content-type'] = 'application/json';
            init.body = JSON.stringify(body);
        }
        try {
            const answer = await caller.fetch(caller.base + path, init);
            if (!answer.ok) throw await errorOf(answer);
            return (answer.status === 204 ? undefined : await answer.json()) as T;
        } finally {
            calm();
        }
    };
}
