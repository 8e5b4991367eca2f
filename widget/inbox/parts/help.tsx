/* All keys, by what they are for. */
import { commands, type Command, type Group } from '../commands.ts';
import { t } from '../lang.ts';
import { prefs } from '../state.ts';
import { Dialog } from '../ui/dialog.tsx';
import { keysOf } from '../ui/keys.ts';
import { use } from '../ui/use.ts';
import { closeOverlay } from './overlays.tsx';

function writing(sendKey: 'enter' | 'modifier'): Command[] {
    return [
        { id: 'send', group: 'write', label: t.send, keys: [sendKey === 'enter' ? 'enter' : 'mod+enter'] },
        { id: 'line', group: 'write', label: t.lineBreak, keys: [sendKey === 'enter' ? 'shift+enter' : 'enter'] },
        { id: 'sendResolve', group: 'write', label: t.sendAndResolve, keys: ['mod+shift+enter'] },
        { id: 'canned', group: 'write', label: t.cannedReplies, keys: ['/'] },
        { id: 'mention', group: 'write', label: t.mention, keys: ['@'] },
    ];
}

const GROUPS: Group[] = ['conversation', 'list', 'write', 'go', 'app'];

export default function Help() {
    const { sendKey, shortcuts } = use(prefs.value);
    const all = [...commands(), ...writing(sendKey)].filter(({ keys }) => keys?.length);
    const nameOf = (group: Group) => ({ conversation: t.conversation, list: t.list, write: t.writing, go: t.goTo, app: t.app })[group];
    return (
        <Dialog label={t.shortcuts} hasHeader class="help" onClose={closeOverlay}>
            {!shortcuts && <p class="notice">{t.shortcutsOff}</p>}
            <div class="help-columns">
                {GROUPS.map((group) => {
                    const members = all.filter((command) => command.group === group);
                    if (!members.length) return null;
                    return (
                        <section key={group}>
                            <h3>{nameOf(group)}</h3>
                            <dl>
                                {members.map(({ id, label, keys = [] }) => (
                                    <div class="help-row" key={id}>
                                        <dt>{label}</dt>
                                        <dd>
                                            {keys.slice(0, 2).map((each) => (
                                                <kbd key={each}>{keysOf(each)}</kbd>
                                            ))}
                                        </dd>
                                    </div>
                                ))}
                            </dl>
                        </section>
                    );
                })}
            </div>
        </Dialog>
    );
}
