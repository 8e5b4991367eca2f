/*
 * Requests to the server: JSON both ways, the visitor's headers, and an error that carries the server's own sentence.
 */

/** What a request needs to know of who asks. */
export interface Caller {
    readonly base: string;
    readonly fetch: typeof fetch;
    getHeaders(): Record<string, string>;
}

/** What a request rejects with. Without a status there was no answer. */
export interface Failure extends Error {
    status?: number;
    code?: string;
    waitMs?: number; // as the server asks for
    isSilent?: boolean; // a stream of which nothing came
}

export type Ask = <T>(method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<T>;

const PATIENCE_MS = 30_000;

export async function failureOf(answer: Response): Promise<Failure> {
    const { status } = answer;
    const { error, code } = await answer.json().catch(() => ({}));
    const waitMs = Number(answer.headers.get('retry-after')) * 1000;
    return Object.assign(new Error(error ?? `HTTP ${status}`), { status, code, waitMs });
}

/** An answer that doesn't come is a failure after half a minute, like one that can't be had. */
export function makeAsk({ base, fetch, getHeaders }: Caller): Ask {
    return async (method, path, body, headers) => {
        const answer = await fetch(base + path, {
            method,
            headers: { ...getHeaders(), 'content-type': 'application/json', ...headers },
            body: body ? JSON.stringify(body) : null,
            signal: AbortSignal.timeout(PATIENCE_MS),
        });
        if (!answer.ok) throw await failureOf(answer);
        return answer.status === 204 ? undefined : answer.json();
    };
}
