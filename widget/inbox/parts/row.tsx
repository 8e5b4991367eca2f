/* A conversation in the list: whose, what was said last, and what has become of it. */
import { AlarmClock, Ban, Check, CirclePause, CornerUpLeft, SquarePen } from 'lucide';
import { Component } from 'preact';

import { select, selectTo } from '../actions.ts';
import type { Agent, Conversation, Visitor } from '../data/protocol.ts';
import { conversationHash } from '../data/routes.ts';
import { isUnread } from '../data/store.ts';
import { agentName, agoShort, momentOf, untilOf, visitorName } from '../format.ts';
import { fill, t } from '../lang.ts';
import { desk, goTo } from '../state.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Icon } from '../ui/icon.tsx';
import { PriorityIcon } from '../ui/priority.tsx';

const TAGS_MAX = 2; // of however many it has; the rest are counted

interface RowProps {
    conversation: Conversation;
    visitor: Visitor | undefined;
    isTyping: boolean;
    hasDraft: boolean;
    top: number;
    position: number;
    count: number; // -1: not known yet
    isCurrent: boolean;
    isFocusable: boolean;
    isChoosing: boolean;
    isChosen: boolean;
    tick: number; // times are told anew
    agents: ReadonlyMap<string, Agent>;
}

function Preview({ conversation, isTyping }: { conversation: Conversation; isTyping: boolean }) {
    const { lastMessage } = conversation;
    if (isTyping) return <span class="row-typing">{t.typing}</span>;
    if (!lastMessage) return <span />;
    const isAnswer = lastMessage.role === 'assistant';
    return (
        <span class="row-text" dir="auto">
            {isAnswer && <Icon icon={CornerUpLeft} size="small" turns />}
            {isAnswer && <span class="aside">{fill(t.by, agentName(lastMessage.agentId))}: </span>}
            {lastMessage.content.replace(/\s+/g, ' ')}
        </span>
    );
}

function State({ conversation: { status, snoozedUntil } }: { conversation: Conversation }) {
    if (status === 'open') return null;
    const icon = { pending: CirclePause, snoozed: AlarmClock, resolved: Check }[status];
    const text = status === 'snoozed' && snoozedUntil ? untilOf(Date.parse(snoozedUntil)) : t.statuses[status];
    return (
        <span class={`mark mark-${status}`}>
            <Icon icon={icon} size="small" />
            {text}
        </span>
    );
}

function Marks({ conversation, hasDraft }: { conversation: Conversation; hasDraft: boolean }) {
    const { assigneeId, priority, tags } = conversation;
    const assignee = assigneeId && desk.agents.peek().get(assigneeId);
    const isBlocked = desk.store.visitor(conversation.visitorId)?.blocked;
    return (
        <span class="row-marks">
            {assigneeId && (
                <span class="mark" title={fill(t.assignedTo, agentName(assigneeId))}>
                    <Avatar id={assigneeId} name={assignee ? assignee.name : null} size="small" />
                    <bdi class="mark-name">{assigneeId === desk.me.id ? t.you : agentName(assigneeId)}</bdi>
                </span>
            )}
            <State conversation={conversation} />
            {priority && (
                <span class={`mark priority-${priority}`} title={t.priorities[priority]}>
                    <PriorityIcon priority={priority} />
                    <span class="aside">{t.priorities[priority]}</span>
                </span>
            )}
            {isBlocked && (
                <span class="mark mark-blocked">
                    <Icon icon={Ban} size="small" />
                    {t.blocked}
                </span>
            )}
            {hasDraft && (
                <span class="mark mark-draft">
                    <Icon icon={SquarePen} size="small" />
                    {t.draft}
                </span>
            )}
            {tags.slice(0, TAGS_MAX).map((tag) => (
                <bdi class="tag" key={tag}>
                    {tag}
                </bdi>
            ))}
            {tags.length > TAGS_MAX && (
                <span class="tag tag-more" title={tags.slice(TAGS_MAX).join(', ')}>
                    +{tags.length - TAGS_MAX}
                </span>
            )}
        </span>
    );
}

export class Row extends Component<RowProps> {
    override shouldComponentUpdate(next: RowProps): boolean {
        return (Object.keys(next) as (keyof RowProps)[]).some((key) => next[key] !== this.props[key]);
    }

    onTick = (event: MouseEvent) => {
        const { conversation, isChosen } = this.props;
        event.stopPropagation();
        if (event.shiftKey) selectTo(conversation.id);
        else select(conversation.id, !isChosen);
    };

    onClick = (event: MouseEvent) => {
        const { conversation } = this.props;
        if (event.ctrlKey || event.metaKey) return; // a tab of its own
        event.preventDefault();
        if (event.shiftKey) selectTo(conversation.id);
        else goTo(conversation.id);
    };

    override render({ conversation, visitor, isTyping, hasDraft, top, position, count, isCurrent, isFocusable, isChoosing, isChosen }: RowProps) {
        const { id, visitorId, updatedAt } = conversation;
        const at = Date.parse(updatedAt);
        const isNew = isUnread(conversation);
        const name = visitorName(visitor, visitorId);
        const classes = ['row', isCurrent && 'is-current', isNew && 'is-unread', isChosen && 'is-chosen', isChoosing && 'is-choosing'];
        return (
            <div
                class={classes.filter(Boolean).join(' ')}
                role="listitem"
                aria-posinset={position}
                aria-setsize={count}
                data-id={id}
                style={{ transform: `translateY(${top}px)` }}
            >
                <label class="row-tick" title={t.tick}>
                    <Avatar id={visitorId ?? id} name={visitor?.email ?? null} online={visitor?.online} />
                    <input type="checkbox" checked={isChosen} tabIndex={isFocusable ? 0 : -1} aria-label={fill(t.selectOf, name)} onClick={this.onTick} />
                </label>
                <a
                    class="row-link"
                    href={conversationHash(id)}
                    tabIndex={isFocusable ? 0 : -1}
                    aria-current={isCurrent ? 'true' : undefined}
                    onClick={this.onClick}
                >
                    <span class="row-head">
                        <bdi class="row-name">{name}</bdi>
                        <span class="aside">
                            {visitor?.online && `, ${t.onlineNow}`}
                            {isNew && `, ${t.unread}`}
                        </span>
                        <time dateTime={updatedAt} title={momentOf(at)}>
                            {agoShort(at)}
                        </time>
                    </span>
                    <span class="row-body">
                        <Preview conversation={conversation} isTyping={isTyping} />
                        {isNew && <span class="dot" />}
                    </span>
                    <Marks conversation={conversation} hasDraft={hasDraft} />
                </a>
            </div>
        );
    }
}
