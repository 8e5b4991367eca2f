/* What the client needs of the browser, in one place, so that a test can stand in for it. */
import { type After } from '../shared/http.ts';
import { uuid } from '../shared/uuid.ts';

export type EnvEvent = 'visibility' | 'online' | 'offline' | 'hide' | 'show';

export interface Channel {
    post(message: unknown): void;
    close(): void;
}

export interface Env {
    now(): number;
    after: After;
    random(): number;
    uuid(): string;
    visible(): boolean;
    on(event: EnvEvent, listener: () => void): () => void;
    /** Whether one tab can be chosen among many (only on pages with TLS). */
    readonly locks: LockManager | undefined;
    channel(name: string, hear: (message: unknown) => void): Channel;
    title(next?: string): string;
    /** Whether the browser lets this tab make a sound: after a gesture in it. */
    mayRing(): boolean;
    ring(): void; // a short tone
}

const EVENTS: Record<EnvEvent, string> = {
    visibility: 'visibilitychange',
    online: 'online',
    offline: 'offline',
    hide: 'pagehide',
    show: 'pageshow',
};

/* Two short sines, one after the other: no file to load, nothing for a policy to forbid. */
function playTone(audio: AudioContext): void {
    const gain = audio.createGain();
    gain.connect(audio.destination);
    gain.gain.setValueAtTime(0.08, audio.currentTime);
    gain.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.4);
    [660, 880].forEach((frequency, index) => {
        const tone = audio.createOscillator();
        tone.frequency.value = frequency;
        tone.connect(gain);
        tone.start(audio.currentTime + index * 0.12);
        tone.stop(audio.currentTime + 0.4);
    });
}

export function browserEnv(): Env {
    let audio: AudioContext | undefined;
    return {
        now: Date.now,
        after(ms, task) {
            const timer = setTimeout(task, ms);
            return () => clearTimeout(timer);
        },
        random: Math.random,
        uuid,
        visible: () => document.visibilityState === 'visible',
        on(event, listener) {
            const target = event === 'visibility' ? document : window;
            target.addEventListener(EVENTS[event], listener);
            return () => target.removeEventListener(EVENTS[event], listener);
        },
        locks: typeof BroadcastChannel === 'function' ? navigator.locks : undefined,
        channel(name, hear) {
            const channel = new BroadcastChannel(name);
            channel.onmessage = ({ data }) => hear(data);
            return { post: (message) => channel.postMessage(message), close: () => channel.close() };
        },
        title: (next) => (next === undefined ? document.title : (document.title = next)),
        mayRing: () => navigator.userActivation?.hasBeenActive !== false,
        ring() {
            try {
                playTone((audio ??= new AudioContext()));
            } catch {
                // No sound here.
            }
        },
    };
}
