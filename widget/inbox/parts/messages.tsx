/*
 * What was said, and what was noted beside it. The list hangs from its lower end (column-reverse): at the bottom it stays
 * there by itself, and what comes above moves nothing. Only what comes below while somebody reads above would, and is
 * made up for.
 */
import { ArrowDown, Check, CheckCheck, Clock, Lock, RotateCw, TriangleAlert } from 'lucide';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

import { isOnlyEmoji } from '../../shared/links.ts';
import type { Waiting } from '../data/desk.ts';
import type { Conversation } from '../data/protocol.ts';
import { isNote, type Entry } from '../data/store.ts';
import { agentName, agentOf, dayName, dayOf, momentOf, timeOf, visitorName } from '../format.ts';
import { fill, t } from '../lang.ts';
import { desk } from '../state.ts';
import { Avatar, PROGRAM } from '../ui/avatar.tsx';
import { Icon } from '../ui/icon.tsx';
import { rich } from '../ui/rich.tsx';
import { use, useLatest } from '../ui/use.ts';

const GROUP_MS = 300_000; // what follows sooner belongs together
const NEAR = 48; // pixels from an end that still count as being there

type Side = 'visitor' | 'team' | 'note';

/* One thing in the list, whatever it is. */
interface Shown {
    key: string;
    side: Side;
    who: string; // an agent's id, or '' for the visitor and for programs
    at: number;
    seq: number; // Infinity: not yet sent
    text: string;
    mentions: readonly string[];
    waiting: Waiting | null;
}

const shownEntry = (entry: Entry): Shown => ({
    key: entry.clientId ?? entry.id,
    side: isNote(entry) ? 'note' : entry.role === 'user' ? 'visitor' : 'team',
    who: entry.agentId ?? '',
    at: Date.parse(entry.timestamp),
    seq: entry.seq,
    text: entry.content,
    mentions: isNote(entry) ? entry.mentions : [],
    waiting: null,
});

const shownWaiting = (waiting: Waiting): Shown => ({
    key: waiting.id,
    side: waiting.kind === 'note' ? 'note' : 'team',
    who: desk.me.id,
    at: waiting.at,
    seq: Infinity,
    text: waiting.text,
    mentions: waiting.mentions,
    waiting,
});

function shownOf(conversation: string, items: readonly Waiting[]): Shown[] {
    const entries = desk.store.thread(conversation).entries.map(shownEntry);
    const sent = new Set(entries.slice(-200).map(({ key }) => key));
    return [...entries, ...items.filter(({ to, id }) => to === conversation && !sent.has(id)).map(shownWaiting)];
}

const belongs = (one: Shown | undefined, next: Shown | undefined): boolean =>
    !!one && !!next && one.side === next.side && one.who === next.who && next.at - one.at < GROUP_MS && dayOf(one.at) === dayOf(next.at);

/* ---- one of them ---- */

/* What became of a reply of ours. */
function Delivery({ shown, conversation }: { shown: Shown; conversation: Conversation }) {
    const { waiting, seq, side } = shown;
    if (waiting) {
        return (
            <span class="delivery">
                <Icon icon={Clock} size="small" />
                {t.sending}
            </span>
        );
    }
    if (side !== 'team') return null;
    const isSeen = seq <= conversation.visitorReadSeq;
    return (
        <span class="delivery">
            <Icon icon={isSeen ? CheckCheck : Check} size="small" />
            {isSeen ? t.seen : t.sent}
        </span>
    );
}

function Failed({ waiting }: { waiting: Waiting }) {
    return (
        <div class="failed" role="alert">
            <Icon icon={TriangleAlert} size="small" />
            <span>
                {t.notSent} {waiting.why}
            </span>
            <button type="button" class="link" onClick={() => desk.retry(waiting.id)}>
                <Icon icon={RotateCw} size="small" />
                {t.tryAgain}
            </button>
            <button type="button" class="link" onClick={() => desk.discard(waiting.id)}>
                {t.discard}
            </button>
        </div>
    );
}

interface BubbleProps {
    shown: Shown;
    conversation: Conversation;
    isFirst: boolean;
    isLast: boolean;
}

function Bubble({ shown, conversation, isFirst, isLast }: BubbleProps) {
    const { side, who, at, text, waiting, mentions } = shown;
    const isVisitor = side === 'visitor';
    const visitor = desk.store.visitor(conversation.visitorId);
    const name = isVisitor ? visitorName(visitor, conversation.visitorId) : who === desk.me.id ? t.you : agentName(who || null);
    const names = mentions.flatMap((id) => agentOf(id)?.name ?? []);
    const isBig = side !== 'note' && isOnlyEmoji(text);
    return (
        <div class={`message message-${side}${isFirst ? ' is-first' : ''}${isBig ? ' is-emoji' : ''}`} data-side={side}>
            {isFirst && (
                <div class="message-who">
                    {!isVisitor && <Avatar id={who || PROGRAM} name={agentOf(who)?.name ?? null} size="small" />}
                    <bdi>{name}</bdi>
                    {side === 'note' && (
                        <span class="message-note">
                            <Icon icon={Lock} size="small" />
                            {t.noteHint}
                        </span>
                    )}
                </div>
            )}
            <div class="message-text" dir="auto">
                {rich(text, names)}
            </div>
            {waiting?.why ? (
                <Failed waiting={waiting} />
            ) : (
                (isLast || waiting) && (
                    <div class="message-meta">
                        <time dateTime={new Date(at).toISOString()} title={momentOf(at)}>
                            {timeOf(at)}
                        </time>
                        <Delivery shown={shown} conversation={conversation} />
                    </div>
                )
            )}
        </div>
    );
}

function Typers({ id }: { id: string }) {
    use(desk.typing.version);
    if (!desk.typing.visitor(id)) return null;
    return (
        <div class="message message-visitor is-first">
            <div class="message-text typing-dots">
                <span class="aside">{t.typing}</span>
                <i />
                <i />
                <i />
            </div>
        </div>
    );
}

/* ---- all of them ---- */

interface Place {
    scroller: HTMLDivElement;
    height: number;
    first: string | undefined;
}

/* Says whether something new is below what is in sight, and keeps the place. */
function usePlace(all: readonly Shown[]) {
    const scroller = useRef<HTMLDivElement>(null);
    const place = useRef<Place | null>(null);
    const last = useRef<string | undefined>(undefined);
    const [hasNews, setNews] = useState(false);
    const isUp = () => !!scroller.current && scroller.current.scrollTop < -NEAR;
    useLayoutEffect(() => {
        const element = scroller.current;
        const [first, latest] = [all[0]?.key, all.at(-1)];
        if (!element) return;
        const before = place.current;
        const isSame = before?.scroller === element && before.first === first;
        if (isSame && isUp()) element.scrollTop -= element.scrollHeight - before.height;
        if (isSame && last.current !== undefined && latest?.key !== last.current) {
            const isOwn = latest?.who === desk.me.id;
            if (isOwn) element.scrollTop = 0;
            else if (isUp()) setNews(true);
        }
        last.current = latest?.key;
        place.current = { scroller: element, height: element.scrollHeight, first };
    });
    const down = () => {
        if (scroller.current) scroller.current.scrollTop = 0;
        setNews(false);
    };
    return { scroller, hasNews, setNews, isUp, down };
}

/* What a visitor says while this is open is read out. */
function useHeard(all: readonly Shown[]): string {
    const heard = useRef<number | undefined>(undefined);
    const [said, setSaid] = useState('');
    const latest = all.findLast(({ side, seq }) => side === 'visitor' && seq !== Infinity);
    useEffect(() => {
        if (!latest) return;
        if (heard.current !== undefined && latest.seq > heard.current) setSaid(latest.text);
        heard.current = latest.seq;
    }, [latest?.seq]);
    return said;
}

export function Messages({ conversation, problem }: { conversation: Conversation; problem: string | null }) {
    const { id } = conversation;
    const items = use(desk.waiting);
    const all = shownOf(id, items);
    const { isLoaded, hasEarlier } = desk.store.thread(id);
    const isLoading = desk.isLoading(id);
    const { scroller, hasNews, setNews, isUp, down } = usePlace(all);
    const said = useHeard(all);
    // Where reading began: the line stays while one looks.
    const [readSeq] = useState(conversation.agentReadSeq);
    const firstNew = all.find(({ side, seq }) => side === 'visitor' && seq > readSeq && seq !== Infinity);
    const newKey = firstNew && firstNew !== all[0] ? firstNew.key : undefined;
    const earlier = useLatest(() => void desk.loadEarlier(id));
    const onScroll = () => {
        const element = scroller.current;
        if (!element) return;
        if (hasNews && !isUp()) setNews(false);
        const above = element.scrollHeight - element.clientHeight + element.scrollTop;
        if (above < NEAR * 4 && hasEarlier && !isLoading) earlier();
    };
    return (
        <div class="messages-frame">
            <div class="messages" role="log" aria-live="off" aria-label={t.messages} tabIndex={0} ref={scroller} onScroll={onScroll}>
                <div class="messages-inner">
                    <div class="messages-top">
                        {problem ? (
                            <p role="alert">
                                {problem}{' '}
                                <button type="button" class="link" onClick={() => desk.reload(id)}>
                                    {t.tryAgain}
                                </button>
                            </p>
                        ) : isLoading && !isLoaded ? (
                            <p role="status">{t.loading}</p>
                        ) : hasEarlier ? (
                            <button type="button" class="link" disabled={isLoading} onClick={earlier}>
                                {isLoading ? t.loading : t.earlier}
                            </button>
                        ) : (
                            isLoaded && <p class="hint">{fill(t.begun, momentOf(Date.parse(conversation.createdAt)))}</p>
                        )}
                    </div>
                    {all.flatMap((shown, index) => {
                        const before = all[index - 1];
                        const isNewDay = !before || dayOf(before.at) !== dayOf(shown.at);
                        return [
                            isNewDay && (
                                <p class="day" key={`day ${dayOf(shown.at)}`}>
                                    <span>{dayName(shown.at)}</span>
                                </p>
                            ),
                            shown.key === newKey && (
                                <p class="new-line" key="new">
                                    <span>{t.newLine}</span>
                                </p>
                            ),
                            <Bubble
                                key={shown.key}
                                shown={shown}
                                conversation={conversation}
                                isFirst={!belongs(before, shown) || shown.key === newKey}
                                isLast={!belongs(shown, all[index + 1])}
                            />,
                        ];
                    })}
                    <Typers id={id} />
                </div>
            </div>
            {hasNews && (
                <button type="button" class="button news-button" onClick={down}>
                    <Icon icon={ArrowDown} size="small" />
                    {t.newMessages}
                </button>
            )}
            <p class="aside" aria-live="polite">
                {said}
            </p>
        </div>
    );
}

