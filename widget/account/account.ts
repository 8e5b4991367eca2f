/*
 * /account#hvl_…: where the links lead that are good once. What stands behind '#' is sent to nobody but our own server,
 * in a body; and it is taken out of the address at once, so that it stays in no history.
 */
type Kind = 'setup' | 'invitation' | 'reset';

interface Link {
    kind: Kind;
    email: string | null;
    name: string | null;
}

interface Words {
    title: string;
    lead: string;
    password: string;
    button: string;
}

const WORDS: Record<Kind, Words> = {
    setup: {
        title: 'Set up Helvino',
        lead: 'You are the first one here: make your account, and name the website you answer for.',
        password: 'Password',
        button: 'Set it up',
    },
    invitation: {
        title: 'Welcome',
        lead: 'Choose your name and a password, and you can answer.',
        password: 'Password',
        button: 'Accept the invitation',
    },
    reset: {
        title: 'A new password',
        lead: 'All sessions that are open now will end.',
        password: 'New password',
        button: 'Save the password',
    },
};

const DONE: Record<Kind, [title: string, text: string]> = {
    setup: ['Helvino is set up', 'Your account is ready: log in with your e-mail address and the password.'],
    invitation: ['You are in', 'Log in with your e-mail address and the password.'],
    reset: ['The password is changed', 'Log in with the new one.'],
};

function byId(id: string): HTMLElement {
    const element = document.getElementById(id);
    if (!element) throw new Error(`there is no #${id}`);
    return element;
}

const input = (id: string) => byId(id) as HTMLInputElement;

/** Shows one of the page's four states. */
function show(state: 'wait' | 'dead' | 'form' | 'done'): void {
    for (const id of ['wait', 'dead', 'form', 'done']) byId(id).hidden = id !== state;
}

/** The answer's JSON, or its sentence as an error. */
async function post(path: string, body: Record<string, string>): Promise<unknown> {
    const answer = await fetch(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
    }).catch(() => {
        throw new Error('The server can’t be reached; please try again.');
    });
    const json: unknown = answer.status === 204 ? null : await answer.json().catch(() => null);
    if (!answer.ok) throw new Error((json as { error?: string } | null)?.error ?? 'Something went wrong; please try again.');
    return json;
}

/* ---- the form ---- */

/** Key of an organisation out of its name: "Ayşe's Shop" is ayse-s-shop. */
function keyOf(name: string): string {
    const plain = name.normalize('NFKD').replace(/[\u0300-\u036f]/g, '').replace(/ı/g, 'i').replace(/ß/g, 'ss');
    return plain.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 64);
}

/** What is to be filled in. */
function fields({ kind }: Link): string[] {
    if (kind === 'setup') return ['name', 'email', 'orgName', 'orgKey', 'password'];
    return kind === 'invitation' ? ['name', 'password'] : ['password'];
}

/** Says it at its field, which gets the focus; what is about none of them stands above the button. */
function complain(sentence: string, field?: string): void {
    const error = byId('error');
    error.remove(); // what comes anew is read aloud, even when it says the same
    error.textContent = sentence;
    if (!field) return byId('submit').before(error);
    input(field).parentElement?.append(error);
    input(field).setAttribute('aria-invalid', 'true');
    input(field).setAttribute('aria-errormessage', 'error');
    input(field).focus();
}

function forgetMistakes(link: Link): void {
    byId('error').textContent = '';
    for (const field of fields(link)) {
        input(field).removeAttribute('aria-invalid');
        input(field).removeAttribute('aria-errormessage');
    }
}

function findMistake(link: Link): [sentence: string, field: string] | null {
    for (const field of fields(link)) if (!input(field).value.trim()) return ['Please fill this in.', field];
    if (link.kind === 'setup' && !/^[^\s@]+@[^\s@]+$/.test(input('email').value.trim())) return ['This is no e-mail address.', 'email'];
    if (link.kind === 'setup' && !/^[\w-]{1,64}$/.test(input('orgKey').value)) return ['The key may have letters, digits, - and _.', 'orgKey'];
    if ([...input('password').value].length < 10) return ['The password must have at least 10 characters.', 'password'];
    return null;
}

/** Whoever has just chosen a password need not type it again. True when that has worked. */
async function logIn(email: string): Promise<boolean> {
    try {
        await post('/session', { email, password: input('password').value });
        localStorage.setItem('helvino_inbox_in', '1');
        return true;
    } catch {
        return false; // there is a second factor, or no storage: the inbox asks
    }
}

async function submit(token: string, link: Link): Promise<void> {
    const mistake = findMistake(link);
    forgetMistakes(link);
    if (mistake) return complain(...mistake);
    const body: Record<string, string> = { token };
    for (const field of fields(link)) body[field] = field === 'password' ? input(field).value : input(field).value.trim();
    const button = byId('submit') as HTMLButtonElement;
    button.disabled = true;
    try {
        await post(link.kind === 'setup' ? '/setup' : '/password', body);
        if (await logIn(link.email ?? body['email'] ?? '')) return location.assign('/inbox');
        [byId('doneTitle').textContent, byId('doneText').textContent] = DONE[link.kind];
        show('done');
        byId('doneTitle').focus();
    } catch (error) {
        complain((error as Error).message);
    }
    button.disabled = false;
}

function draw(token: string, link: Link): void {
    const { title, lead, password, button } = WORDS[link.kind];
    byId('title').textContent = link.name && link.kind === 'invitation' ? `${title}, ${link.name}` : title;
    byId('lead').textContent = lead;
    byId('passwordLabel').textContent = password;
    byId('submit').textContent = button;
    byId('site').hidden = link.kind !== 'setup';
    byId('nameField').hidden = link.kind === 'reset';
    input('name').value = link.name ?? '';
    const email = input('email');
    email.value = link.email ?? '';
    email.readOnly = link.kind !== 'setup'; // a password manager still wants to see it
    input('password').value = '';
    let typedKey = false;
    input('orgKey').oninput = () => (typedKey = true);
    input('orgName').oninput = () => {
        if (!typedKey) input('orgKey').value = keyOf(input('orgName').value);
    };
    (byId('form') as HTMLFormElement).onsubmit = (event) => {
        event.preventDefault();
        void submit(token, link);
    };
    document.title = `${title} · Helvino`;
    forgetMistakes(link);
    show('form');
    input(fields(link)[0] ?? 'password').focus();
}

async function begin(): Promise<void> {
    const token = location.hash.slice(1);
    history.replaceState(null, '', location.pathname);
    try {
        if (!token) throw new Error('The address is not whole: the part behind # is missing.');
        draw(token, (await post('/links', { token })) as Link);
    } catch (error) {
        byId('why').textContent = (error as Error).message;
        show('dead');
    }
}

window.onhashchange = () => location.hash && void begin(); // another link, in the same tab
void begin();
