/*
 * Where one answers. Reply and note are two modes with two texts, which look so different that nobody sends a note to a
 * visitor. Enter sends, or Ctrl+Enter does, as the agent has chosen; "/" brings canned replies, "@" in a note the
 * others of the team. Who writes while somebody else answers is told before it is sent.
 */
import { Ban, Check, ChevronUp, CornerDownLeft, MessageSquare, SendHorizontal, SquareSlash, StickyNote, TriangleAlert } from 'lucide';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

import { moveOn } from '../actions.ts';
import type { Mode } from '../data/drafts.ts';
import type { Agent, Conversation, Message } from '../data/protocol.ts';
import { isNote, lastSeq } from '../data/store.ts';
import { agentName } from '../format.ts';
import { fill, t } from '../lang.ts';
import { desk, drafts, prefs, replies } from '../state.ts';
import { Icon } from '../ui/icon.tsx';
import { isComposing, keysOf, pressed } from '../ui/keys.ts';
import { Menu } from '../ui/menu.tsx';
import { complain, complainOf } from '../ui/toasts.tsx';
import { use, useLatest } from '../ui/use.ts';
import { wish } from './panes.ts';
import { Suggestions, useSuggestions, type Suggestion } from './suggest.tsx';

const isTouch = matchMedia('(pointer: coarse)');

/** Whom a note mentions: those whose name stands behind an @. */
export const mentionsIn = (text: string, agents: Iterable<Agent>): string[] =>
    [...agents].filter(({ name }) => text.includes(`@${name}`)).map(({ id }) => id);

/* ---- somebody else answers ---- */

/** The last answer that somebody else gave after `since`. */
function answerSince(id: string, since: number): Message | undefined {
    const isOthers = (entry: Message) => entry.role === 'assistant' && entry.agentId !== desk.me.id && entry.seq > since;
    return desk.store.thread(id).entries.findLast((entry): entry is Message => !isNote(entry) && isOthers(entry));
}

function Others({ id }: { id: string }) {
    use(desk.typing.version);
    const names = desk.typing.agents(id).map((agent) => agentName(agent));
    if (!names.length) return null;
    return (
        <p class="composer-notice" role="status">
            <span class="typing-mark" aria-hidden="true" />
            {fill(names.length > 1 ? t.othersType : t.otherTypes, names.join(', '))}
        </p>
    );
}

interface MeanwhileProps {
    answer: Message;
    isAsked: boolean;
    onSend(): void;
    onLook(): void;
}

function Meanwhile({ answer, isAsked, onSend, onLook }: MeanwhileProps) {
    return (
        <div class="composer-notice composer-warning" role={isAsked ? 'alert' : 'status'}>
            <Icon icon={TriangleAlert} />
            <span>
                {fill(t.answeredMeanwhile, agentName(answer.agentId))} {isAsked && t.sendAnyway}
            </span>
            {isAsked && (
                <>
                    <button type="button" class="link" onClick={onSend}>
                        {t.sendIt}
                    </button>
                    <button type="button" class="link" onClick={onLook}>
                        {t.dontSend}
                    </button>
                </>
            )}
        </div>
    );
}

/* ---- the text and its keys ---- */

function useGrowing(text: string) {
    const area = useRef<HTMLTextAreaElement>(null);
    useLayoutEffect(() => {
        const element = area.current;
        if (!element) return;
        element.style.height = 'auto';
        element.style.height = `${element.scrollHeight}px`;
    }, [text]);
    return area;
}

function Modes({ mode, onMode }: { mode: Mode; onMode(mode: Mode): void }) {
    return (
        <div class="modes" role="group" aria-label={t.writeWhat}>
            <button type="button" aria-pressed={mode === 'reply'} title={`${t.reply} (R)`} onClick={() => onMode('reply')}>
                <Icon icon={MessageSquare} size="small" />
                {t.reply}
            </button>
            <button type="button" class="mode-note" aria-pressed={mode === 'note'} title={`${t.note} (N)`} onClick={() => onMode('note')}>
                <Icon icon={StickyNote} size="small" />
                {t.note}
            </button>
        </div>
    );
}

/** Who answers one conversation after the other goes on writing in the next. */
let wasWriting = false;

export function Composer({ conversation }: { conversation: Conversation }) {
    const { id, visitorId } = conversation;
    const { sendKey } = use(prefs.value);
    const agents = use(desk.agents);
    const asked = use(wish);
    const [draft, setDraft] = useState(() => drafts.get(id));
    const [warnedSeq, setWarned] = useState(0); // up to this answer the agent has been asked
    const [isAsked, setAsked] = useState(false);
    const { mode } = draft;
    const text = draft[mode];
    const area = useGrowing(text);
    const isEmpty = !text.trim();
    const isBlocked = desk.store.visitor(visitorId)?.blocked;
    const answer = mode === 'reply' && !isEmpty ? answerSince(id, Math.max(draft.since, warnedSeq)) : undefined;

    const change = (next: Partial<typeof draft>) => {
        setDraft({ ...draft, ...next });
        drafts.set(id, next);
    };
    const setText = useLatest((next: string) => {
        const begins = mode === 'reply' && !draft.reply.trim();
        change({ [mode]: next, ...(begins && { since: lastSeq(desk.store.conversation(id)) }) });
        if (mode === 'reply') desk.typed(id, !!next.trim());
        setAsked(false);
    });
    const setMode = (next: Mode) => {
        if (mode === 'reply' && next === 'note') desk.typed(id, false);
        change({ mode: next });
        area.current?.focus();
    };
    /* In the place of what is marked, or of what was typed to find it. */
    const insert = useLatest((what: string, from: number, to: number) => {
        const element = area.current;
        if (!element) return;
        element.setRangeText(what, from, to, 'end');
        setText(element.value);
        element.focus();
    });
    const send = (resolves: boolean, isSure = false) => {
        if (isEmpty) return;
        if (answer && !isSure && !isAsked) return setAsked(true);
        const mentions = mode === 'note' ? mentionsIn(text, agents.values()) : [];
        const refusal = desk.send({ kind: mode, to: id, text: text.trim(), mentions, resolves });
        if (refusal) return complain(t[refusal]);
        change({ [mode]: '', since: 0 });
        setAsked(false);
        setWarned(0);
        if (resolves) moveOn(id);
        area.current?.focus();
    };

    const pickReply = useLatest(async ({ id: reply }: Suggestion, from: number, to: number) => {
        try {
            const filled = await replies.fill(reply, id);
            insert(filled.text, from, to);
            if (filled.unfilled.length) complain(fill(t.unfilled, filled.unfilled.join(', ')));
        } catch (error) {
            complainOf(error);
        }
    });
    const pickAgent = useLatest(({ label }: Suggestion, from: number, to: number) => insert(`@${label} `, from, to));
    const suggestions = useSuggestions({ mode, area, text, conversation: id, onReply: pickReply, onAgent: pickAgent });

    const onKeyDown = (event: KeyboardEvent) => {
        if (isComposing(event) || suggestions.onKeyDown(event)) return;
        const keys = pressed(event);
        const sends = keys === 'mod+enter' || (keys === 'enter' && sendKey === 'enter' && !isTouch.matches);
        if (keys === 'mod+shift+enter') send(mode === 'reply');
        else if (sends) send(false);
        else return;
        event.preventDefault();
    };
    /* At once, so that the next key is in it already. */
    useLayoutEffect(() => {
        if (!asked) return;
        wish.value = null;
        change({ mode: asked.mode });
        area.current?.focus();
        if (asked.text !== undefined) insert(asked.text, area.current?.selectionStart ?? 0, area.current?.selectionEnd ?? 0);
    }, [asked]);
    useLayoutEffect(() => {
        const element = area.current;
        const isFree = document.activeElement === document.body || document.activeElement === null;
        // A phone's keyboard comes when it is asked for, and letters that are commands need no input around them.
        if (isFree && !isTouch.matches && (wasWriting || !prefs.value.peek().shortcuts)) element?.focus({ preventScroll: true });
        wasWriting = false;
        return () => {
            wasWriting = document.activeElement === element;
            desk.typed(id, false);
        };
    }, []);

    const label = mode === 'note' ? t.noteLabel : t.replyLabel;
    const sendKeys = keysOf(sendKey === 'enter' ? 'enter' : 'mod+enter');
    return (
        <div class={`composer composer-${mode}`}>
            <Others id={id} />
            {answer && (
                <Meanwhile
                    answer={answer}
                    isAsked={isAsked}
                    onSend={() => send(false, true)}
                    onLook={() => {
                        setWarned(answer.seq);
                        setAsked(false);
                        area.current?.focus();
                    }}
                />
            )}
            {isBlocked && (
                <p class="composer-notice">
                    <Icon icon={Ban} />
                    {t.blockedHint}
                </p>
            )}
            <div class="composer-box">
                <Suggestions {...suggestions} />
                <div class="composer-head">
                    <Modes mode={mode} onMode={setMode} />
                    {mode === 'note' && <span class="composer-mode-hint">{t.noteHint}</span>}
                </div>
                <textarea
                    ref={area}
                    rows={2}
                    dir="auto"
                    aria-label={label}
                    placeholder={mode === 'note' ? t.notePlaceholder : t.replyPlaceholder}
                    value={text}
                    {...suggestions.attributes}
                    onInput={(event) => {
                        setText(event.currentTarget.value);
                        suggestions.look();
                    }}
                    onKeyDown={onKeyDown}
                    onKeyUp={suggestions.look}
                    onClick={suggestions.look}
                    onBlur={suggestions.close}
                />
                <div class="composer-foot">
                    {mode === 'reply' && (
                        <button
                            type="button"
                            class="icon-button"
                            aria-label={t.cannedReplies}
                            title={`${t.cannedReplies} (/)`}
                            onMouseDown={(event) => event.preventDefault()}
                            onClick={suggestions.openReplies}
                        >
                            <Icon icon={SquareSlash} />
                        </button>
                    )}
                    <span class="composer-hint" aria-hidden="true">
                        {!isEmpty && (
                            <>
                                <kbd>{sendKeys}</kbd> {mode === 'note' ? t.toAdd : t.toSend}
                            </>
                        )}
                    </span>
                    <span class="split">
                        <button type="button" class="button primary" disabled={isEmpty} title={sendKeys} onClick={() => send(false)}>
                            <Icon icon={mode === 'note' ? CornerDownLeft : SendHorizontal} turns />
                            {mode === 'note' ? t.addNote : t.send}
                        </button>
                        {mode === 'reply' && (
                            <Menu
                                label={t.sendMore}
                                class="button primary split-more"
                                isDisabled={isEmpty}
                                button={<Icon icon={ChevronUp} size="small" />}
                                align="end"
                                above
                                groups={[{ items: [{ label: t.sendAndResolve, icon: Check, keys: 'mod+shift+enter', run: () => send(true) }] }]}
                            />
                        )}
                    </span>
                </div>
            </div>
        </div>
    );
}
