/* Addresses in a text become links. */
import type { ComponentChild } from 'preact';

import { hrefOf, isOnlyEmoji, splitAddresses } from '../../shared/links.ts';

const linkify = (text: string): ComponentChild[] =>
    splitAddresses(text).map((part, at) =>
        at % 2 ? (
            <a href={hrefOf(part)} target="_blank" rel="noopener noreferrer nofollow">
                {part}
            </a>
        ) : (
            part
        ),
    );

/** A message's text, when there may be more to it than letters. */
export const rich = (text: string) => (
    <div class={isOnlyEmoji(text) ? 'text emoji' : 'text'} dir="auto">
        {linkify(text)}
    </div>
);
