/* A tab with the client in it, and what its visitor sees. */
import { randomUUID } from 'node:crypto';

import { Backend } from './backend.mjs';
import { Browser } from './browser.mjs';
import { Clock, settle } from './clock.mjs';
import { VARIANTS } from './bundle.mjs';

const ID = 'helvino_visitor_id';

/* What the loader would give the client; the loader has tests of its own. */
export function hostFor(tab, variant, { base = 'http://chat', orgKey = 'demo', consent = 'persistent', boot = null } = {}) {
    const changes = new Set();
    const memory = new Map();
    const area = () => (consent === 'persistent' ? tab.window.localStorage : consent === 'session' ? tab.session : null);
    const keep = {
        get: (key) => (area() ? area().getItem(key) : (memory.get(key) ?? null)),
        set: (key, value) => (area() ? area().setItem(key, value) : memory.set(key, value)),
        remove: (key) => (area() ? area().removeItem(key) : memory.delete(key)),
        keys: () => (area() ? Object.keys(area()) : [...memory.keys()]),
    };
    const host = {
        base,
        orgKey,
        boot,
        keep,
        fetch: tab.window.fetch,
        uuid: randomUUID,
        load: async (path) => tab.load(variant[/(\w+)-0/.exec(path)[1]]).default,
        consent: () => consent,
        language: 'en',
        events: [],
        unread: 0,
        isShown: false,
        visitorId() {
            if (!keep.get(ID)) keep.set(ID, `v_${randomUUID()}`);
            return keep.get(ID);
        },
        getHeaders: () => ({ 'x-org-key': orgKey, 'x-visitor-id': host.visitorId() }),
        onChange(listener) {
            changes.add(listener);
            return () => changes.delete(listener);
        },
        showUnread: (count) => (host.unread = count),
        emit: (event, detail) => host.events.push([event, detail]),
        isOpen: () => host.isShown,
        forgetLocally: () => keep.keys().forEach(keep.remove),
    };
    return host;
}

/** A world of one server and one browser on one clock. */
export class World {
    constructor(variant) {
        this.variant = VARIANTS[variant];
        this.clock = new Clock();
        this.server = new Backend(this.clock);
        this.browser = this.newBrowser();
    }
    newBrowser() {
        const browser = new Browser({ clock: this.clock, fetch: this.server.fetch });
        browser.closed = (tab) => this.server.forget(tab);
        return browser;
    }
    /** Opens a page with the client in it; with `shown` its panel is open. */
    async open({ browser = this.browser, shown = true, consent, load, before, ...options } = {}) {
        const tab = browser.tab(options);
        before?.(tab);
        const host = hostFor(tab, this.variant, { consent });
        host.boot = this.server.boot(host.visitorId());
        if (load) host.load = load;
        const chat = tab.load(this.variant.client).default(host);
        const page = new Page(this, tab, host, chat);
        if (shown) chat.setShown(true);
        await settle();
        return page;
    }
    advance(ms) {
        return this.clock.advance(ms);
    }
}

export class Page {
    constructor(world, tab, host, chat) {
        Object.assign(this, { world, tab, host, chat });
    }
    get key() {
        return this.host.visitorId();
    }
    /** What its visitor sees (a copy: the tab's own objects are of another realm). */
    get now() {
        return structuredClone(this.chat.snapshot());
    }
    get texts() {
        return this.now.messages.map(({ content }) => content);
    }
    get deliveries() {
        return this.now.messages.map(({ delivery }) => delivery);
    }
    async say(text) {
        const refusal = this.chat.send(text);
        await settle();
        return refusal;
    }
    emitted(event) {
        return this.host.events.filter(([name]) => name === event).map(([, detail]) => structuredClone(detail));
    }
    get outbox() {
        return [...this.host.keep.keys()].filter((key) => key.startsWith('helvino_out:'));
    }
    async close() {
        this.tab.close();
        await settle();
    }
}
