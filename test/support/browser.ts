import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';
const FLAGS =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';

/** Debian's Chromium. @param hosts names that lead to the loopback address */
export function launchBrowser(...hosts: string[]): Promise<Browser> {
  if (!existsSync(CHROMIUM)) assert.fail(`${CHROMIUM} is missing: apt-get install chromium`);
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [...FLAGS.split(' '), `--host-resolver-rules=${hosts.map((host) => `MAP ${host} 127.0.0.1`).join(',')}`],
  });
}

export interface Visit {
  readonly origin: string;
  readonly path?: string;
  readonly context?: BrowserContextOptions;
  /** Runs in the page before anything of its own. */
  readonly before?: string;
  /** What may stand in the console as an error. */
  readonly allowed?: RegExp;
}

/** Opens a page, has `use` use it, and requires that it asked no other host and that nothing went wrong in it but what is allowed. */
export async function visit(
  browser: Browser,
  { origin, path = '/', context: options, before, allowed }: Visit,
  use: (page: Page) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const foreign: string[] = [];
  const errors: string[] = [];
  await context.route(
    (url) => url.origin !== origin && /^(?:https?|wss?):$/.test(url.protocol),
    (route) => route.abort(),
  );
  await context.addInitScript(
    "addEventListener('securitypolicyviolation', (e) => console.error('policy:', e.effectiveDirective, 'blocked', e.blockedURI))",
  );
  // also run in the empty page that a context begins with
  if (before) await context.addInitScript(`if (location.origin === '${origin}') { ${before} }`);
  context.on('request', (request) => {
    const url = new URL(request.url());
    if (url.origin !== origin && !['data:', 'blob:'].includes(url.protocol)) foreign.push(request.url());
  });
  context.on('console', (message) => {
    if (message.type() === 'error' && !allowed?.test(message.text())) errors.push(`${message.text()} (${message.location().url})`);
  });
  context.on('weberror', (error) => errors.push(String(error.error())));
  const page = await context.newPage();
  page.on('websocket', (socket) => foreign.push(socket.url()));
  page.setDefaultTimeout(15_000);
  try {
    await page.goto(`${origin}${path}`);
    await use(page);
  } finally {
    await context.close();
  }
  assert.deepEqual(foreign, [], 'requests to other hosts');
  assert.deepEqual(errors, [], 'errors in the console');
}
