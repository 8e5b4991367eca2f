/* The conversation that is open: its head, what was said, and where one answers. */
import { AlarmClock, ArrowLeft, Check, ChevronDown, CircleDot, CirclePause, Download, Ellipsis, MessagesSquare, PanelRight, RotateCcw, Tag as TagIcon, UserPlus, X } from 'lucide';

import { assign, setStatus, setTag } from '../actions.ts';
import type { Conversation, Status } from '../data/protocol.ts';
import { agentName, untilOf, visitorName } from '../format.ts';
import { fill, plural, t } from '../lang.ts';
import { desk, goTo, prefs, route } from '../state.ts';
import { Avatar } from '../ui/avatar.tsx';
import { save } from '../ui/download.ts';
import { Icon } from '../ui/icon.tsx';
import { keysOf } from '../ui/keys.ts';
import { Menu } from '../ui/menu.tsx';
import { PriorityIcon } from '../ui/priority.tsx';
import { complainOf } from '../ui/toasts.tsx';
import { use, useMedia } from '../ui/use.ts';
import { Composer } from './composer.tsx';
import { FirstSteps, isUnused } from './first.tsx';
import { Messages } from './messages.tsx';
import { overlay } from './overlays.tsx';
import { isVisitorApart, toggleVisitor } from './panes.ts';

/* ---- the head ---- */

const hint = (label: string, keys: string) => (prefs.value.peek().shortcuts ? `${label} (${keysOf(keys)})` : label);

async function downloadTranscript(id: string, format: 'text' | 'html' | 'json'): Promise<void> {
    const endings = { text: 'txt', html: 'html', json: 'json' };
    try {
        const { blob, name } = await desk.api.download(`/conversations/${id}/transcript?format=${format}`);
        save(blob, name ?? `${id}.${endings[format]}`);
    } catch (error) {
        complainOf(error);
    }
}

const STATUS_ICONS = { open: CircleDot, pending: CirclePause, snoozed: AlarmClock, resolved: Check } satisfies Record<Status, unknown>;

function StatusMenu({ conversation: { id, status, snoozedUntil } }: { conversation: Conversation }) {
    const text = status === 'snoozed' && snoozedUntil ? fill(t.snoozedUntil, untilOf(Date.parse(snoozedUntil))) : t.statuses[status];
    const choose = (next: 'open' | 'pending' | 'resolved', keys: string) => ({
        label: t.statuses[next],
        icon: STATUS_ICONS[next],
        kind: 'radio' as const,
        checked: status === next,
        keys,
        run: () => void (status !== next && setStatus([id], next)),
    });
    return (
        <Menu
            label={`${t.status}: ${text}`}
            class={`pill pill-${status}`}
            button={
                <>
                    <Icon icon={STATUS_ICONS[status]} size="small" />
                    <span class="pill-text">{text}</span>
                    <Icon icon={ChevronDown} size="small" />
                </>
            }
            groups={[
                { items: [choose('open', 'shift+o'), choose('pending', 'shift+p'), choose('resolved', 'e')] },
                { items: [{ label: `${t.snooze}…`, icon: AlarmClock, keys: 's', run: () => (overlay.value = 'snooze') }] },
            ]}
        />
    );
}

function Assignee({ conversation: { assigneeId } }: { conversation: Conversation }) {
    const agents = use(desk.agents);
    const name = assigneeId ? (assigneeId === desk.me.id ? t.you : agentName(assigneeId)) : t.unassigned;
    return (
        <button
            type="button"
            class="pill"
            aria-label={assigneeId ? fill(t.assignedTo, name) : t.unassigned}
            aria-haspopup="dialog"
            title={hint(t.assign, 'a')}
            onClick={() => (overlay.value = 'assign')}
        >
            {assigneeId ? <Avatar id={assigneeId} name={agents.get(assigneeId)?.name ?? null} size="small" /> : <Icon icon={UserPlus} size="small" />}
            <bdi class="pill-text">{name}</bdi>
        </button>
    );
}

function MoreMenu({ conversation: { id, assigneeId } }: { conversation: Conversation }) {
    const formats = [
        ['text', t.transcriptText],
        ['html', t.transcriptHtml],
        ['json', t.transcriptJson],
    ] as const;
    return (
        <Menu
            label={t.more}
            button={<Icon icon={Ellipsis} />}
            align="end"
            groups={[
                {
                    items: [
                        assigneeId === desk.me.id
                            ? { label: t.unassign, keys: 'u', run: () => void assign([id], null) }
                            : { label: t.assignMe, keys: 'i', run: () => void assign([id], desk.me.id) },
                        { label: t.priority, keys: 'p', run: () => (overlay.value = 'priority') },
                        { label: t.tags, icon: TagIcon, keys: 't', run: () => (overlay.value = 'tags') },
                    ],
                },
                {
                    label: t.transcript,
                    items: formats.map(([format, label]) => ({ label, icon: Download, run: () => void downloadTranscript(id, format) })),
                },
            ]}
        />
    );
}

function ResolveButton({ conversation: { id, status } }: { conversation: Conversation }) {
    const isResolved = status === 'resolved';
    const label = isResolved ? t.reopen : t.resolve;
    return (
        <button type="button" class="button resolve" title={hint(label, 'e')} aria-label={label} onClick={() => void setStatus([id], isResolved ? 'open' : 'resolved')}>
            <Icon icon={isResolved ? RotateCcw : Check} />
            <span class="resolve-text">{label}</span>
        </button>
    );
}

function Presence({ conversation: { id, visitorId } }: { conversation: Conversation }) {
    use(desk.typing.version);
    const visitor = desk.store.visitor(visitorId);
    if (desk.typing.visitor(id)) return <span class="subtitle is-typing">{t.typing}</span>;
    return <span class="subtitle">{visitor ? (visitor.online ? t.onlineNow : t.offlineNow) : ' '}</span>;
}

function Head({ conversation }: { conversation: Conversation }) {
    const { id, visitorId, priority, tags } = conversation;
    const { visitorPane } = use(prefs.value);
    const here = use(route);
    const isVisitorShown = useMedia(isVisitorApart) ? here.name === 'inbox' && here.visitor : visitorPane;
    const name = visitorName(desk.store.visitor(visitorId), visitorId);
    return (
        <>
            <header class="pane-header thread-head">
                <button type="button" class="icon-button back" aria-label={t.backToList} onClick={() => goTo(null)}>
                    <Icon icon={ArrowLeft} turns />
                </button>
                <div class="thread-who">
                    <h2 class="pane-title" id="main" tabIndex={-1}>
                        <bdi>{name}</bdi>
                    </h2>
                    <Presence conversation={conversation} />
                </div>
                <div class="thread-tools">
                    <Assignee conversation={conversation} />
                    <StatusMenu conversation={conversation} />
                    <ResolveButton conversation={conversation} />
                    <MoreMenu conversation={conversation} />
                    <button
                        type="button"
                        class="icon-button visitor-toggle"
                        aria-pressed={isVisitorShown}
                        aria-label={t.showVisitor}
                        title={hint(t.showVisitor, 'v')}
                        onClick={toggleVisitor}
                    >
                        <Icon icon={PanelRight} turns />
                    </button>
                </div>
            </header>
            {(priority || tags.length > 0) && (
                <ul class="labels" aria-label={t.labels}>
                    {priority && (
                        <li>
                            <button type="button" class={`label priority-${priority}`} title={hint(t.priority, 'p')} onClick={() => (overlay.value = 'priority')}>
                                <PriorityIcon priority={priority} />
                                {t.priorities[priority]}
                            </button>
                        </li>
                    )}
                    {tags.map((tag) => (
                        <li class="tag" key={tag}>
                            <bdi>{tag}</bdi>
                            <button type="button" aria-label={fill(t.removeTag, tag)} title={fill(t.removeTag, tag)} onClick={() => void setTag([id], tag, false)}>
                                <Icon icon={X} size="small" />
                            </button>
                        </li>
                    ))}
                </ul>
            )}
        </>
    );
}

/* ---- when there is none ---- */

function KeyHint({ keys, label }: { keys: readonly string[]; label: string }) {
    return (
        <div>
            <dt>{label}</dt>
            <dd>
                {keys.map((each) => (
                    <kbd key={each}>{keysOf(each)}</kbd>
                ))}
            </dd>
        </div>
    );
}

function Nothing() {
    const unread = use(desk.unread);
    const isNew = isUnused(use(desk.counts));
    const { shortcuts } = use(prefs.value);
    return (
        <section class="pane thread-pane" aria-label={t.conversation}>
            {isNew ? (
                <div class="first-wide" id="main" tabIndex={-1}>
                    <FirstSteps />
                </div>
            ) : (
                <div class="empty" id="main" tabIndex={-1}>
                    <Icon icon={MessagesSquare} size="large" />
                    <p class="empty-title">{unread ? plural(t.waitingCount, unread) : t.chooseOne}</p>
                    <dl class="key-hints">
                        {shortcuts && <KeyHint keys={['j', 'k']} label={t.chooseHint} />}
                        <KeyHint keys={['mod+k']} label={t.palette} />
                        {shortcuts && <KeyHint keys={['?']} label={t.shortcuts} />}
                    </dl>
                </div>
            )}
        </section>
    );
}

function Gone() {
    return (
        <section class="pane thread-pane" aria-label={t.conversation}>
            <div class="empty" id="main" tabIndex={-1}>
                <p class="empty-title">{t.goneTitle}</p>
                <p>{t.goneText}</p>
                <button type="button" class="button" onClick={() => goTo(null)}>
                    {t.backToList}
                </button>
            </div>
        </section>
    );
}

function Thread({ id }: { id: string }) {
    use(desk.watch(id));
    use(desk.agents);
    const conversation = desk.store.conversation(id);
    const problem = desk.problemOf(id);
    if (problem === '') return <Gone />;
    if (!conversation) {
        return (
            <section class="pane thread-pane" aria-label={t.conversation} aria-busy={!problem}>
                {problem && (
                    <div class="empty" role="alert">
                        <p>{problem}</p>
                        <button type="button" class="button" onClick={() => desk.reload(id)}>
                            {t.tryAgain}
                        </button>
                    </div>
                )}
            </section>
        );
    }
    return (
        <section class="pane thread-pane" aria-label={t.conversation}>
            <Head conversation={conversation} />
            <Messages conversation={conversation} problem={problem} />
            <Composer conversation={conversation} />
        </section>
    );
}

export function ThreadPane({ id }: { id: string | null }) {
    return id ? <Thread id={id} /> : <Nothing />;
}
