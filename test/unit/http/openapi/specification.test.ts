// The specification itself: it is valid, it names what is served and nothing else, and every operation is described.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { createHistory } from '../../../../src/engine/history.js';
import { Store } from '../../../../src/engine/store.js';
import { EventStreams } from '../../../../src/http/events/streams.js';
import { keyedRoutes, openRoutes } from '../../../../src/http/koa-app.js';
import { createDocumentResponses } from '../../../../src/http/responses/document-responses.js';
import { busyWorkers, idleScheduler } from '../../../support/reports.js';
import { assertValid, at, type Media, operations, type Response, specification, text, token } from '../../../support/specification.js';

describe('specification', () => {
  test('the specification is valid OpenAPI 3.1', async () => {
    const { valid, errors } = await new Validator().validate(JSON.parse(text) as Record<string, unknown>);
    assert.ok(valid, JSON.stringify(errors));
    assert.match(specification.openapi, /^3\.1\.\d$/);
  });

  test('every reference has a target', () => {
    for (const [, pointer = ''] of text.matchAll(/"\$ref":"#([^"]+)"/g)) assert.ok(at(pointer), pointer);
  });

  test('every route is specified, and nothing else', () => {
    const store = new Store();
    const routers = [
      openRoutes({ store, readSpecification: () => Buffer.from('{}'), pages: { dashboard: true, docs: true } }),
      keyedRoutes(
        {
          store,
          scheduler: idleScheduler,
          workers: busyWorkers,
          events: new EventStreams(store),
          maxListeners: 0,
          history: createHistory(),
        },
        createDocumentResponses(store, false),
      ),
    ];
    const served = routers
      .flatMap((router) => router.stack.flatMap(({ path, methods }) => methods.map((method) => `${method} ${path}`)))
      .filter((route) => !/^HEAD | \/(?:docs.*|assets.*|openapi\.json)?$/.test(route))
      .map((route) => route.replace(/:(\w+)/g, '{$1}'));
    const named = operations.map(({ path, method }) => `${method.toUpperCase()} ${path}`);
    assert.deepEqual(named.sort(), served.sort());
  });

  test('schemas reject values that do not match', () => {
    for (const name of ['system', 'clients', 'clients-interface', 'Snapshot', 'Refreshed', 'Problem']) {
      assert.throws(() => assertValid({}, `/components/schemas/${name}`, name), /must have required property/);
    }
  });

  test('path parameters match the path', () => {
    for (const { path, operation } of operations) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      const parameters = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
      const names = parameters.map((parameter) => parameter.name);
      assert.deepEqual(names, inPath, path);
    }
  });

  test('every operation has its own operationId, one tag that is described, and a summary that stands alone', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    assert.equal(new Set(ids).size, operations.length, String(ids));
    const tags = specification.tags.map(({ name }) => name);
    for (const { path, operation } of operations) {
      assert.match(operation.operationId ?? '', /^[a-z][A-Za-z]+$/, path);
      assert.match(operation.summary ?? '', /^[A-Z].{5,}[^.]$/, path);
      assert.equal(operation.tags?.length, 1, path);
      assert.ok(tags.includes(operation.tags?.[0] ?? ''), `${path}: ${operation.tags}`);
      for (const { name, description } of operation.parameters ?? []) assert.ok(description, `${path} ${name} has a description`);
    }
    for (const { name, description } of specification.tags) assert.ok(description, name);
  });

  for (const { path, method, operation } of operations) {
    test(`every body of ${method.toUpperCase()} ${path} has an example that matches its schema`, () => {
      const place = `/paths/${token(path)}/${method}`;
      if (operation.requestBody) assertExamples(operation.requestBody.content, `${place}/requestBody`);
      for (const [status, response] of Object.entries(operation.responses)) {
        const pointer = response.$ref ? response.$ref.slice(1) : `${place}/responses/${status}`;
        assertExamples(at<Response>(pointer).content ?? {}, pointer);
      }
    });
  }
});

function assertExamples(content: Readonly<Record<string, Media>>, pointer: string): void {
  for (const [type, { example }] of Object.entries(content)) {
    const schema = `${pointer}/content/${token(type)}/schema`;
    assert.notEqual(example, undefined, `${schema} has an example`);
    assertValid(example, schema, schema);
  }
}
