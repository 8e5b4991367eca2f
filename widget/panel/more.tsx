/*
 * What it doesn't take to read and write a first message: the menu, earlier conversations, "forget me" and its receipt, an
 * address to be answered at, links and large emoji, what to do about a message that was refused. Loaded when one of them is
 * wanted.
 */
import { list } from './more/conversations.tsx';
import { away } from './more/email.tsx';
import { failed } from './more/failed.tsx';
import { borrow, type Kit, type More } from './more/kit.ts';
import { isOpen, menu, toggle } from './more/menu.tsx';
import css from './more/more.css';
import { back, page } from './more/pages.tsx';
import { rich } from './more/rich.tsx';
import { styled } from './styled.ts';

export default function start(kit: Kit): More {
    borrow(kit);
    kit.host.root.adoptedStyleSheets.push(styled(css));
    return { list, toggle, isOpen, menu, rich, failed, away, page, back };
}
