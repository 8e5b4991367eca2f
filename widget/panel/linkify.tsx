/* Addresses in a text become links. Everything stays a text node: nothing that somebody wrote is ever HTML. */
import type { ComponentChild } from 'preact';

// No control of writing direction within an address: it could show another one than it opens.
const ADDRESS = /(?:https?:\/\/|www\.|mailto:)[^\s<>"\u200e\u200f\u202a-\u202e\u2066-\u2069]+|[\w.+-]+@[\w-]+\.[\w.-]+/gi;
const TRAILING = /[.,:;!?'*_)\]}»”’…،؛؟。]+$/;

/** What ends a sentence is not the address's own, but a bracket that was opened in it is. */
function trimmed(address: string): string {
    let end = address.replace(TRAILING, '');
    while (address[end.length] === ')' && end.split('(').length > end.split(')').length) end += ')';
    return end;
}

function hrefOf(address: string): string | null {
    const scheme = /^(https?|mailto):/i.test(address) ? '' : /^www\./i.test(address) ? 'https://' : 'mailto:';
    try {
        const { protocol, href } = new URL(scheme + address);
        return /^(https?|mailto):$/.test(protocol) ? href : null;
    } catch {
        return null;
    }
}

export function linkify(text: string): ComponentChild[] {
    const shown: ComponentChild[] = [];
    let done = 0;
    for (const { 0: match, index } of text.matchAll(ADDRESS)) {
        const address = trimmed(match);
        const href = hrefOf(address);
        if (!href) continue;
        shown.push(
            text.slice(done, index),
            <a href={href} target="_blank" rel="noopener noreferrer nofollow">
                {address}
            </a>,
        );
        done = index + address.length;
    }
    shown.push(text.slice(done));
    return shown;
}

const EMOJI = /^[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}\u200d\ufe0f\s]{1,24}$/u;

export const isOnlyEmoji = (text: string) => EMOJI.test(text);
