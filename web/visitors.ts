/** Who came and who left lately. */
import { byId, createList, element, type ListItem, setText } from './elements.js';
import { ago } from './format.js';
import { type Client, nameOf } from './model.js';

/** For so long somebody is new, and somebody who left is told of. */
const NEW_MS = 60_000;
const TOLD_MS = 10 * 60_000;
const MOST_TOLD = 5;

interface Visit {
  readonly id: number;
  readonly kind: 'joined' | 'left';
  readonly who: string;
  readonly where: string;
  readonly mac: string | null;
  readonly atMs: number;
}

export interface Visitors {
  record(kind: Visit['kind'], client: Client): void;
  isNew(client: Client): boolean;
  /** Says times anew, and forgets what is long ago. */
  refresh(): void;
}

/** Times are as performance.now() counts. */
export function createVisitors(announce: (message: string) => void): Visitors {
  const show = createList(byId('visits'), ({ id }: Visit) => String(id), createVisit);
  let visits: Visit[] = [];
  let newcomers = new Map<string, number>();
  let count = 0;

  function refresh(): void {
    const nowMs = performance.now();
    visits = visits.filter(({ atMs }) => nowMs - atMs < TOLD_MS).slice(0, MOST_TOLD);
    newcomers = new Map([...newcomers].filter(([, atMs]) => nowMs - atMs < NEW_MS));
    show(visits);
    byId('visits-line').hidden = visits.length === 0;
  }

  return {
    record(kind, client) {
      const atMs = performance.now();
      const who = nameOf(client);
      visits = [{ id: count++, kind, who, where: client.interface, mac: client.mac_address, atMs }, ...visits].slice(0, MOST_TOLD);
      if (client.mac_address !== null) {
        if (kind === 'joined') newcomers.set(client.mac_address, atMs);
        else newcomers.delete(client.mac_address);
      }
      announce(`${who} ${kind} ${client.interface}`);
      refresh();
    },
    isNew: ({ mac_address }) => mac_address !== null && newcomers.has(mac_address),
    refresh,
  };
}

function createVisit(): ListItem<Visit> {
  const who = element('strong');
  const what = element('span');
  const root = element('li', {}, who, ' ', what);
  return {
    root,
    update({ kind, who: name, where, atMs }) {
      root.className = kind;
      setText(who, name);
      setText(what, `${kind} ${where} ${ago((performance.now() - atMs) / 1000)}`);
    },
  };
}
