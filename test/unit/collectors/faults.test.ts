/**
 * Faults in everything that a collector reads: for each collector, the reads of its fixtures are recorded, and each file and program is
 * replaced in turn. A new collector is found automatically.
 *
 * A fault gives an error that a person can read, or a value of the promised form. What it gives is written next to the fixture's expected
 * value, in the entry `expected.faults`, by `UPDATE_FIXTURES=1`: read there that no fault passes for a good value unnoticed.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { type AnyCollector, collectors } from '../../../src/collectors/index.js';
import { decodeJson, encodeValue } from '../../../src/encode/body.js';
import { Absent, SourceError } from '../../../src/errors.js';
import { createFaultyMachines, faultSites } from '../../support/faults.js';
import { assertText, exposesSecrets, type Fixture, fixturesOf, machineOf } from '../../support/fixture.js';
import { assertValid } from '../../support/schema.js';

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
