/*
 * What is offered while one types: canned replies behind "/", agents behind "@". The text keeps the focus; arrows, Enter
 * and Tab choose.
 */
import type { RefObject } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';

import type { Mode } from '../data/drafts.ts';
import { matching } from '../data/replies.ts';
import { t } from '../lang.ts';
import { can, desk, replies } from '../state.ts';
import { Avatar } from '../ui/avatar.tsx';
import { use } from '../ui/use.ts';

export interface Suggestion {
    id: string;
    label: string;
    text: string; // what it stands for
}

interface Typed {
    kind: 'reply' | 'agent';
    from: number; // where "/" or "@" stands
    to: number;
    word: string;
}

/** What is being typed in front of the cursor: "/hel", "@Ay". */
export function typedAt(text: string, cursor: number, mode: Mode): Typed | null {
    const before = text.slice(0, cursor);
    const found = mode === 'reply' ? /(?:^|\s)(\/)([^\s/]*)$/.exec(before) : /(?:^|\s)(@)([^\s@]*(?: [^\s@]*)?)$/.exec(before);
    const word = found?.[2];
    if (word === undefined) return null;
    return { kind: mode === 'reply' ? 'reply' : 'agent', from: cursor - word.length - 1, to: cursor, word };
}

interface Options {
    mode: Mode;
    area: RefObject<HTMLTextAreaElement | null>;
    text: string;
    conversation: string;
    onReply(suggestion: Suggestion, from: number, to: number): void;
    onAgent(suggestion: Suggestion, from: number, to: number): void;
}

const MAX = 8;

export function useSuggestions({ mode, area, conversation, onReply, onAgent }: Options) {
    const all = use(replies.all);
    const agents = use(desk.agents);
    const [typed, setTyped] = useState<Typed | null>(null);
    const [at, setAt] = useState(0);
    const closed = useRef<number | null>(null); // the place that Escape or a choice has closed
    const id = useId();

    const offered = (): Suggestion[] => {
        if (!typed) return [];
        if (typed.kind === 'reply') return matching(all, typed.word).map((reply) => ({ id: reply.id, label: reply.shortcut, text: reply.text }));
        const word = typed.word.toLocaleLowerCase();
        return [...agents.values()]
            .filter((agent) => !agent.disabled && agent.name.toLocaleLowerCase().includes(word))
            .map((agent) => ({ id: agent.id, label: agent.name, text: agent.email }));
    };
    const items = offered().slice(0, MAX);
    const isOpen = !!typed && (items.length > 0 || (typed.kind === 'reply' && !typed.word));

    const close = () => setTyped(null);
    const look = () => {
        const element = area.current;
        if (!element || element.selectionStart !== element.selectionEnd) return close();
        const next = typedAt(element.value, element.selectionStart, mode);
        if (!next || next.from === closed.current) {
            if (!next) closed.current = null;
            return close();
        }
        if (next.kind === 'reply' && !typed) void replies.refresh().catch(() => {});
        if (next.word !== typed?.word) setAt(0);
        setTyped(next);
    };
    const pick = (index: number) => {
        const item = items[index];
        if (!item || !typed) return;
        closed.current = typed.from; // what is chosen may take a moment to come
        close();
        (typed.kind === 'reply' ? onReply : onAgent)(item, typed.from, typed.to);
    };
    /** True when the key was for the list. */
    const onKeyDown = (event: KeyboardEvent): boolean => {
        if (!isOpen) return false;
        const { key } = event;
        if (key === 'Escape') {
            closed.current = typed?.from ?? null;
            close();
        } else if (!items.length) return false;
        else if (key === 'ArrowDown') setAt((at + 1) % items.length);
        else if (key === 'ArrowUp') setAt((at + items.length - 1) % items.length);
        else if ((key === 'Enter' || key === 'Tab') && !event.shiftKey && !event.ctrlKey && !event.metaKey) pick(at);
        else return false;
        event.preventDefault();
        event.stopPropagation();
        return true;
    };
    const openReplies = () => {
        const element = area.current;
        if (!element) return;
        element.focus();
        const { selectionStart: from, value } = element;
        const glue = from === 0 || /\s/.test(value[from - 1] ?? '') ? '' : ' ';
        element.setRangeText(`${glue}/`, from, element.selectionEnd, 'end');
        element.dispatchEvent(new Event('input', { bubbles: true }));
    };
    return {
        id,
        isOpen,
        items,
        at,
        conversation,
        kind: typed?.kind ?? 'reply',
        onKeyDown,
        look,
        close,
        pick,
        setAt,
        openReplies,
        attributes: {
            'aria-autocomplete': 'list' as const,
            'aria-controls': isOpen ? id : undefined,
            'aria-activedescendant': isOpen && items.length ? `${id}-${at}` : undefined,
        },
    };
}

type Props = ReturnType<typeof useSuggestions>;

/* As it will be, once that is known. */
function Preview({ item, conversation }: { item: Suggestion; conversation: string }) {
    const [text, setText] = useState(item.text);
    useEffect(() => {
        let isHere = true;
        setText(item.text);
        replies.fill(item.id, conversation).then(
            (filled) => isHere && setText(filled.text),
            () => {},
        );
        return () => {
            isHere = false;
        };
    }, [item.id, conversation]);
    return (
        <div class="suggest-preview" dir="auto">
            {text}
        </div>
    );
}

export function Suggestions({ id, isOpen, items, at, kind, conversation, pick, setAt }: Props) {
    if (!isOpen) return null;
    const item = items[at];
    return (
        <div class="suggest" onMouseDown={(event) => event.preventDefault() /* the text keeps the focus */}>
            {items.length ? (
                <div class="suggest-list" role="listbox" id={id} aria-label={kind === 'reply' ? t.cannedReplies : t.team}>
                    {items.map((each, index) => (
                        <div
                            key={each.id}
                            id={`${id}-${index}`}
                            role="option"
                            aria-selected={index === at}
                            class="suggest-item"
                            onMouseMove={() => setAt(index)}
                            onClick={() => pick(index)}
                        >
                            {kind === 'agent' && <Avatar id={each.id} name={each.label} size="small" />}
                            <bdi class="suggest-label">{kind === 'reply' ? `/${each.label}` : each.label}</bdi>
                            <bdi class="suggest-text">{each.text.replace(/\s+/g, ' ')}</bdi>
                        </div>
                    ))}
                </div>
            ) : (
                <p class="suggest-none" id={id}>
                    {t.noReplies}{' '}
                    {can('admin') && (
                        <a href="#/settings/replies" onMouseDown={(event) => event.stopPropagation()}>
                            {t.makeReplies}
                        </a>
                    )}
                </p>
            )}
            {item && kind === 'reply' && <Preview item={item} conversation={conversation} key={item.id} />}
        </div>
    );
}
