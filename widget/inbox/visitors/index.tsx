/* Who is on the site now. */
import { Users } from 'lucide';

import { t } from '../lang.ts';
import { Icon } from '../ui/icon.tsx';

export default function Visitors() {
    return (
        <main class="page" id="main" tabIndex={-1}>
            <div class="empty">
                <Icon icon={Users} size="large" />
                <p class="empty-title">{t.visitors}</p>
            </div>
        </main>
    );
}
