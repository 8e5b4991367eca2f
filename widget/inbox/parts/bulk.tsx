/* What can be done with all that are selected. */
import { AlarmClock, Check, Ellipsis, UserPlus, X } from 'lucide';

import { clearSelection, selectAll, selection, setStatus, targets } from '../actions.ts';
import { plural, t } from '../lang.ts';
import { desk } from '../state.ts';
import { Icon } from '../ui/icon.tsx';
import { Menu } from '../ui/menu.tsx';
import { use } from '../ui/use.ts';
import { overlay } from './overlays.tsx';

export function BulkBar() {
    const count = use(selection).size;
    const isNone = count === 0;
    const loaded = use(desk.list).ids.length;
    return (
        <div class="pane-header bulk" role="toolbar" aria-label={t.selected}>
            <button type="button" class="icon-button" aria-label={t.clearSelection} title={`${t.clearSelection} (Esc)`} onClick={clearSelection}>
                <Icon icon={X} />
            </button>
            <span class="bulk-count" role="status">
                {plural(t.selectedCount, count)}
            </span>
            <button type="button" class="icon-button" disabled={isNone} aria-label={t.resolve} title={`${t.resolve} (E)`} onClick={() => void setStatus(targets(), 'resolved')}>
                <Icon icon={Check} />
            </button>
            <button type="button" class="icon-button" disabled={isNone} aria-label={t.assign} title={`${t.assign} (A)`} onClick={() => (overlay.value = 'assign')}>
                <Icon icon={UserPlus} />
            </button>
            <button type="button" class="icon-button" disabled={isNone} aria-label={t.snooze} title={`${t.snooze} (S)`} onClick={() => (overlay.value = 'snooze')}>
                <Icon icon={AlarmClock} />
            </button>
            <Menu
                label={t.more}
                button={<Icon icon={Ellipsis} />}
                align="end"
                groups={[
                    {
                        items: [
                            { label: t.setOpen, keys: 'shift+o', isDisabled: isNone, run: () => void setStatus(targets(), 'open') },
                            { label: t.setPending, keys: 'shift+p', isDisabled: isNone, run: () => void setStatus(targets(), 'pending') },
                            { label: t.priority, keys: 'p', isDisabled: isNone, run: () => (overlay.value = 'priority') },
                            { label: t.tags, keys: 't', isDisabled: isNone, run: () => (overlay.value = 'tags') },
                        ],
                    },
                    { items: [{ label: plural(t.selectLoaded, loaded), keys: 'mod+a', run: selectAll }] },
                ]}
            />
        </div>
    );
}
