/* There is one panel on a page. What all its parts look at is here; draw.tsx and panel.tsx change it. */
import type { Chat, Host, Snapshot } from '../embed/contract.ts';
import type { Texts } from './lang/en.ts';
import type { More } from './more/kit.ts';

export let host: Host;
export let chat: Chat;
export let texts: Texts;
export let locale: string;
export let box: HTMLElement; // in which everything is
export let now: Snapshot;
export let more: More | undefined; // what is seldom wanted, once it is there

export function begin(...given: [Host, Chat, Texts, string, HTMLElement]): void {
    [host, chat, texts, locale, box] = given;
    more = undefined;
    look();
}

export const look = () => (now = chat.snapshot());
export const extend = (by: More) => (more = by);
