/** Clients that joined or left recently. */
import { byId, createList, element, type ListItem, setText } from './elements.js';
import { ago } from './format.js';
import { type Client, nameOf } from './model.js';

/** A client is marked as new for one minute. */
const NEW_MS = 60_000;
/** Visits disappear after 10 minutes. */
const VISIT_MS = 10 * 60_000;
/** Maximum visits shown. Older ones disappear. */
const MAX_VISITS = 5;

interface Visit {
  readonly id: number;
  readonly kind: 'joined' | 'left';
  readonly client: string;
  readonly interface: string;
  /** On the clock of performance.now(). */
  readonly atMs: number;
}

export interface Visitors {
  record(kind: Visit['kind'], client: Client): void;
  isNew(client: Client): boolean;
  /** Updates the times and drops old visits. */
  refresh(): void;
}

export function createVisitors(announce: (message: string) => void): Visitors {
  const show = createList(byId('visits'), ({ id }: Visit) => String(id), createVisit);
  let visits: Visit[] = [];
  let newcomers = new Map<string, number>();
  let count = 0;

  function refresh(): void {
    const nowMs = performance.now();
    visits = visits.filter(({ atMs }) => nowMs - atMs < VISIT_MS).slice(0, MAX_VISITS);
    newcomers = new Map([...newcomers].filter(([, atMs]) => nowMs - atMs < NEW_MS));
    show(visits);
    byId('visits-line').hidden = visits.length === 0;
  }

  return {
    record(kind, client) {
      const atMs = performance.now();
      const name = nameOf(client);
      visits = [{ id: count++, kind, client: name, interface: client.interface, atMs }, ...visits].slice(0, MAX_VISITS);
      if (client.mac_address !== null) {
        if (kind === 'joined') newcomers.set(client.mac_address, atMs);
        else newcomers.delete(client.mac_address);
      }
      announce(`${name} ${kind} ${client.interface}`);
      refresh();
    },
    isNew: ({ mac_address }) => mac_address !== null && newcomers.has(mac_address),
    refresh,
  };
}

function createVisit(): ListItem<Visit> {
  const name = element('strong');
  const text = element('span');
  const root = element('li', {}, name, ' ', text);
  return {
    root,
    update({ kind, client, interface: where, atMs }) {
      root.className = kind;
      setText(name, client);
      setText(text, `${kind} ${where} ${ago((performance.now() - atMs) / 1000)}`);
    },
  };
}
