/* What every part of the panel needs to know, and may ask of the whole. */
import type { Chat, Host, Snapshot } from '../embed/contract.ts';
import type { Receipt } from '../shared/protocol.ts';
import type { Texts } from './texts.ts';

export type View = 'chat' | 'list' | 'forget' | 'receipt';

export interface Ui {
    host: Host;
    chat: Chat;
    texts: Texts;
    locale: string;
    /** Shows another view and puts the focus into it. */
    go(view: View): void;
    /** Opens a conversation, or a new one. */
    open(conversation: string | null): void;
    /** A sentence for everybody: in the banner, and read aloud. */
    tell(sentence: string): void;
    forgotten(receipt: Receipt): void;
}

export interface Props {
    ui: Ui;
    now: Snapshot;
}

export const sentenceOf = (error: unknown, otherwise: string) => (error instanceof Error && error.message) || otherwise;
