import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';
const FLAGS =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';

/**
 * Starts Debian's Chromium.
 *
 * @param hosts names that resolve to the loopback address
 */
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
  /** Origins besides its own that the page may send requests to. */
  readonly otherOrigins?: readonly string[];
  readonly context?: BrowserContextOptions;
  /** Script that runs before the page's own scripts. */
  readonly before?: string;
  /** Errors that the console may contain. */
  readonly allowed?: RegExp;
}

/** Opens a page for `use`, then checks that it sent no request to another origin and logged no error that isn't allowed. */
export async function visit(
  browser: Browser,
  { origin, path = '/', otherOrigins = [], context: options, before, allowed }: Visit,
  use: (page: Page) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const origins = [origin, ...otherOrigins];
  const foreign: string[] = [];
  const errors: string[] = [];
  await context.route(
    (url) => !origins.includes(url.origin) && /^(?:https?|wss?):$/.test(url.protocol),
    (route) => route.abort(),
  );
  await context.addInitScript(
    "addEventListener('securitypolicyviolation', (e) => console.error('policy:', e.effectiveDirective, 'blocked', e.blockedURI))",
  );
  // Check the origin: the script also runs in the empty page that a context starts with.
  if (before) await context.addInitScript(`if (location.origin === '${origin}') { ${before} }`);
  context.on('request', (request) => {
    const url = new URL(request.url());
    if (!origins.includes(url.origin) && !['data:', 'blob:'].includes(url.protocol)) foreign.push(request.url());
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
  assert.deepEqual(foreign, [], 'requests to other origins');
  assert.deepEqual(errors, [], 'errors in the console');
}
