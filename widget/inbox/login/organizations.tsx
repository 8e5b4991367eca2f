/* Which organisation, for those who answer for several; or that there is none. */
import { ChevronRight } from 'lucide';

import { t } from '../lang.ts';
import { choose, logOut, session } from '../state.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Icon } from '../ui/icon.tsx';
import { use } from '../ui/use.ts';
import { Page } from './index.tsx';

export default function Organizations() {
    const who = use(session);
    const { organizations = [] } = who ?? {};
    const isNone = !organizations.length;
    return (
        <Page title={isNone ? t.noOrganization : t.chooseOrganization} lead={isNone ? t.noOrganizationText : t.chooseOrganizationText}>
            <ul class="organizations">
                {organizations.map((each) => (
                    <li key={each.id}>
                        <button type="button" class="organization" onClick={() => choose(each)}>
                            <Avatar id={each.id} name={each.name} />
                            <span>
                                <bdi>{each.name}</bdi>
                                <span class="hint">{t.roles[each.role]}</span>
                            </span>
                            <Icon icon={ChevronRight} turns />
                        </button>
                    </li>
                ))}
            </ul>
            <button type="button" class="link" onClick={() => void logOut()}>
                {t.logOut}
            </button>
        </Page>
    );
}
