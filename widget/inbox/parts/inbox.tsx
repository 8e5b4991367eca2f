/*
 * Three panes: the list, the conversation, its visitor. On a phone one of them at a time, which the route says. What can
 * be done with the keyboard here is said here.
 */
import { AlarmClock, ArrowDown, ArrowUp, Check, CheckCheck, CircleDot, CirclePause, Flag, Inbox as InboxIcon, MessageSquare, MessagesSquare, PanelRight, StickyNote, Tag, UserCheck, UserPlus, UserX } from 'lucide';
import { useEffect } from 'preact/hooks';

import { assign, clearSelection, isSelecting, neighbour, select, selectAll, selection, selectTo, setStatus, targets } from '../actions.ts';
import { useCommands, type Command } from '../commands.ts';
import { t } from '../lang.ts';
import { desk, goTo, openId, prefs, route } from '../state.ts';
import { use } from '../ui/use.ts';
import { setBox } from './filters.tsx';
import { ListPane } from './list.tsx';
import { overlay, type Overlay } from './overlays.tsx';
import { toggleVisitor, write } from './panes.ts';
import { ThreadPane } from './thread.tsx';
import { VisitorPane } from './visitor.tsx';

const show = (which: Overlay) => () => {
    if (targets().length) overlay.value = which;
};

function move(step: 1 | -1): void {
    const current = openId();
    const next = current ? neighbour(current, step) : desk.list.peek().ids[0];
    if (next) goTo(next);
}

function toggleResolved(): void {
    const ids = targets();
    const areAll = ids.every((id) => desk.store.conversation(id)?.status === 'resolved');
    void setStatus(ids, areAll ? 'open' : 'resolved');
}

function back(): void {
    if (selection.peek().size || isSelecting.peek()) clearSelection();
    else if (document.activeElement instanceof HTMLElement && document.activeElement.matches('textarea,input')) document.activeElement.blur();
    else if (route.peek().name === 'inbox') goTo(null);
}

function tick(isRange: boolean): void {
    const id = openId();
    if (!id) return;
    if (isRange) selectTo(id);
    else select(id, !selection.peek().has(id));
}

function inboxCommands(): Command[] {
    return [
        { id: 'next', group: 'list', label: t.next, icon: ArrowDown, keys: ['j'], run: () => move(1) },
        { id: 'previous', group: 'list', label: t.previous, icon: ArrowUp, keys: ['k'], run: () => move(-1) },
        { id: 'tick', group: 'list', label: t.tick, icon: Check, keys: ['x'], run: () => tick(false) },
        { id: 'tickTo', group: 'list', label: t.tickTo, keys: ['shift+x'], isHidden: true, run: () => tick(true) },
        { id: 'tickAll', group: 'list', label: t.tickAll, icon: CheckCheck, keys: ['mod+a'], isTold: true, run: selectAll },
        { id: 'mine', group: 'list', label: t.boxMine, icon: UserCheck, keys: ['1'], run: () => setBox('mine') },
        { id: 'unassigned', group: 'list', label: t.boxUnassigned, icon: InboxIcon, keys: ['2'], run: () => setBox('unassigned') },
        { id: 'all', group: 'list', label: t.boxAll, icon: MessagesSquare, keys: ['3'], run: () => setBox('all') },
        { id: 'back', group: 'list', label: t.backToList, keys: ['escape'], isHidden: true, run: back },
        { id: 'reply', group: 'conversation', label: t.reply, icon: MessageSquare, keys: ['r'], run: () => write('reply') },
        { id: 'note', group: 'conversation', label: t.note, icon: StickyNote, keys: ['n'], run: () => write('note') },
        { id: 'resolve', group: 'conversation', label: t.resolveOrOpen, icon: Check, keys: ['e'], run: toggleResolved },
        { id: 'open', group: 'conversation', label: t.setOpen, icon: CircleDot, keys: ['shift+o'], run: () => void setStatus(targets(), 'open') },
        { id: 'pending', group: 'conversation', label: t.setPending, icon: CirclePause, keys: ['shift+p'], run: () => void setStatus(targets(), 'pending') },
        { id: 'snooze', group: 'conversation', label: t.snooze, icon: AlarmClock, keys: ['s'], run: show('snooze') },
        { id: 'assign', group: 'conversation', label: t.assign, icon: UserPlus, keys: ['a'], run: show('assign') },
        { id: 'assignMe', group: 'conversation', label: t.assignMe, icon: UserCheck, keys: ['i'], run: () => void assign(targets(), desk.me.id) },
        { id: 'unassign', group: 'conversation', label: t.unassign, icon: UserX, keys: ['u'], run: () => void assign(targets(), null) },
        { id: 'priority', group: 'conversation', label: t.priority, icon: Flag, keys: ['p'], run: show('priority') },
        { id: 'tags', group: 'conversation', label: t.tags, icon: Tag, keys: ['t'], run: show('tags') },
        { id: 'visitorPane', group: 'conversation', label: t.showVisitor, icon: PanelRight, keys: ['v'], run: toggleVisitor },
    ];
}

export function Inbox() {
    const here = use(route);
    const { visitorPane } = use(prefs.value);
    const id = here.name === 'inbox' ? here.id : null;
    const isVisitorShown = here.name === 'inbox' && here.visitor;
    useCommands(inboxCommands());
    useEffect(() => {
        desk.open(id);
        return () => desk.open(null);
    }, [id]);
    const classes = ['inbox', id ? 'has-thread' : 'has-none', isVisitorShown && 'has-visitor', visitorPane && 'wants-visitor'];
    return (
        <main class={classes.filter(Boolean).join(' ')}>
            <ListPane />
            <ThreadPane id={id} key={id} />
            {id && (visitorPane || isVisitorShown) && <VisitorPane id={id} />}
        </main>
    );
}

