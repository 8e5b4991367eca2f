/*
 * Usage: node tests/browser/measure.mjs [LOADS]
 *
 * What the widget costs a page at load: the median and the largest of the main thread's milliseconds between the loader's own
 * marks (helvino:start, helvino:end), and, seen from outside, how much more script and task time Chromium counts for a page
 * with the widget than for the same one without. For a quiet machine; nothing here fails for being slow.
 */
import { Site, launchChromium } from './browser.mjs';
import { startServer } from '../http/server.mjs';

const loads = Number(process.argv[2] ?? 50);
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const ms = (number) => `${number.toFixed(2)} ms`;

async function load(browser, url, isReady) {
    const context = await browser.newContext();
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    await session.send('Performance.enable');
    await page.goto(url, { waitUntil: 'load' });
    if (isReady) await page.locator('button.launcher').waitFor();
    const { metrics } = await session.send('Performance.getMetrics');
    const of = (name) => metrics.find((metric) => metric.name === name).value * 1000;
    const marked = await page.evaluate(() => {
        const at = (name) => performance.getEntriesByName(name).map(({ startTime }) => startTime);
        const ends = at('helvino:end');
        return at('helvino:start').reduce((sum, start, index) => sum + (ends[index] ?? start) - start, 0);
    });
    await context.close();
    return { marked, script: of('ScriptDuration'), task: of('TaskDuration'), layout: of('LayoutDuration') + of('RecalcStyleDuration') };
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
        runs.plain.push(await load(browser, plain, false));
        runs.embedded.push(await load(browser, embedded, true));
    }
    const marked = runs.embedded.map((run) => run.marked);
    const more = (name) => median(runs.embedded.map((run) => run[name])) - median(runs.plain.map((run) => run[name]));
    console.log(`chromium ${browser.version()}, ${loads} loads, each in a new profile`);
    console.log(`main thread at load, by the loader's marks: median ${ms(median(marked))}, largest ${ms(Math.max(...marked))}`);
    console.log(`more than the same page without it (median): script ${ms(more('script'))}, style and layout ${ms(more('layout'))}, tasks ${ms(more('task'))}`);
} finally {
    await browser.close();
    await site.close();
    await server.stop();
    server.remove();
}
