/* Requests to the server: JSON both ways, the visitor's headers, and an error that carries the server's own sentence. */
import type { ApiError } from './protocol.ts';

/** What a request needs to know of who asks. */
export interface Caller {
    readonly base: string;
    readonly fetch: typeof fetch;
    getHeaders(): Record<string, string>;
}

/** What a request rejects with. Without a status there was no answer. */
export interface Failure extends Error {
    status?: number;
    code?: string | undefined;
    waitMs?: number; // as the server asks for
    isSilent?: boolean; // a stream of which nothing came
}

export type Ask = <T>(method: string, path: string, body?: unknown, more?: RequestInit) => Promise<T>;

const PATIENCE_MS = 30_000;

export async function failureOf(answer: Response): Promise<Failure> {
    const { status } = answer;
    const { error, code }: Partial<ApiError> = await answer.json().catch(() => ({}));
    const waitMs = Number(answer.headers.get('retry-after')) * 1000;
    return Object.assign(new Error(error ?? `HTTP ${status}`), { status, code, waitMs });
}

/** An answer that doesn't come is a failure after half a minute, like one that can't be had. */
export function makeAsk({ base, fetch, getHeaders }: Caller): Ask {
    return async (method, path, body, more) => {
        const headers: Record<string, string> = { ...getHeaders(), ...(more?.headers as Record<string, string>) };
        const init: RequestInit = { ...more, method, headers, signal: AbortSignal.timeout(PATIENCE_MS) };
        if (body) {
            headers['content-type'] = 'application/json';
            init.body = JSON.stringify(body);
        }
        const answer = await fetch(base + path, init);
        if (!answer.ok) throw await failureOf(answer);
        return answer.status === 204 ? undefined : answer.json();
    };
}
