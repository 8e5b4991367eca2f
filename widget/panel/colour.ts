/* Text must be readable on whatever colour an organisation has (WCAG 2.2: a contrast of 4.5). */
const parts = (colour: string) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

function luminance(rgb: number[]): number {
    const [r = 0, g = 0, b = 0] = rgb.map((part) => (part > 10 ? ((part / 255 + 0.055) / 1.055) ** 2.4 : part / 3295));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
}

/** White on the colour if that is readable; else black is. */
export const textOn = (colour: string) => (1.05 / luminance(parts(colour)) < 4.5 ? '#000' : '#fff');

/** The colour, mixed with black (0) or white (255) for as much as it takes to be read on `ground`. */
export function readableOn(ground: string, colour: string, towards: number): string {
    const rgb = parts(colour);
    const below = luminance(parts(ground));
    for (let mixed = rgb, share = 0; ; share += 0.05) {
        mixed = rgb.map((part) => Math.round(part + (towards - part) * share));
        const ratio = luminance(mixed) / below;
        if (ratio >= 4.5 || ratio <= 1 / 4.5 || share >= 1) return `rgb(${mixed})`;
    }
}
