/*
 * A round sign for a person: initials on one of eight colours, which its id decides. It is a picture, not a text: who speaks to
 * a button says its label.
 */
import { Bot, User } from 'lucide';

import { Icon } from './icon.tsx';

const COLOURS = 8;

/** Who answers without being anybody. */
export const PROGRAM = 'program';

function colourOf(id: string): number {
    let hash = 0;
    for (const letter of id) hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) | 0;
    return Math.abs(hash) % COLOURS;
}

/** "Ayşe Yılmaz" is AY, "deniz@example.com" D. */
export function initialsOf(name: string): string {
    const words = name.replace(/@.*/, '').split(/[\s._-]+/u).filter(Boolean);
    const letters = [words[0], words.length > 1 ? words.at(-1) : ''].map((word) => [...(word ?? '')][0] ?? '');
    return letters.join('').toLocaleUpperCase();
}

interface AvatarProps {
    id: string;
    /** Null: nobody knows it. */
    name: string | null;
    online?: boolean | undefined;
    size?: 'small' | 'large';
}

export function Avatar({ id, name, online, size }: AvatarProps) {
    return (
        <span class={`avatar colour-${colourOf(id)}${size ? ` avatar-${size}` : ''}`} aria-hidden="true">
            {name ? <span class="initials" data-initials={initialsOf(name)} /> : <Icon icon={id === PROGRAM ? Bot : User} {...(size === 'small' && { size: 'small' })} />}
            {online && <span class="presence" />}
        </span>
    );
}
