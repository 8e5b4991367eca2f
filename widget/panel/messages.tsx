import { Component, type ComponentChildren } from 'preact';
import type { ShownMessage } from '../embed/contract.ts';
import { Away } from './away.tsx';
import { Icon } from './icons.tsx';
import { isOnlyEmoji, linkify } from './linkify.tsx';
import { dayIn, dayOf, timeIn } from './times.ts';
import type { Props, Ui } from './ui.ts';

const GROUP_MS = 3e5; // what follows sooner belongs together
const NEAR = 48; // pixels from an end of the list that still count as being there

const belongs = (one: ShownMessage | undefined, next: ShownMessage | undefined) =>
    one && next && one.role === next.role && next.at - one.at < GROUP_MS && dayOf(one.at) === dayOf(next.at);

function State({ ui, message }: { ui: Ui; message: ShownMessage }) {
    const { delivery, key, why } = message;
    const { texts, chat } = ui;
    if (delivery === 'failed')
        return (
            <div class="meta wrong">
                <span class="delivery">{texts.failed}</span>
                {why && <bdi>{why}</bdi>}
                <button type="button" class="link" onClick={() => chat.retry(key)}>
                    {texts.retry}
                </button>
                <button type="button" class="link" onClick={() => chat.discard(key)}>
                    {texts.discard}
                </button>
            </div>
        );
    return (
        <div class="meta">
            {timeIn(ui.locale, message.at)}
            {delivery && (
                <span class="delivery" title={texts[delivery]}>
                    <span class="aside">{texts[delivery]}</span>
                    <Icon name={delivery} />
                </span>
            )}
        </div>
    );
}

function messageWithDay(ui: Ui, message: ShownMessage, before?: ShownMessage, after?: ShownMessage): ComponentChildren {
    const { role, key, content, delivery, at } = message;
    const first = !belongs(before, message);
    return [
        (!before || dayOf(before.at) !== dayOf(at)) && (
            <div class="day" key={dayOf(at)}>
                {dayIn(ui.locale, at)}
            </div>
        ),
        <div class={first ? 'message first' : 'message'} data-role={role} key={key}>
            {first && <span class="aside">{role === 'user' ? ui.texts.you : ui.host.boot.config.title}</span>}
            <div class={isOnlyEmoji(content) ? 'text emoji' : 'text'} dir="auto">
                {linkify(content)}
            </div>
            {(!belongs(message, after) || delivery === 'failed') && <State ui={ui} message={message} />}
        </div>,
    ];
}

/** The list hangs from its lower end (column-reverse): at the bottom it stays there, and what is put above moves nothing. */
export class Messages extends Component<Props, { news?: boolean }> {
    log: HTMLElement | null = null;

    override getSnapshotBeforeUpdate() {
        return this.log?.scrollHeight;
    }

    override componentDidUpdate({ now: before }: Props, _: unknown, height: number) {
        const { log } = this;
        const { now } = this.props;
        const last = now.messages.at(-1);
        const lastBefore = before.messages.at(-1);
        if (!log || now === before || (last?.key === lastBefore?.key && now.messages.length > before.messages.length)) return;
        const isNew = last && last.key !== lastBefore?.key;
        if (isNew && last.role === 'user') this.down();
        else if (log.scrollTop < -NEAR) {
            log.scrollTop += height - log.scrollHeight;
            if (isNew) this.setState({ news: true });
        }
    }

    down = () => {
        if (this.log) this.log.scrollTop = 0;
    };

    scrolled = () => {
        const { log } = this;
        const { now, ui } = this.props;
        if (!log) return;
        if (log.scrollTop > -NEAR && this.state.news) this.setState({ news: false });
        if (now.hasEarlier && !now.loading && log.scrollHeight - log.clientHeight + log.scrollTop < NEAR) void ui.chat.loadEarlier();
    };

    override render({ ui, now }: Props) {
        const { texts } = ui;
        const { messages } = now;
        return (
            <div class="body">
                <div class="log" role="log" aria-live="off" aria-label={texts.messages} tabIndex={0} ref={(element) => { this.log = element; }} onScroll={this.scrolled}>
                    <div>
                        {now.loading ? (
                            <p class="hint">{texts.loading}</p>
                        ) : now.hasEarlier ? (
                            <button type="button" class="link hint" onClick={() => void ui.chat.loadEarlier()}>
                                {texts.earlier}
                            </button>
                        ) : (
                            !messages.length && <p class="welcome">{texts.welcome}</p>
                        )}
                        {messages.map((message, at) => messageWithDay(ui, message, messages[at - 1], messages[at + 1]))}
                        {now.typing && (
                            <div class="message first typing" data-role="assistant" title={texts.typing}>
                                <span class="aside">{texts.typing}</span>
                                <div class="text" aria-hidden="true">
                                    <i />
                                    <i />
                                    <i />
                                </div>
                            </div>
                        )}
                        {!now.online && <Away ui={ui} now={now} />}
                    </div>
                </div>
                {this.state.news && (
                    <button type="button" class="pill" onClick={this.down}>
                        <Icon name="down" />
                        {texts.news}
                    </button>
                )}
            </div>
        );
    }
}
