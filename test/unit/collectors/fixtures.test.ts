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
import { firstSample } from '../../support/sample.js';
import { assertValid } from '../../support/schema.js';

describe('fixtures', () => {
  const cases = allFixtures();

  for (const one of cases) {
    test(`${one.subject}/${one.name} gives what its archive expects`, async () => {
      const collector = collectorByName(one.subject);
      const document = documents.find((known) => slug(known) === one.subject);
      if (collector) {
        const outcome = await sampleFixture(collector, one);
        assertExpected(outcome, one);
        if ('value' in outcome) assertValid(outcome.value, collector.view);
      } else if (document) {
        const outcome = await composeFixture(document, one);
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
async function outcomeOf(
  collector: AnyCollector,
  machine: ReturnType<typeof machineOf>,
  exposeSecrets: boolean,
): Promise<{ value?: unknown; word?: string }> {
  try {
    const { value, metrics } = await collector.read(machine, { ...firstSample, thorough: true, exposeSecrets });
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
async function fixtureFor(collector: AnyCollector): Promise<Fixture> {
  const all = fixturesOf(collector.name);
  const chosen = all.find(({ archive }) => archive.entries.has(EXPECTED));
  if (chosen) return chosen;
  let widest: { fixture: Fixture; sites: number } | undefined;
  for (const fixture of all) {
    if (!('value' in (await outcomeOf(collector, machineOf(fixture), exposesSecrets(fixture))))) continue;
    const sites = (await faultSites(collector, fixture)).length;
    if (!widest || sites > widest.sites) widest = { fixture, sites };
  }
  return widest?.fixture ?? assert.fail(`${collector.name} has no fixture with a value`);
}

describe('faults', () => {
  for (const collector of collectors) {
    test(`${collector.name} reports a fault in anything it reads, or gives a value of the promised form`, async () => {
      const fixture = await fixtureFor(collector);
      const exposeSecrets = exposesSecrets(fixture);
      const good = await outcomeOf(collector, machineOf(fixture), exposeSecrets);
      const lines: string[] = [];
      for (const site of await faultSites(collector, fixture)) {
        lines.push(site);
        for (const [fault, machine] of createFaultyMachines(fixture, site)) {
          const { value, word } = await outcomeOf(collector, machine, exposeSecrets);
          lines.push(`  ${fault}: ${word ?? (isDeepStrictEqual(value, good.value) ? 'the same value' : 'another value')}`);
        }
      }
      assertText(`${lines.join('\n')}\n`, fixture, EXPECTED);
    });
  }
});
