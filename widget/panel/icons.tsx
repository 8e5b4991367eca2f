const PATHS = {
    close: 'M6 6l12 12M18 6L6 18',
    menu: 'M5 12h.01M12 12h.01M19 12h.01',
    back: 'M15 5l-7 7 7 7',
    send: 'M12 20V5M5 12l7-7 7 7',
    news: 'M12 4v15M5 12l7 7 7-7',
    sending: 'M12 7v5h4M12 3a9 9 0 1 0 1 0',
    sent: 'M5 13l5 5L20 7',
    seen: 'M1 13l5 5L16 7M11 17l1 1L22 7',
};

export type IconName = keyof typeof PATHS;

export const icon = (name: IconName) => (
    <svg viewBox="0 0 24 24" aria-hidden="true" class={name}>
        <path d={PATHS[name]} />
    </svg>
);
