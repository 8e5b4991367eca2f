/* Who is on the site now, on which page and for how long; and of one of them, what it has written, or how to write to it. */
import { ArrowLeft, CircleAlert, MessageSquarePlus, Monitor, Smartphone, Users } from 'lucide';
import { useEffect, useState } from 'preact/hooks';

import { uuid } from '../../shared/uuid.ts';
import type { Conversation, ConversationPage, Visitor } from '../data/protocol.ts';
import { conversationHash, formatRoute } from '../data/routes.ts';
import { agoShort, browserOf, isPhone, momentOf, momentShort, timeOf, visitorName } from '../format.ts';
import { fill, locale, plural, t } from '../lang.ts';
import { api, can, desk, go, goTo, route } from '../state.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Icon } from '../ui/icon.tsx';
import { breakable } from '../ui/rich.tsx';
import { complainOf } from '../ui/toasts.tsx';
import { use, useMedia, useTick } from '../ui/use.ts';
import { watchBoard, type Board, type Present } from './board.ts';

const MINUTE = 60_000;
const TICK_MS = 10_000;

const unit = (value: number, name: 'minute' | 'hour') => value.toLocaleString(locale, { style: 'unit', unit: name, unitDisplay: 'narrow' });

/** "12m", "1h 5m"; less than a minute is none. */
function lasting(since: string, now = Date.now()): string {
    const minutes = Math.max(0, Math.floor((now - Date.parse(since)) / MINUTE));
    const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
    if (!hours) return minutes ? unit(minutes, 'minute') : t.now;
    return rest && hours < 10 ? `${unit(hours, 'hour')} ${unit(rest, 'minute')}` : unit(hours, 'hour');
}

/* Without what is the same for all pages of a site; the whole address is in the title. */
function shortPage(page: string): string {
    try {
        const { host, pathname } = new URL(page);
        return decodeURI(`${host}${pathname === '/' ? '' : pathname}`);
    } catch {
        return page;
    }
}

const nameOf = (visitor: Visitor) => visitorName(visitor, visitor.id);

const onPlainClick = (task: () => void) => (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    task();
};

/* ---- the board ---- */

function Row({ present: { visitor, hasLeft }, isCurrent }: { present: Present; isCurrent: boolean }) {
    const { id, page, onlineSince, userAgent, conversationCount } = visitor;
    const to = { name: 'visitors', id } as const;
    return (
        <li class={`present${isCurrent ? ' is-current' : ''}${hasLeft ? ' has-left' : ''}`}>
            <Avatar id={id} name={visitor.email} online={!hasLeft} />
            <div>
                <a class="present-link" href={formatRoute(to)} aria-current={isCurrent || undefined} onClick={onPlainClick(() => go(to))}>
                    <bdi>{visitor.email ? breakable(visitor.email) : nameOf(visitor)}</bdi>
                </a>
                {userAgent && (
                    <p class="hint clip">
                        <bdi>{browserOf(userAgent)}</bdi>
                    </p>
                )}
            </div>
            <p class="present-page clip" dir="ltr" title={page ?? undefined}>
                {page ? shortPage(page) : ''}
            </p>
            <p class="hint present-count">{conversationCount > 0 && plural(t.conversationCount, conversationCount)}</p>
            <p class="present-time" title={onlineSince ? momentOf(Date.parse(onlineSince)) : undefined}>
                {hasLeft ? t.hasLeft : onlineSince && lasting(onlineSince)}
            </p>
        </li>
    );
}

function List({ board, current }: { board: Board; current: string | null }) {
    const present = use(board.present);
    const count = use(board.count);
    const problem = use(board.problem);
    useTick(TICK_MS);
    if (!present && problem) {
        return (
            <div class="notice notice-danger notice-row" role="alert">
                <Icon icon={CircleAlert} />
                <span class="grow">{problem.status ? problem.message : t.noAnswer}</span>
                <button type="button" class="button small" onClick={() => void board.refresh()}>
                    {t.tryAgain}
                </button>
            </div>
        );
    }
    if (!present) return <div class="lazy" aria-busy="true" />;
    if (!present.length) {
        return (
            <div class="card empty-card">
                <div class="empty">
                    <Icon icon={Users} size="large" />
                    <p class="empty-title">{t.nobodyOnSite}</p>
                    <p>{t.nobodyOnSiteHint}</p>
                </div>
            </div>
        );
    }
    const knowsPages = present.some(({ visitor }) => visitor.page);
    return (
        <>
            <p class="mute page-lead">
                <span class="live-dot" />
                {plural(t.onSite, count)}
            </p>
            <section class="card list-card" aria-label={t.visitors}>
                <ul>
                    {present.map((each) => (
                        <Row key={each.visitor.id} present={each} isCurrent={each.visitor.id === current} />
                    ))}
                </ul>
            </section>
            {count > present.length && <p class="hint">{fill(t.lastCome, present.length)}</p>}
            {!knowsPages && can('admin') && (
                <p class="hint">
                    {t.pagesAreOff}{' '}
                    <button type="button" class="link" onClick={() => go({ name: 'settings', page: 'privacy' })}>
                        {t.switchPagesOn}
                    </button>
                </p>
            )}
        </>
    );
}

/* ---- one of them ---- */

function Written({ visitor }: { visitor: Visitor }) {
    const [found, setFound] = useState<readonly Conversation[] | null>(null);
    useEffect(() => {
        let isHere = true;
        api.ask<ConversationPage>('GET', `/conversations?visitor=${visitor.id}&limit=20`).then(
            ({ conversations }) => {
                conversations.forEach(desk.store.putConversation);
                if (isHere) setFound(conversations.filter(({ lastMessage }) => lastMessage));
            },
            (error: unknown) => isHere && complainOf(error),
        );
        return () => {
            isHere = false;
        };
    }, [visitor.id, visitor.conversationCount]);
    return (
        <section class="visitor-section">
            <h3>{t.conversations}</h3>
            {!found ? (
                <p class="mute">{t.loading}</p>
            ) : !found.length ? (
                <p class="mute">{t.noneYet}</p>
            ) : (
                <ul class="others">
                    {found.map(({ id, lastMessage, updatedAt, status }) => (
                        <li key={id}>
                            <a class="other" href={conversationHash(id)} onClick={onPlainClick(() => goTo(id))}>
                                <span class="other-text" dir="auto">
                                    {lastMessage?.content.replace(/\s+/g, ' ')}
                                </span>
                                <span class="other-meta">
                                    {t.statuses[status]} ·{' '}
                                    <time dateTime={updatedAt} title={momentOf(Date.parse(updatedAt))}>
                                        {agoShort(Date.parse(updatedAt))}
                                    </time>
                                </span>
                            </a>
                        </li>
                    ))}
                </ul>
            )}
        </section>
    );
}

/* In the visitor's name: it has the conversation from then on, and hears what is written there. */
const begin = (visitor: Visitor, once: string) =>
    api.ask<{ id: string }>('POST', '/conversations', {}, { 'x-visitor-id': visitor.visitorKey, 'idempotency-key': once });

function Begin({ visitor }: { visitor: Visitor }) {
    const [once] = useState(uuid);
    const [isBusy, setBusy] = useState(false);
    const run = async () => {
        setBusy(true);
        try {
            goTo((await begin(visitor, once)).id);
        } catch (error) {
            complainOf(error);
            setBusy(false);
        }
    };
    return (
        <button type="button" class="button primary" disabled={isBusy || visitor.blocked} onClick={() => void run()}>
            <Icon icon={MessageSquarePlus} />
            {isBusy ? t.oneMoment : t.beginConversation}
        </button>
    );
}

/** `isAlone`: on a phone it is all that is shown. */
function Details({ visitor, isAlone }: { visitor: Visitor; isAlone: boolean }) {
    const { id, email, page, onlineSince, firstSeenAt, lastSeenAt, userAgent, blocked } = visitor;
    useTick(TICK_MS);
    const Pane = isAlone ? 'main' : 'aside';
    return (
        <Pane class="present-pane" aria-label={nameOf(visitor)} {...(isAlone && { id: 'main', tabIndex: -1 })}>
            <button type="button" class="link back-always" onClick={() => go({ name: 'visitors', id: null })}>
                <Icon icon={ArrowLeft} size="small" turns />
                {t.visitors}
            </button>
            <header>
                <Avatar id={id} name={email} online={!!onlineSince} size="large" />
                <div>
                    <h2>
                        <bdi>{email ? breakable(email) : nameOf(visitor)}</bdi>
                    </h2>
                    <p class="hint">{onlineSince ? t.onlineNow : fill(t.seenAgo, agoShort(Date.parse(lastSeenAt)))}</p>
                </div>
            </header>
            {blocked && <p class="notice notice-danger">{t.isBlocked}</p>}
            <dl class="facts">
                {page && (
                    <div class="fact">
                        <dt>{t.onPage}</dt>
                        <dd>
                            <a href={page} target="_blank" rel="noopener noreferrer nofollow" dir="ltr">
                                {shortPage(page)}
                            </a>
                        </dd>
                    </div>
                )}
                {onlineSince && (
                    <div class="fact">
                        <dt>{t.hereFor}</dt>
                        <dd>
                            {lasting(onlineSince)} <span class="mute">({timeOf(Date.parse(onlineSince))})</span>
                        </dd>
                    </div>
                )}
                <div class="fact">
                    <dt>{t.firstSeen}</dt>
                    <dd>{momentShort(Date.parse(firstSeenAt))}</dd>
                </div>
                {userAgent && (
                    <div class="fact">
                        <dt>{t.browser}</dt>
                        <dd>
                            <Icon icon={isPhone(userAgent) ? Smartphone : Monitor} size="small" /> <bdi>{browserOf(userAgent)}</bdi>
                        </dd>
                    </div>
                )}
            </dl>
            <Begin key={id} visitor={visitor} />
            <Written visitor={visitor} />
        </Pane>
    );
}

/** Also one who has left, or whom a link names. */
function useVisitor(board: Board, id: string | null): Visitor | null {
    const present = use(board.present)?.find(({ visitor }) => visitor.id === id);
    const [asked, setAsked] = useState<Visitor | null>(null);
    useEffect(() => {
        if (!id || present) return;
        api.ask<Visitor>('GET', `/visitors/${encodeURIComponent(id)}`).then(setAsked, () => go({ name: 'visitors', id: null }, { replaces: true }));
    }, [id, !present]);
    if (!id) return null;
    if (present) return present.visitor;
    return asked?.id === id ? asked : null;
}

function Site({ board }: { board: Board }) {
    const here = use(route);
    const id = here.name === 'visitors' ? here.id : null;
    const one = useVisitor(board, id);
    const isNarrow = useMedia('(max-width: 720px)');
    if (one && isNarrow) return <Details visitor={one} isAlone />;
    return (
        <div class="visitors">
            <main class="page" id="main" tabIndex={-1}>
                <div class="page-inner">
                    <h2 class="page-title">{t.visitors}</h2>
                    <List board={board} current={id} />
                </div>
            </main>
            {one && <Details visitor={one} isAlone={false} />}
        </div>
    );
}

export default function Visitors() {
    const [board, setBoard] = useState<Board | null>(null);
    useEffect(() => {
        const watched = watchBoard(desk);
        setBoard(watched);
        return watched.stop;
    }, []);
    return board && <Site board={board} />;
}
