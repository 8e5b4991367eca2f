/*
 * The button that opens the panel, in a shadow root of its own. Styles are a constructable sheet and `!important` on
 * the host, which from inside a shadow root wins over everything that the page declares; nothing needs unsafe-inline.
 * The host hangs on the root element, so a page that replaces its body keeps it, and a body with a transform doesn't
 * move it.
 */
import type { Language } from '../shared/language.ts';

export interface Launcher {
    readonly _root: ShadowRoot;
    readonly _button: HTMLButtonElement;
    _update(open: boolean, unread: number): void;
}

/** Black or white, whichever stands out more on the colour: at least 4.5:1. */
function contrasting(color: string): string {
    const light = (at: number) => (parseInt(color.slice(at, at + 2), 16) / 255) ** 2.2;
    return 0.2126 * light(1) + 0.7152 * light(3) + 0.0722 * light(5) > 0.18 ? '#000' : '#fff';
}

/* The icons are shapes cut out of a plain box: a bubble, and what closes it. */
const styles = (color: string, side: string) =>
    `:host{all:initial!important;position:fixed!important;z-index:2147483647!important;--helvino-color:${color};--helvino-on-color:${contrasting(color)}}
.launcher{position:fixed;bottom:max(20px,env(safe-area-inset-bottom));${side}:max(20px,env(safe-area-inset-${side}));width:56px;height:56px;padding:0;border:0;border-radius:50%;background:var(--helvino-color);box-shadow:0 2px 12px #0006;cursor:pointer;forced-color-adjust:none}
.launcher:before{content:"";display:block;height:56px;background:var(--helvino-on-color);clip-path:path("M16 18h25v17H26l-7 6v-6h-3z")}
.launcher[aria-expanded=true]:before{clip-path:path("M16 24l3-3 9 9 9-9 3 3-12 12z")}
.badge{position:absolute;top:-5px;right:-5px;padding:0 7px;border-radius:11px;background:#c11;color:#fff;font:600 12px/21px system-ui}
@media print{:host{display:none!important}}`;

export function drawLauncher(color: string, side: string, language: Language): Launcher {
    const host = document.createElement('helvino-widget');
    const root = host.attachShadow({ mode: 'open' });
    const button = document.createElement('button');
    const badge = document.createElement('span');
    const sheet = new CSSStyleSheet();
    const label = { tr: 'Sohbet', ar: 'دردشة' }[language as string] ?? 'Chat';

    sheet.replaceSync(styles(color, side));
    root.adoptedStyleSheets = [sheet];
    button.className = 'launcher';
    badge.className = 'badge';
    badge.setAttribute('aria-hidden', 'true'); // the label says it
    button.append(badge);
    root.append(button);
    document.documentElement.append(host);
    return {
        _root: root,
        _button: button,
        _update(open, unread) {
            badge.hidden = open || !unread;
            badge.textContent = `${unread}`;
            button.setAttribute('aria-label', label + (unread ? `, ${unread}` : ''));
            button.setAttribute('aria-expanded', `${open}`);
        },
    };
}
