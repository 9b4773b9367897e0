import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadLine, table, withFirstPart, withSection } from '../../../bench/document.js';

const row = { figure: 'CPU', target: 'at most 1.10', measured: '1.05', details: '', met: true } as const;

describe('the document of the benchmark', () => {
  test('a table has a line for each row, with the name of its figure', () => {
    const rows = new Map([
      ['system', [row, { ...row, target: null, met: null }]],
      ['idle', [{ ...row, met: false }]],
    ]);
    assert.deepEqual(table(rows).split('\n').slice(2), [
      '| CPU | at most 1.10 | 1.05 | yes | – | `system` |',
      '| CPU | – | 1.05 | – | – | `system` |',
      '| CPU | at most 1.10 | 1.05 | **no** | – | `idle` |',
    ]);
  });

  test('a run that starts on a busy machine is marked', () => {
    assert.equal(loadLine(0.5, 2), '- Load average: 0.50 before, 2.00 after');
    assert.match(loadLine(0.51, 2), /\*\*The machine was busy at the start/);
  });

  test('a section for another Node is added in order, and replaced later', () => {
    const first = '# Benchmarks\n\ntext\n';
    const two = withSection(withSection(first, 'Node.js 24', 'newer'), 'Node.js 18', 'older');
    assert.equal(two, '# Benchmarks\n\ntext\n\n## Node.js 18\n\nolder\n\n## Node.js 24\n\nnewer\n');
    assert.equal(withSection(two, 'Node.js 24', 'again'), two.replace('newer', 'again'));
  });

  test('a section can be the first part that is written', () => {
    assert.equal(withSection('', 'Node.js 18', 'text'), '## Node.js 18\n\ntext\n');
  });

  test('a new first part keeps the sections', () => {
    const document = withSection('# Benchmarks\n\ntext\n', 'Node.js 18', 'older');
    assert.equal(withFirstPart(document, '# Benchmarks\n\nother\n'), document.replace('text', 'other'));
    assert.equal(withFirstPart('', '# Benchmarks\n'), '# Benchmarks\n');
  });
});
