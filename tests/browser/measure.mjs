/*
 * Usage: node tests/browser/measure.mjs [LOADS]
 *
 * What the widget costs a page at load: what the main thread spends between the loader's own marks (helvino:start,
 * helvino:end), as processor time, which Chromium's trace notes with each mark, and as time on the clock, in which other
 * processes may have had the processor. And seen from outside: how much more script and layout time Chromium counts for a
 * page with the widget than for the same one without, and how far anything moved. Nothing here fails for being slow.
 */
import { Site, launchChromium } from './browser.mjs';
import { startServer } from '../http/server.mjs';

const loads = Number(process.argv[2] ?? 50);
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const ms = (number) => `${number.toFixed(2)} ms`;

/** The trace's events of the loader's marks while `task` runs. */
async function traced(browser, task) {
    const session = await browser.newBrowserCDPSession();
    const marks = [];
    session.on('Tracing.dataCollected', ({ value }) => marks.push(...value.filter(({ name }) => name.startsWith('helvino:'))));
    await session.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: ['blink.user_timing'] } });
    const result = await task();
    const complete = new Promise((done) => session.once('Tracing.tracingComplete', done));
    await session.send('Tracing.end');
    await complete;
    await session.detach();
    return { ...result, ...between(marks.sort((a, b) => a.ts - b.ts)) };
}

/** Milliseconds between each start and the end that follows it, added up. */
function between(marks) {
    const sum = (clock) => marks.reduce((total, mark) => total + (mark.name === 'helvino:end' ? 1 : -1) * mark[clock], 0) / 1000;
    return { processor: sum('tts'), clock: sum('ts') };
}

async function load(browser, url, waitsFor) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.addInitScript(() => {
        window.shift = 0;
        new PerformanceObserver((list) => list.getEntries().forEach(({ value }) => (window.shift += value))).observe({ type: 'layout-shift', buffered: true });
    });
    const session = await context.newCDPSession(page);
    await session.send('Performance.enable');
    await page.goto(url, { waitUntil: 'load' });
    await page.locator(waitsFor).waitFor();
    const { metrics } = await session.send('Performance.getMetrics');
    const of = (name) => metrics.find((metric) => metric.name === name).value * 1000;
    const shift = await page.evaluate(() => window.shift);
    await context.close();
    return { shift, script: of('ScriptDuration'), layout: of('LayoutDuration') + of('RecalcStyleDuration') };
}

const server = await startServer();
const site = await new Site().listen();
const browser = await launchChromium();
try {
    const org = await server.org();
    const plain = site.put({ embed: 'none' });
    const embedded = site.put({ base: server.url, org: org.key });
    const runs = { plain: [], embedded: [] };
    for (let number = 0; number < loads; number++) {
        runs.plain.push(await traced(browser, () => load(browser, plain, 'body')));
        runs.embedded.push(await traced(browser, () => load(browser, embedded, 'button.launcher')));
    }
    const all = (name) => runs.embedded.map((run) => run[name]);
    const more = (name) => median(all(name)) - median(runs.plain.map((run) => run[name]));
    console.log(`chromium ${browser.version()}, ${loads} loads, each in a new profile`);
    console.log(`main thread at load, by the loader's marks: median ${ms(median(all('processor')))}, largest ${ms(Math.max(...all('processor')))} of processor time`);
    console.log(`on the clock: median ${ms(median(all('clock')))}, largest ${ms(Math.max(...all('clock')))}`);
    console.log(`more than the same page without it (median): script ${ms(more('script'))}, style and layout ${ms(more('layout'))}`);
    console.log(`layout shift: ${Math.max(...all('shift'))}`);
} finally {
    await browser.close();
    await site.close();
    await server.stop();
    server.remove();
}
