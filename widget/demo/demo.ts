/*
 * The demo page: it uses the widget as any page would, by window.Helvino, and asks the server for the visitor's newest
 * conversation, so that the commands it shows can be run as they stand.
 */
import type { ConversationList, Receipt } from '../shared/protocol.ts';

type Consent = 'none' | 'session' | 'persistent';

const KEPT: Record<Consent, string> = {
    none: 'In memory only: gone with a reload.',
    session: 'Until this tab closes.',
    persistent: 'Until you are forgotten.',
};

/* What a page may call, as far as this one does. */
interface Widget {
    open(): void;
    close(): void;
    toggle(): void;
    on(event: string, listener: (detail: unknown) => void): void;
    consent(level: Consent): void;
    visitorId(): string;
    forget(): Promise<Receipt | null>; // null: the server could not be reached
}

const ORG_KEY = 'demo';
const EVENTS = ['ready', 'open', 'close', 'message', 'sent', 'unread', 'forget'];
const EVENTS_SHOWN = 50;
const DETAIL_SHOWN = 160; // characters

function byId(id: string): HTMLElement {
    const element = document.getElementById(id);
    if (!element) throw new Error(`there is no #${id}`);
    return element;
}

function each(selector: string, act: (element: HTMLElement) => void): void {
    document.querySelectorAll<HTMLElement>(selector).forEach(act);
}

function tell(sentence: string): void {
    byId('notice').textContent = sentence;
    byId('notice').hidden = false;
}

/* ---- the commands ---- */

function commands(conversation: string, seq: number): Record<string, string> {
    const path = `${location.origin}/conversations/${conversation}`;
    const auth = '-H "authorization: Bearer $TOKEN"';
    const json = `\\\n     -H 'content-type: application/json' -d`;
    return {
        typing: `curl -X POST ${path}/typing ${auth}`,
        answer: `curl ${path}/messages ${auth} ${json} '{"role":"assistant","content":"Hello!"}'`,
        read: `curl ${path}/read ${auth} ${json} '{"seq":${seq}}'`,
        watch: `curl -N ${location.origin}/stream ${auth}`,
    };
}

function showConversation(conversation: string | null, seq: number): void {
    byId('conversation').textContent = conversation ?? 'none yet';
    byId('waiting').hidden = conversation !== null;
    byId('commands').hidden = conversation === null;
    const texts = conversation === null ? {} : commands(conversation, seq);
    each('[data-command]', (code) => {
        code.textContent = texts[code.dataset['command'] ?? ''] ?? '';
    });
}

/** A button beside each block of code; browsers offer the clipboard to secure pages alone. */
function offerCopies(): void {
    if (!('clipboard' in navigator)) return;
    each('pre', (pre) => {
        const button = document.createElement('button');
        button.type = 'button';
        button.textContent = 'Copy';
        button.addEventListener('click', () => {
            const copied = navigator.clipboard.writeText(pre.querySelector('code')?.textContent ?? '');
            copied.then(
                () => (button.textContent = 'Copied'),
                () => (button.textContent = 'Not allowed'),
            );
        });
        button.addEventListener('blur', () => (button.textContent = 'Copy'));
        pre.append(button);
    });
}

/* ---- what is stored ---- */

function storedIn(name: string, storage: () => Storage): string[] {
    try {
        return Object.keys(storage())
            .filter((key) => key.startsWith('helvino_'))
            .map((key) => `${name}: ${key}`);
    } catch {
        return [`${name}: not allowed by the browser`];
    }
}

function showStored(): void {
    const stored = [...storedIn('localStorage', () => localStorage), ...storedIn('sessionStorage', () => sessionStorage)];
    const items = (stored.length > 0 ? stored : ['nothing']).map((text) => {
        const item = document.createElement('li');
        item.textContent = text;
        return item;
    });
    byId('stored').replaceChildren(...items);
    showConsent(stored);
}

/** The dial stands where the id is kept, also after a reload. */
function showConsent(stored: string[]): void {
    const place = stored.find((entry) => entry.endsWith(': helvino_visitor_id')) ?? '';
    const level: Consent = place.startsWith('local') ? 'persistent' : place === '' ? 'none' : 'session';
    each('[data-consent]', (button) => button.setAttribute('aria-pressed', String(button.dataset['consent'] === level)));
    byId('kept').textContent = KEPT[level];
}

/* ---- the widget ---- */

async function refresh(widget: Widget): Promise<void> {
    byId('visitor').textContent = widget.visitorId();
    showStored();
    const headers = { 'x-org-key': ORG_KEY, 'x-visitor-id': widget.visitorId() };
    const answer = await fetch('/conversations?limit=1', { headers });
    if (!answer.ok) return;
    const { conversations } = (await answer.json()) as ConversationList;
    const newest = conversations[0];
    showConversation(newest?.id ?? null, newest?.lastMessage?.seq ?? 0);
}

function note(event: string, detail: unknown): void {
    const item = document.createElement('li');
    const time = new Date().toLocaleTimeString();
    const text = detail === undefined || detail === null ? '' : JSON.stringify(detail);
    item.textContent = `${time}  ${event} ${text.length > DETAIL_SHOWN ? `${text.slice(0, DETAIL_SHOWN)}…` : text}`;
    const list = byId('events');
    list.prepend(item);
    while (list.childElementCount > EVENTS_SHOWN) list.lastElementChild?.remove();
}

async function forget(widget: Widget): Promise<void> {
    const done = await widget.forget();
    byId('receipt').textContent = done
        ? `Erased; conversations: ${done.conversations}, messages: ${done.messages}, receipt ${done.receipt}. You are somebody new now.`
        : 'That did not work. Is the server there?';
}

function connect(widget: Widget): void {
    const soon = (): void => void refresh(widget).catch(() => {}); // without the server the page shows what it knew
    const calls: Record<string, () => void> = {
        open: () => widget.open(),
        close: () => widget.close(),
        toggle: () => widget.toggle(),
        forget: () => void forget(widget).catch((error: unknown) => tell(String(error))),
    };
    each('[data-call]', (button) => {
        const call = calls[button.dataset['call'] ?? ''];
        if (call) button.addEventListener('click', call);
    });
    each('[data-consent]', (button) =>
        button.addEventListener('click', () => {
            widget.consent(button.dataset['consent'] as Consent);
            soon();
        }),
    );
    for (const event of EVENTS) {
        widget.on(event, (detail) => {
            note(event, detail);
            soon();
        });
    }
    addEventListener('storage', showStored);
    addEventListener('focus', soon);
    soon();
}

/** The organisation may be missing: --demo makes it only where there is no other. */
async function lookForOrganisation(): Promise<void> {
    const answer = await fetch('/api/bootloader', { headers: { 'x-org-key': ORG_KEY } });
    if (!answer.ok) tell(`There is no organisation “${ORG_KEY}” in this database, so the chat stays away: helvino org create ${ORG_KEY}`);
}

function start(): void {
    const script = document.querySelector<HTMLScriptElement>('script[data-org]');
    const widget = (): Widget | undefined => (window as unknown as { Helvino?: Widget }).Helvino;
    byId('line').textContent = `<script src="${location.origin}/embed.js"\n        data-org="${ORG_KEY}" async></script>`;
    offerCopies();
    const connectNow = (): void => {
        const found = widget();
        if (found) connect(found);
    };
    if (widget()) connectNow();
    else script?.addEventListener('load', connectNow);
    script?.addEventListener('error', () => tell('embed.js has not loaded.'));
    lookForOrganisation().catch(() => tell('The server does not answer.'));
}

start();
