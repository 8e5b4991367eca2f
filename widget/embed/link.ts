/*
 * The connection of one browser: the stream, opened again whenever it ends, and asking now and then where streams don't get through.
 * It goes on from the last seq that is known, so what was missed comes first, and nothing twice.
 */
import { HttpError, type Caller } from '../shared/http.ts';
import { readStream, Swallowed } from '../shared/stream.ts';
import type { Snapshot } from './contract.ts';
import type { Env } from './env.ts';
import { backOff, makePause } from './pause.ts';

const SWALLOWED_MAX = 2; // after so many failures of this kind, polling begins
const POLL_MS = 4_000; // while somebody looks
const POLL_IDLE_MS = 30_000;
const STALE_MS = 20_000; // without a byte, when a tab wakes up

export type Connection = Snapshot['connection'];

export interface LinkOptions {
    env: Env;
    caller: Caller;
    since(): number | null;
    /** This tab is alone with its stream, so a hidden one gives it up: browsers allow six connections to a host. */
    isAlone: boolean;
    isLookedAt(): boolean;
    /** Asks for everything anew. */
    poll(): Promise<void>;
    onOpen(resumed: boolean): void;
    onEvent(name: string, data: unknown, seq: number | null): void;
    onState(connection: Connection, problem: string | null): void;
}

export interface Link {
    stop(): void;
}

export function startLink(options: LinkOptions): Link {
    const { env, caller, isAlone, since, onOpen, onState } = options;
    const pause = makePause(env);
    const offs: (() => void)[] = [];
    let current = new AbortController();
    let isStopped = false;
    let isPolling = false;
    let lastByte = 0;
    let failures = 0;
    let swallowed = 0;
    let cancelPoll = () => {};

    const again = () => {
        failures = 0;
        current.abort();
        pause.wake();
    };
    const isResting = () => isAlone && !env.visible();

    const poll = async () => {
        try {
            await options.poll();
            if (isPolling) onState('polling', null);
        } catch {
            if (isPolling) onState('offline', null);
        }
        cancelPoll();
        if (isPolling) cancelPoll = env.after(options.isLookedAt() ? POLL_MS : POLL_IDLE_MS, poll);
    };
    const setPolling = (polling: boolean) => {
        if (polling === isPolling) return;
        isPolling = polling;
        if (polling) void poll();
        else cancelPoll();
    };

    const connect = () => {
        const from = since();
        let isOpen = false;
        current = new AbortController();
        return readStream({
            caller,
            after: env.after,
            since: from,
            signal: current.signal,
            onBytes() {
                lastByte = env.now();
                if (isOpen || isStopped) return;
                isOpen = true;
                failures = swallowed = 0;
                setPolling(false);
                onState('live', null);
                onOpen(from !== null);
            },
            onEvent: (name, data, seq) => isStopped || options.onEvent(name, data, seq),
        });
    };
    /* How long to wait after this failure. */
    const judge = (error: unknown): number => {
        const refusal = error instanceof HttpError ? error : null;
        if (refusal && [401, 403, 404].includes(refusal.status)) {
            setPolling(false);
            onState('offline', refusal.message);
            return 600_000;
        }
        if (refusal || error instanceof Swallowed) ++swallowed;
        if (swallowed >= SWALLOWED_MAX) setPolling(true);
        else if (!isPolling) onState('offline', null);
        return Math.max(backOff(env, failures++) * (isPolling ? 4 : 1), refusal?.retryAfterMs ?? 0);
    };
    const run = async () => {
        while (!isStopped) {
            if (isResting()) {
                setPolling(true);
                await pause.wait(600_000);
                continue;
            }
            let delay: number;
            try {
                await connect();
                if (!isStopped) onState('connecting', null);
                delay = backOff(env, 0);
            } catch (error) {
                delay = current.signal.aborted ? 0 : judge(error);
            }
            if (!isStopped && !current.signal.aborted) await pause.wait(delay);
        }
    };

    offs.push(
        env.on('online', again),
        env.on('offline', () => {
            onState('offline', null);
            current.abort();
        }),
        env.on('visibility', () => {
            if (isAlone || (env.visible() && env.now() - lastByte > STALE_MS)) again();
            if (isPolling && env.visible()) void poll();
        }),
    );
    void run();
    return {
        stop() {
            isStopped = true;
            isPolling = false;
            offs.forEach((off) => off());
            cancelPoll();
            again();
        },
    };
}
