/* What is wrong with the connection, and what becomes of what is written meanwhile. */
import { RefreshCw, WifiOff } from 'lucide';

import { plural, t } from '../lang.ts';
import { desk } from '../state.ts';
import { Icon } from '../ui/icon.tsx';
import { use } from '../ui/use.ts';

export function Banner() {
    const connection = use(desk.connection);
    const problem = use(desk.problem);
    const count = use(desk.waiting).filter(({ why }) => !why).length;
    const isOff = connection === 'offline';
    const text = problem ?? (isOff ? t.offline : connection === 'polling' ? t.polling : '');
    return (
        <div role="status" class="banners">
            {text && (
                <p class={isOff ? 'banner banner-warning' : 'banner'}>
                    <Icon icon={isOff ? WifiOff : RefreshCw} />
                    <span>
                        {text} {isOff && count > 0 && plural(t.queued, count)}
                    </span>
                </p>
            )}
        </div>
    );
}
