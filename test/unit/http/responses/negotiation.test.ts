import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { acceptsGzip, matchesEtag } from '../../../../src/http/responses/negotiation.js';

describe('acceptsGzip', () => {
  const accepted = ['gzip', 'GZIP', 'x-gzip', 'br, gzip;q=0.5', '*', 'br, *;q=0.1', 'gzip ; q=1', 'gzip;q=0.001'];
  const rejected = [undefined, '', 'identity', 'gzip;q=0', 'gzip; q=0, *', '*;q=0', 'gzip;Q=0', 'gzipped', 'gzip;q=x'];
  for (const header of accepted) test(`accepts ${header}`, () => assert.equal(acceptsGzip(header), true));
  for (const header of rejected) test(`rejects ${header}`, () => assert.equal(acceptsGzip(header), false));
});

describe('matchesEtag', () => {
  const cases: readonly [header: string | undefined, matches: boolean][] = [
    ['"a"', true],
    ['W/"a"', true],
    ['"b", "a"', true],
    ['*', true],
    ['"b"', false],
    ['a', false],
    ['', false],
    [undefined, false],
  ];
  for (const [header, matches] of cases) {
    test(`${header} ${matches ? 'matches' : 'does not match'} "a"`, () => assert.equal(matchesEtag(header, '"a"'), matches));
  }
});
