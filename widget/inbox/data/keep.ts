/* What outlives a reload: localStorage, or this page's memory where it throws or is full. */
import type { Keep } from '../../shared/outbox.ts';

const PREFIX = 'helvino_inbox_';

function attempt<T>(task: () => T): T | undefined {
    try {
        return task();
    } catch {}
    return;
}

export function makeKeep(): Keep {
    const memory = new Map<string, string>();
    return {
        get: (key) => memory.get(key) ?? attempt(() => localStorage.getItem(key)) ?? null,
        set(key, value) {
            memory.set(key, value);
            attempt(() => {
                localStorage.setItem(key, value);
                memory.delete(key);
            });
        },
        remove(key) {
            memory.delete(key);
            attempt(() => localStorage.removeItem(key));
        },
        keys: () => [...new Set([...memory.keys(), ...(attempt(() => Object.keys(localStorage)) ?? [])])].filter((key) => key.startsWith(PREFIX)),
    };
}

export const keep = makeKeep();

export const keyOf = (...parts: string[]): string => PREFIX + parts.join(':');

/** What was kept as JSON, laid over `plain`; that alone when nothing fit was. */
export function read<T extends object>(from: Keep, key: string, plain: T): T {
    const kept: unknown = attempt(() => JSON.parse(from.get(key) ?? '{}'));
    return kept && typeof kept === 'object' && !Array.isArray(kept) ? { ...plain, ...kept } : plain;
}
