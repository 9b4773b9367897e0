// The interactive documentation as a person uses it: the built service, a real browser, and no other host to be reached.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Locator, Page } from 'playwright-core';
import { launchBrowser, visit } from '../support/browser.js';
import { startServer } from '../support/server.js';

/** Not a loopback address: browsers and Swagger UI make exceptions for those that Wi-Fi clients don't get. */
const HOST = 'access-point.test';
const METHODS = new Set(['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']);

/** What to type where an operation has a parameter in its path, and the status that this has on any machine. */
const parameters: Readonly<Record<string, { value: string; status: number }>> = {
  interface: { value: 'lo', status: 200 },
  config: { value: 'no-such-config', status: 404 },
};

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly tag: string;
  /** Its answer does not end, so the page never shows it. */
  readonly endless: boolean;
}

interface Specification {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { tags?: string[]; responses?: Record<string, { content?: object }> }>>>>;
}

describe('docs page', { timeout: 240_000 }, () => {
  let server: Awaited<ReturnType<typeof startServer>>;
  let browser: Browser;
  let origin: string;
  let operations: Operation[];

  before(async () => {
    server = await startServer();
    browser = await launchBrowser(HOST);
    origin = `http://${HOST}:${new URL(server.url).port}`;
    // so that each document has been sampled once, however slow the machine is
    const sampled = await fetch(`${server.url}/snapshot/refresh`, { method: 'POST', headers: { access_token: server.key } });
    assert.equal(sampled.status, 200);
    const response = await fetch(`${server.url}/openapi.json`);
    assert.equal(response.status, 200);
    operations = operationsOf((await response.json()) as Specification);
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  /** Opens the page, has `use` use it, and requires that it asked no other host and that nothing went wrong in it but what is allowed. */
  async function withPage(use: (page: Page) => Promise<void>, allowed?: RegExp): Promise<void> {
    const context = { viewport: { width: 1200, height: 1000 } };
    await visit(browser, { origin, path: '/docs', context, ...(allowed && { allowed }) }, async (page) => {
      await page.locator('.opblock').first().waitFor();
      await use(page);
    });
  }

  test('shows every operation of the specification', async () => {
    await withPage(async (page) => {
      assert.equal(await page.title(), 'apsnap API');
      const shown = await Promise.all((await page.locator('.opblock').all()).map(nameOf));
      assert.ok(operations.length > 0, 'the specification has operations');
      assert.deepEqual([...new Set(shown)].sort(), operations.map(({ method, path }) => `${method} ${path}`).sort());
      assert.equal(await page.locator('link[href*="//"], script[src*="//"]').count(), 0, 'addresses of other hosts in the page');
    });
  });

  test('/docs/ leads to the page', async () => {
    await withPage(async (page) => {
      await page.goto(`${origin}/docs/`);
      await page.locator('.opblock').first().waitFor();
      assert.equal(new URL(page.url()).pathname, '/docs');
    });
  });

  test('the Authorize dialog asks for access_token', async () => {
    await withPage(async (page) => {
      await page.locator('.auth-wrapper > button.authorize').first().click();
      const scheme = schemeOf(page);
      assert.match((await scheme.textContent()) ?? '', /access_token.*In:\s*header/s);
      assert.ok(await scheme.locator('input').isVisible());
    });
  });

  test('each GET operation can be tried out with the key', async () => {
    await withPage(
      async (page) => {
        await authorize(page, server.key);
        const wrong: string[] = [];
        for (const operation of operations.filter(({ method }) => method === 'GET')) {
          const expected = Object.entries(parameters).find(([name]) => operation.path.includes(`{${name}}`))?.[1].status ?? 200;
          const { status, text } = await tryOut(page, operation);
          if (status !== expected) wrong.push(`GET ${operation.path}: ${status}, expected ${expected}: ${text.slice(0, 200)}`);
        }
        assert.deepEqual(wrong, []);
      },
      // what the browser says of the 404 that is expected above
      /status of 404/,
    );
  });

  test('POST /snapshot/refresh can be tried out as the page proposes it', async () => {
    await withPage(async (page) => {
      await authorize(page, server.key);
      const { status, text } = await tryOut(page, operationAt('POST', '/snapshot/refresh'));
      assert.equal(status, 200, text);
      assert.match(text, /"generation"/);
    });
  });

  test('with a wrong key the page shows 403', async () => {
    await withPage(async (page) => {
      await authorize(page, `${server.key}x`);
      const { status, text } = await tryOut(page, operationAt('GET', '/system'));
      assert.equal(status, 403);
      assert.match(text, /403: Unauthorized/);
    }, /status of 403/);
  });

  test('the key is forgotten with the page', async () => {
    await withPage(async (page) => {
      await authorize(page, server.key);
      await page.reload();
      await page.locator('.opblock').first().waitFor();
      const { status } = await tryOut(page, operationAt('GET', '/system'));
      assert.equal(status, 403);
    }, /status of 403/);
  });

  function operationAt(method: string, path: string): Operation {
    const operation = operations.find((candidate) => candidate.method === method && candidate.path === path);
    assert.ok(operation, `the specification has no ${method} ${path}`);
    return operation;
  }
});

function operationsOf({ paths }: Specification): Operation[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method]) => METHODS.has(method))
      .map(([method, { tags, responses }]) => ({
        method: method.toUpperCase(),
        path,
        tag: tags?.[0] ?? 'default',
        endless: 'text/event-stream' in (responses?.['200']?.content ?? {}),
      })),
  );
}

async function nameOf(block: Locator): Promise<string> {
  const method = await block.locator('.opblock-summary-method').textContent();
  return `${method} ${await block.locator('.opblock-summary-path, .opblock-summary-path__deprecated').getAttribute('data-path')}`;
}

function schemeOf(page: Page): Locator {
  return page.locator('.dialog-ux .auth-container').filter({ hasText: 'Name: access_token' });
}

async function authorize(page: Page, key: string): Promise<void> {
  await page.locator('.auth-wrapper > button.authorize').first().click();
  const scheme = schemeOf(page);
  await scheme.locator('input').fill(key);
  await scheme.locator('button.authorize').click();
  await scheme.getByText('Authorized').waitFor();
  await page.locator('.dialog-ux button.btn-done').first().click();
  await page.locator('.dialog-ux').waitFor({ state: 'detached' });
}

/** Opens an operation, fills in what its path needs, executes it, and closes it. Gives what the page then shows. */
async function tryOut(page: Page, { method, path, tag, endless }: Operation): Promise<{ status: number; text: string }> {
  const block = page
    .locator(`.opblock-tag-section:has([data-tag="${tag}"]) .opblock-${method.toLowerCase()}`)
    .filter({ has: page.locator(`[data-path="${path}"]`) });
  await block.locator('.opblock-summary-control').click();
  for (const [name, { value }] of Object.entries(parameters)) {
    if (path.includes(`{${name}}`)) await block.locator(`tr[data-param-name="${name}"] input`).fill(value);
  }
  const answered = page.waitForResponse(
    (response) => response.request().method() === method && sameShape(path, new URL(response.url()).pathname),
  );
  await block.locator('button.execute').click();
  const status = (await answered).status();
  if (endless) return { status, text: '' };
  const live = block.locator('.live-responses-table tbody');
  const shown = Number.parseInt((await live.locator('.response-col_status').first().textContent()) ?? '', 10);
  assert.equal(shown, status, `${method} ${path}: the page shows another status than it got`);
  const text = (await live.locator('.response-col_description').first().textContent()) ?? '';
  await block.locator('.opblock-summary-control').click();
  return { status, text };
}

/** Whether a path is one that a template stands for. */
function sameShape(template: string, path: string): boolean {
  return new RegExp(`^${template.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{\w+\}/g, '[^/]+')}$`).test(path);
}
