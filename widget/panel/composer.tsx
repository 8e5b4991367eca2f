import { Component } from 'preact';
import { Icon } from './icons.tsx';
import { fill } from './texts.ts';
import type { Props } from './ui.ts';

const MESSAGE_MAX = 32768; // bytes, as the server has it
const DRAFT = 'helvino_draft';

export class Composer extends Component<Props, { text: string }> {
    area: HTMLTextAreaElement | null = null;
    override state = { text: this.props.ui.host.keep.get(DRAFT) ?? '' };

    override componentDidMount() {
        this.fit();
    }

    fit() {
        const { area } = this;
        if (!area) return;
        area.style.height = 'auto';
        area.style.height = `${area.scrollHeight}px`;
    }

    set(text: string) {
        const { host, chat } = this.props.ui;
        if (text) host.keep.set(DRAFT, text);
        else host.keep.remove(DRAFT);
        chat.typed(!!text.trim());
        this.setState({ text }, () => this.fit());
    }

    typed = (event: Event) => this.set((event.target as HTMLTextAreaElement).value);

    // In an input method, Enter takes a proposal; Safari says so only by the old code.
    pressed = (event: KeyboardEvent) => {
        if (event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.keyCode !== 229) this.send(event);
    };

    send = (event: Event) => {
        event.preventDefault();
        const text = this.state.text.trim();
        if (!text || this.size() > MESSAGE_MAX) return;
        this.props.ui.chat.send(text);
        this.set('');
        this.area?.focus();
    };

    size = () => new TextEncoder().encode(this.state.text.trim()).length;

    override render({ ui }: Props, { text }: { text: string }) {
        const { texts, locale } = ui;
        const size = this.size();
        const isLong = size > MESSAGE_MAX;
        return (
            <form class="composer" onSubmit={this.send}>
                {isLong && (
                    <p class="wrong" role="alert">
                        {fill(texts.tooLong, size.toLocaleString(locale), MESSAGE_MAX.toLocaleString(locale))}
                    </p>
                )}
                <div class="box">
                    <textarea
                        rows={1}
                        dir="auto"
                        data-focus
                        aria-label={texts.placeholder}
                        aria-invalid={isLong}
                        placeholder={texts.placeholder}
                        enterkeyhint="send"
                        value={text}
                        ref={(element) => { this.area = element; }}
                        onInput={this.typed}
                        onKeyDown={this.pressed}
                    />
                    <button class="round" aria-label={texts.send} title={texts.send} disabled={!size || isLong} onMouseDown={(event) => event.preventDefault()}>
                        <Icon name="up" />
                    </button>
                </div>
            </form>
        );
    }
}
