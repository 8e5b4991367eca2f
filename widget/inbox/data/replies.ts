/* Canned replies: asked for when they are wanted, and again each time, since others change them. */
import { signal, type ReadonlySignal } from '@preact/signals-core';

import type { Ask } from './api.ts';
import type { Reply } from './protocol.ts';

export interface FilledReply {
    text: string;
    unfilled: string[]; // variables that stand in the text as they were
}

export interface Replies {
    readonly all: ReadonlySignal<readonly Reply[]>;
    refresh(): Promise<void>;
    /** With its variables filled in for a conversation. */
    fill(reply: string, conversation: string): Promise<FilledReply>;
}

export function makeReplies(ask: Ask): Replies {
    const all = signal<readonly Reply[]>([]);
    return {
        all,
        async refresh() {
            const found: Reply[] = [];
            for (let next: string | null = ''; next !== null; ) {
                const page: { replies: Reply[]; next: string | null } = await ask('GET', `/replies${next && `?after=${next}`}`);
                found.push(...page.replies);
                ({ next } = page);
            }
            all.value = found;
        },
        fill: (reply, conversation) => ask<FilledReply>('GET', `/replies/${reply}/text?conversation=${conversation}`),
    };
}

/** Those that are meant by what was typed: by the beginning of the shortcut first, then by any part. */
export function matching(replies: readonly Reply[], typed: string): Reply[] {
    const wanted = typed.toLocaleLowerCase();
    const rank = ({ shortcut, text }: Reply) => {
        const name = shortcut.toLocaleLowerCase();
        return name.startsWith(wanted) ? 0 : name.includes(wanted) ? 1 : text.toLocaleLowerCase().includes(wanted) ? 2 : 3;
    };
    return replies
        .map((reply) => ({ reply, at: rank(reply) }))
        .filter(({ at }) => at < 3)
        .sort((a, b) => a.at - b.at || a.reply.shortcut.localeCompare(b.reply.shortcut))
        .map(({ reply }) => reply);
}
