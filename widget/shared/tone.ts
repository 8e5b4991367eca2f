const CLOSED_MS = 2_000;

/** Two short sines, one after the other: no file to load, nothing for a policy to forbid. */
export function playTone(): void {
    const audio = new AudioContext();
    const gain = audio.createGain();
    gain.connect(audio.destination);
    gain.gain.value = 0.05;
    [660, 880].forEach((frequency, index) => {
        const tone = audio.createOscillator();
        tone.frequency.value = frequency;
        tone.connect(gain);
        tone.start(audio.currentTime + index / 8);
        tone.stop(audio.currentTime + index / 8 + 0.1);
    });
    setTimeout(() => audio.close(), CLOSED_MS);
}
