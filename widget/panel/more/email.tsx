import { kit, sentenceOf } from './kit.ts';

let input: HTMLInputElement | null = null;
let isChanging = false;
let isBusy = false;
let error = '';

// What is taken away may say so after what has come in its place.
function mounted(element: HTMLInputElement | null): void {
    if (!element) return;
    input = element;
    input.value = kit.now().email ?? '';
}

function fail(sentence: string): void {
    error = sentence;
    kit.draw();
    input?.focus();
}

async function save(event: Event): Promise<void> {
    event.preventDefault();
    const address = input?.value.trim() ?? '';
    if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(address)) return fail(kit.texts.emailWrong);
    isBusy = true;
    kit.draw();
    try {
        await kit.chat.setEmail(address);
        isChanging = isBusy = false;
        error = '';
        kit.draw();
        kit.focus();
    } catch (reason) {
        isBusy = false;
        fail(sentenceOf(reason));
    }
}

function change(): void {
    isChanging = true;
    kit.draw();
    input?.focus();
}

function email() {
    const known = kit.now().email;
    if (known && !isChanging)
        return (
            <p role="status">
                <b>{kit.texts.emailThanks.replace('{0}', () => known)}</b>{' '}
                <button class="link" onClick={change}>
                    {kit.texts.change}
                </button>
            </p>
        );
    return (
        <form noValidate>
            <label for="email">{kit.texts.email}</label>
            <div class="row">
                <input
                    id="email"
                    type="email"
                    dir="ltr"
                    autocomplete="email"
                    class="field"
                    aria-invalid={!!error}
                    aria-describedby="wrong"
                    ref={mounted}
                />
                <button class="button" disabled={isBusy} onClick={(event: Event) => void save(event)}>
                    {kit.texts.save}
                </button>
            </div>
            <p id="wrong" class="wrong" role="alert">
                {error}
            </p>
        </form>
    );
}

/* Within a day the time is enough. */
const when = (at: string): string => {
    const moment = new Date(at);
    const isSoon = moment.getTime() - Date.now() < 864e5;
    return new Intl.DateTimeFormat(kit.locale, {
        ...(isSoon ? {} : { weekday: 'long' as const }),
        hour: 'numeric',
        minute: '2-digit',
    }).format(moment);
};

export const away = (opensAt: string | null) => (
    <div class="away">
        {kit.texts.nobody}
        {opensAt && <p class="opens">{kit.texts.opens.replace('{0}', () => when(opensAt))}</p>}
        {email()}
    </div>
);
