// The packages that are installed on an access point: pinned by hash, without install scripts or native code, and permissively licensed.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { run } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { ask } from '../support/http.js';
import {
  installedProblems,
  type LockFile,
  lockProblems,
  productionPackages,
  productionProblems,
  REPOSITORY,
  readLockFile,
} from '../support/production.js';
import { startServer } from '../support/server.js';

describe('production packages', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'apsnap-packages-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const lock = readLockFile();

  test('the lock file pins every package, with permissive licences in production', () => {
    assert.ok(Object.keys(lock.packages).length > 100);
    assert.deepEqual(lockProblems(lock), []);
    assert.deepEqual(productionProblems(lock), []);
  });

  test('the lock file is up to date', () => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));
    const root = lock.packages[''] as { dependencies?: unknown; devDependencies?: unknown };
    assert.deepEqual([root.dependencies, root.devDependencies], [dependencies, devDependencies]);
  });

  test('installed packages have no install script and no native code', () => {
    const packages = productionPackages(lock);
    for (const name of ['koa', 'piscina', 'handlebars', 'minimist', 'swagger-ui-dist']) {
      assert.ok(
        packages.some((one) => one.name === name),
        name,
      );
    }
    assert.deepEqual(
      packages.flatMap(({ path }) => installedProblems(join(REPOSITORY, path))),
      [],
    );
  });

  test('npm runs no install scripts', () => {
    assert.match(readFileSync(join(REPOSITORY, '.npmrc'), 'utf8'), /^ignore-scripts=true$/m);
  });

  test('the service loads no native code', async () => {
    const server = await startServer({ args: ['--threads', '1'] });
    try {
      await eventually(async () => assert.equal((await ask(server.url, '/readyz')).status, 200));
      const loaded: string[] = readFileSync(`/proc/${server.process.pid}/maps`, 'utf8').match(/\/\S+/g) ?? [];
      assert.ok(loaded.includes(process.execPath));
      assert.deepEqual(
        loaded.filter((file) => file.includes('/node_modules/')),
        [],
      );
    } finally {
      await server.stop();
    }
  });

  const good = { version: '1.0.0', integrity: 'sha512-x', license: 'MIT' };
  const locked = (more: object): LockFile => ({ packages: { '': {}, 'node_modules/a': { ...good, ...more } } });

  test('unpinned packages and other licences are found', () => {
    assert.deepEqual(lockProblems(locked({ resolved: 'https://registry.npmjs.org/a/-/a-1.0.0.tgz' })), []);
    for (const wrong of [
      { integrity: undefined },
      { integrity: 'sha1-x' },
      { version: undefined },
      { resolved: 'git+ssh://git@github.com/a/a.git#0' },
      { resolved: 'http://registry.npmjs.org/a/-/a-1.0.0.tgz' },
      { resolved: 'https://registry.npmjs.org.example/a-1.0.0.tgz' },
    ]) {
      assert.equal(lockProblems(locked({ ...wrong, dev: true })).length, 1, JSON.stringify(wrong));
    }
    assert.deepEqual(productionProblems(locked({ license: '(MIT OR Apache-2.0)' })), []);
    assert.deepEqual(productionProblems(locked({ license: 'GPL-3.0-only', hasInstallScript: true, dev: true })), []);
    for (const wrong of [
      { license: 'GPL-3.0-only' },
      { license: '(MIT OR GPL-2.0)' },
      { license: 'SEE LICENSE IN x' },
      { license: undefined },
      { hasInstallScript: true },
    ]) {
      assert.equal(productionProblems(locked(wrong)).length, 1, JSON.stringify(wrong));
    }
  });

  test('install scripts and native code are found', () => {
    const problemsWith = (files: Readonly<Record<string, string>>) => {
      const own = mkdtempSync(join(folder, 'a-'));
      for (const [name, text] of Object.entries({ 'package.json': '{}', ...files })) {
        mkdirSync(join(own, name, '..'), { recursive: true });
        writeFileSync(join(own, name), text);
      }
      return installedProblems(own).map((problem) => problem.replace(`${own}: `, ''));
    };
    assert.deepEqual(problemsWith({ 'package.json': '{"scripts":{"test":"x","prepare":"x"}}', 'index.node.js': '' }), []);
    assert.deepEqual(problemsWith({ 'package.json': '{"scripts":{"postinstall":"x"}}' }), ['has the script postinstall']);
    assert.deepEqual(problemsWith({ 'binding.gyp': '{}' }), ['has native code, binding.gyp']);
    assert.deepEqual(problemsWith({ 'build/Release/a.node': '' }), ['has native code, build/Release/a.node']);
    assert.deepEqual(problemsWith({ 'node_modules/b/b.node': '' }), []);
  });
});

describe('npm run audit', () => {
  const cases: readonly [name: string, report: string, npmStatus: number, status: number, output: RegExp][] = [
    ['passes without a known vulnerability', '{"auditReportVersion":2,"vulnerabilities":{}}', 0, 0, /^$/],
    ['fails with the report of a vulnerability', '{"auditReportVersion":2,"vulnerabilities":{"koa":{}}}', 1, 1, /"koa"/],
    ['says so if the registry does not answer', '{"message":"ECONNREFUSED","error":{}}', 1, 0, /^NOT CHECKED for known vulnerabilities: /],
  ];
  for (const [name, report, npmStatus, status, output] of cases) {
    test(name, async () => {
      const bin = mkdtempSync(join(tmpdir(), 'apsnap-npm-'));
      try {
        writeFileSync(join(bin, 'npm'), `#!/bin/sh\necho '${report}'\nexit ${npmStatus}\n`, { mode: 0o755 });
        const ended = await run(join(REPOSITORY, 'scripts/audit'), [], { env: { PATH: `${bin}:${process.env.PATH}` } });
        assert.equal(ended.status, status);
        assert.match(ended.stdout, output);
      } finally {
        rmSync(bin, { recursive: true });
      }
    });
  }
});
