// The rules of presence, each as a truth table. A dash stands for both values.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  hasLeftAccessPoint,
  isDown,
  isOnUplink,
  isPresentAtBridge,
  isPresentNeighbour,
  isServedByBridge,
  isServedNeighbour,
  type Network,
  type Sighting,
} from '../../../../src/documents/clients/presence.js';

const MAC = '02:00:00:00:01:00';

/** What the rules may depend on. The device is seen at `port`, which is a port of the bridge `bridge`. */
const FACTS = {
  'on the uplink': (network: Network) => add(network.uplinks, 'bridge'),
  'at an access point': (network: Network) => add(network.accessPoints, 'port'),
  'access point on the bridge': (network: Network) => add(network.accessPointLinks, 'bridge'),
  'seen by the bridge': () => {},
  'bridge served': (network: Network) => add(network.served, 'bridge'),
  'port served': (network: Network) => add(network.served, 'port'),
  'has a lease': (network: Network) => add(network.leased, MAC),
} as const;
type Fact = keyof typeof FACTS;
const facts = Object.keys(FACTS) as Fact[];

/** One line for each outcome: `y`, `n` or `-` for each fact in order, then the outcome. */
const tables: Readonly<Record<string, { holds(network: Network, sighting: Sighting): boolean; table: string }>> = {
  isOnUplink: {
    holds: isOnUplink,
    table: `
      uplink ap apBridge seen bridge port lease
      y      -  -        -    -      -    -     yes
      n      -  -        -    -      -    -     no`,
  },
  hasLeftAccessPoint: {
    holds: hasLeftAccessPoint,
    table: `
      uplink ap apBridge seen bridge port lease
      -      y  -        -    -      -    -     yes
      -      n  y        n    -      -    -     yes
      -      n  y        y    -      -    -     no
      -      n  n        -    -      -    -     no`,
  },
  isServedNeighbour: {
    holds: isServedNeighbour,
    table: `
      uplink ap apBridge seen bridge port lease
      -      -  -        -    y      -    -     yes
      -      -  -        -    n      y    -     yes
      -      -  -        -    n      n    y     yes
      -      -  -        -    n      n    n     no`,
  },
  isServedByBridge: {
    holds: isServedByBridge,
    table: `
      uplink ap apBridge seen bridge port lease
      -      -  -        -    y      -    -     yes
      -      -  -        -    n      -    -     no`,
  },
  isPresentNeighbour: {
    holds: isPresentNeighbour,
    table: `
      uplink ap apBridge seen bridge port lease
      y      -  -        -    -      -    -     no
      n      y  -        -    -      -    -     no
      n      n  y        n    -      -    -     no
      n      n  y        y    y      -    -     yes
      n      n  y        y    n      y    -     yes
      n      n  y        y    n      n    y     yes
      n      n  y        y    n      n    n     no
      n      n  n        -    y      -    -     yes
      n      n  n        -    n      y    -     yes
      n      n  n        -    n      n    y     yes
      n      n  n        -    n      n    n     no`,
  },
  isPresentAtBridge: {
    holds: isPresentAtBridge,
    table: `
      uplink ap apBridge seen bridge port lease
      y      -  -        -    -      -    -     no
      n      y  -        -    -      -    -     no
      n      n  y        n    -      -    -     no
      n      n  y        y    y      -    -     yes
      n      n  y        y    n      -    -     no
      n      n  n        -    y      -    -     yes
      n      n  n        -    n      -    -     no`,
  },
};

for (const [name, { holds, table }] of Object.entries(tables)) {
  describe(name, () => {
    const rows = table.trim().split('\n').slice(1);
    for (const row of rows) {
      test(row.trim().replace(/\s+/g, ' '), () => {
        for (const given of matching(row)) assert.equal(holds(networkWith(given), sightingWith(given)), row.endsWith('yes'), given.join());
      });
    }

    test('one row for each combination', () => {
      const combinations = rows.flatMap((row) => matching(row).map((given) => given.join()));
      assert.equal(combinations.length, 2 ** facts.length);
      assert.equal(new Set(combinations).size, combinations.length);
    });
  });
}

describe('isDown', () => {
  const table = [
    { admin_up: true, carrier: true, down: false },
    { admin_up: true, carrier: false, down: true },
    { admin_up: true, carrier: null, down: false },
    { admin_up: false, carrier: true, down: true },
    { admin_up: false, carrier: false, down: true },
    { admin_up: false, carrier: null, down: true },
    { admin_up: null, carrier: true, down: false },
    { admin_up: null, carrier: false, down: true },
    { admin_up: null, carrier: null, down: false },
  ];
  for (const { admin_up, carrier, down } of table) {
    test(`switched on: ${admin_up}, carrier: ${carrier}`, () => {
      const link = { admin_up, carrier, bridge: null, wireless: false, ethernet: true };
      assert.equal(isDown({ ...networkWith([]), links: new Map([['eth0', link]]) }, 'eth0'), down);
    });
  }

  test('an interface that is not listed is not down', () => assert.equal(isDown(networkWith([]), 'eth0'), false));
});

/** Facts of every combination that a row covers. */
function matching(row: string): Fact[][] {
  const cells = row.trim().split(/\s+/);
  assert.equal(cells.length, facts.length + 1, row);
  let combinations: Fact[][] = [[]];
  for (const [index, fact] of facts.entries()) {
    const cell = cells[index];
    const without = cell === 'y' ? [] : combinations;
    combinations = [...without, ...(cell === 'n' ? [] : combinations.map((given) => [...given, fact]))];
  }
  return combinations;
}

function networkWith(given: readonly Fact[]): Network {
  const network = {
    links: new Map(),
    uplinks: new Set<string>(),
    accessPoints: new Set<string>(),
    accessPointLinks: new Set<string>(),
    served: new Set<string>(),
    leased: new Set<string | null>(),
  };
  for (const fact of given) FACTS[fact](network);
  return network;
}

function sightingWith(given: readonly Fact[]): Sighting {
  return { mac: MAC, link: 'bridge', interface: 'port', seenAtBridge: given.includes('seen by the bridge') };
}

function add(set: ReadonlySet<string | null>, name: string): void {
  (set as Set<string | null>).add(name);
}
