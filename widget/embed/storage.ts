/*
 * What the widget keeps in the browser, as far as consent allows: localStorage (persistent), sessionStorage (session) or this page's
 * memory (none, and wherever storage throws or is full). Each call asks for the storage anew, so one that begins to throw is noticed.
 */
import type { Consent, Keep } from './contract.ts';

const OURS = 'helvino_';

export interface Vault extends Keep {
    readonly level: () => Consent;
    /** Goes over to another level and empties the others; gives what was kept, which is not set again. */
    move(level: Consent): [string, string][];
    clear(): void;
}

function attempt<T>(task: () => T): T | undefined {
    try {
        return task();
    } catch {
        return undefined;
    }
}

function area(level: Consent): Storage | undefined {
    return attempt(() => (level === 'persistent' ? localStorage : level === 'session' ? sessionStorage : undefined));
}

function keysOf(storage: Storage | undefined): string[] {
    const keys: string[] = [];
    attempt(() => {
        for (let i = 0; storage && i < storage.length; ++i) {
            const key = storage.key(i);
            if (key?.startsWith(OURS)) keys.push(key);
        }
    });
    return keys;
}

function empty(storage: Storage | undefined): void {
    for (const key of keysOf(storage)) attempt(() => storage?.removeItem(key));
}

export function openVault(level: Consent): Vault {
    const memory = new Map<string, string>();
    const get = (key: string) => memory.get(key) ?? attempt(() => area(level)?.getItem(key)) ?? null;
    const keys = () => [...new Set([...memory.keys(), ...keysOf(area(level))])];
    const clear = (kept?: Consent) => {
        memory.clear();
        for (const each of ['session', 'persistent'] as const) if (each !== kept) empty(area(each));
    };
    return {
        level: () => level,
        get,
        set(key, value) {
            const stored = attempt(() => {
                const storage = area(level);
                storage?.setItem(key, value);
                return storage;
            });
            if (stored) memory.delete(key);
            else memory.set(key, value);
        },
        remove(key) {
            memory.delete(key);
            attempt(() => area(level)?.removeItem(key));
        },
        keys,
        move(next) {
            const kept = keys().map((key): [string, string] => [key, get(key) ?? '']);
            level = next;
            clear(next);
            return kept;
        },
        clear,
    };
}
