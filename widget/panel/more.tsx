/*
 * What a visitor seldom wants: the menu, earlier conversations, an address to be answered at, "forget me" and its receipt. Loaded when
 * the menu is pointed at, or when nobody is there to answer.
 */
import { list } from './more/conversations.tsx';
import { away } from './more/email.tsx';
import { borrow, type Kit, type More } from './more/kit.ts';
import { isOpen, menu, toggle } from './more/menu.tsx';
import css from './more/more.css';
import { back, page } from './more/pages.tsx';

export default function start(kit: Kit): More {
    borrow(kit);
    kit.style(css);
    return { list, toggle, isOpen, menu, away, page, back };
}
