/* Lucide's icons, drawn as elements: each is a list of tags and attributes. */
import type { IconNode } from 'lucide';
import { h } from 'preact';

interface IconProps {
    icon: IconNode;
    /** Smaller or larger than the text's 16 pixels. */
    size?: 'small' | 'large';
    /** It points along the line of writing, so it turns with it. */
    turns?: boolean;
    class?: string;
}

export function Icon({ icon, size, turns, class: extra }: IconProps) {
    const classes = ['icon', size && `icon-${size}`, turns && 'turns', extra].filter(Boolean).join(' ');
    return (
        <svg class={classes} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            {icon.map(([tag, attributes], index) => h(tag, { ...attributes, key: index }))}
        </svg>
    );
}
