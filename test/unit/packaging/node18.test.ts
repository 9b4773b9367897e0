import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseEnv } from 'node:util';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { crc32Of, parseEnvOf } from '../../../packaging/node18.js';

describe('what Node 18 lacks works as in Node 20', () => {
  test('crc32', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => assert.equal(crc32Of(bytes), crc32(bytes))));
    fc.assert(fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => assert.equal(crc32Of(b, crc32Of(a)), crc32(b, crc32(a)))));
    assert.equal(crc32Of('größe'), crc32('größe'));
  });

  test('parseEnv', () => {
    const name = fc.stringMatching(/^[A-Z][A-Z_]{0,8}$/);
    const value = fc.stringMatching(/^(?:[a-z0-9=+/ -]{0,20}|"[a-z0-9 #'=]{0,20}"|'[a-z0-9 #"=]{0,20}'|[a-z0-9]{1,9} # [a-z ]{0,9})$/);
    const line = fc.oneof(
      fc.tuple(fc.constantFrom('', 'export ', '  '), name, fc.constantFrom('=', ' = '), value).map((parts) => parts.join('')),
      fc.constantFrom('', '# a comment', '#KEY=no'),
    );
    fc.assert(
      fc.property(fc.array(line), fc.constantFrom('\n', '\r\n'), (lines, end) => {
        const text = [...lines, ''].join(end);
        assert.deepEqual({ ...parseEnvOf(text) }, { ...parseEnv(text) });
      }),
    );
  });
});
