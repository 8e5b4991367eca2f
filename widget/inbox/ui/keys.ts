/*
 * Keys as they are written in commands: "j", "?", "mod+k" (Ctrl, or Cmd on a Mac), "shift+x", "g i" (one after the
 * other). Letters are those that are typed; on a keyboard of another script those at the same place.
 */
const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

const NAMES: Record<string, string> = {
    enter: '↵',
    escape: 'Esc',
    arrowup: '↑',
    arrowdown: '↓',
    shift: isMac ? '⇧' : 'Shift',
    mod: isMac ? '⌘' : 'Ctrl',
    alt: isMac ? '⌥' : 'Alt',
};

const shown = (part: string) => NAMES[part] ?? (part.length === 1 ? part.toUpperCase() : part);

/** As people read them: "Ctrl+K", "G then I" is "G I". */
export const keysOf = (keys: string): string =>
    keys
        .split(' ')
        .map((step) => (step === '+' ? step : step.split('+').map(shown).join(isMac ? '' : '+')))
        .join(' ');

function nameOf({ key, code }: KeyboardEvent): string {
    if (/^[\x21-\x7e]$/.test(key)) return key.toLowerCase();
    const [, letter] = /^Key([A-Z])$/.exec(code) ?? [];
    return letter && key.length === 1 ? letter.toLowerCase() : key.toLowerCase();
}

/** What was pressed, as commands write it. */
export function pressed(event: KeyboardEvent): string {
    const name = nameOf(event);
    const isSign = /^[^a-z0-9]$/.test(name); // has its Shift in it
    const parts = [
        (isMac ? event.metaKey : event.ctrlKey) && 'mod',
        event.altKey && 'alt',
        event.shiftKey && !isSign && 'shift',
        name,
    ];
    return parts.filter(Boolean).join('+');
}

export const isComposing = (event: KeyboardEvent): boolean => event.isComposing || event.keyCode === 229;

/** Somebody writes there, or chooses. */
export function isTyping(target: EventTarget | null): boolean {
    return target instanceof HTMLElement && (target.isContentEditable || target.matches('input:not([type=checkbox],[type=radio]),textarea,select'));
}
