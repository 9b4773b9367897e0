// What is installed on an access point: by whom it is signed for, what it may do when it is installed, under which licence it is.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { judgeAudit } from '../../scripts/audit.js';
import {
  installedProblems,
  type LockFile,
  lockProblems,
  productionPackages,
  productionProblems,
  REPOSITORY,
  readLockFile,
} from '../../scripts/production.js';
import { version } from '../../src/version.js';
import { run } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { ask } from '../support/http.js';
import { startServer } from '../support/server.js';

describe('production', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'apsnap-packages-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const lock = readLockFile();

  test('production/lock-file', () => {
    assert.ok(Object.keys(lock.packages).length > 100);
    assert.deepEqual(lockProblems(lock), []);
    assert.deepEqual(productionProblems(lock), []);
  });

  test('production/lock-file/same-as-package.json', () => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));
    const root = lock.packages[''] as { dependencies?: unknown; devDependencies?: unknown };
    assert.deepEqual([root.dependencies, root.devDependencies], [dependencies, devDependencies]);
  });

  test('production/as-installed', () => {
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

  test('production/scripts-are-not-run', () => {
    assert.match(readFileSync(join(REPOSITORY, '.npmrc'), 'utf8'), /^ignore-scripts=true$/m);
  });

  test('production/no-native-code-is-loaded', async () => {
    const server = await startServer();
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

  test('production/what-would-be-found', () => {
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

  test('production/what-would-be-found/installed', () => {
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

describe('audit', () => {
  test('audit/clean', () => {
    assert.equal(judgeAudit('{"auditReportVersion":2,"vulnerabilities":{},"metadata":{}}', '').status, 0);
  });

  test('audit/finding', () => {
    const via = [{ title: 'Prototype pollution' }, 'other'];
    const stdout = JSON.stringify({ auditReportVersion: 2, vulnerabilities: { koa: { severity: 'low', range: '<9', via } } });
    const { status, text } = judgeAudit(stdout, '');
    assert.equal(status, 1);
    assert.match(text, /^koa <9: low: Prototype pollution; through other$/m);
  });

  test('audit/no-network', () => {
    const { status, text } = judgeAudit('{"message":"request to https://… failed, reason: ECONNREFUSED","error":{}}', '');
    assert.equal(status, 0);
    assert.match(text, /^NOT CHECKED .*ECONNREFUSED$/);
  });

  test('audit/broken', () => {
    for (const stdout of ['', 'oops', '{}', '{"message":""}']) assert.equal(judgeAudit(stdout, '').status, 1, stdout);
  });
});

describe('bill of materials', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'apsnap-sbom-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const sbom = (args: string[]) =>
    run(process.execPath, [join(REPOSITORY, 'dist/scripts/sbom.js'), ...args], { env: { SOURCE_DATE_EPOCH: '1795485591' } });

  test('bill/everything', async () => {
    const { status, stdout, stderr } = await sbom([join(folder, 'release')]);
    assert.equal(status, 0, stderr);
    const packages = productionPackages(readLockFile());
    assert.match(stdout, /^\d{3} packages: see /);
    const files = readdirSync(join(folder, 'release')).sort();
    assert.deepEqual(files, ['THIRD-PARTY-LICENCES.txt', `apsnap-${version}.cdx.json`, `apsnap-${version}.spdx.json`]);
    const read = (name: string) => readFileSync(join(folder, 'release', name), 'utf8');
    const cyclonedx = JSON.parse(read(`apsnap-${version}.cdx.json`));
    assert.equal(cyclonedx.bomFormat, 'CycloneDX');
    assert.deepEqual([cyclonedx.metadata.component.name, cyclonedx.metadata.timestamp], ['apsnap', '2026-11-24T01:59:51.000Z']);
    const spdx = JSON.parse(read(`apsnap-${version}.spdx.json`));
    assert.match(spdx.spdxVersion, /^SPDX-2/);
    const licences = read('THIRD-PARTY-LICENCES.txt');
    const listed = new Set(cyclonedx.components.map((component: { 'bom-ref': string }) => component['bom-ref']));
    for (const { name, version: its, license } of packages) {
      assert.ok(listed.has(`${name}@${its}`), name);
      assert.ok(
        spdx.packages.some((one: { name: string; versionInfo: string }) => one.name === name && one.versionInfo === its),
        name,
      );
      assert.match(licences, new RegExp(`^${`${name} ${its}`.replace(/[.+]/g, '\\$&')} +${license.replace(/[().]/g, '\\$&')}$`, 'm'));
    }
    for (const name of ['typescript', 'autocannon']) assert.doesNotMatch(JSON.stringify(cyclonedx), new RegExp(`"${name}"`));
    assert.match(licences, /Permission is hereby granted, free of charge/);
    assert.match(licences, /Apache License/);
  });

  test('bill/no-folder', async () => {
    const { status, stderr } = await sbom([]);
    assert.equal(status, 1);
    assert.equal(stderr, 'sbom: the folder to write to is missing: npm run release:sbom -- FOLDER\n');
  });
});
