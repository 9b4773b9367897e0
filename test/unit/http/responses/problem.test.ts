import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toProblem } from '../../../../src/http/middleware/problems.js';
import { HttpProblem, rawProblem } from '../../../../src/http/responses/problem.js';

test('an error without a response object is a whole HTTP message', () => {
  const message = rawProblem(new HttpProblem(503, 'try again', { headers: { 'Retry-After': '5' } }));
  const [head = '', body = ''] = message.split('\r\n\r\n');
  assert.match(head, /^HTTP\/1\.1 503 Service Unavailable\r\n/);
  for (const line of ['Connection: close', 'Retry-After: 5', 'Cache-Control: no-store', `Content-Length: ${body.length}`]) {
    assert.ok(head.split('\r\n').includes(line), line);
  }
  assert.deepEqual(JSON.parse(body), { type: 'about:blank', title: 'Service Unavailable', status: 503, detail: 'try again' });
});

for (const [what, error, status, isLogged] of [
  ['a problem', new HttpProblem(404, 'no such path'), 404, false],
  ['a URL that is not valid', Object.assign(new Error(), { code: 'ERR_INVALID_URL' }), 400, false],
  ['too many open files', Object.assign(new Error(), { code: 'EMFILE' }), 503, true],
  ["a client's error", Object.assign(new Error('bad'), { status: 400, expose: true }), 400, false],
  ['a defect', new TypeError('x is undefined'), 500, true],
] as const) {
  test(`${what} becomes ${status} and is ${isLogged ? '' : 'not '}logged`, () => {
    const lines: string[] = [];
    assert.equal(toProblem(error, (line) => lines.push(line)).status, status);
    assert.equal(lines.length, isLogged ? 1 : 0);
  });
}
