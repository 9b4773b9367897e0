import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { isAtLeast, mallocSettings, nodeFlags } from '../../../bench/subject.js';
import { REPOSITORY } from '../../support/prometheus.js';

describe('what the benchmark starts', () => {
  test('the bundle gets the Node flags of its systemd unit', () => {
    const unit = `[Service]
ExecStart=@/usr/bin/node uvicorn-is-apsnap --max-semi-space-size=1 --no-opt /usr/share/apsnap/dist/src/main.js serve --dotenv x
ExecStartPre=+/usr/bin/node --never /usr/share/apsnap/dist/src/main.js key copy
`;
    assert.deepEqual(nodeFlags(unit), ['--max-semi-space-size=1', '--no-opt']);
  });

  test('the tree gets the Node flags of npm start', () => {
    assert.deepEqual(nodeFlags('scripts/build && node --max-semi-space-size=1 dist/src/main.js'), ['--max-semi-space-size=1']);
    assert.deepEqual(nodeFlags('scripts/build && node dist/src/main.js'), []);
  });

  test('the bundle gets the variables for malloc of its systemd unit', () => {
    const unit = '[Service]\nEnvironment=NODE_ENV=production\nEnvironment=MALLOC_ARENA_MAX=1\n';
    assert.deepEqual(mallocSettings(unit), { MALLOC_ARENA_MAX: '1' });
    assert.deepEqual(mallocSettings('scripts/build && MALLOC_ARENA_MAX=2 node dist/src/main.js'), { MALLOC_ARENA_MAX: '2' });
  });

  test('the commands of the unit and of npm start are understood', () => {
    const unit = readFileSync(join(REPOSITORY, 'systemd/apsnap.service'), 'utf8');
    assert.match(unit, /^ExecStart=.* \S+main\.js serve/m);
    for (const flag of nodeFlags(unit)) assert.match(flag, /^--[a-z]/);
  });

  test('the unit, npm start and the container start Node in the same way', () => {
    const read = (file: string) => readFileSync(join(REPOSITORY, file), 'utf8');
    const unit = read('systemd/apsnap.service');
    const { scripts } = JSON.parse(read('package.json')) as { scripts: { start: string } };
    const container = read('Dockerfile');
    const [entrypoint = ''] = /^ENTRYPOINT (\[.*\])$/m.exec(container)?.slice(1) ?? [];
    const words = (JSON.parse(entrypoint) as string[]).join(' ');
    assert.deepEqual([nodeFlags(scripts.start), nodeFlags(words)], [nodeFlags(unit), nodeFlags(unit)]);
    assert.deepEqual([mallocSettings(scripts.start), mallocSettings(container)], [mallocSettings(unit), mallocSettings(unit)]);
    assert.ok(nodeFlags(unit).length > 0);
  });

  for (const [version, expected] of [
    ['18.20.4', false],
    ['20.14.9', false],
    ['20.15.0', true],
    ['22.1.0', true],
  ] as const) {
    test(`Node ${version} ${expected ? 'can' : "can't"} run the tree`, () => assert.equal(isAtLeast(version, [20, 15]), expected));
  }
});
