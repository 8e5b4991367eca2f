/*
 * A long list of rows of one height, of which only those in sight are there. Where they stand is a multiplication, so it costs
 * the same for ten and for a hundred thousand.
 */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

const AROUND = 8; // rows before and behind those in sight

/** In pixels, of a height that style sheets give in rem. */
export const pixelsOf = (rem: number): number => rem * Number.parseFloat(getComputedStyle(document.documentElement).fontSize);

export interface Window {
    scroller: { current: HTMLDivElement | null };
    from: number; // the first row that is there
    to: number; // behind the last
    height: number; // of one
    /** Scrolls no farther than it has to. */
    reveal(index: number): void;
}

export function useWindow(count: number, rem: number): Window {
    const scroller = useRef<HTMLDivElement>(null);
    const [height] = useState(() => pixelsOf(rem));
    const [range, setRange] = useState({ from: 0, to: 2 * AROUND });
    const look = () => {
        const element = scroller.current;
        if (!element) return;
        const from = Math.max(0, Math.floor(element.scrollTop / height) - AROUND);
        const to = Math.ceil((element.scrollTop + element.clientHeight) / height) + AROUND;
        setRange((before) => (before.from === from && before.to === to ? before : { from, to }));
    };
    useLayoutEffect(() => {
        const element = scroller.current;
        if (!element) return;
        const observer = new ResizeObserver(look);
        observer.observe(element);
        element.addEventListener('scroll', look, { passive: true });
        return () => {
            observer.disconnect();
            element.removeEventListener('scroll', look);
        };
    }, []);
    return {
        scroller,
        from: Math.min(range.from, count),
        to: Math.min(range.to, count),
        height,
        reveal(index) {
            const element = scroller.current;
            if (!element || index < 0) return;
            const top = index * height;
            if (top < element.scrollTop) element.scrollTop = top;
            else if (top + height > element.scrollTop + element.clientHeight) element.scrollTop = top + height - element.clientHeight;
        },
    };
}
