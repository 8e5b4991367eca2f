/* Parts that are loaded when they are wanted. A file that is gone after an upgrade comes with the whole page again. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { t } from '../lang.ts';

type Module<Props> = { default: ComponentType<Props> };

/** A component that loads another one and becomes it. */
export function lazy<Props extends object>(load: () => Promise<Module<Props>>): ComponentType<Props> {
    let loaded: ComponentType<Props> | undefined;
    let loading: Promise<Module<Props>> | undefined;
    return function Lazy(props: Props) {
        const [state, setState] = useState<'waiting' | 'there' | 'failed'>(loaded ? 'there' : 'waiting');
        useEffect(() => {
            if (loaded) return;
            loading ??= load();
            loading.then(
                (module) => {
                    loaded = module.default;
                    setState('there');
                },
                () => {
                    loading = undefined;
                    setState('failed');
                },
            );
        }, []);
        if (loaded) {
            const Loaded = loaded;
            return <Loaded {...props} />;
        }
        if (state === 'waiting') return <div class="lazy" aria-busy="true" />;
        return (
            <div class="lazy" role="alert">
                <p>{t.updated}</p>
                <button type="button" class="button" onClick={() => location.reload()}>
                    {t.reload}
                </button>
            </div>
        );
    };
}
