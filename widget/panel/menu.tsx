import { Component } from 'preact';
import { Icon } from './icons.tsx';
import { sentenceOf, type Props } from './ui.ts';

function save(file: Blob): void {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(file);
    link.download = 'chat.json';
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 6e4); // some browsers only begin to read it after the click
}

export class Menu extends Component<Props, { open?: boolean }> {
    button: HTMLButtonElement | null = null;
    list: HTMLElement | null = null;

    toggle = (open: boolean) => {
        if (open === !!this.state.open) return;
        this.setState({ open }, () => (open ? (this.list?.firstChild as HTMLElement) : this.button)?.focus());
    };

    move = (event: KeyboardEvent) => {
        const at = event.target as HTMLElement;
        const { list } = this;
        const to = { ArrowDown: at.nextSibling ?? list?.firstChild, ArrowUp: at.previousSibling ?? list?.lastChild }[event.key];
        if (to) (to as HTMLElement).focus();
        else if (/Escape|Tab/.test(event.key)) this.toggle(false);
        else return;
        event.preventDefault();
        event.stopPropagation();
    };

    leave = (event: FocusEvent) => {
        if (!this.list?.contains(event.relatedTarget as Node | null)) this.setState({ open: false });
    };

    download = () => {
        const { chat, texts, tell } = this.props.ui;
        tell(texts.loading);
        chat.exportData().then(
            (file) => (tell(''), save(file)),
            (error: unknown) => tell(sentenceOf(error, texts.wrong)),
        );
    };

    override render({ ui, now }: Props) {
        const { texts } = ui;
        const { open } = this.state;
        const item = (label: string, act: () => void) => (
            <button type="button" role="menuitem" tabIndex={-1} onClick={() => (this.toggle(false), act())}>
                {label}
            </button>
        );
        return (
            <div class="menu">
                <button
                    type="button"
                    class="icon"
                    aria-label={texts.menu}
                    title={texts.menu}
                    aria-haspopup="menu"
                    aria-expanded={!!open}
                    ref={(element) => { this.button = element; }}
                    onMouseDown={(event) => event.preventDefault()}
                    onClick={() => this.toggle(!open)}
                >
                    <Icon name="menu" />
                </button>
                {open && (
                    <div role="menu" aria-label={texts.menu} ref={(element) => { this.list = element; }} onKeyDown={this.move} onFocusOut={this.leave}>
                        {item(texts.newConversation, () => ui.open(null))}
                        <button
                            type="button"
                            role="menuitemcheckbox"
                            tabIndex={-1}
                            aria-checked={now.sound}
                            onClick={() => ui.chat.setSound(!now.sound)}
                        >
                            {texts.sound}
                            <i class="switch" />
                        </button>
                        {item(texts.download, this.download)}
                        {item(texts.forget, () => ui.go('forget'))}
                    </div>
                )}
            </div>
        );
    }
}
