import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Documents } from '../../../web/model.js';
import { plotsFor } from '../../../web/plot-list.js';
import { exampleAp, exampleDocuments, exampleNetworking, exampleSystem } from '../../support/example-machine.js';

const titles = (documents: Partial<Documents>) => plotsFor(documents).map(({ definition }) => definition.title);

function currentOf(title: string, documents: Documents) {
  const plot = plotsFor(documents).find(({ definition }) => definition.title === title);
  return plot?.current(documents);
}

test('a machine has plots of processor, temperature, memory, uplinks and access points', () => {
  assert.deepEqual(titles(exampleDocuments()), [
    'Processor',
    'Temperature',
    'Memory',
    'Uplink · eth0',
    'RigNet · wlan0',
    'RigNet-5G · wlan1',
  ]);
});

test('a machine without a sensor has no plot of the temperature', () => {
  assert.deepEqual(titles({ system: exampleSystem({ systemTemperature: null }) }), ['Processor', 'Memory']);
});

test('plots of traffic wait until both documents have arrived', () => {
  assert.deepEqual(titles({ networking: exampleNetworking }), []);
  assert.deepEqual(titles({ ap: exampleAp }), []);
});

test('an access point that is also the uplink has one plot', () => {
  const networking = { ...exampleNetworking, uplinks: ['wlan0', 'wlan0'] };
  assert.deepEqual(titles({ networking, ap: exampleAp }), ['Uplink · wlan0', 'RigNet-5G · wlan1']);
});

test('at most six interfaces have a plot', () => {
  const uplinks = Array.from({ length: 9 }, (_, index) => `eth${index}`);
  assert.equal(titles({ networking: { ...exampleNetworking, uplinks }, ap: exampleAp }).length, 6);
});

test('an uplink receives what is downloaded, an access point sends it', () => {
  const documents = exampleDocuments();
  assert.deepEqual(currentOf('Uplink · eth0', documents)?.values, [7_412_000 * 8, 641_000 * 8]);
  assert.deepEqual(currentOf('RigNet-5G · wlan1', documents)?.values, [7_390_000 * 8, 471_000 * 8]);
});

test('an interface without counters says so', () => {
  const documents = { ...exampleDocuments(), networking: { ...exampleNetworking, throughput: {} } };
  assert.deepEqual(currentOf('Uplink · eth0', documents), { values: [null, null], detail: 'No traffic counters' });
});

test('the temperature says whether the processor is or was throttled', () => {
  const { power } = exampleSystem();
  assert.ok(power);
  const detail = (change: Partial<typeof power>) =>
    currentOf('Temperature', { ...exampleDocuments(), system: exampleSystem({ power: { ...power, ...change } }) })?.detail;
  assert.equal(detail({}), 'Not throttled');
  assert.equal(detail({ throttled: true }), 'Processor throttled');
  assert.equal(detail({ softTemperatureLimit: true }), 'Soft temperature limit reached');
  assert.equal(detail({ frequencyCapped: true }), 'Processor frequency capped');
  assert.match(detail({ sinceBoot: { ...power.sinceBoot, throttled: true } }) ?? '', /^Throttled at some point in the last 23 d/);
});
