/* What rings, how it looks, and what the keys do, for oneself in this browser. */
import { playTone } from '../../shared/tone.ts';
import { useState } from 'preact/hooks';

import { LANGUAGES, t } from '../lang.ts';
import { look, prefs } from '../state.ts';
import { Choices, Switch } from '../ui/field.tsx';
import { keysOf } from '../ui/keys.ts';
import { use } from '../ui/use.ts';

const canNotify = typeof Notification === 'function';

function Notifications() {
    const { notify, desktop, preview, sound } = use(prefs.value);
    const [permission, setPermission] = useState(canNotify ? Notification.permission : 'denied');
    const setDesktop = async (isOn: boolean) => {
        if (!isOn || permission === 'granted') return prefs.set({ desktop: isOn });
        const answer = await Notification.requestPermission();
        setPermission(answer);
        prefs.set({ desktop: answer === 'granted' });
    };
    const hint = !canNotify ? t.noNotifications : permission === 'denied' ? t.notificationsDenied : t.desktopHint;
    return (
        <section class="card">
            <h3>{t.notifications}</h3>
            <Choices
                label={t.notifyOf}
                value={notify}
                onValue={(value) => prefs.set({ notify: value })}
                options={[
                    ['mine', t.notifyMine, t.notifyMineHint],
                    ['all', t.notifyAll],
                    ['none', t.notifyNone, t.notifyNoneHint],
                ]}
            />
            <Switch label={t.desktop} hint={hint} checked={desktop && permission === 'granted'} onChange={(isOn) => void setDesktop(isOn)} />
            <Switch label={t.withText} hint={t.withTextHint} checked={preview} onChange={(value) => prefs.set({ preview: value })} />
            <Switch
                label={t.sound}
                hint={t.soundHint}
                checked={sound}
                onChange={(value) => {
                    prefs.set({ sound: value });
                    if (value) playTone();
                }}
            />
        </section>
    );
}

function Looks() {
    const { theme, language } = use(look.value);
    return (
        <section class="card">
            <h3>{t.looks}</h3>
            <Choices
                label={t.theme}
                value={theme}
                onValue={(value) => look.set({ theme: value })}
                options={[
                    ['auto', t.themeAuto],
                    ['light', t.themeLight],
                    ['dark', t.themeDark],
                ]}
            />
            <div class="form-field">
                <label class="field" for="own-language">
                    {t.language}
                </label>
                <select id="own-language" value={language} onChange={(event) => look.set({ language: event.currentTarget.value as typeof language })}>
                    <option value="auto">{t.languageAuto}</option>
                    {Object.entries(LANGUAGES).map(([key, name]) => (
                        <option value={key} key={key}>
                            {name}
                        </option>
                    ))}
                </select>
            </div>
        </section>
    );
}

function Keys() {
    const { sendKey, shortcuts, advance } = use(prefs.value);
    return (
        <section class="card">
            <h3>{t.writing}</h3>
            <Choices
                label={t.sendBy}
                value={sendKey}
                onValue={(value) => prefs.set({ sendKey: value })}
                options={[
                    ['enter', keysOf('enter'), t.sendByEnterHint],
                    ['modifier', keysOf('mod+enter'), t.sendByModifierHint],
                ]}
            />
            <Switch label={t.singleKeys} hint={t.singleKeysHint} checked={shortcuts} onChange={(value) => prefs.set({ shortcuts: value })} />
            <Switch label={t.advance} hint={t.advanceHint} checked={advance} onChange={(value) => prefs.set({ advance: value })} />
        </section>
    );
}

export default function Preferences() {
    return (
        <>
            <p class="mute page-lead">{t.preferencesHint}</p>
            <Notifications />
            <Looks />
            <Keys />
        </>
    );
}
