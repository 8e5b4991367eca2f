/* The widget as visitors will see it: drawn, with its own texts in its own language; nothing in it can be clicked. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

import type { Language } from '../../shared/language.ts';
import { s } from './words.tsx';

interface PanelTexts {
    direction: 'ltr' | 'rtl';
    online: string;
    welcome: string;
    placeholder: string;
}

const TEXTS: Record<Language, () => Promise<{ default: PanelTexts }>> = {
    en: () => import('../../panel/lang/en.ts'),
    tr: () => import('../../panel/lang/tr.ts'),
    de: () => import('../../panel/lang/de.ts'),
    fr: () => import('../../panel/lang/fr.ts'),
    es: () => import('../../panel/lang/es.ts'),
    ar: () => import('../../panel/lang/ar.ts'),
};

/** Black or white, as the widget's launcher chooses. */
function contrasting(color: string): string {
    const light = (at: number) => (Number.parseInt(color.slice(at, at + 2), 16) / 255) ** 2.2;
    return 0.2126 * light(1) + 0.7152 * light(3) + 0.0722 * light(5) > 0.18 ? '#000' : '#fff';
}

interface PreviewProps {
    title: string;
    subtitle: string;
    color: string;
    position: 'left' | 'right';
    language: Language;
}

export function Preview({ title, subtitle, color, position, language }: PreviewProps) {
    const ref = useRef<HTMLDivElement>(null);
    const [texts, setTexts] = useState<PanelTexts | null>(null);
    useLayoutEffect(() => {
        ref.current?.style.setProperty('--widget', color);
        ref.current?.style.setProperty('--on-widget', contrasting(color));
    }, [color]);
    useEffect(() => void TEXTS[language]().then((module) => setTexts(module.default)), [language]);
    return (
        <figure class="preview">
            <div class={`stage stage-${position}`} ref={ref} role="img" aria-label={s.previewOf}>
                <div class="mock" aria-hidden="true" dir={texts?.direction ?? 'ltr'}>
                    <div class="mock-head">
                        <p class="mock-title">{title}</p>
                        <p class="mock-sub">
                            <span class="mock-dot" />
                            {texts?.online}
                            {subtitle && ` · ${subtitle}`}
                        </p>
                    </div>
                    <div class="mock-log">
                        <p class="mock-welcome">{texts?.welcome}</p>
                        <p class="mock-bubble mock-theirs">
                            <span class="mock-line" />
                            <span class="mock-line mock-short" />
                        </p>
                        <p class="mock-bubble mock-ours">
                            <span class="mock-line" />
                            <span class="mock-line mock-short" />
                        </p>
                    </div>
                    <p class="mock-input">{texts?.placeholder}</p>
                </div>
                <span class="mock-launcher" />
            </div>
            <figcaption class="hint">{s.preview}</figcaption>
        </figure>
    );
}
