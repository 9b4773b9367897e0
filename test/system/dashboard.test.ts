// The dashboard in a real browser: first with a made-up machine, then with the built service.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { ap } from '../../src/documents/ap.js';
import { clients } from '../../src/documents/clients.js';
import { networking } from '../../src/documents/networking.js';
import { system } from '../../src/documents/system.js';
import { launchBrowser, type Visit, visit } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import {
  exampleAp,
  exampleClient,
  exampleClients,
  exampleCollectors,
  exampleDocuments,
  exampleHistory,
  exampleNetworking,
  exampleSystem,
  someClients,
} from '../support/example-machine.js';
import { type FakeService, startFakeService } from '../support/fake-service.js';
import { ask } from '../support/http.js';
import { createAccessPoint, IW, LEASES, type Root } from '../support/root.js';
import { assertValid } from '../support/schema.js';
import { startServer, type TestServer } from '../support/server.js';

/** Not a loopback address: browsers make exceptions for those that a client on the Wi-Fi doesn't get. */
const HOST = 'access-point.test';
const MAX_COMPRESSED_BYTES = 150 * 1024;
const DOCS = new URL('../../../docs/', import.meta.url);
/** Errors that the browser logs when a connection ends. */
const LOST = /ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION|ERR_EMPTY_RESPONSE|status of 503/;
/** The name of a client and the values that change while it is connected. */
const CLIENT_VALUES = ['.client-name', 'td.signal', 'td.rate .number', 'td.connected'];
const HOSTILE = '<img src=x onerror="document.title=\'pwned\'">';

describe('dashboard', { timeout: 240_000 }, () => {
  let service: FakeService;
  let browser: Browser;

  before(async () => {
    service = await startFakeService(exampleDocuments(), exampleCollectors(), exampleHistory);
    browser = await launchBrowser(HOST);
  });

  after(async () => {
    await browser?.close();
    await service?.stop();
  });

  const origin = () => `http://${HOST}:${service.port}`;

  /** Opens the page with a stored key and waits until it is live and drawn. */
  async function withDashboard(use: (page: Page) => Promise<void>, options: Partial<Visit> = {}): Promise<void> {
    service.set(exampleDocuments());
    service.sendStates({});
    service.sendCollectors(exampleCollectors());
    const before = `sessionStorage.getItem('apsnap-key') ?? sessionStorage.setItem('apsnap-key', ${JSON.stringify(service.key)})`;
    await visit(browser, { origin: origin(), before, ...options }, async (page) => {
      await isLive(page);
      await use(page);
    });
  }

  test('the made-up machine matches the schemas', () => {
    const documents = exampleDocuments();
    for (const { name, view } of [system, ap, clients, networking]) assertValid(documents[name], view);
  });

  test('the page asks for the key, reports a wrong one, and keeps it until the tab is closed', async () => {
    await visit(browser, { origin: origin(), allowed: /status of 403/ }, async (page) => {
      assert.equal(await page.locator('#dashboard').isVisible(), false, 'nothing is visible without the key');
      await page.getByLabel('API key').fill('not-the-key');
      await page.keyboard.press('Enter');
      await page.getByRole('alert').getByText('rejected this key').waitFor();
      assert.equal(await page.locator('#key').evaluate((input) => input === document.activeElement), true);
      await page.getByLabel('API key').fill('schlüssel');
      await page.keyboard.press('Enter');
      await page.getByRole('alert').getByText('This can’t be a key').waitFor();
      await page.getByLabel('API key').fill(service.key);
      await page.keyboard.press('Enter');
      await isLive(page);
      assert.equal(await page.locator('#key-form').isVisible(), false);
      await page.reload();
      await isLive(page);
      await page.getByRole('button', { name: 'Forget key' }).click();
      await page.locator('#key').waitFor();
      await page.reload();
      await page.locator('#key').waitFor();
    });
    for (const { path } of service.requests) assert.ok(!path.includes(service.key), `the key is in a URL: ${path}`);
  });

  test('the page shows the machine, access points, clients, interfaces and health', async () => {
    await withDashboard(async (page) => {
      assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), 'raspberrypi');
      assert.equal(await page.title(), 'raspberrypi · apsnap');
      await sees(page, '#machine-line', /Raspberry Pi 4 Model B.*bookworm/);
      await sees(page, '.machine-card', /Uptime23 d 4 h.*0\.42 · 0\.37 · 0\.31.*31 %/);
      const point = page.locator('.access-point').filter({ hasText: 'RigNet-5G' });
      assert.match(await textOf(point), /5 GHz.*channel 36.*wlan1.*6 clients.*59\.1 Mbit\/s.*3\.77 Mbit\/s/);
      assert.equal(await page.locator('.plot canvas').count(), 6);
      await sees(page, '#client-rows', /living-room-tv.*−51 dBm/);
      await sees(page, '#interface-list', /eth0uplink.*1 Gbit\/s.*wg0VPN/);
      await sees(page, '#health-summary', /All OK/);
    });
  });

  test('changes appear without a reload', async () => {
    await withDashboard(async (page) => {
      const loads = service.requests.filter(({ path }) => path.startsWith('/events')).length;
      service.set({ system: exampleSystem({ cpu: { busyRatio: 0.87, cores: [] } }) });
      await page.locator('.plot').filter({ hasText: 'Processor' }).getByText('87 %', { exact: true }).waitFor();
      const newcomer = exampleClient({ mac_address: '02:00:00:00:99:01', hostname: 'new-phone' });
      service.set({ clients: exampleClients([...someClients, newcomer]) });
      service.send('client-joined', newcomer);
      const row = page.getByRole('row').filter({ hasText: 'new-phone' });
      await row.getByText('new', { exact: true }).waitFor();
      await page.locator('[aria-live="polite"]').getByText('new-phone joined wlan0').waitFor({ state: 'attached' });
      service.set({ clients: exampleClients(someClients) });
      service.send('client-left', newcomer);
      await row.waitFor({ state: 'detached' });
      await page.locator('#visits').getByText('left wlan0').waitFor();
      assert.equal(service.requests.filter(({ path }) => path.startsWith('/events')).length, loads);
    });
  });

  test('a stale section shows since when, why, and what to do', async () => {
    await withDashboard(async (page) => {
      const sampledAt = new Date(Date.now() - 754_000).toISOString();
      const error = { code: 'program-missing', message: 'iw: not on PATH', advice: 'apt-get install iw' };
      service.sendStates({ clients: { state: 'stale', sampledAt, error } });
      service.sendCollectors(exampleCollectors('thermal'));
      await page
        .locator('.clients.is-stale')
        .getByText(/Stale since .*12 min ago.*iw: not on PATH → apt-get install iw/)
        .waitFor();
      const plot = page.locator('.plot.is-stale');
      assert.match(await textOf(plot), /Temperature stale/);
      assert.equal(await plot.count(), 1, 'only the plot of the failing source');
      await page.locator('#collectors-failing').getByText('setfacl -m u:apsnap:r /etc/thermal.conf').waitFor();
      await page.getByText('1 source cannot be read: thermal').first().waitFor();
      service.sendStates({ clients: { state: 'stale', sampledAt, error }, networking: { state: 'stale', sampledAt, error } });
      await page.locator('.is-stale #interface-list').waitFor();
      const old = await coloursOf(page, [...CLIENT_VALUES, '#interface-list .state']);
      service.sendStates({ clients: { state: 'fresh', sampledAt: new Date().toISOString(), error: null } });
      await page.locator('.clients:not(.is-stale)').waitFor();
      await page.locator(':not(.is-stale) > #interface-list').waitFor();
      for (const [selector, colour] of await coloursOf(page, [...old.keys()])) assert.notEqual(colour, old.get(selector), selector);
    });
  });

  test('after a lost connection the page counts down, reconnects and resumes', async () => {
    await withDashboard(
      async (page) => {
        const live = await coloursOf(page, [...CLIENT_VALUES, '#interface-list .state', '#health-summary']);
        service.fail();
        const banner = page.getByRole('region', { name: 'Connection' });
        await banner.getByText('Connection lost').waitFor();
        for (const [selector, colour] of await coloursOf(page, [...live.keys()])) assert.notEqual(colour, live.get(selector), selector);
        await banner.getByText(/overloaded on purpose/).waitFor();
        await banner.getByText(/Retrying in \d+ s/).waitFor();
        await sees(page, '#link', /Not connected/);
        assert.ok(await page.getByText('living-room-tv').first().isVisible(), 'the last values stay');
        service.recover();
        await isLive(page);
        await banner.waitFor({ state: 'hidden' });
        const last = service.requests.findLast(({ path }) => path.startsWith('/events'));
        assert.match(String(last?.headers['last-event-id']), /^\d+$/);
        service.fail();
        await banner.getByText('Connection lost').waitFor();
        service.recover();
        await page.getByRole('button', { name: 'Retry now' }).click();
        await isLive(page);
      },
      { allowed: LOST },
    );
  });

  test('when the key is changed, the page asks for the new one and shows nothing until then', async () => {
    const old = service.key;
    try {
      await withDashboard(
        async (page) => {
          service.changeKey('another-key-of-32-characters-0123');
          await page.getByRole('alert').getByText('no longer valid').waitFor();
          assert.equal(await page.getByText('living-room-tv').count(), 0);
        },
        {
          allowed: /status of 403|ERR_INCOMPLETE_CHUNKED_ENCODING/,
          before: `sessionStorage.getItem('apsnap-rejected') ?? sessionStorage.setItem('apsnap-key', '${old}')`,
        },
      );
    } finally {
      service.changeKey(old);
    }
  });

  test('clients sort by each column in both directions, and headings announce it', async () => {
    await withDashboard(async (page) => {
      const names = () => page.locator('.client-name').allTextContents();
      const expected: [column: string, direction: string, first: string][] = [
        ['Name', 'descending', 'work-macbook'],
        ['Address', 'ascending', 'nas'],
        ['MAC', 'ascending', 'alices-iphone'],
        ['Interface', 'ascending', 'nas'],
        ['Signal', 'descending', 'work-macbook'],
        ['Signal', 'ascending', '10.3.141.146'],
        ['Down', 'descending', 'living-room-tv'],
        ['Up', 'descending', 'work-macbook'],
        ['Connected', 'descending', 'thermostat'],
        ['Connected', 'ascending', '10.3.141.146'],
      ];
      for (const [column, direction, first] of expected) {
        await page.getByRole('columnheader', { name: column }).getByRole('button').click();
        assert.equal((await names())[0], first, `${column} ${direction}`);
        const sorted = page.locator('th[aria-sort]');
        assert.equal(await sorted.count(), 1);
        assert.equal(await sorted.getAttribute('aria-sort'), direction);
        assert.match(await textOf(sorted), new RegExp(`^${column}`));
      }
      assert.equal((await names()).at(-1), 'nas', 'unknown values come last');
    });
  });

  test('a search matches names, addresses and MAC addresses', async () => {
    await withDashboard(async (page) => {
      const search = page.getByRole('searchbox', { name: 'Search clients' });
      const names = page.locator('.client-name');
      await search.fill('PIXEL wlan1');
      assert.deepEqual(await names.allTextContents(), ['carols-pixel-8']);
      await sees(page, '#client-count', /^1 of 12$/);
      await search.fill('dc:a6:32');
      assert.deepEqual(await names.allTextContents(), ['nas']);
      await search.fill('nobody-at-all');
      await page.getByText('No client matches “nobody-at-all”.').waitFor();
      await page.getByRole('button', { name: 'Show all clients' }).click();
      assert.equal(await names.count(), 12);
    });
  });

  test('without clients the table names the networks to join', async () => {
    await withDashboard(async (page) => {
      service.set({ clients: exampleClients([]) });
      await page.getByText('No clients connected. Join RigNet or RigNet-5G.').waitFor();
      assert.equal(await page.getByRole('table').count(), 0);
    });
  });

  test('two thousand clients: the document has only the rows in view, and each event costs little', async () => {
    await withDashboard(async (page) => {
      const many = (round: number) =>
        exampleClients(
          Array.from({ length: 2_000 }, (_, index) =>
            exampleClient({
              mac_address: `02:00:00:00:${(index >> 8).toString(16).padStart(2, '0')}:${(index & 255).toString(16).padStart(2, '0')}`,
              hostname: `phone-${index}`,
              download_bits_per_second: (index * 7_919 + round * 104_729) % 9_999_991,
            }),
          ),
        );
      await page.evaluate(`
        window.longest = 0;
        new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration); })
          .observe({ type: 'longtask' });`);
      for (let round = 0; round < 5; round++) {
        service.set({ clients: many(round) });
        await sleep(300);
      }
      await sees(page, '#client-count', /^2000$/);
      assert.equal(await page.getByRole('table', { name: 'Clients' }).getAttribute('aria-rowcount'), '2001');
      assert.ok((await page.locator('#client-rows tr').count()) < 60, 'rows in the document');
      // A task of 500 ms once a second leaves the page usable. The limit is generous because test machines are busy.
      assert.ok(((await page.evaluate('window.longest')) as number) < 500, `a task took ${await page.evaluate('window.longest')} ms`);
      await page.locator('#client-scroller').evaluate((scroller) => scroller.scrollTo(0, scroller.scrollHeight));
      await page.getByText('phone-1999', { exact: true }).waitFor();
      assert.ok(await page.getByText('phone-1999', { exact: true }).isVisible());
      assert.equal(await page.getByRole('row').filter({ hasText: 'phone-1999' }).getAttribute('aria-rowindex'), '2001');
    });
  });

  test('names from clients are text, never markup', async () => {
    await withDashboard(async (page) => {
      const [first] = exampleAp.access_points;
      assert.ok(first);
      const link = exampleNetworking.interfaces.wlan2;
      assert.ok(link);
      const hostile = exampleClient({ mac_address: '02:00:00:00:66:66', hostname: HOSTILE });
      service.set({
        system: exampleSystem({ hostname: HOSTILE, operatingSystem: HOSTILE }),
        ap: { ...exampleAp, access_points: [{ ...first, ssid: HOSTILE, channel: HOSTILE }] },
        networking: { ...exampleNetworking, interfaces: { ...exampleNetworking.interfaces, [HOSTILE]: { ...link, kind: HOSTILE } } },
        clients: exampleClients([hostile]),
      });
      service.send('client-joined', hostile);
      service.sendCollectors(
        exampleCollectors('ddclient').map((row) => ({ ...row, summary: HOSTILE, ...(row.reason && { reason: HOSTILE, advice: HOSTILE }) })),
      );
      service.sendStates({ ap: { state: 'stale', sampledAt: null, error: { code: 'malformed', message: HOSTILE, advice: HOSTILE } } });
      await page.locator('.client-name').filter({ hasText: HOSTILE }).waitFor();
      await page.locator('.ssid').filter({ hasText: HOSTILE }).waitFor();
      await page.locator('.stale-note').filter({ hasText: HOSTILE }).waitFor();
      await page.locator('#collectors-failing .reason').filter({ hasText: HOSTILE }).waitFor();
      const turned = exampleClient({ mac_address: '02:00:00:00:66:67', hostname: '\u202ephone' });
      service.set({ clients: exampleClients([hostile, turned]) });
      service.send('client-joined', turned);
      const name = page.locator('td.name').filter({ hasText: 'phone' });
      await name.locator('.badge').waitFor();
      const lefts = await name.locator('span').evaluateAll((all) => all.map((one) => one.getBoundingClientRect().left));
      assert.deepEqual(
        lefts,
        [...lefts].sort((a, b) => a - b),
        'a right-to-left override does not reverse the badge',
      );
      assert.equal(await page.locator('img[src="x"]').count(), 0);
      assert.equal(await page.title(), `${HOSTILE} · apsnap`);
      assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true, 'it does not stretch the page');
    });
  });

  test('alerts: under-voltage, throttling, hostapd, a full disk', async () => {
    await withDashboard(async (page) => {
      const { power } = exampleSystem();
      assert.ok(power);
      service.set({ system: exampleSystem({ hostapdStatus: 0, usedDisk: 96, power: { ...power, underVoltage: true, throttled: true } }) });
      const alerts = page.getByRole('list', { name: 'Alerts' });
      for (const text of ['Under-voltage', 'throttled', 'hostapd is not running', '96 % full'])
        await alerts.getByText(text).first().waitFor();
      service.set({ system: exampleSystem() });
      await alerts.waitFor({ state: 'hidden' });
    });
  });

  test('the page works without sensor, disk, power values or access point', async () => {
    await withDashboard(async (page) => {
      service.set({
        system: exampleSystem({
          systemTemperature: null,
          temperature: null,
          disk: null,
          usedDisk: null,
          power: null,
          cpu: null,
          raspapVersion: null,
          hostapdStatus: null,
        }),
        ap: { ...exampleAp, access_points: [] },
        networking: { interfaces: {}, throughput: {}, uplinks: [], vpn: [] },
        clients: exampleClients([]),
      });
      await page.getByText('No access point is configured on this machine.').waitFor();
      await page.getByText('No clients connected', { exact: true }).waitFor();
      await page.getByText('No network interfaces found.').waitFor();
      await page.locator('#link-plots .plot').first().waitFor({ state: 'detached' });
      const height = async (selector: string) => (await page.locator(selector).boundingBox())?.height;
      assert.equal(await height('.plot-rows'), await height('#machine-plots'), 'no gap for missing plots');
      assert.doesNotMatch(await textOf(page.locator('#dashboard')), /NaN|undefined|null/);
    });
  });

  test('plots show 24 hours and 7 days', async () => {
    await withDashboard(async (page) => {
      const area = page.locator('.plot .area').first();
      for (const [button, label] of [
        ['24 h', 'last 24 hours'],
        ['7 d', 'last 7 days'],
        ['1 h', 'last hour'],
      ] as const) {
        await page.getByRole('button', { name: button, exact: true }).click();
        await eventually(async () => assert.match((await area.getAttribute('aria-label')) ?? '', new RegExp(`${label}: from .* to .* %`)));
        assert.equal(await page.locator('button[aria-pressed="true"]').textContent(), button);
      }
      await area.hover();
      await page
        .locator('.plot')
        .first()
        .getByText(/^\d\d:\d\d:\d\d {2}[\d.]+ %$/)
        .waitFor();
    });
  });

  test('the keyboard reaches the skip link, time spans, search, sorting, scrolling and folded lists', async () => {
    await withDashboard(async (page) => {
      await page.evaluate('document.activeElement.blur()');
      await page.keyboard.press('Tab');
      assert.equal(await focused(page), 'Skip to content');
      await page.keyboard.press('Enter');
      const reached: string[] = [];
      for (let step = 0; step < 24; step++) {
        await page.keyboard.press('Tab');
        const name = await focused(page);
        reached.push(name);
        if (name === 'Signal') await page.keyboard.press('Space');
        if (name === '10 sources OK') {
          await page.keyboard.press('Enter');
          break;
        }
      }
      for (const name of ['1 h', '24 h', '7 d', 'Search clients', 'Client table', 'Name', 'Connected', '10 sources OK']) {
        assert.ok(reached.includes(name), `${name} is not among ${reached.join(', ')}`);
      }
      assert.equal(await page.locator('th[aria-sort="descending"]').textContent(), 'Signal');
      assert.ok(await page.locator('#collectors-ok').getByText('Uptime, time and time zone').isVisible());
    });
  });

  test('headings and rates line up', async () => {
    await withDashboard(async (page) => {
      const places = async (selector: string, side: 'top' | 'right') =>
        new Set(
          await page
            .locator(selector)
            .evaluateAll((all, side) => all.map((one) => Math.round(2 * one.getBoundingClientRect()[side]) / 2), side),
        );
      assert.equal((await places('#client-table th button', 'top')).size, 1, 'headings of clients');
      assert.equal((await places('.interface .reading:first-child', 'right')).size, 1, 'rates of interfaces');
    });
  });

  for (const [width, height] of [
    [360, 740],
    [768, 1024],
    [1024, 768],
    [1280, 900],
    [1920, 1080],
  ] as const) {
    test(`${width} pixels wide: nothing is cut off and nothing scrolls sideways`, async () => {
      await withDashboard(
        async (page) => {
          await page.locator('.plot canvas').nth(5).waitFor({ state: 'attached' });
          const longest = 'fd42:1111:2222:3333:7266:55ff:feab:cdef';
          const far = exampleClient({ mac_address: '02:00:00:00:99:03', hostname: 'far-away', ip_address: longest });
          service.set({ clients: exampleClients([...someClients, far]) });
          const heights = async () =>
            page.locator('#client-rows tr[aria-rowindex]').evaluateAll((all) => all.map((one) => one.clientHeight));
          await page.getByText(longest, { exact: true }).waitFor();
          assert.equal(new Set(await heights()).size, 1, 'all rows have the same height');
          assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width);
          assert.equal(await page.locator('#client-scroller').evaluate((scroller) => scroller.scrollWidth > scroller.clientWidth), false);
          const cut = await page
            .locator('#dashboard :is(.mac, .address, .number, dd, .state, th button)')
            .evaluateAll((all) =>
              all
                .filter(
                  (one) =>
                    (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1) &&
                    getComputedStyle(one).display !== 'inline',
                )
                .map((one) => one.textContent),
            );
          assert.deepEqual(cut, []);
        },
        { context: { viewport: { width, height } } },
      );
    });
  }

  for (const colorScheme of ['light', 'dark'] as const) {
    test(`axe finds no violation: ${colorScheme}`, async () => {
      const context = { colorScheme, viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' } as const;
      await withDashboard(
        async (page) => {
          const background = await page.evaluate('getComputedStyle(document.body).backgroundColor');
          assert.equal(background, colorScheme === 'dark' ? 'rgb(10, 13, 18)' : 'rgb(244, 245, 247)');
          assert.deepEqual(await violations(page), []);
          await page.locator('#collectors-ok-title').click();
          service.send('client-joined', someClients[0] ?? assert.fail());
          service.sendCollectors(exampleCollectors('thermal', 'ddclient'));
          const { power } = exampleSystem();
          service.set({
            system: exampleSystem({ usedDisk: 95, hostapdStatus: 0, power: power && { ...power, underVoltage: true } }),
            clients: exampleClients(someClients),
          });
          const error = { code: 'unreadable', message: 'something cannot be read', advice: 'look at it' };
          const stale = { state: 'stale', sampledAt: new Date().toISOString(), error } as const;
          service.sendStates({ system: stale, ap: stale, clients: stale, networking: stale });
          await page.locator('.clients.is-stale').waitFor();
          assert.deepEqual(await violations(page), [], 'stale, with alerts');
          service.fail();
          await page.getByText('Connection lost').first().waitFor();
          assert.deepEqual(await violations(page), [], 'lost');
          service.recover();
          await isLive(page);
          service.set({ clients: exampleClients([]) });
          await page.getByText(/No clients connected/).waitFor();
          assert.deepEqual(await violations(page), [], 'empty');
        },
        { context, allowed: LOST },
      );
      await visit(browser, { origin: origin(), context, allowed: /status of 403/ }, async (page) => {
        await page.locator('#key').fill('wrong');
        await page.keyboard.press('Enter');
        await page.getByText('rejected this key').waitFor();
        assert.deepEqual(await violations(page), [], 'key');
      });
    });
  }

  test('axe finds no violation: phone', async () => {
    await withDashboard(async (page) => assert.deepEqual(await violations(page), []), {
      context: { viewport: { width: 360, height: 740 }, reducedMotion: 'reduce' },
    });
  });

  test('nothing moves with reduced motion', async () => {
    await withDashboard(
      async (page) => {
        service.send('client-joined', someClients[0] ?? assert.fail());
        service.set({ clients: exampleClients(someClients) });
        await page.locator('tr.is-new').waitFor();
        assert.equal(await page.evaluate('document.getAnimations().length'), 0);
      },
      { context: { reducedMotion: 'reduce' } },
    );
  });

  test('the page and its assets are small, compressed and cacheable', async () => {
    const sizes = new Map<string, number>();
    const url = `http://127.0.0.1:${service.port}`;
    const page = await ask(url, '/');
    assert.match(String(page.headers['content-security-policy']), /^default-src 'none'; script-src 'self'; style-src 'self';/);
    assert.doesNotMatch(String(page.headers['content-security-policy']), /unsafe/);
    assert.equal(page.headers['cache-control'], 'no-cache');
    assert.doesNotMatch(page.text, /<style|style=|<script>|\son\w+=|https?:/);
    const paths = ['', ...new Set([...page.text.matchAll(/(?:href|src)="(assets\/[^"]+)"/g)].map(([, path = '']) => path))];
    for (const path of paths) {
      const answer = await ask(url, `/${path}`, { headers: { 'Accept-Encoding': 'gzip' } });
      assert.equal(answer.status, 200, path);
      sizes.set(path, answer.body.length);
      const again = await ask(url, `/${path}`, { headers: { 'Accept-Encoding': 'gzip', 'If-None-Match': answer.headers.etag } });
      assert.equal(again.status, 304, path);
      if (path !== '') assert.match(String(answer.headers['cache-control']), /immutable/, path);
    }
    const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    assert.ok(paths.length > 10 && total > 0 && total < MAX_COMPRESSED_BYTES, `${total} bytes: ${JSON.stringify([...sizes])}`);
    await withDashboard(async (shown) => {
      const loaded = (await shown.evaluate(
        "performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname)",
      )) as string[];
      const others = loaded.filter((path) => !paths.includes(path.slice(1)) && !/^\/(?:events|history)$/.test(path));
      assert.deepEqual(others, [], 'the sum includes everything the page loads');
    });
  });

  if (process.env.UPDATE_SCREENSHOTS === '1') {
    const shots = {
      light: { colorScheme: 'light', viewport: { width: 1440, height: 900 } },
      dark: { colorScheme: 'dark', viewport: { width: 1440, height: 900 } },
      phone: { colorScheme: 'light', viewport: { width: 360, height: 740 }, deviceScaleFactor: 2 },
    } as const;
    for (const [name, context] of Object.entries(shots)) {
      test(`screenshot: ${name}`, async () => {
        await withDashboard(
          async (page) => {
            await page.locator('.plot canvas').nth(5).waitFor({ state: 'attached' });
            service.send('client-left', exampleClient({ mac_address: '02:00:00:00:99:02', hostname: 'guest-phone' }));
            service.send('client-joined', someClients[10] ?? assert.fail());
            service.set({ clients: exampleClients(someClients) });
            await page.locator('tr.is-new').waitFor();
            await sleep(1_500);
            await page.screenshot({ path: fileURLToPath(new URL(`dashboard-${name}.png`, DOCS)), fullPage: name !== 'phone' });
          },
          { context },
        );
      });
    }
  }
});

describe('dashboard of the built service', { timeout: 120_000 }, () => {
  let root: Root;
  let server: TestServer;
  let browser: Browser;

  before(async () => {
    root = createAccessPoint();
    root.write(
      '/etc/hostapd/hostapd.conf',
      'interface=wlan0\nssid=RigNet\nchannel=6\nhw_mode=g\nwpa=2\nwpa_passphrase=not-for-everybody\n',
    );
    server = await startServer({ args: ['--path.rootfs', root.folder], env: { PATH: root.path } });
    browser = await launchBrowser(HOST);
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
    root?.remove();
  });

  test('the page shows the machine, and clients that join and leave', async () => {
    const origin = `http://${HOST}:${new URL(server.url).port}`;
    await visit(browser, { origin, allowed: /status of 403/ }, async (page) => {
      await page.getByLabel('API key').fill(`${server.key}x`);
      await page.keyboard.press('Enter');
      await page.getByText('rejected this key').waitFor();
      await page.getByLabel('API key').fill(server.key);
      await page.keyboard.press('Enter');
      await isLive(page);
      await sees(page, '#hostname', new RegExp(`^${root.read('/proc/sys/kernel/hostname').toString().trim()}$`));
      await sees(page, '.access-point', /RigNet.*2\.4 GHz.*channel 6.*wlan0/);
      await sees(page, '#client-rows', /living-room-tv.*10\.3\.141\.166.*−20 dBm/);
      await sees(page, '#machine-plots', /48\.3 °C/);
      await page.locator('#machine-plots canvas').first().waitFor({ state: 'attached' });
      await sees(page, '#health-summary', /All OK|failing/);
      assert.doesNotMatch(await page.content(), /not-for-everybody/);

      root.program('iw', IW.replaceAll('02:00:00:00:03:00', '02:00:00:00:01:00'));
      root.write('/var/lib/misc/dnsmasq.leases', LEASES.replace('10.3.141.221 * *', '10.3.141.221 alices-iphone *'));
      await sees(page, '#client-rows', /alices-iphone/);
      await sees(page, '#visits', /alices-iphone.*joined wlan0/);
      await sees(page, '#visits', /living-room-tv.*left wlan0/);
    });
  });
});

/** Waits until the stream is live, all documents are shown, and the plots are drawn. */
async function isLive(page: Page): Promise<void> {
  await page.locator('html[data-link="live"] #dashboard:not(.is-waiting)').waitFor();
  await page.locator('.plot canvas').first().waitFor({ state: 'attached' });
}

async function textOf(locator: ReturnType<Page['locator']>): Promise<string> {
  return ((await locator.textContent()) ?? '').replace(/\s+/g, ' ').trim();
}

async function sees(page: Page, selector: string, expected: RegExp): Promise<void> {
  await eventually(async () => assert.match(await textOf(page.locator(selector).first()), expected));
}

/** Returns the colour of the first element of each selector. */
async function coloursOf(page: Page, selectors: readonly string[]): Promise<Map<string, string>> {
  const colour = (selector: string) =>
    page
      .locator(selector)
      .first()
      .evaluate((element) => getComputedStyle(element).color);
  return new Map(await Promise.all(selectors.map(async (selector) => [selector, await colour(selector)] as const)));
}

/** Returns the name of the focused element. */
async function focused(page: Page): Promise<string> {
  return (await page.evaluate(`(() => {
    const { activeElement: element } = document;
    return element.getAttribute('aria-label') ?? element.labels?.[0]?.textContent ?? element.textContent.trim();
  })()`)) as string;
}

/** Returns the rules that axe finds violated, and where. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return (await page.evaluate(`axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => id + ' ' + target.join(' ') + ': ' + failureSummary)))`)) as string[];
}
