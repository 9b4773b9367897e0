/**
 * The parts of the dashboard and the events that change them.
 *
 *     event ──▶ latest text of each name ──▶ once per animation frame: parse it, show the parts that depend on it
 *
 * A page in the background gets no animation frames, so it parses nothing.
 */
import { createAccessPoints } from './access-points.js';
import { createAlerts } from './alerts.js';
import { createClientTable } from './clients.js';
import { byId } from './elements.js';
import type { StreamEvent } from './event-stream.js';
import { createFreshness } from './freshness.js';
import { createHealth } from './health.js';
import { createInterfaces } from './interfaces.js';
import { createMachine } from './machine.js';
import { type Client, type CollectorState, type DocumentName, type Documents, documentNames, type States } from './model.js';
import { createPlots, type Plots } from './plots.js';
import { createVisitors } from './visitors.js';

export interface Dashboard {
  /** Makes the dashboard visible. Plots request their history with the key. */
  open(key: string): void;
  isOpen(): boolean;
  take(event: StreamEvent): void;
  /** Starts and stops requests for history as the connection comes and goes. */
  setLive(live: boolean): void;
  /** Updates what changes with time alone. */
  tick(): void;
}

/** What the server has sent. */
interface Data {
  readonly documents: Partial<Documents>;
  readonly collectors: readonly CollectorState[];
  readonly states: States;
}

interface Part {
  /** Events that change it. */
  readonly events: readonly (DocumentName | 'collectors' | 'states')[];
  show(data: Data): void;
}

export function createDashboard(announce: (message: string) => void): Dashboard {
  /** Text of the latest event of each name that isn't shown yet. */
  const waiting = new Map<string, string>();
  const clock = createServerClock();
  const freshness = createFreshness(announce);
  const visitors = createVisitors(announce);
  const parts = createParts(announce, clock, visitors.isNew);
  const showHealth = createHealth();
  let plots: Plots | undefined;
  let data: Data = { documents: {}, collectors: [], states: {} };
  let frame = 0;

  const refreshFreshness = () => freshness.refresh(clock.nowMs(), plots?.parts() ?? []);

  function show(): void {
    frame = 0;
    const changed = new Set(waiting.keys());
    for (const [name, text] of waiting) data = withEvent(data, name, JSON.parse(text));
    waiting.clear();
    const { system } = data.documents;
    if (changed.has('system') && system) clock.set(system.time.unixSeconds);
    if (changed.has('states')) freshness.setStates(data.states);
    if (changed.has('collectors')) {
      freshness.setCollectors(data.collectors);
      showHealth(data.collectors, clock.nowMs());
    }
    for (const part of parts) if (part.events.some((name) => changed.has(name))) part.show(data);
    plots?.update(data.documents);
    byId('dashboard').classList.toggle('is-waiting', system === undefined);
    refreshFreshness();
  }

  return {
    open(key) {
      document.documentElement.dataset.page = 'dashboard';
      byId('dashboard').hidden = false;
      plots ??= createPlots(key, clock.nowMs);
    },
    isOpen: () => plots !== undefined,
    take({ name, data: text }) {
      if (name === 'client-joined') return visitors.record('joined', JSON.parse(text) as Client);
      if (name === 'client-left') return visitors.record('left', JSON.parse(text) as Client);
      waiting.set(name, text);
      if (frame === 0) frame = requestAnimationFrame(show);
    },
    setLive: (live) => plots?.setLive(live),
    tick() {
      visitors.refresh();
      showHealth(data.collectors, clock.nowMs());
      refreshFreshness();
    },
  };
}

function createParts(announce: (message: string) => void, clock: ServerClock, isNew: (client: Client) => boolean): Part[] {
  const showMachine = createMachine();
  const showAlerts = createAlerts(announce);
  const showAccessPoints = createAccessPoints();
  const clientTable = createClientTable(isNew);
  const showInterfaces = createInterfaces();
  return [
    { events: ['system'], show: ({ documents: { system } }) => system && showMachine(system) },
    {
      events: ['system', 'collectors'],
      show: ({ documents: { system }, collectors }) => showAlerts({ system, collectors, clockErrorS: clock.errorMs() / 1000 }),
    },
    { events: ['ap', 'clients', 'networking'], show: ({ documents }) => showAccessPoints(documents) },
    { events: ['clients', 'ap'], show: ({ documents: { clients, ap } }) => clients && clientTable.update(clients, ap, clock.nowMs()) },
    { events: ['networking', 'ap'], show: ({ documents: { networking, ap } }) => networking && showInterfaces(networking, ap) },
  ];
}

function withEvent(data: Data, name: string, value: unknown): Data {
  if (name === 'states') return { ...data, states: value as States };
  if (name === 'collectors') return { ...data, collectors: (value as Pick<Data, 'collectors'>).collectors };
  if ((documentNames as readonly string[]).includes(name)) return { ...data, documents: { ...data.documents, [name]: value } };
  return data;
}

interface ServerClock {
  nowMs(): number;
  /** Returns how far the server's clock is ahead of the browser's. */
  errorMs(): number;
  /** @param unixSeconds a time that the server has just sent */
  set(unixSeconds: number): void;
}

function createServerClock(): ServerClock {
  let errorMs = 0;
  return {
    nowMs: () => Date.now() + errorMs,
    errorMs: () => errorMs,
    set(unixSeconds) {
      // Whole seconds are half a second old on average.
      errorMs = unixSeconds * 1000 + 500 - Date.now();
    },
  };
}
