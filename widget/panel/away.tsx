import { Component } from 'preact';
import { fill } from './texts.ts';
import { sentenceOf, type Props } from './ui.ts';

interface State {
    changing?: boolean;
    busy?: boolean;
    error?: string;
}

/** Nobody is there: says so, and asks for an address to be answered at. */
export class Away extends Component<Props, State> {
    input: HTMLInputElement | null = null;

    save = (event: Event) => {
        event.preventDefault();
        const { ui } = this.props;
        const email = this.input?.value.trim() ?? '';
        const fail = (error: string) => {
            this.setState({ error, busy: false });
            this.input?.focus();
        };
        if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)) return fail(ui.texts.emailWrong);
        this.setState({ busy: true, error: '' });
        ui.chat.setEmail(email).then(
            () => {
                this.setState({ changing: false, busy: false });
                ui.tell('');
            },
            (error: unknown) => fail(sentenceOf(error, ui.texts.wrong)),
        );
    };

    override render({ ui, now }: Props, { changing, busy, error }: State) {
        const { texts } = ui;
        const { email } = now;
        return (
            <div class="away">
                <p>{texts.nobody}</p>
                {email && !changing ? (
                    <p role="status">
                        <b>{fill(texts.emailThanks, email)}</b>{' '}
                        <button type="button" class="link" onClick={() => this.setState({ changing: true })}>
                            {texts.change}
                        </button>
                    </p>
                ) : (
                    <form onSubmit={this.save} noValidate>
                        <label for="email">{texts.email}</label>
                        <div class="row">
                            <input
                                id="email"
                                type="email"
                                dir="ltr"
                                autocomplete="email"
                                class="field"
                                aria-invalid={!!error}
                                aria-describedby="email-error"
                                defaultValue={email ?? ''}
                                ref={(element) => { this.input = element; }}
                            />
                            <button class="button" disabled={!!busy}>
                                {texts.save}
                            </button>
                        </div>
                        <p id="email-error" class="wrong" role="alert">
                            {error}
                        </p>
                    </form>
                )}
            </div>
        );
    }
}
