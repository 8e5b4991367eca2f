/* What more.tsx is given: it is a file of its own, and has neither Preact nor the panel's state. And what it gives. */
import type { ComponentChild, ComponentChildren, h } from 'preact';
import type { Chat, Host, ShownMessage, Snapshot } from '../../embed/contract.ts';
import type { Texts } from '../lang/en.ts';

export interface Kit {
    h: typeof h;
    host: Host;
    chat: Chat;
    texts: Texts;
    locale: string;
    now(): Snapshot;
    draw(): void;
    /** Into the conversation, with an empty banner. */
    focus(): void;
    /** A sentence for the banner; '' clears it. */
    tell(sentence: string): void;
    /** Tells the client whether the conversation is in sight. */
    tellShown(): void;
}

export interface More {
    /** Shows the earlier conversations. */
    list(): void;
    /** Opens and closes the menu. */
    toggle(): void;
    isOpen(): boolean;
    menu(): ComponentChild;
    rich(text: string): ComponentChild;
    failed(message: ShownMessage): ComponentChild;
    /** What is said and asked when nobody is there. */
    away(opensAt: string | null): ComponentChild;
    /** What is shown in place of the conversation; undefined: nothing. */
    page(): ComponentChildren;
    /** Back to the conversation. False: that is what is shown. */
    back(): boolean;
}

export let kit: Kit;
export const borrow = (given: Kit) => (kit = given);

/** The server's sentence, or ours. */
export const sentenceOf = (error: unknown) => (error instanceof Error && error.message) || kit.texts.wrong;
