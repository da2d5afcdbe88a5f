// Drive pages with event SDKs in a headless Chromium.
//
//     node driver.mjs CHROMIUM
//
// Serves the pages from two ports, so that each is another origin than the collector and than the other, and prints
// `{"origins": [..., ...]}`. Then it reads one command a line and prints one answer a line: `{"ok": ...}` or `{"error": "..."}`.
//
//     {"do": "open", "visit": "v1", "sdk": "segment", "origin": 0, "plan": {"host", "writeKey", "options"}}   a visitor without history
//     {"do": "call", "visit": "v1", "calls": [...]}     calls of the specification
//     {"do": "ready", "visit": "v1"}                    wait until the SDK has read its settings
//     {"do": "leave", "visit": "v1"}                    the page is left, as by a link
//     {"do": "return", "visit": "v1", "plan": {...}}    the same visitor opens the page again
//     {"do": "cookies", "visit": "v1"}                  the cookies of the visitor, for every site
//     {"do": "log", "visit": "v1"}                      what the page has written to its console, and what its requests failed with
//     {"do": "close", "visit": "v1"}
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium } from "playwright-core";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const bundles = new Map();

async function bundle(sdk) {
  const { outputFiles } = await build({
    entryPoints: [here("pages/page.js")],
    alias: { sdk: here(`pages/${sdk}.js`) },
    bundle: true,
    write: false,
    format: "iife",
    logLevel: "error",
    define: { "process.env.NODE_ENV": '"production"' },
  });
  return outputFiles[0].text;
}

async function serve() {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://page");
    const sdk = pathname.slice(1).split(".")[0];
    if (pathname.endsWith(".js")) {
      if (!bundles.has(sdk)) bundles.set(sdk, bundle(sdk));
      response.setHeader("content-type", "text/javascript; charset=utf-8").end(await bundles.get(sdk));
    } else {
      const html = `<!doctype html><meta charset="utf-8"><title>Shop</title><script src="/${sdk}.js"></script>`;
      response.setHeader("content-type", "text/html; charset=utf-8").end(html);
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${server.address().port}`;
}

const origins = [await serve(), await serve()];
const browser = await chromium.launch({ executablePath: process.argv[2], args: ["--no-sandbox"] });
const visits = new Map();

async function show(visit, { plan }) {
  await visit.page.goto(`${visit.address}?utm_source=newsletter&utm_campaign=spring`);
  await visit.page.evaluate((given) => window.shop.open(given), plan);
}

const commands = {
  open: async ({ visit: name, sdk, origin = 0, plan }) => {
    const context = await browser.newContext();
    const visit = { context, page: await context.newPage(), address: `${origins[origin]}/${sdk}.html`, log: [] };
    visit.page.on("console", (message) => visit.log.push(message.text()));
    visit.page.on("pageerror", (error) => visit.log.push(String(error)));
    visit.page.on("requestfailed", (request) => visit.log.push(`${request.url()} ${request.failure()?.errorText}`));
    visits.set(name, visit);
    await show(visit, { plan });
  },
  call: ({ visit, calls }) => visits.get(visit).page.evaluate((given) => window.shop.call(given), calls),
  ready: ({ visit }) => visits.get(visit).page.evaluate(() => window.shop.ready()),
  leave: async ({ visit }) => void (await visits.get(visit).page.goto("about:blank")),
  return: ({ visit, plan }) => show(visits.get(visit), { plan }),
  cookies: ({ visit }) => visits.get(visit).context.cookies(),
  log: ({ visit }) => visits.get(visit).log,
  close: async ({ visit }) => {
    await visits.get(visit).context.close();
    visits.delete(visit);
  },
};

async function within(seconds, work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${seconds} s`)), seconds * 1_000);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

console.log(JSON.stringify({ origins }));
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  try {
    const ok = await within(90, commands[command.do](command));
    console.log(JSON.stringify({ ok: ok ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }));
  }
}
await browser.close();
process.exit(0);
