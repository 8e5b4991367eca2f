/*
 * embed.js, on every page: the visitor's identity, the launcher and window.Helvino. It loads client.js and panel.js when somebody
 * wants them. Whatever goes wrong here must not be noticed by the page: each way in is guarded, nothing is thrown, nothing waits for us.
 */
import { chooseLanguage } from '../shared/language.ts';
import type { Bootloader } from '../shared/protocol.ts';
import { uuid } from '../shared/uuid.ts';
import type { HelvinoApi, QueuedCall } from './api.ts';
import type { Chat, Consent, HelvinoEvent, Host, MountPanel, Panel, StartClient } from './contract.ts';
import { drawLauncher, type Launcher } from './launcher.ts';
import { openVault } from './storage.ts';

const ID = 'helvino_visitor_id';
const RETRY_S_MAX = 60;

type Script = HTMLScriptElement;
type Listener = (detail?: unknown) => void;

const asLevel = (level: unknown): Consent => (level === 'persistent' || level === 'session' ? level : 'none');

/* A page can give an image the name "currentScript", so what it is has to be asked. */
function ownScript(): Script | null {
    const script = document.currentScript;
    return script?.tagName === 'SCRIPT' ? (script as Script) : document.querySelector<Script>('script[src*="/embed.js"]');
}

function run(script: Script): void {
    const { fetch, setTimeout } = window; // a page may put others in their place later
    const earlier = window.Helvino;
    if (earlier && 'destroy' in earlier) return; // included twice
    const settings = script.dataset;
    const orgKey = settings.org || window.HELVINO_ORG_KEY || '';
    const base = script.src.replace(/\/[^/?#]*([?#].*)?$/, '');
    const debug = 'debug' in settings;
    const vault = openVault(asLevel(settings.consent ?? window.HELVINO_CONSENT ?? 'persistent'));
    const language = (setting: string) => chooseLanguage(setting, navigator.languages ?? []);
    const ending = new AbortController();
    const { signal } = ending;
    const listeners: Record<string, Listener[]> = {};

    let id = '';
    let isFresh = false; // made by this page
    let isOpen = false; // or is to be, once everything is there
    let isHidden = false;
    let isVisitCounted = false;
    let hasBegun = false;
    let launcher: Launcher | undefined;
    let host: Host | undefined;
    let client: Promise<Chat> | undefined;
    let mounting: Promise<void> | undefined;
    let panel: Panel | undefined;

    /* ---- guarding ---- */

    const complain = (error: unknown) => {
        if (debug) console.warn('Helvino', error);
    };
    const guarded =
        <A extends unknown[], R>(task: (...given: A) => R) =>
        (...given: A): R | undefined => {
            try {
                return signal.aborted ? undefined : task(...given);
            } catch (error) {
                complain(error);
                return undefined;
            }
        };
    /** Tries until it succeeds, less and less often. */
    const persist = async <T>(task: (attempt: number) => Promise<T>): Promise<T> => {
        for (let attempt = 0; ; ++attempt) {
            try {
                return await task(attempt);
            } catch (error) {
                complain(error);
                const seconds = Math.min(2 ** attempt, RETRY_S_MAX) * (0.5 + Math.random() / 2);
                await new Promise((wake) => setTimeout(wake, seconds * 1000));
                if (signal.aborted) await new Promise(() => {});
            }
        }
    };

    /* ---- events ---- */

    const listen = (event: string, listener: Listener) => {
        const off = () => {
            listeners[event] = (listeners[event] ?? []).filter((each) => each !== listener);
        };
        off();
        listeners[event]?.push(listener);
        if (event === 'ready' && host) listener();
        return off;
    };
    const emit = (event: HelvinoEvent | 'change', detail?: unknown) => {
        for (const listener of listeners[event] ?? []) {
            try {
                listener(detail);
            } catch (error) {
                console.error(error); // the page's own
            }
        }
    };

    /* ---- identity ---- */

    /* What is stored wins: another tab may have been first. */
    const visitorId = () => {
        const stored = vault.get(ID) ?? '';
        if (/^v_[\w.-]{1,78}$/.test(stored)) id = stored;
        if (!id) {
            id = `v_${uuid()}`;
            isFresh = true;
        }
        return id;
    };
    const keepId = (next: string) => {
        if (vault.get(ID) !== next) vault.set(ID, next);
        return (id = next);
    };
    const getHeaders = () => ({ 'x-org-key': orgKey, 'x-visitor-id': keepId(visitorId()) });
    const ask = async (path: string, method = 'GET', credentials: RequestCredentials = 'same-origin') => {
        const answer = await fetch(base + path, { method, headers: getHeaders(), credentials });
        if (!answer.ok) throw answer.status;
        return answer.json();
    };
    const consent = (next?: Consent): Consent => {
        const level = next && asLevel(next);
        if (level && level !== vault.level()) {
            const kept = vault.move(level);
            // An id from an earlier visit is taken up again, unless this one has been used already.
            if (client || !vault.get(ID)) for (const [key, value] of kept) vault.set(key, value);
            emit('change');
            if (hasBegun && level !== 'none') begin();
        }
        return vault.level();
    };
    const forgetLocally = async () => {
        const stored = vault.get(ID);
        if (!stored || stored === id) vault.clear();
        id = '';
        emit('change');
    };

    /* ---- client and panel ---- */

    const load = <T>(file: string) =>
        persist(async (attempt) => {
            const module: { default: T } = await import(base + file + (attempt ? `?${attempt}` : ''));
            return module.default;
        });
    const startClient = (given: Host) =>
        (client ??= load<StartClient>(__CLIENT_FILE__).then((start) => {
            const chat = start(given);
            signal.addEventListener('abort', () => chat.stop());
            return chat;
        }));
    const mount = async (given: Host) => {
        const [chat, mountPanel] = await Promise.all([startClient(given), load<MountPanel>(__PANEL_FILE__)]);
        const mounted = await mountPanel(given, chat);
        if (signal.aborted) mounted.unmount();
        else panel = mounted;
        if (isOpen) panel?.show();
    };
    const prepare = guarded(() => {
        if (host) mounting ??= mount(host).catch((error) => (complain(error), (mounting = undefined)));
    });
    const setOpen = (next: boolean) => {
        if (next === isOpen) return;
        isOpen = next;
        const isFocusIn = launcher?.root.activeElement;
        launcher?.expanded(next);
        if (next) panel ? panel.show() : prepare();
        else panel?.hide();
        if (!next && isFocusIn) launcher?.button.focus();
        emit(next ? 'open' : 'close');
    };
    const showUnread = (count: number) => {
        launcher?.unread(count);
        if (count) prepare();
    };

    /* ---- beginning ---- */

    const draw = (known: Bootloader) => {
        const { color, position, language: setting } = known.config;
        const drawn = drawLauncher(color, position === 'left' ? 'left' : 'right', language(setting));
        launcher = drawn;
        drawn.button.hidden = isHidden;
        drawn.expanded(isOpen);
        drawn.button.addEventListener('click', guarded(() => setOpen(!isOpen)));
        for (const hint of ['pointerenter', 'focus', 'touchstart']) {
            drawn.button.addEventListener(hint, prepare, { passive: true });
        }
        host = {
            base,
            orgKey,
            boot: known,
            keep: vault,
            consent: vault.level,
            root: drawn.root,
            debug,
            language: language(setting),
            fetch: (...given) => fetch(...given),
            getHeaders,
            visitorId,
            onChange: (listener) => listen('change', listener),
            showUnread,
            emit,
            isOpen: () => isOpen,
            close: guarded(() => setOpen(false)),
            forgetLocally,
        };
        emit('ready');
    };
    const hasOutbox = () => vault.keys().some((key) => key.startsWith(`helvino_out:${orgKey}:`));
    const work = <T>(task: () => T) => {
        performance.mark('helvino:start');
        guarded(task)();
        performance.mark('helvino:end');
    };
    const meet = async (known: Bootloader) => {
        const { visitorCookie, countVisits } = known.config;
        if (visitorCookie && vault.level() === 'persistent') {
            const minted = isFresh && id;
            const kept = await ask('/visitors/me/cookie', 'POST', 'include').catch(complain);
            if (kept && minted === id && kept.visitorId !== id) {
                keepId(kept.visitorId);
                known = await persist(() => ask('/api/bootloader'));
            }
            isFresh = false;
        }
        if (countVisits && vault.level() !== 'none' && !isVisitCounted) {
            isVisitCounted = true;
            ask('/visitors/me', 'POST').catch(complain);
        }
        return known;
    };
    const welcome = (known: Bootloader) => {
        if (host) Object.assign(host.boot, known);
        else draw(known);
        const unread = known.visitor?.unreadCount ?? 0;
        if (!client) showUnread(unread);
        if (isOpen) prepare();
        if (!known.visitor?.conversationCount && !hasOutbox()) return;
        const later = () => (window.requestIdleCallback ?? setTimeout)(guarded(() => host && startClient(host).catch(complain)));
        if (document.readyState === 'complete') later();
        else window.addEventListener('load', later, { signal });
    };
    const begin = () => {
        hasBegun = true;
        persist(() => ask('/api/bootloader'))
            .then(meet)
            .then((known) => signal.aborted || work(() => welcome(known)))
            .catch(complain);
    };

    /* ---- window.Helvino ---- */

    const setHidden = (hidden: boolean) => {
        isHidden = hidden;
        if (launcher) launcher.button.hidden = hidden;
    };
    const methods = {
        open: () => setOpen(true),
        close: () => setOpen(false),
        toggle: () => setOpen(!isOpen),
        isOpen: () => isOpen,
        show: () => setHidden(false),
        hide: () => setHidden(true),
        on: listen,
        consent,
        visitorId,
        forget: () => new Promise((done) => listen('ready', () => {
            if (host) startClient(host).then((chat) => chat.forget()).then(done, () => done(null));
        })),
        identify() {},
        destroy() {
            panel?.unmount();
            launcher?.remove();
            delete window.Helvino;
            ending.abort();
        },
    };
    /* Put onto the page's own object, for who has kept that. */
    const api = (earlier ?? {}) as Record<string, unknown>;
    for (const [name, method] of Object.entries(methods)) api[name] = guarded(method as Listener);
    const call = guarded((queued: QueuedCall) => {
        if (typeof queued === 'function') return queued();
        const [name, ...given] = Array.from(queued);
        (methods as Record<string, (...given: unknown[]) => unknown>)[name as string]?.(...given);
    });
    const waiting = (Array.isArray(earlier) ? [...earlier] : (earlier as { q?: QueuedCall[] } | undefined)?.q) ?? [];
    const push = (...calls: QueuedCall[]) => calls.forEach(call);
    api.push = push;
    api.q = { push };
    window.Helvino = api as unknown as HelvinoApi;
    push(...waiting);
    if ('open' in settings) setOpen(true);
    window.addEventListener(
        'storage',
        guarded(({ key, newValue, storageArea }: StorageEvent) => {
            if (key !== ID || vault.level() !== 'persistent' || storageArea !== window.localStorage) return;
            if (!newValue) id = ''; // another tab has forgotten it
            emit('change');
        }),
        { signal },
    );
    keepId(visitorId());
    if (debug) console.log(`Helvino: visitor ${id}`);
    begin();
}

try {
    performance.mark('helvino:start');
    const script = ownScript();
    if (script) run(script);
    performance.mark('helvino:end');
} catch {
    // The page goes on without a chat.
}
