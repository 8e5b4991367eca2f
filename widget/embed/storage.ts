/*
 * What the widget keeps in the browser, as far as consent allows: localStorage (persistent), sessionStorage (session)
 * or this page's memory (none, and wherever storage throws or is full). Each call asks for the storage anew, so one
 * that begins to throw is noticed.
 */
import type { Consent } from './contract.ts';

const AREAS = { session: 'sessionStorage', persistent: 'localStorage' } as const;

let level: Consent = 'none';
let memory: Record<string, string> = {};

function attempt<T>(task: () => T): T | undefined {
    try {
        return task();
    } catch {}
    return;
}

/** May throw. */
const area = (): Storage | undefined => (level === 'none' ? undefined : window[AREAS[level]]);

export const levelNow = (): Consent => level;

export const get = (key: string): string | null => memory[key] ?? attempt(() => area()?.getItem(key)) ?? null;

export function set(key: string, value: string): void {
    memory[key] = value;
    attempt(() => {
        area()?.setItem(key, value);
        if (area()?.getItem(key) === value) delete memory[key];
    });
}

export function remove(key: string): void {
    delete memory[key];
    attempt(() => area()?.removeItem(key));
}

export const keys = (): string[] =>
    Object.keys({ ...memory, ...attempt(() => ({ ...area() })) }).filter((key) => key.startsWith('helvino_'));

/** Removes all that is ours, except at the level `kept`. */
export function clear(kept?: Consent): void {
    const now = level;
    for (level of ['session', 'persistent'] as const) if (level !== kept) keys().forEach(remove);
    memory = {};
    level = now;
}

/** Goes over to another level; what others have is left alone. An unknown one is none. */
export function setLevel(next: string): void {
    level = next in AREAS ? (next as Consent) : 'none';
}
