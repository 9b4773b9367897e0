// HTTPS with Debian's curl, Prometheus and Chromium.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { launchBrowser, visit } from '../support/browser.js';
import { identity, pem, pemFile } from '../support/certificates.js';
import { run } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { ask } from '../support/http.js';
import { configuration, createFolder, type Database, type Folder, startPrometheus } from '../support/prometheus.js';
import { startServer, type TestServer } from '../support/server.js';

const flagsOf = (name: string) => ['--tls-cert', pemFile(`${name}.pem`), '--tls-key', pemFile(`${name}.key.pem`)];

describe('HTTPS', { timeout: 120_000 }, () => {
  let selfSigned: TestServer;
  let mutual: TestServer;
  let folder: Folder;
  let prometheus: Database | undefined;
  before(async () => {
    folder = createFolder();
    [selfSigned, mutual] = await Promise.all([
      startServer({ args: flagsOf('self-signed') }),
      startServer({ args: [...flagsOf('named'), '--tls-client-ca', pemFile('authority.pem')] }),
    ]);
  });
  after(async () => {
    await Promise.all([selfSigned?.stop(), mutual?.stop(), prometheus?.stop()]);
    folder?.remove();
  });

  /** Runs the curl command that the log suggests, with its placeholders filled in, until it prints a sample. */
  const tryCommand = (server: TestServer, env: Record<string, string> = {}) =>
    eventually(async () => {
      const command = /^INFO: try: curl (.*)$/m.exec(server.output())?.[1];
      assert.ok(command, server.output());
      const own = command.replace('YOUR_CERTIFICATE', pemFile('client.pem')).replace('ITS_KEY', pemFile('client.key.pem'));
      const { stdout, stderr } = await run('bash', ['--norc', '-c', `curl --silent --show-error ${own}`], { env });
      assert.match(stdout, /^\{"hostname":"/, stderr);
    });

  test('the curl command that the log suggests works', () => tryCommand(selfSigned));

  test('the curl command that the log suggests works with a client certificate', () =>
    tryCommand(mutual, { CURL_CA_BUNDLE: pemFile('authority.pem') }));

  test('a plain HTTP request gets no response', async () => {
    const { status, stdout } = await run('curl', ['--silent', '--include', selfSigned.url.replace('https:', 'http:')]);
    assert.notEqual(status, 0);
    assert.equal(stdout, '');
  });

  test('a client that offers only TLS 1.1 is rejected', async () => {
    const args = ['--silent', '--show-error', '--insecure', '--tls-max', '1.1', '--ciphers', 'DEFAULT@SECLEVEL=0', selfSigned.url];
    const { status, stderr } = await run('curl', args);
    assert.notEqual(status, 0);
    assert.match(stderr, /alert protocol version/);
  });

  test('Prometheus with the documented configuration scrapes over mutual TLS', async () => {
    const { cert, key } = identity('client');
    const config = configuration('prometheus.yml with TLS', {
      '/etc/prometheus/apsnap-ca.pem': folder.write('ca.pem', pem('authority.pem')),
      '/etc/prometheus/prometheus.pem': folder.write('client.pem', cert),
      '/etc/prometheus/prometheus.key': folder.write('client.key', key),
      '/etc/prometheus/apsnap.key': folder.write('apsnap.key', mutual.key),
      '10.3.141.1:8081': new URL(mutual.url).host,
    });
    const started = await startPrometheus(folder, `global:\n  scrape_interval: 1s\n${config}`);
    prometheus = started;
    await eventually(async () => {
      const [row] = await started.query('apsnap_tls_certificate_expiry_timestamp_seconds');
      assert.equal(row?.value, Date.UTC(2120, 0, 1) / 1_000, started.output());
    });
  });

  describe('a browser', () => {
    const HOST = 'access-point.test';
    let browser: Browser;
    before(async () => {
      browser = await launchBrowser(HOST);
    });
    after(() => browser?.close());

    const at = (path: string) => ({
      origin: `https://${HOST}:${new URL(selfSigned.url).port}`,
      path,
      context: { ignoreHTTPSErrors: true },
    });

    test('shows the dashboard after the user enters the key', async () => {
      const { hostname } = await eventually(async () => {
        const answer = await ask(selfSigned.url, '/system', {
          tls: { rejectUnauthorized: false },
          headers: { access_token: selfSigned.key },
        });
        assert.equal(answer.status, 200);
        return answer.json<{ hostname: string }>();
      });
      await visit(browser, at('/'), async (page) => {
        await page.getByLabel('API key').fill(selfSigned.key);
        await page.keyboard.press('Enter');
        await page.getByRole('heading', { level: 1 }).getByText(hostname, { exact: true }).waitFor();
      });
    });

    test('can send a request from the documentation page', async () => {
      const { origin } = at('/docs');
      await visit(browser, at('/docs'), async (page) => {
        const block = page.locator('.opblock').filter({ has: page.locator('[data-path="/healthz"]') });
        await block.locator('.opblock-summary-control').click();
        await block.locator('button.execute').click();
        await block.locator('.request-url pre').getByText(`${origin}/healthz`, { exact: true }).waitFor();
        await block.locator('.live-responses-table .response-col_status').last().getByText('200').waitFor();
      });
    });
  });
});
