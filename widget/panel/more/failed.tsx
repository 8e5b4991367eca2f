/* Under a message that the server has refused. */
import type { ShownMessage } from '../../embed/contract.ts';
import { kit } from './kit.ts';

const link = (label: string, act: () => void) => (
    <button class="link" onClick={act}>
        {label}
    </button>
);

export const failed = ({ key, why }: ShownMessage) => (
    <div class="meta wrong">
        <span class="delivery">{kit.texts.failed}</span>
        <bdi>{why}</bdi>
        {link(kit.texts.retry, () => kit.chat.retry(key))}
        {link(kit.texts.discard, () => kit.chat.discard(key))}
    </div>
);
