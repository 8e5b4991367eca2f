/* Draws everything again at every change; Preact finds out what is different. */
import { h, render } from 'preact';
import { area, composer, measure } from './composer.tsx';
import { header } from './header.tsx';
import { isFarUp, log, messages } from './messages.tsx';
import type { Kit, More } from './more/kit.ts';
import { box, chat, extend, host, locale, look, more, now, texts } from './state.ts';

export const PHONE = matchMedia('(max-width:480px),(max-height:480px)'); // as in panel.css

export let dialog: HTMLDialogElement;
const mounted = (element: HTMLDialogElement | null) => {
    if (element) dialog = element;
};

let note = ''; // in the banner
let said = ''; // to those who hear the page
let heard: string | undefined; // the last answer that was shown
export let hasNews = false; // below what is in sight

export function reset(): void {
    note = said = '';
    loading = undefined;
    draw();
}

/**
 * The list hangs from its lower end (column-reverse): at the bottom it stays there by itself, and what comes above moves
 * nothing. Only what comes below while somebody reads above would.
 */
export function draw(): void {
    const before = log;
    const height = log?.scrollHeight ?? 0;
    const isUp = isFarUp();
    const first = now.messages[0]?.key;
    const isSame = look().messages[0]?.key === first;
    const answer = now.messages.filter(({ role }) => role !== 'user').at(-1);
    const isNews = isSame && answer && answer.key !== heard;
    heard = answer?.key;
    if (isNews) said = answer.content;
    hasNews = isUp && isSame && (hasNews || !!isNews);
    render(app(), box);
    if (isWanted && dialog.open && !loading && !note) void withMore(draw);
    if (log && log === before && isUp && isSame) log.scrollTop += height - log.scrollHeight;
}

function onKey(event: KeyboardEvent): void {
    const { type, key, shiftKey } = event;
    event.stopPropagation(); // the page's shortcuts are not for what is typed here
    if (type !== 'keydown') return;
    if (key === 'Escape') {
        event.preventDefault();
        if (!more?.back()) host.close();
    }
    if (key !== 'Tab') return;
    const all = [...dialog.querySelectorAll<HTMLElement>(':enabled,a,.log')];
    if (shiftKey) all.reverse();
    if (event.target !== all.at(-1)) return;
    event.preventDefault();
    all[0]?.focus();
}

// By a phone's "back"; not when it was opened again at once.
const closing = { onClose: () => host.isOpen() && !dialog.open && host.close() };

const app = () => (
    <dialog
        class={host.boot.config.position}
        lang={texts.language}
        dir={texts.direction}
        tabIndex={-1}
        aria-label={host.boot.config.title}
        ref={mounted}
        onKeyDown={onKey}
        onKeyUp={onKey}
        onKeyPress={onKey}
        {...closing}
    >
        {more?.page() ?? [header(), messages(), composer()]}
        <p class="note" role="status">
            {note || (texts as Partial<Record<string, string>>)[now.connection] || now.problem}
        </p>
        <p class="aside" aria-live="polite">
            {said}
        </p>
    </dialog>
);

export function tell(sentence: string): void {
    if (note === sentence) return;
    note = sentence;
    draw();
}

export const tellShown = () => chat.setShown(dialog.open && !document.hidden && !more?.page());

/** Into the conversation. On a phone, the keyboard comes when it is asked for. */
export function focus(): void {
    note = '';
    draw();
    (PHONE.matches ? dialog : area).focus();
    measure();
    tellShown();
}

let attempts = 0; // a browser remembers an address that it could not import
let loading: Promise<More> | undefined;

async function load(): Promise<More> {
    const module: { default: (kit: Kit) => More } = await import(`${host.base}${__MORE_FILE__}?${attempts++}`);
    return extend(module.default({ h, host, chat, texts, locale, now: () => now, draw, focus, tell, tellShown }));
}

let isWanted = false;
/** Makes more.tsx be loaded when what was drawn could use it. */
export const want = (really: boolean) => (isWanted ||= really) && really;

/** Has what is seldom wanted at hand, then does something with it. */
export async function withMore(act: (it: More) => void): Promise<void> {
    try {
        act(await (loading ??= load()));
    } catch {
        loading = undefined;
        tell(texts.wrong);
    }
}
