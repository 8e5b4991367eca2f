/* What the panel says. English is inside; the others are files of their own (lang/), loaded when they are wanted. */
export const english = {
    online: 'Online',
    away: 'Away',
    close: 'Close',
    menu: 'Menu',
    back: 'Back',
    conversations: 'Conversations',
    newConversation: 'New conversation',
    unread: 'Unread',
    sound: 'Sound',
    download: 'Download my data',
    forget: 'Forget me',
    welcome: 'Hello! How can we help?',
    nobody: 'Nobody is here right now. Write to us, and we will answer as soon as we can.',
    email: 'Your e-mail, for our answer',
    emailWrong: 'Please check this e-mail address.',
    emailThanks: 'Thank you! We will answer to {0}.',
    save: 'Save',
    change: 'Change',
    messages: 'Messages',
    earlier: 'Load earlier messages',
    loading: 'Loading…',
    news: 'New messages',
    you: 'You',
    typing: 'Typing…',
    sending: 'Sending…',
    sent: 'Sent',
    seen: 'Seen',
    failed: 'Not sent',
    retry: 'Try again',
    discard: 'Discard',
    placeholder: 'Write a message…',
    send: 'Send',
    tooLong: 'This message is too long ({0} of {1} bytes). Please shorten it, or send it in parts.',
    offline: 'You are offline. Messages are sent when you are back.',
    connecting: 'Reconnecting…',
    wrong: 'That did not work. Please try again.',
    forgetWhat: 'This erases your e-mail address and all your conversations and messages, on the server and in this browser.',
    forgetFinal: 'It can’t be undone.',
    forgetType: 'To confirm, type {0}',
    forgetWord: 'FORGET',
    cancel: 'Cancel',
    forgotten: 'You are forgotten',
    forgottenKeep: 'Keep this receipt if you may want to refer to it later.',
    receipt: 'Receipt',
    erasedAt: 'Erased',
    visitors: 'Visitors',
    copy: 'Copy',
    copied: 'Copied',
    done: 'Done',
};

export type Texts = typeof english;

export const fill = (text: string, ...values: string[]) => text.replace(/\{(\d)\}/g, (_, at: number) => values[at] ?? '');

const languageOf = (locale: string) => locale.slice(0, 2).toLowerCase();

/** The visitor's own locales that we speak, best first; or the organisation's choice, with the visitor's variant of it. */
export function chooseLocale(wanted: string): string {
    const known = (locale: string) => languageOf(locale) === 'en' || languageOf(locale) in __LANG_FILES__;
    const fits = wanted === 'auto' ? known : (locale: string) => languageOf(locale) === wanted;
    return navigator.languages.find(fits) ?? (wanted === 'auto' ? 'en' : wanted);
}

/** The texts of a locale and the language they turned out to be in: English when the others can't be had. */
export async function loadTexts(base: string, locale: string): Promise<[Texts, string]> {
    const language = languageOf(locale);
    const file = __LANG_FILES__[language];
    try {
        if (file) return [((await import(base + file)) as { default: Texts }).default, language];
    } catch {
        // English below
    }
    return [english, 'en'];
}
