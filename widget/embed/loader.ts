/*
 * embed.js, on every page: the visitor's identity, the launcher and window.Helvino. It loads client.js and panel.js
 * when somebody wants them. Whatever goes wrong here must not be noticed by the page: each way in is guarded, nothing
 * is thrown, nothing waits for us.
 */
import { chooseLanguage } from '../shared/language.ts';
import type { Bootloader } from '../shared/protocol.ts';
import { uuid } from '../shared/uuid.ts';
import type { HelvinoApi, QueuedCall, Stub } from './api.ts';
import type { Chat, Consent, Host, MountPanel, Panel, StartClient } from './contract.ts';
import { drawLauncher, type Launcher } from './launcher.ts';
import { clear, get, keys, levelNow, remove, set, setLevel } from './storage.ts';

const ID = 'helvino_visitor_id';
const RETRY_MS_MAX = 60_000;

type Call = (...given: never[]) => unknown;

/** Runs it between the marks by which our share of the main thread can be measured. */
function timed(task: () => void): void {
    try {
        performance.mark('helvino:start');
        task();
        performance.mark('helvino:end');
    } catch {
        // The page goes on without a chat.
    }
}

function run(script: HTMLScriptElement): void {
    const { fetch, setTimeout } = window; // a page may put others in their place later
    const earlier = window.Helvino;
    if (earlier && 'destroy' in earlier) return; // included twice
    const settings = script.dataset;
    const orgKey = (settings.org || window.HELVINO_ORG_KEY) as string;
    const base = script.src.replace(/\/[^/?#]*([?#].*)?$/, '');
    const debug = 'debug' in settings;
    const ending = new AbortController();
    const { signal } = ending;
    const bus = new EventTarget(); // a listener that throws is reported as the page's own error, and stops nobody

    setLevel(settings.consent ?? window.HELVINO_CONSENT ?? 'persistent');
    const isNew = !get(ID);
    let isOpen = false; // or is to be, once everything is there
    let isHidden = false;
    let unread = 0;
    let boot: Bootloader | undefined;
    let launcher: Launcher | undefined;
    let client: Promise<Chat> | undefined;
    let mounting: Promise<void> | undefined;
    let panel: Panel | undefined;
    let setReady: (host: Host) => void;
    const ready = new Promise<Host>((done) => (setReady = done));

    const ignore = () => {};
    const guarded =
        <A extends unknown[], R>(task: (...given: A) => R) =>
        (...given: A): R | undefined => {
            try {
                if (!signal.aborted) return task(...given);
            } catch {
                // Not the page's business.
            }
            return;
        };
    /** Tries until it succeeds, less and less often; after destroy(), or once it is refused for good, it never does. */
    const persist = async <T>(task: (attempt: number) => Promise<T>): Promise<T> => {
        for (let attempt = 0; ; ++attempt) {
            try {
                const result = await task(attempt);
                if (!signal.aborted) return result;
            } catch (refusal) {
                if (/^4(?!08|29)/.test(`${(refusal as Response).status}`)) await new Promise(ignore);
            }
            const delay = Math.min(1000 * 2 ** attempt, RETRY_MS_MAX) * (0.5 + Math.random() / 2);
            await new Promise((wake) => signal.aborted || setTimeout(wake, delay));
        }
    };

    /* ---- events ---- */

    const on = (event: string, listener: (detail?: unknown) => void) => {
        const call = listener.bind(null); // throws here for what is no function
        const hear = (happened: Event) => call((happened as CustomEvent).detail);
        bus.addEventListener(event, hear, { signal });
        if (event === 'ready' && boot) listener();
        return () => bus.removeEventListener(event, hear);
    };
    const emit = (event: string, detail?: unknown) => bus.dispatchEvent(new CustomEvent(event, { detail }));

    /* ---- identity ---- */

    /* What is stored is asked for each time: another tab may have been first, or has forgotten the visitor. */
    const visitorId = () => {
        const stored = get(ID) ?? '';
        if (/^v_[\w.-]{1,78}$/.test(stored)) return stored;
        set(ID, `v_${uuid()}`);
        return get(ID) as string;
    };
    const getHeaders = () => ({ 'x-org-key': orgKey, 'x-visitor-id': visitorId() });
    const ask = async (path: string, method = 'GET', credentials?: RequestCredentials) => {
        const answer = await fetch(base + path, { method, headers: getHeaders(), credentials } as RequestInit);
        if (!answer.ok) throw answer;
        return answer.json();
    };
    const consent = (next?: Consent): Consent => {
        if (next && next !== levelNow()) {
            const kept = keys().map((key) => [key, get(key) ?? ''] as const);
            setLevel(next);
            clear(next);
            // An id from an earlier visit is taken up again, unless this one has been used already.
            if (client || !get(ID)) kept.forEach((entry) => set(...entry));
            emit('change');
            if (boot && levelNow() !== 'none') begin();
        }
        return levelNow();
    };

    /* ---- client and panel ---- */

    const load = <T>(file: string): Promise<T> =>
        persist(async (attempt) => (await import(base + file + (attempt ? `?${attempt}` : ''))).default);
    const startClient = (): Promise<Chat> =>
        (client ??= Promise.all([ready, load<StartClient>(__CLIENT_FILE__)]).then(([host, start]) => {
            const chat = start(host);
            signal.addEventListener('abort', chat.stop);
            return chat;
        }));
    const wake = () => startClient().catch(ignore);
    const isOfOutbox = (names: unknown) => /_out:/.test(`${names}`);
    const mount = async () => {
        const [host, chat, mountPanel] = await Promise.all([ready, startClient(), load<MountPanel>(__PANEL_FILE__)]);
        panel = await mountPanel(host, chat);
        if (signal.aborted) panel.unmount();
        else if (isOpen) panel.show();
    };
    const prepare = () => {
        mounting ??= mount().catch(() => (mounting = undefined));
    };
    const update = () => launcher?._update(isOpen, unread);
    const setOpen = (next: boolean) => {
        if (next === isOpen) return;
        const hadFocus = launcher?._root.activeElement;
        isOpen = next;
        update();
        if (next) prepare();
        panel?.[next ? 'show' : 'hide']();
        // The browser gives it back to what had it before; which may be nothing.
        if (!next && hadFocus && document.activeElement === document.body) launcher?._button.focus();
        emit(next ? 'open' : 'close');
    };
    const showUnread = (count: number) => {
        unread = count;
        update();
        if (count) prepare();
    };

    /* ---- beginning ---- */

    const draw = ({ color, position, language: setting }: Bootloader['config']) => {
        const language = chooseLanguage(setting, navigator.languages);
        const drawn = drawLauncher(color, position, language);
        const button = drawn._button;
        launcher = drawn;
        button.hidden = isHidden;
        button.onclick = guarded(() => setOpen(!isOpen));
        button.onpointerenter = button.onfocus = prepare;
        setReady({
            base,
            orgKey,
            get boot() {
                return boot as Bootloader;
            },
            keep: { get, set, remove, keys },
            consent: levelNow,
            root: drawn._root,
            debug,
            language,
            fetch,
            uuid,
            load,
            getHeaders,
            visitorId,
            onChange: (listener) => on('change', listener),
            showUnread,
            emit,
            isOpen: () => isOpen,
            close: () => setOpen(false),
            forgetLocally: () => clear(),
        });
    };
    const welcome = (known: Bootloader) => {
        const { visitor } = (boot = known);
        if (!launcher) {
            draw(boot.config);
            emit('ready');
        }
        if (!client) showUnread(visitor?.unreadCount ?? 0);
        if (visitor?.conversationCount || isOfOutbox(keys())) {
            (window.requestIdleCallback ?? setTimeout)(wake);
        }
    };
    const begin = () =>
        persist(async () => {
            let known: Bootloader = await ask('/api/bootloader');
            const { enabled, visitorCookie, countVisits } = known.config;
            if (!enabled) return;
            if (visitorCookie && levelNow() === 'persistent') {
                const kept = await ask('/visitors/me/cookie', 'POST', 'include').catch(ignore);
                if (kept && isNew) {
                    set(ID, kept.visitorId);
                    known = await ask('/api/bootloader');
                }
            }
            if (countVisits && levelNow() !== 'none') ask('/visitors/me', 'POST').then(wake, ignore);
            timed(guarded(() => welcome(known)));
        });

    /* ---- window.Helvino ---- */

    const setHidden = (hidden: boolean) => {
        isHidden = hidden;
        if (launcher) launcher._button.hidden = hidden;
    };
    const methods: Record<string, Call> = {
        open: () => setOpen(true),
        close: () => setOpen(false),
        toggle: () => setOpen(!isOpen),
        isOpen: () => isOpen,
        show: () => setHidden(false),
        hide: () => setHidden(true),
        on,
        consent,
        visitorId,
        forget: () => startClient().then((chat) => chat.forget()).catch(() => null),
        identify: ignore,
        destroy() {
            delete window.Helvino;
            launcher?._root.host.remove();
            panel?.unmount();
            ending.abort();
        },
    };
    const push = guarded((...calls: QueuedCall[]) => {
        for (const [name, ...given] of calls) (api[name as string] as Call | undefined)?.(...(given as never[]));
    });
    const waiting = (earlier as Stub | undefined)?.q ?? [];
    // Put onto the page's own object, for who has kept that.
    const api = Object.assign(earlier ?? {}, { q: { push } }) as unknown as Record<string, unknown>;
    for (const name in methods) api[name] = guarded(methods[name] as Call);
    window.Helvino = api as unknown as HelvinoApi;
    push(...waiting);
    if (debug) console.log('Helvino visitor', visitorId());
    // Another tab's visitor has written for the first time.
    window.addEventListener('storage', ({ key }) => isOfOutbox(key) && wake(), { signal });
    begin();
}

timed(() => {
    const script = document.currentScript; // which could also be an image of that name
    if (script instanceof HTMLScriptElement) run(script);
});
