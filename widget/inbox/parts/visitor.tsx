/* Whose conversation it is: what is known of the visitor, what else it has written, and what can be done about it. */
import { ArrowLeft, Ban, Copy, Download, Monitor, Smartphone, Trash2, UserCheck } from 'lucide';
import type { IconNode } from 'lucide';
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { useCommands } from '../commands.ts';
import type { Conversation, ConversationPage, Visitor } from '../data/protocol.ts';
import { conversationHash } from '../data/routes.ts';
import { agoLong, agoShort, browserOf, isPhone, momentOf, momentShort, visitorName } from '../format.ts';
import { fill, plural, t } from '../lang.ts';
import { can, desk, go, goTo, route } from '../state.ts';
import { Avatar } from '../ui/avatar.tsx';
import { save } from '../ui/download.ts';
import { Icon } from '../ui/icon.tsx';
import { lazy } from '../ui/lazy.tsx';
import { breakable } from '../ui/rich.tsx';
import { complainOf, toast } from '../ui/toasts.tsx';
import { use, useTick } from '../ui/use.ts';
import { toErase } from './overlays.tsx';

const EARLIER_MAX = 20;
const Block = lazy(() => import('./block.tsx'));

/* ---- what is known ---- */

function Fact({ label, children }: { label: string; children: ComponentChildren }) {
    return (
        <div class="fact">
            <dt>{label}</dt>
            <dd>{children}</dd>
        </div>
    );
}

function Moment({ at }: { at: string }) {
    const time = Date.parse(at);
    return (
        <time dateTime={at} title={momentOf(time)}>
            {momentShort(time)}
        </time>
    );
}

function Facts({ visitor }: { visitor: Visitor }) {
    const { email, firstSeenAt, lastSeenAt, online, userAgent, conversationCount, id } = visitor;
    const copy = async () => {
        await navigator.clipboard?.writeText(email ?? id).catch(() => {});
        toast(t.copied);
    };
    return (
        <dl class="facts">
            <Fact label={t.email}>
                {email ? (
                    <span class="fact-copy">
                        <a href={`mailto:${email}`} dir="ltr">
                            {breakable(email)}
                        </a>
                        <button type="button" class="icon-button small" aria-label={t.copyEmail} title={t.copyEmail} onClick={() => void copy()}>
                            <Icon icon={Copy} size="small" />
                        </button>
                    </span>
                ) : (
                    <span class="mute">{t.noEmail}</span>
                )}
            </Fact>
            <Fact label={t.lastSeen}>{online ? t.onlineNow : <Moment at={lastSeenAt} />}</Fact>
            <Fact label={t.firstSeen}>
                <Moment at={firstSeenAt} />
            </Fact>
            <Fact label={t.browser}>
                {userAgent ? (
                    <span title={userAgent}>
                        <Icon icon={isPhone(userAgent) ? Smartphone : Monitor} size="small" /> <bdi>{browserOf(userAgent)}</bdi>
                    </span>
                ) : (
                    <span class="mute">{t.unknown}</span>
                )}
            </Fact>
            <Fact label={t.conversations}>{conversationCount.toLocaleString()}</Fact>
        </dl>
    );
}

/* ---- what else it has written ---- */

function Earlier({ visitor, current }: { visitor: Visitor; current: string }) {
    const [found, setFound] = useState<readonly string[] | null>(null);
    useEffect(() => {
        let isHere = true;
        desk.api.ask<ConversationPage>('GET', `/conversations?visitor=${visitor.id}&limit=${EARLIER_MAX}`).then(
            ({ conversations }) => {
                conversations.forEach(desk.store.putConversation);
                if (isHere) setFound(conversations.filter(({ lastMessage }) => lastMessage).map(({ id }) => id));
            },
            () => isHere && setFound([]),
        );
        return () => {
            isHere = false;
        };
    }, [visitor.id, visitor.conversationCount]);
    const others = (found ?? []).filter((id) => id !== current).flatMap((id) => desk.store.conversation(id) ?? []);
    return (
        <section class="visitor-section">
            <h3>{t.otherConversations}</h3>
            {!found ? (
                <p class="mute">{t.loading}</p>
            ) : !others.length ? (
                <p class="mute">{t.noOthers}</p>
            ) : (
                <ul class="others">
                    {others.map((each) => (
                        <Other conversation={each} key={each.id} />
                    ))}
                </ul>
            )}
            {visitor.conversationCount > EARLIER_MAX && <p class="mute">{plural(t.andMore, visitor.conversationCount - EARLIER_MAX)}</p>}
        </section>
    );
}

function Other({ conversation: { id, lastMessage, updatedAt, status } }: { conversation: Conversation }) {
    const at = Date.parse(updatedAt);
    return (
        <li>
            <a
                class="other"
                href={conversationHash(id)}
                onClick={(event) => {
                    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                    event.preventDefault();
                    goTo(id);
                }}
            >
                <span class="other-text" dir="auto">
                    {lastMessage?.content.replace(/\s+/g, ' ')}
                </span>
                <span class="other-meta">
                    {t.statuses[status]} ·{' '}
                    <time dateTime={updatedAt} title={momentOf(at)}>
                        {agoShort(at)}
                    </time>
                </span>
            </a>
        </li>
    );
}

/* ---- what can be done ---- */

interface DeedProps {
    icon: IconNode;
    label: string;
    isDanger?: boolean;
    onClick(): void;
}

function Deed({ icon, label, isDanger, onClick }: DeedProps) {
    return (
        <button type="button" class={isDanger ? 'deed danger' : 'deed'} onClick={onClick}>
            <Icon icon={icon} />
            {label}
        </button>
    );
}

async function exportVisitor({ id }: Visitor): Promise<void> {
    try {
        const { blob, name } = await desk.api.download(`/visitors/${id}/export`);
        save(blob, name ?? `visitor-${id}.json`);
    } catch (error) {
        complainOf((error as { status?: number }).status === 404 ? { status: 404, message: t.notOnThisServer } : error);
    }
}

async function unblock({ id }: Visitor): Promise<void> {
    try {
        desk.store.putVisitor(await desk.api.ask<Visitor>('PATCH', `/visitors/${id}`, { blocked: false }));
        toast(t.didUnblock);
    } catch (error) {
        complainOf(error);
    }
}

function Deeds({ visitor }: { visitor: Visitor }) {
    const [isBlocking, setBlocking] = useState(false);
    useCommands([
        { id: 'export', group: 'conversation', label: t.exportVisitor, icon: Download, run: () => void exportVisitor(visitor) },
        visitor.blocked
            ? { id: 'unblock', group: 'conversation', label: t.unblock, icon: UserCheck, run: () => void unblock(visitor) }
            : { id: 'block', group: 'conversation', label: `${t.block}…`, icon: Ban, run: () => setBlocking(true) },
    ]);
    return (
        <section class="visitor-section">
            <h3>{t.deeds}</h3>
            <div class="deeds">
                <Deed icon={Download} label={t.exportVisitor} onClick={() => void exportVisitor(visitor)} />
                {visitor.blocked ? (
                    <Deed icon={UserCheck} label={t.unblock} onClick={() => void unblock(visitor)} />
                ) : (
                    <Deed icon={Ban} label={`${t.block}…`} onClick={() => setBlocking(true)} />
                )}
                {can('admin') && <Deed icon={Trash2} label={`${t.erase}…`} isDanger onClick={() => (toErase.value = visitor)} />}
            </div>
            {isBlocking && <Block visitor={visitor} onClose={() => setBlocking(false)} />}
        </section>
    );
}

/* ---- all of it ---- */

function BackButton() {
    return (
        <button
            type="button"
            class="icon-button back"
            aria-label={t.backToConversation}
            onClick={() => {
                const here = route.peek();
                if (here.name === 'inbox') go({ ...here, visitor: false });
            }}
        >
            <Icon icon={ArrowLeft} turns />
        </button>
    );
}

export function VisitorPane({ id }: { id: string }) {
    use(desk.watch(id));
    useTick(60_000);
    const conversation = desk.store.conversation(id);
    const visitor = desk.store.visitor(conversation?.visitorId ?? null);
    const name = visitorName(visitor, conversation?.visitorId ?? null);
    return (
        <section class="pane visitor-pane" aria-label={t.visitor}>
            <header class="pane-header visitor-head">
                <BackButton />
                <h2 class="pane-title">{t.visitor}</h2>
            </header>
            <div class="visitor-scroll" tabIndex={0} role="group" aria-label={t.visitor}>
                {visitor ? (
                    <>
                        <div class="visitor-who">
                            <Avatar id={visitor.id} name={visitor.email} online={visitor.online} size="large" />
                            <div>
                                <p class="visitor-name">
                                    <bdi>{breakable(name)}</bdi>
                                </p>
                                <p class="mute">
                                    {visitor.online ? t.onlineNow : fill(t.seenAgo, agoLong(Date.parse(visitor.lastSeenAt)))}
                                </p>
                            </div>
                        </div>
                        {visitor.blocked && (
                            <p class="notice notice-danger">
                                <Icon icon={Ban} />
                                {t.isBlocked}
                            </p>
                        )}
                        <Facts visitor={visitor} />
                        <Earlier visitor={visitor} current={id} />
                        <Deeds visitor={visitor} />
                    </>
                ) : (
                    <p class="mute visitor-none">{conversation && !conversation.visitorId ? t.nobodyKnownHint : t.loading}</p>
                )}
            </div>
        </section>
    );
}
