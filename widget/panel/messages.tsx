import type { ShownMessage } from '../embed/contract.ts';
import { draw, hasNews } from './draw.tsx';
import { icon } from './icons.tsx';
import { isOnlyEmoji, linkify } from './linkify.tsx';
import { chat, host, more, now, texts } from './state.ts';
import { dayIn, dayOf, timeIn } from './times.ts';

const GROUP_MS = 3e5; // what follows sooner belongs together
const NEAR = 48; // pixels from an end of the list that still count as being there

export const isFarUp = ({ scrollTop }: Element) => scrollTop < -NEAR;

const belongs = (one: ShownMessage | undefined, next: ShownMessage | undefined) =>
    one && next && one.role === next.role && next.at - one.at < GROUP_MS && dayOf(one.at) === dayOf(next.at);

const link = (text: string, act: () => void) => (
    <button class="link" onClick={act}>
        {text}
    </button>
);

const stateOf = ({ delivery, key, why, at }: ShownMessage) =>
    delivery === 'failed' ? (
        <div class="meta wrong">
            <span class="delivery">{texts.failed}</span>
            <bdi>{why}</bdi>
            {link(texts.retry, () => chat.retry(key))}
            {link(texts.discard, () => chat.discard(key))}
        </div>
    ) : (
        <div class="meta">
            {timeIn(at)}
            {delivery && (
                <span class="delivery">
                    <span class="aside">{texts[delivery]}</span>
                    {icon(delivery)}
                </span>
            )}
        </div>
    );

function messageOf(message: ShownMessage, at: number, { [at - 1]: before, [at + 1]: after }: readonly ShownMessage[]) {
    const { role, key, content, delivery } = message;
    const isFirst = !belongs(before, message);
    return [
        (!before || dayOf(before.at) < dayOf(message.at)) && (
            <p class="day" key={dayOf(message.at)}>
                {dayIn(message.at)}
            </p>
        ),
        <div class={isFirst ? 'message first' : 'message'} data-role={role} key={key}>
            {isFirst && <span class="aside">{role === 'user' ? texts.you : host.boot.config.title}</span>}
            <div class={isOnlyEmoji(content) ? 'text emoji' : 'text'} dir="auto">
                {linkify(content)}
            </div>
            {(!belongs(message, after) || delivery === 'failed') && stateOf(message)}
        </div>,
    ];
}

function onScroll(): void {
    if (!log) return;
    if (hasNews && !isFarUp(log)) draw();
    if (now.hasEarlier && !now.loading && log.scrollHeight - log.clientHeight + log.scrollTop < NEAR) void chat.loadEarlier();
}

export let log: HTMLElement | null = null;
const mounted = (element: HTMLElement | null) => {
    log = element;
};

export const down = () => log?.scrollTo(0, 0);

export const messages = () => [
    <div
        class="log"
        role="log"
        aria-live="off"
        aria-label={texts.messages}
        tabIndex={0}
        key={now.current}
        ref={mounted}
        onScroll={onScroll}
    >
        <div>
            <p class="day">{now.loading ? texts.loading : now.hasEarlier && link(texts.earlier, () => void chat.loadEarlier())}</p>
            {!now.loading && !now.messages[0] && <p class="welcome">{texts.welcome}</p>}
            {now.messages.map(messageOf)}
            {now.typing && (
                <div class="message first typing" data-role="assistant">
                    <span class="aside">{texts.typing}</span>
                    <div class="text">•••</div>
                </div>
            )}
            {!now.online && more?.away()}
        </div>
    </div>,
    hasNews && (
        <button class="button" onClick={down}>
            {icon('news')}
            {texts.news}
        </button>
    ),
];
