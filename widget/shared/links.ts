/* Addresses in a text. Everything stays text: nothing that somebody wrote is ever HTML. */

// In an address: no control of writing direction, which could show another one than it opens. At its end: no punctuation,
// which is the sentence's; but a bracket, when it was opened in the address.
const NEVER = String.raw`\s()<>"\u200e\u200f\u202a-\u202e\u2066-\u2069`;
const INNER = String.raw`\([^${NEVER}]*\)`;
const LAST = String.raw`[^${NEVER}.,:;!?'*\]}»”’…،؛؟。]`;
const SITE = String.raw`(?:https?:\/\/|www\.)(?:${INNER}|[^${NEVER}])*(?:${INNER}|${LAST})`;
// No longer than they get: a text of nothing but dots and letters must not be searched from each of them to its end.
const MAIL = String.raw`[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+`;
const ADDRESS = new RegExp(String.raw`\b(${SITE}|${MAIL})`, 'i');

/** The text's parts, in order: every second one is an address. */
export const splitAddresses = (text: string): string[] => text.split(ADDRESS);

/** Where it leads. */
export const hrefOf = (address: string): string =>
    (/^https?:/i.test(address) ? '' : /^www\./i.test(address) ? 'https://' : 'mailto:') + address;

export const isOnlyEmoji = (text: string): boolean => /^[\p{ExtPict}\p{EMod}\p{RI}\u200d\ufe0f\s]{1,24}$/u.test(text);
