/* Searching everything that was ever said, and visitors. */
import { Search as SearchIcon, X } from 'lucide';
import type { ComponentChild } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';

import type { Failure } from '../data/api.ts';
import type { Conversation, ConversationPage, Found, Hit, Visitor } from '../data/protocol.ts';
import { agentName, agoShort, momentOf, visitorName } from '../format.ts';
import { plural, t } from '../lang.ts';
import { desk, goTo } from '../state.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { keysOf } from '../ui/keys.ts';
import { isComposing } from '../ui/keys.ts';
import { closeOverlay } from './overlays.tsx';

const WAIT_MS = 200; // after the last letter

/** The words that were looked for, marked. */
function marked({ snippet: { text, matches } }: Hit): ComponentChild[] {
    const parts: ComponentChild[] = [];
    let at = 0;
    for (const { start, length } of matches) {
        parts.push(text.slice(at, start), <mark key={start}>{text.slice(start, start + length)}</mark>);
        at = start + length;
    }
    return [...parts, text.slice(at)];
}

interface Result {
    key: string;
    node: ComponentChild;
    run(): void;
}

/* A visitor leads to what it has written last. */
async function openVisitor({ id }: Visitor): Promise<void> {
    const { conversations } = await desk.api.ask<ConversationPage>('GET', `/conversations?visitor=${id}&limit=1`);
    const [latest]: (Conversation | undefined)[] = conversations;
    if (latest) goTo(latest.id);
}

function ofVisitor(visitor: Visitor): Result {
    return {
        key: visitor.id,
        run: () => void openVisitor(visitor).catch(() => {}),
        node: (
            <>
                <Avatar id={visitor.id} name={visitor.email} online={visitor.online} size="small" />
                <bdi class="hit-text">{visitorName(visitor, visitor.id)}</bdi>
                <span class="hit-meta">{plural(t.conversationCount, visitor.conversationCount)}</span>
            </>
        ),
    };
}

function ofHit(hit: Hit): Result {
    const { message, conversationId, visitorId } = hit;
    const at = Date.parse(message.timestamp);
    const visitor = desk.store.visitor(visitorId);
    const name = visitorName(visitor, visitorId);
    return {
        key: `${conversationId} ${message.seq}`,
        run: () => goTo(conversationId),
        node: (
            <>
                <Avatar id={visitorId ?? conversationId} name={visitor?.email ?? null} size="small" />
                <span class="hit-text">
                    <span class="hit-who">
                        <bdi>{message.role === 'user' ? name : `${agentName(message.agentId)} → ${name}`}</bdi>
                        <time dateTime={message.timestamp} title={momentOf(at)}>
                            {agoShort(at)}
                        </time>
                    </span>
                    <span class="hit-snippet" dir="auto">
                        {marked(hit)}
                    </span>
                </span>
            </>
        ),
    };
}

export default function Search() {
    const [typed, setTyped] = useState('');
    const [found, setFound] = useState<Found | null>(null);
    const [problem, setProblem] = useState('');
    const [isBusy, setBusy] = useState(false);
    const [at, setAt] = useState(0);
    const id = useId();
    const input = useRef<HTMLInputElement>(null);
    const list = useRef<HTMLDivElement>(null);
    const question = typed.trim();

    const ask = async (before: string | null, isWanted: () => boolean) => {
        setBusy(true);
        try {
            const parameters = new URLSearchParams({ q: question, limit: '20', ...(before !== null && { before }) });
            const next = await desk.api.ask<Found>('GET', `/search?${parameters}`);
            if (!isWanted()) return;
            for (const { visitorId } of next.messages) if (visitorId && !desk.store.visitor(visitorId)) desk.wantVisitor(visitorId);
            setFound((known) => (before !== null && known ? { ...next, visitors: known.visitors, messages: [...known.messages, ...next.messages] } : next));
            setProblem('');
        } catch (error) {
            const { status, message } = error as Failure;
            if (isWanted()) setProblem(status === 404 ? t.noSearch : status ? message : t.noAnswer);
        }
        if (isWanted()) setBusy(false);
    };
    useEffect(() => {
        setAt(0);
        if (!question) {
            setFound(null);
            setProblem('');
            setBusy(false);
            return;
        }
        let isHere = true;
        const timer = setTimeout(() => void ask(null, () => isHere), WAIT_MS);
        return () => {
            isHere = false;
            clearTimeout(timer);
        };
    }, [question]);
    useLayoutEffect(() => input.current?.focus(), []);

    const visitors = found?.visitors.map(ofVisitor) ?? [];
    const messages = found?.messages.map(ofHit) ?? [];
    const all = [...visitors, ...messages];
    const current = Math.min(at, all.length - 1);
    useLayoutEffect(() => {
        list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
    }, [current]);
    const choose = (result: Result | undefined) => {
        if (!result) return;
        closeOverlay();
        result.run();
    };
    const onKeyDown = (event: KeyboardEvent) => {
        if (isComposing(event)) return;
        if (event.key === 'ArrowDown') setAt((current + 1) % Math.max(1, all.length));
        else if (event.key === 'ArrowUp') setAt((current + all.length - 1) % Math.max(1, all.length));
        else if (event.key === 'Enter') choose(all[current]);
        else return;
        event.preventDefault();
    };
    const option = (result: Result, index: number) => (
        <div
            key={result.key}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === current}
            class="choice hit"
            onMouseMove={() => setAt(index)}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => choose(result)}
        >
            {result.node}
        </div>
    );
    const state = problem || (question && found && !all.length ? t.nothingFound : '') || (found && !found.complete ? t.indexing : '');
    return (
        <Dialog label={t.search} class="chooser search" onClose={closeOverlay}>
            <div class="chooser-input">
                <Icon icon={SearchIcon} />
                <input
                    ref={input}
                    role="combobox"
                    aria-expanded={all.length > 0}
                    aria-controls={id}
                    aria-autocomplete="list"
                    aria-activedescendant={all.length ? `${id}-${current}` : undefined}
                    aria-label={t.searchMessages}
                    placeholder={t.searchHint}
                    autocomplete="off"
                    dir="auto"
                    value={typed}
                    onInput={(event) => setTyped(event.currentTarget.value)}
                    onKeyDown={onKeyDown}
                />
                <span class={isBusy ? 'spinner' : 'spinner is-still'} aria-hidden="true" />
                <button type="button" class="chooser-close" aria-label={`${t.close} ${keysOf('escape')}`} onClick={closeOverlay}>
                    <kbd aria-hidden="true">Esc</kbd>
                    <Icon icon={X} />
                </button>
            </div>
            <div class="chooser-list" role="listbox" id={id} ref={list} aria-label={t.results}>
                {visitors.length > 0 && (
                    <div class="chooser-group" role="presentation">
                        {t.visitors}
                    </div>
                )}
                {visitors.map(option)}
                {messages.length > 0 && (
                    <div class="chooser-group" role="presentation">
                        {t.messages}
                    </div>
                )}
                {messages.map((result, index) => option(result, visitors.length + index))}
            </div>
            <p class="chooser-none" role="status">
                {state || (!question && t.searchExplained)}
            </p>
            {found?.next && (
                <div class="chooser-foot">
                    <button type="button" class="link" disabled={isBusy} onClick={() => void ask(found.next, () => true)}>
                        {t.more}
                    </button>
                </div>
            )}
        </Dialog>
    );
}
