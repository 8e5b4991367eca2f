/*
 * Just as much of a browser as the widget touches: tabs that share storage, locks and channels, each a realm of its own in which a
 * bundle runs as it would in a page. Nothing of the widget is replaced, only what is around it.
 */
import { webcrypto } from 'node:crypto';
import vm from 'node:vm';

import { Clock } from './clock.mjs';

/* ---- what tabs share ---- */

/** Storage as pages see it: its keys are properties. */
export function makeStorage(notify = () => {}) {
    const methods = {
        getItem: (key) => values.get(key) ?? null,
        setItem(key, value) {
            if (String(value).length > storage.room) throw new DOMException('full', 'QuotaExceededError');
            values.set(key, String(value));
            notify(key, String(value));
        },
        removeItem(key) {
            if (values.delete(key)) notify(key, null);
        },
    };
    const values = new Map();
    const storage = { room: Infinity };
    return new Proxy(storage, {
        get: (_, key) => methods[key] ?? (key === 'room' ? storage.room : values.get(key)),
        ownKeys: () => [...values.keys()],
        getOwnPropertyDescriptor: (_, key) => (values.has(key) ? { value: values.get(key), enumerable: true, configurable: true } : undefined),
    });
}

/** Web Locks: exclusive ones, with signal, steal and ifAvailable. */
class Locks {
    #held = new Map();
    #queue = [];

    for(tab) {
        return {
            request: (name, ...rest) => {
                const task = rest.pop();
                const { signal, steal = false, ifAvailable = false } = rest[0] ?? {};
                return new Promise((done, fail) => {
                    const request = { tab, name, task, done, fail };
                    if (signal?.aborted) return fail(signal.reason);
                    if (ifAvailable && this.#held.has(name)) return done(task(null));
                    signal?.addEventListener('abort', () => {
                        const at = this.#queue.indexOf(request);
                        if (at >= 0) this.#queue.splice(at, 1), fail(signal.reason);
                    });
                    if (steal) this.#steal(name);
                    this.#queue[steal ? 'unshift' : 'push'](request);
                    this.#grant();
                });
            },
        };
    }
    holder(name) {
        return [...this.#held].find(([held]) => held.startsWith(name) && !held.endsWith(':bell'))?.[1].tab;
    }
    drop(tab) {
        this.#queue = this.#queue.filter((request) => request.tab !== tab);
        for (const [name, request] of [...this.#held]) if (request.tab === tab) this.#held.delete(name);
        this.#grant();
    }
    #steal(name) {
        const victim = this.#held.get(name);
        this.#held.delete(name);
        victim?.fail(new DOMException('The lock was stolen.', 'AbortError'));
    }
    #grant() {
        for (const request of [...this.#queue]) {
            if (this.#held.has(request.name)) continue;
            this.#queue.splice(this.#queue.indexOf(request), 1);
            this.#held.set(request.name, request);
            // Granted later, as in a browser.
            Promise.resolve().then(async () => {
                try {
                    request.done(await request.task({ name: request.name }));
                } catch (error) {
                    request.fail(error);
                }
                if (this.#held.get(request.name) !== request) return;
                this.#held.delete(request.name);
                this.#grant();
            });
        }
    }
}

/* ---- a page ---- */

/* Node 18 has none. */
class FakeCustomEvent extends Event {
    constructor(type, { detail } = {}) {
        super(type);
        this.detail = detail;
    }
}

class FakeElement extends EventTarget {
    constructor(name) {
        super();
        Object.assign(this, { tagName: name.toUpperCase(), attributes: {}, children: [], hidden: false, dataset: {} });
    }
    append(...children) {
        for (const child of children) (child.parent = this), this.children.push(child);
    }
    remove() {
        this.parent?.children.splice(this.parent.children.indexOf(this), 1);
    }
    setAttribute(name, value) {
        this.attributes[name] = value;
    }
    attachShadow() {
        this.shadowRoot = Object.assign(new FakeElement('#root'), { host: this, activeElement: null });
        return this.shadowRoot;
    }
    focus() {
        this.parent.activeElement = this;
    }
    /** What a pointer does. */
    happen(event) {
        this[`on${event}`]?.(new Event(event));
    }
}

class FakeScript extends FakeElement {}

const INTRINSICS = [
    'AbortController', 'Blob', 'DOMException', 'Event', 'EventTarget', 'Response', 'TextDecoder', 'TextEncoder', 'URL', 'console', 'structuredClone',
];

export class Tab {
    constructor(browser, { locks = true, script } = {}) {
        this.browser = browser;
        this.isClosed = false;
        this.channels = new Set();
        this.timers = new Set();
        this.tones = 0;
        this.marks = [];
        this.session = makeStorage();
        this.document = this.#makeDocument(script);
        this.window = this.#makeWindow(locks);
        vm.createContext(this.window);
    }
    #makeDocument(script) {
        const document = new EventTarget();
        document.hidden = false;
        document.title = 'A page';
        document.documentElement = new FakeElement('html');
        document.createElement = (name) => new FakeElement(name);
        document.currentScript = script ?? null;
        return document;
    }
    #makeWindow(withLocks) {
        const tab = this;
        const { clock, random } = this.browser;
        const window = {};
        for (const name of INTRINSICS) window[name] = globalThis[name];
        const target = new EventTarget();
        const listening = ['addEventListener', 'removeEventListener', 'dispatchEvent'].map((name) => [name, target[name].bind(target)]);
        return Object.assign(window, Object.fromEntries(listening), {
            window,
            document: this.document,
            localStorage: this.browser.storageFor(this),
            sessionStorage: this.session,
            setTimeout(task, ms, ...given) {
                const timer = clock.setTimeout(() => tab.isAsleep || task(...given), ms);
                tab.timers.add(timer);
                return timer;
            },
            clearTimeout: clock.clearTimeout,
            setInterval(task, ms) {
                const interval = { isOver: false };
                const repeat = () => window.setTimeout(() => interval.isOver || (task(), repeat()), ms);
                repeat();
                return interval;
            },
            clearInterval: (interval) => (interval.isOver = true),
            Date: clock.Date,
            AbortSignal: clock.AbortSignal,
            Math: Object.assign(Object.create(Math, Object.getOwnPropertyDescriptors(Math)), { random }),
            crypto: webcrypto,
            CustomEvent: FakeCustomEvent,
            fetch: (...given) => this.fetch(...given),
            performance: { mark: (name) => this.marks.push(name) },
            navigator: {
                onLine: true,
                languages: ['en'],
                locks: withLocks ? this.browser.locks.for(this) : undefined,
                userActivation: { hasBeenActive: true },
            },
            BroadcastChannel: this.#channelClass(),
            AudioContext: this.#audioClass(),
            CSSStyleSheet: class {
                replaceSync(css) {
                    this.css = css;
                }
            },
            HTMLScriptElement: FakeScript,
        });
    }
    #channelClass() {
        const tab = this;
        return class {
            constructor(name) {
                this.name = name;
                tab.channels.add(this);
                tab.browser.channelNames.add(name);
            }
            postMessage(message) {
                if (tab.channels.has(this)) tab.browser.carry(this.name, tab, structuredClone(message));
            }
            close() {
                tab.channels.delete(this);
            }
        };
    }
    #audioClass() {
        const tab = this;
        return class {
            currentTime = 0;
            constructor() {
                tab.tones++;
            }
            createGain = () => ({ connect() {}, gain: {} });
            createOscillator = () => ({ connect() {}, start() {}, stop() {}, frequency: {} });
            async close() {}
        };
    }

    /** A request of this page; what is under way when it closes is never answered to it. */
    async fetch(...given) {
        const answer = this.browser.fetch(this, ...given);
        if (this.isClosed) return new Promise(() => {});
        const result = await answer;
        return this.isClosed ? new Promise(() => {}) : result;
    }
    run(code) {
        return vm.runInContext(code, this.window);
    }
    /** What a bundled module exports, in this tab. */
    load(library) {
        this.run(library);
        return this.run('exported');
    }
    setVisible(visible) {
        this.document.hidden = !visible;
        this.document.dispatchEvent(new Event('visibilitychange'));
    }
    setOnline(online) {
        this.window.navigator.onLine = online;
        this.window.dispatchEvent(new Event(online ? 'online' : 'offline'));
    }
    happen(event) {
        this.window.dispatchEvent(new Event(event));
    }
    /** The system stops it, as phones do with tabs in the background; its locks stay. */
    sleep() {
        this.isAsleep = true;
    }
    close() {
        this.isClosed = true;
        this.timers.forEach(this.browser.clock.clearTimeout);
        this.channels.clear();
        this.browser.tabs.delete(this);
        this.browser.locks.drop(this);
        this.browser.closed(this);
    }
}

export class Browser {
    constructor({ clock = new Clock(), fetch = async () => Promise.reject(new TypeError('offline')), random = () => 0.5 } = {}) {
        Object.assign(this, { clock, random });
        this.network = fetch;
        this.tabs = new Set();
        this.locks = new Locks();
        this.channelNames = new Set();
        this.values = new Map();
        this.current = null;
        this.localStorage = makeStorage((key, value) => this.#storageEvent(key, value));
    }
    fetch(tab, url, init = {}) {
        return this.network(url, init, tab);
    }
    closed() {}
    tab(options) {
        const tab = new Tab(this, options);
        this.tabs.add(tab);
        return tab;
    }
    /* The same storage for all, which knows who writes: that one gets no event. */
    storageFor(tab) {
        const write = (name) => (...given) => {
            this.current = tab;
            try {
                this.localStorage[name](...given);
            } finally {
                this.current = null;
            }
        };
        const writing = { setItem: write('setItem'), removeItem: write('removeItem') };
        return new Proxy(this.localStorage, {
            get: (target, key) => writing[key] ?? target[key],
            ownKeys: (target) => Reflect.ownKeys(target),
            getOwnPropertyDescriptor: (target, key) => Reflect.getOwnPropertyDescriptor(target, key),
        });
    }
    #storageEvent(key, newValue) {
        const writer = this.current;
        for (const tab of this.tabs) {
            if (tab === writer) continue;
            setImmediate(() => tab.isClosed || tab.window.dispatchEvent(Object.assign(new Event('storage'), { key, newValue })));
        }
    }
    carry(name, from, message) {
        for (const tab of this.tabs) {
            if (tab === from || tab.isAsleep) continue;
            for (const channel of tab.channels) {
                if (channel.name === name) setImmediate(() => tab.channels.has(channel) && channel.onmessage?.({ data: message }));
            }
        }
    }
}

export { FakeElement, FakeScript };
