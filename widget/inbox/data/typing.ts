/* Who types where, at the moment. Who doesn't say it again has stopped. */
import { signal, type ReadonlySignal } from '@preact/signals-core';

const ENDS_MS = 6_000;
const VISITOR = '';

export interface Typing {
    readonly version: ReadonlySignal<number>;
    /** `agent` undefined: the visitor. */
    set(conversation: string, agent: string | undefined, types: boolean): void;
    visitor(conversation: string): boolean;
    agents(conversation: string): string[];
    clear(): void;
}

export function makeTyping(): Typing {
    const version = signal(0);
    const timers = new Map<string, Map<string, ReturnType<typeof setTimeout>>>();

    const set = (conversation: string, agent: string | undefined, types: boolean) => {
        const who = agent ?? VISITOR;
        const here = timers.get(conversation) ?? new Map<string, ReturnType<typeof setTimeout>>();
        const wasTyping = here.has(who);
        clearTimeout(here.get(who));
        here.delete(who);
        if (types) here.set(who, setTimeout(set, ENDS_MS, conversation, agent, false));
        if (here.size) timers.set(conversation, here);
        else timers.delete(conversation);
        if (types !== wasTyping) version.value++;
    };
    return {
        version,
        set,
        visitor: (conversation) => !!timers.get(conversation)?.has(VISITOR),
        agents: (conversation) => [...(timers.get(conversation)?.keys() ?? [])].filter((who) => who !== VISITOR),
        clear() {
            for (const here of timers.values()) here.forEach(clearTimeout);
            timers.clear();
            version.value++;
        },
    };
}
