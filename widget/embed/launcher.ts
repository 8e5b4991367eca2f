/*
 * The button that opens the panel, in a shadow root of its own. Styles are a constructable sheet and `!important` on the host, which
 * from inside a shadow root wins over everything that the page declares; nothing needs unsafe-inline. The host hangs on the root
 * element, so a page that replaces its body keeps it, and a body with a transform doesn't move it.
 */
import type { Language } from '../shared/language.ts';

export interface Launcher {
    readonly root: ShadowRoot;
    readonly button: HTMLButtonElement;
    unread(count: number): void;
    expanded(open: boolean): void;
    remove(): void;
}

const BUBBLE = 'M4 4h16v12H9l-5 4z';
const CROSS = 'M6 6l12 12M18 6L6 18';

/* Open, close, unread. */
const LABELS: Record<Language, string> = {
    en: 'Open chat|Close chat|unread',
    tr: 'Sohbeti aç|Sohbeti kapat|okunmamış',
    de: 'Chat öffnen|Chat schließen|ungelesen',
    fr: 'Ouvrir le chat|Fermer le chat|non lus',
    es: 'Abrir el chat|Cerrar el chat|sin leer',
    ar: 'فتح الدردشة|إغلاق الدردشة|غير مقروءة',
};

/** Black or white, whichever stands out more on the colour (WCAG's relative luminance; never below 4.5:1). */
function contrasting(color: string): string {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
        const part = parseInt(color.slice(at, at + 2), 16) / 255;
        return part > 0.04045 ? ((part + 0.055) / 1.055) ** 2.4 : part / 12.92;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? '#000' : '#fff';
}

function styles(setting: string, side: string): string {
    const color = /^#[\da-f]{6}$/i.test(setting) ? setting : '#2563eb';
    return `:host{all:initial!important;position:fixed!important;z-index:2147483647!important;--helvino-color:${color}!important;--helvino-on-color:${contrasting(color)}!important}
.launcher{position:fixed;bottom:calc(20px + env(safe-area-inset-bottom));${side}:calc(20px + env(safe-area-inset-${side}));width:56px;height:56px;padding:0;border:1px solid transparent;border-radius:50%;background:var(--helvino-color);color:var(--helvino-on-color);box-shadow:0 2px 12px #0006;cursor:pointer;-webkit-tap-highlight-color:transparent}
.launcher:focus-visible{outline:2px solid #fff;box-shadow:0 0 0 5px #111}
svg{display:block;margin:auto;width:26px;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.badge{position:absolute;top:-5px;right:-5px;box-sizing:border-box;min-width:21px;padding:0 5px;border-radius:11px;background:#c81e1e;color:#fff;font:600 12px/21px system-ui,sans-serif}
.badge:empty{display:none}
@media(prefers-reduced-motion:no-preference){.launcher{transition:transform .15s}.launcher:hover{transform:scale(1.06)}}
@media print{:host{display:none!important}}`;
}

function drawIcon(): SVGPathElement {
    const space = 'http://www.w3.org/2000/svg';
    const icon = document.createElementNS(space, 'svg');
    const path = document.createElementNS(space, 'path');
    icon.setAttribute('viewBox', '0 0 24 24');
    icon.setAttribute('aria-hidden', 'true');
    icon.append(path);
    return path;
}

export function drawLauncher(color: string, side: string, language: Language): Launcher {
    const host = document.createElement('helvino-widget');
    const root = host.attachShadow({ mode: 'open' });
    const button = document.createElement('button');
    const badge = document.createElement('span');
    const path = drawIcon();
    const sheet = new CSSStyleSheet();
    const [opens, closes, unread] = LABELS[language].split('|');
    let isOpen = false;
    let count = 0;

    const update = () => {
        const number = count > 99 ? '99+' : `${count || ''}`;
        badge.textContent = number;
        path.setAttribute('d', isOpen ? CROSS : BUBBLE);
        button.setAttribute('aria-label', (isOpen ? closes : opens) + (number && `, ${number} ${unread}`));
        button.setAttribute('aria-expanded', `${isOpen}`);
    };

    sheet.replaceSync(styles(color, side));
    root.adoptedStyleSheets = [sheet];
    button.type = 'button';
    button.className = 'launcher';
    button.lang = language;
    badge.className = 'badge';
    button.setAttribute('aria-haspopup', 'dialog');
    button.append(path.ownerSVGElement ?? '', badge);
    root.append(button);
    update();
    document.documentElement.append(host);
    return {
        root,
        button,
        unread(next) {
            count = next;
            update();
        },
        expanded(open) {
            isOpen = open;
            update();
        },
        remove: () => host.remove(),
    };
}
