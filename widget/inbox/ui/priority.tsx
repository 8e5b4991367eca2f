/* How urgent: more bars, and for the most urgent a sign of its own, so that it is more than a colour. */
import { CircleAlert } from 'lucide';

import type { Priority } from '../data/protocol.ts';
import { Icon } from './icon.tsx';

const BARS = { low: 1, medium: 2, high: 3 };

export function PriorityIcon({ priority }: { priority: Priority | null }) {
    if (priority === 'urgent') return <Icon icon={CircleAlert} size="small" class="priority-icon" />;
    const bars = priority ? BARS[priority] : 0;
    return (
        <svg class="icon icon-small bars" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
            {[1, 2, 3].map((bar) => (
                <rect key={bar} class={bar <= bars ? 'bar is-on' : 'bar'} x={bar * 4 - 2} y={14 - bar * 4} width="3" height={bar * 4} rx="1" />
            ))}
        </svg>
    );
}
