/**
 * Every archive of test/fixtures/COLLECTOR and test/fixtures/DOCUMENT is a test; see support/fixture.ts. `UPDATE_FIXTURES=1` writes what
 * they give instead of comparing it: read the difference before you commit it.
 *
 * Then come faults: the reads of each collector's fixture are recorded, and each file and program in them is replaced in turn. A fault gives
 * an error that a person can read, or a value of the promised form. The entry `expected.faults` says which, so that you can check that no
 * fault passes unnoticed for a good value.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { type AnyCollector, collectorByName, collectors } from '../../../src/collectors/index.js';
import { documents } from '../../../src/documents/index.js';
import { decodeJson, encodeValue } from '../../../src/encode/body.js';
import { Absent, SourceError } from '../../../src/errors.js';
import { slug } from '../../../src/model/document.js';
import { createFaultyMachines, faultSites } from '../../support/faults.js';
import {
  allFixtures,
  assertExpected,
  assertText,
  composeFixture,
  exposesSecrets,
  type Fixture,
  fixturesOf,
  fixtureText,
  machineOf,
  sampleFixture,
} from '../../support/fixture.js';
import { assertValid } from '../../support/schema.js';

describe('fixtures', () => {
  const cases = allFixtures();

  for (const one of cases) {
    test(`${one.subject}/${one.name} gives what its archive expects`, () => {
      const collector = collectorByName(one.subject);
      const document = documents.find((known) => slug(known) === one.subject);
      if (collector) {
        const outcome = sampleFixture(collector, one);
        assertExpected(outcome, one);
        if ('value' in outcome) assertValid(outcome.value, collector.view);
      } else if (document) {
        const outcome = composeFixture(document, one);
        assertExpected(outcome, one);
        if (!('value' in outcome)) return;
        const { document: body, pages = {} } = outcome.value as { document: unknown; pages?: Record<string, unknown> };
        assertValid(body, document.view);
        for (const page of Object.values(pages)) if (document.pages) assertValid(page, document.pages.view);
      } else {
        assert.fail(`no collector and no document ${one.subject}`);
      }
    });
  }

  test('every collector and every document has a fixture with a value', () => {
    const told = new Set(
      allFixtures()
        .filter((one) => !/"(?:absent|error)"/.test(fixtureText(one, 'expected.json').slice(0, 15)))
        .map((one) => one.subject),
    );
    assert.deepEqual(
      [...collectors, ...documents].map(slug).filter((name) => !told.has(name)),
      [],
    );
  });

  test('the value of a collector on a machine without its source has the promised form', () => {
    for (const { absent, view } of collectors) assertValid(absent, view);
  });
});

const EXPECTED = 'expected.faults';

/** Samples a collector. Returns its value, or a word for the failure. */
function outcomeOf(
  collector: AnyCollector,
  machine: ReturnType<typeof machineOf>,
  exposeSecrets: boolean,
): { value?: unknown; word?: string } {
  try {
    const sampling = { carried: undefined, monotonicMs: 0, nowMs: 0, thorough: true, exposeSecrets, maxStationMetrics: 1_000 };
    const { value, metrics } = collector.read(machine, sampling);
    metrics?.();
    const seen = decodeJson(encodeValue(value, collector.view, exposeSecrets));
    assertValid(seen, collector.view);
    return { value: seen };
  } catch (error) {
    if (!(error instanceof SourceError || error instanceof Absent)) throw error;
    assert.match(error.message, /^[^\p{Cc}]{1,400}$/u);
    return { word: error instanceof Absent ? 'absent' : error.code };
  }
}

/** The fixture that has the expected faults, or else the one with a value of which the collector reads most. */
function fixtureFor(collector: AnyCollector): Fixture {
  const all = fixturesOf(collector.name);
  const withValue = all.filter((one) => 'value' in outcomeOf(collector, machineOf(one), exposesSecrets(one)));
  const [widest] = withValue.sort((a, b) => faultSites(collector, b).length - faultSites(collector, a).length);
  return all.find(({ archive }) => archive.entries.has(EXPECTED)) ?? widest ?? assert.fail(`${collector.name} has no fixture with a value`);
}

describe('faults', () => {
  for (const collector of collectors) {
    test(`${collector.name} reports a fault in anything it reads, or gives a value of the promised form`, () => {
      const fixture = fixtureFor(collector);
      const exposeSecrets = exposesSecrets(fixture);
      const good = outcomeOf(collector, machineOf(fixture), exposeSecrets);
      const lines = faultSites(collector, fixture).flatMap((site) => [
        site,
        ...createFaultyMachines(fixture, site).map(([fault, machine]) => {
          const { value, word } = outcomeOf(collector, machine, exposeSecrets);
          return `  ${fault}: ${word ?? (isDeepStrictEqual(value, good.value) ? 'the same value' : 'another value')}`;
        }),
      ]);
      assertText(`${lines.join('\n')}\n`, fixture, EXPECTED);
    });
  }
});
