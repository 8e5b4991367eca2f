/*
 * Telling of news: a tone, once in the whole browser, unless a tab says that it is being looked at; and "(2) Title" on hidden tabs.
 */
import { isVisible, listen } from './wait.ts';

const ASK_MS = 300; // time for a tab to say that somebody looks
const HOLD_MS = 2_000; // one tone for all that comes in this time

export interface Bell {
    /** There is news that this tab's visitor doesn't look at. */
    _news(seq: number): void;
    /** Somebody looks at it, in this tab or in another. */
    _seen(seq: number): void;
    _update(): void; // the number of unread messages may be another
    _stop(): void;
}

/* Two short sines, one after the other: no file to load, nothing for a policy to forbid. */
function playTone(): void {
    const audio = new AudioContext();
    const gain = audio.createGain();
    gain.connect(audio.destination);
    gain.gain.value = 0.05;
    [660, 880].forEach((frequency, index) => {
        const tone = audio.createOscillator();
        tone.frequency.value = frequency;
        tone.connect(gain);
        tone.start(audio.currentTime + index / 8);
        tone.stop(audio.currentTime + index / 8 + 0.1);
    });
    setTimeout(() => audio.close(), HOLD_MS);
}

export function makeBell(name: string, isOn: () => boolean, unread: () => number): Bell {
    let seenSeq = 0;
    let hasNews = false;
    let badge = ''; // what we have put in front of the page's title

    const update = () => {
        const title = document.title;
        const own = title.startsWith(badge) ? title.slice(badge.length) : title;
        hasNews &&= !isVisible();
        badge = hasNews && unread() ? `(${unread()}) ` : '';
        if (badge + own !== title) document.title = badge + own;
    };
    const ring = (lock: unknown) => {
        if (lock) playTone();
        return new Promise((done) => setTimeout(done, lock ? HOLD_MS : 0));
    };
    const off = listen(document, 'visibilitychange', update);
    return {
        _news(seq) {
            hasNews = true;
            update();
            setTimeout(() => {
                // A tab without a gesture may not sound; another one will.
                if (seq <= seenSeq || !isOn() || navigator.userActivation?.hasBeenActive === false) return;
                if (navigator.locks) navigator.locks.request(`${name}:bell`, { ifAvailable: true }, ring).catch(() => {});
                else ring(true);
            }, ASK_MS);
        },
        _seen(seq) {
            seenSeq = Math.max(seenSeq, seq);
        },
        _update: update,
        _stop() {
            off();
            hasNews = false;
            update();
        },
    };
}
