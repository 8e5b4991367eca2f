/* Addresses in a text become links, and whom a note mentions is marked. Everything stays text. */
import type { ComponentChild } from 'preact';

import { hrefOf, splitAddresses } from '../../shared/links.ts';

const linked = (text: string): ComponentChild[] =>
    splitAddresses(text).map((part, index) =>
        index % 2 ? (
            <a href={hrefOf(part)} target="_blank" rel="noopener noreferrer nofollow" key={index}>
                {part}
            </a>
        ) : (
            part
        ),
    );

/** An address may break behind its @. */
export const breakable = (text: string): ComponentChild[] => text.split('@').flatMap((part, index) => (index ? ['@', <wbr key={index} />, part] : part));

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** `names` are those that count with an @ in front of them. */
export function rich(text: string, names: readonly string[] = []): ComponentChild[] {
    if (!names.length) return linked(text);
    const longestFirst = [...names].sort((a, b) => b.length - a.length).map(escaped);
    return text.split(new RegExp(`(@(?:${longestFirst.join('|')}))`)).flatMap((part, index) =>
        index % 2
            ? [
                  <bdi class="mention" key={`@${index}`}>
                      {part}
                  </bdi>,
              ]
            : linked(part),
    );
}
