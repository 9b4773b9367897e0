// What the packaged program loads before it serves the first documents: whatever it loads more makes it start later.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import { bundle } from '../../scripts/bundle.js';
import { eventually } from '../support/eventually.js';
import { ask } from '../support/http.js';
import { startServer } from '../support/server.js';

/** Writes what the main thread has loaded, at each SIGUSR2. */
const REPORT_LOADED = `
if (require('node:worker_threads').isMainThread) process.on('SIGUSR2', () => {
  const builtins = process.moduleLoadList.flatMap((entry) => /^NativeModule (?!internal)(\\S+)/.exec(entry)?.[1] ?? []);
  require('node:fs').writeFileSync(process.env.LOADED, JSON.stringify({ files: Object.keys(require.cache), builtins }));
});`;

/** Modules of Node that only some requests or settings need. */
const LATE_BUILTINS = ['http2', 'https', 'inspector', 'tls'];

let folder: string;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'apsnap-start-'));
  await bundle(join(folder, 'bundle'));
  writeFileSync(join(folder, 'report-loaded.cjs'), REPORT_LOADED);
});
after(() => rmSync(folder, { recursive: true, force: true }));

test('the packaged program serves the first documents from one file, and loads Koa for the first other request', async (context) => {
  const report = join(folder, 'loaded.json');
  const server = await startServer({
    program: join(folder, 'bundle/dist/src/main.js'),
    env: { NODE_OPTIONS: `--require ${join(folder, 'report-loaded.cjs')}`, LOADED: report },
  });
  context.after(() => server.stop());

  async function loaded() {
    rmSync(report, { force: true });
    server.process.kill('SIGUSR2');
    return eventually(() => JSON.parse(readFileSync(report, 'utf8')) as { files: string[]; builtins: string[] });
  }
  const filesOf = ({ files }: { files: readonly string[] }) => files.map((file) => relative(join(folder, 'bundle'), file)).slice(1);

  const headers = { access_token: server.key };
  await eventually(async () => assert.equal((await ask(server.url, '/system', { headers })).status, 200));
  const first = await loaded();
  assert.deepEqual(filesOf(first), ['dist/src/main.js']);
  assert.deepEqual(
    first.builtins.filter((name) => LATE_BUILTINS.includes(name)),
    [],
  );

  assert.equal((await ask(server.url, '/healthz')).status, 200);
  assert.deepEqual(filesOf(await loaded()), ['dist/src/main.js', 'node_modules/@koa/router/index.js', 'node_modules/koa/index.js']);
});
