/*
 * Requests as the agent who is logged in: the cookie goes by itself, x-org-key names the organisation, and x-csrf-token shows
 * that it was a page of ours that asked. One that says that the session has ended ends it for the whole page.
 */
import { failureOf, makeAsk, type Ask, type Caller, type Failure } from '../../shared/http.ts';

export type { Ask, Failure };

export interface Api {
    readonly caller: Caller;
    readonly ask: Ask;
    /** A file, with the name that the server gives it. */
    download(path: string): Promise<{ blob: Blob; name: string | null }>;
}

export interface Credentials {
    csrfToken: string;
    orgKey: string | null;
}

const SESSION_CODES = new Set(['session_invalid', 'session_required', 'token_required']);

export const isSessionOver = ({ status, code }: Failure): boolean => status === 401 && SESSION_CODES.has(code ?? '');

/** "attachment; filename="x.txt"" */
export const fileNameOf = (disposition: string | null): string | null =>
    /filename="([^"]+)"/.exec(disposition ?? '')?.[1] ?? null;

/**
 * `credentials` is asked each time: it changes with the organisation that is chosen. What a browser says of a server that can't
 * be reached is for nobody: `noAnswer` is.
 */
export function makeApi(credentials: () => Credentials, onSessionOver: () => void, noAnswer: () => string): Api {
    const caller: Caller = {
        base: '',
        /* The stream is read by itself (shared/stream.ts). */
        async fetch(...given) {
            const answer = await fetch(...given);
            if (answer.status === 401 && given[0] === '/stream') onSessionOver();
            return answer;
        },
        getHeaders() {
            const { csrfToken, orgKey } = credentials();
            return { 'x-csrf-token': csrfToken, ...(orgKey && { 'x-org-key': orgKey }) };
        },
    };
    const watched = (failure: Failure): Failure => {
        if (isSessionOver(failure)) onSessionOver();
        return failure.status ? failure : new Error(noAnswer());
    };
    const plain = makeAsk(caller);
    return {
        caller,
        async ask<T>(method: string, path: string, body?: unknown, headers?: Record<string, string>) {
            try {
                return await plain<T>(method, path, body, headers);
            } catch (failure) {
                throw watched(failure as Failure);
            }
        },
        async download(path) {
            const answer = await fetch(path, { headers: caller.getHeaders() });
            if (!answer.ok) throw watched(await failureOf(answer));
            return { blob: await answer.blob(), name: fileNameOf(answer.headers.get('content-disposition')) };
        },
    };
}
