import type { ShownMessage } from '../embed/contract.ts';
import { draw, hasNews, want } from './draw.tsx';
import { icon } from './icons.tsx';
import { chat, host, locale, more, now, texts } from './state.ts';
import { dayIn, dayOf, timeIn } from './times.ts';

const GROUP_MS = 3e5; // what follows sooner belongs together
const NEAR = 48; // pixels from an end of the list that still count as being there

export let log: HTMLElement | null = null;
const mounted = (element: HTMLElement | null) => {
    log = element;
};

export const isFarUp = () => !!log && log.scrollTop < -NEAR;

export function down(): void {
    if (log) log.scrollTop = 0;
}

function onScroll(): void {
    if (hasNews && !isFarUp()) draw();
    if (log && now.hasEarlier && log.scrollHeight - log.clientHeight + log.scrollTop < NEAR) earlier();
}

const earlier = () => void chat.loadEarlier();

const belongs = (one: ShownMessage | undefined, next: ShownMessage | undefined) =>
    one && next && one.role === next.role && next.at - one.at < GROUP_MS && dayOf(one.at) === dayOf(next.at);

const state = ({ delivery, at }: ShownMessage) => (
    <div class="meta">
        {timeIn(locale, at)}
        {delivery && delivery !== 'failed' && icon(delivery)}
        {delivery && <span class="aside delivery">{texts[delivery]}</span>}
    </div>
);

function message(shown: ShownMessage, at: number, { [at - 1]: before, [at + 1]: after }: readonly ShownMessage[]) {
    const { role, key, content, delivery } = shown;
    const isFirst = !belongs(before, shown);
    const isRich = want(/\/\/|www\.|@|\p{ExtPict}/u.test(content));
    const hasFailed = want(delivery === 'failed');
    return [
        (!before || dayOf(before.at) < dayOf(shown.at)) && (
            <p class="day" key={dayOf(shown.at)}>
                {dayIn(locale, shown.at)}
            </p>
        ),
        <div class={isFirst ? 'message first' : 'message'} data-role={role} key={key}>
            {isFirst && <span class="aside">{role === 'user' ? texts.you : host.boot.config.title}</span>}
            {(isRich && more?.rich(content)) || (
                <div class="text" dir="auto">
                    {content}
                </div>
            )}
            {(hasFailed && more?.failed(shown)) || (!belongs(shown, after) && state(shown))}
        </div>,
    ];
}

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
            <p class="day">
                {now.loading ? texts.loading : now.hasEarlier && <button onClick={earlier}>{texts.earlier}</button>}
            </p>
            {!now.loading && !now.messages[0] && <p class="welcome">{texts.welcome}</p>}
            {now.messages.map(message)}
            {now.typing && (
                <div class="message first typing" data-role="assistant">
                    <span class="aside">{texts.typing}</span>
                    <div class="text">•••</div>
                </div>
            )}
            {want(!now.online) && more?.away(now.opensAt)}
        </div>
    </div>,
    hasNews && (
        <button class="button" onClick={down}>
            {icon('news')}
            {texts.news}
        </button>
    ),
];
