/* Addresses in a text become links. Everything stays a text node: nothing that somebody wrote is ever HTML. */
import type { ComponentChild } from 'preact';

// In an address: no control of writing direction, which could show another one than it opens. At its end: no punctuation,
// which is the sentence's; but a bracket, when it was opened in the address.
const NEVER = String.raw`\s()<>"\u200e\u200f\u202a-\u202e\u2066-\u2069`;
const INNER = String.raw`\([^${NEVER}]*\)`;
const LAST = String.raw`[^${NEVER}.,:;!?'*\]}»”’…،؛؟。]`;
const SITE = String.raw`(?:https?:\/\/|www\.)(?:${INNER}|[^${NEVER}])*(?:${INNER}|${LAST})`;
// No longer than they get: a text of nothing but dots and letters must not be searched from each of them to its end.
const MAIL = String.raw`[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+`;
const ADDRESS = new RegExp(String.raw`\b(${SITE}|${MAIL})`, 'i');

/** One group in the expression, so every second part is an address. */
const linkify = (text: string): ComponentChild[] =>
    text.split(ADDRESS).map((part, at) =>
        at % 2 ? (
            <a
                href={(/^https?:/i.test(part) ? '' : /^www\./i.test(part) ? 'https://' : 'mailto:') + part}
                target="_blank"
                rel="noopener noreferrer nofollow"
            >
                {part}
            </a>
        ) : (
            part
        ),
    );

const isOnlyEmoji = (text: string) => /^[\p{ExtPict}\p{EMod}\p{RI}\u200d\ufe0f\s]{1,24}$/u.test(text);

/** A message's text, when there may be more to it than letters. */
export const rich = (text: string) => (
    <div class={isOnlyEmoji(text) ? 'text emoji' : 'text'} dir="auto">
        {linkify(text)}
    </div>
);
