/**
 * The dashboard.
 *
 *     key ──▶ connection: /events ──▶ latest text of each event ──▶ once a frame: parse what is new, show it
 *                                                            plots ──▶ /history
 *
 * Nothing is parsed that is not shown: a page in the background gets its events, but no frames.
 */
import { createAnnouncer } from './announcer.js';
import { createClientTable } from './clients.js';
import { type Connection, connect, type Link } from './connection.js';
import { byId } from './elements.js';
import type { StreamEvent } from './event-stream.js';
import { createFreshness } from './freshness.js';
import { createHealth } from './health.js';
import { createInterfaces } from './interfaces.js';
import { createKeyForm, forgetKey, storedKey, storeKey } from './key-form.js';
import { createLinkStatus } from './link-status.js';
import { type Client, type CollectorState, type DocumentName, type Documents, documentNames, type States } from './model.js';
import { createOverview } from './overview.js';
import { createPlots, type Plots } from './plots.js';
import { createVisitors } from './visitors.js';

const announce = createAnnouncer();
const freshness = createFreshness(announce);
const overview = createOverview(announce);
const visitors = createVisitors(announce);
const clientTable = createClientTable(visitors.isNew);
const showInterfaces = createInterfaces();
const showHealth = createHealth();
const showLink = createLinkStatus(announce, () => connection?.retryNow());
const form = createKeyForm((key) => open(key, true));

let connection: Connection | undefined;
let plots: Plots | undefined;
let link: Link = { state: 'connecting' };
/** Text of events that is not shown yet, the newest of each name. */
const waiting = new Map<string, string>();
let documents: Partial<Documents> = {};
let collectors: readonly CollectorState[] = [];
/** The service's clock minus the browser's. */
let clockErrorMs = 0;
let frame = 0;

const serviceNowMs = () => Date.now() + clockErrorMs;

/** @param isTried whether the key is only shown to be right when the service takes it */
function open(key: string, isTried: boolean): void {
  connection?.close();
  if (!isTried) showPage(key);
  connection = connect(`events?documents=${documentNames.join(',')}`, key, {
    onEvent: take,
    onLink(next) {
      link = next;
      if (next.state === 'refused') return refuse();
      if (next.state === 'live') storeKey(key);
      if (next.state !== 'connecting') showPage(key);
      plots?.setLive(next.state === 'live');
      showLink(next);
    },
  });
}

function showPage(key: string): void {
  form.hide();
  document.documentElement.dataset.page = 'dashboard';
  byId('dashboard').hidden = false;
  byId('forget').hidden = false;
  plots ??= createPlots(key, serviceNowMs);
}

function refuse(): void {
  connection?.close();
  const wasOpen = storedKey() !== null;
  forgetKey();
  // What was seen with a key is not to be seen without: the page begins anew.
  if (wasOpen && plots) {
    sessionStorage.setItem('apsnap-refused', '1');
    location.reload();
    return;
  }
  form.show('That is not the key of this access point.');
}

function take({ name, data }: StreamEvent): void {
  if (name === 'client-joined' || name === 'client-left') {
    visitors.record(name === 'client-joined' ? 'joined' : 'left', JSON.parse(data) as Client);
    return;
  }
  waiting.set(name, data);
  if (frame === 0) frame = requestAnimationFrame(show);
}

function show(): void {
  frame = 0;
  const changed = new Set(waiting.keys());
  for (const [name, data] of waiting) {
    const value: unknown = JSON.parse(data);
    if (name === 'states') freshness.setStates(value as States);
    else if (name === 'collectors') ({ collectors } = value as { collectors: readonly CollectorState[] });
    else if (isDocumentName(name)) documents = { ...documents, [name]: value };
  }
  waiting.clear();
  if (changed.has('collectors')) freshness.setCollectors(collectors);
  const { system, clients, networking, ap } = documents;
  if (changed.has('system') && system) clockErrorMs = system.time.unixSeconds * 1000 + 500 - Date.now();
  overview.update(documents, collectors, clockErrorMs / 1000);
  plots?.update(documents);
  if (clients && (changed.has('clients') || changed.has('ap'))) clientTable.update(clients, ap, serviceNowMs());
  if (networking && (changed.has('networking') || changed.has('ap'))) showInterfaces(networking, ap);
  if (changed.has('collectors')) showHealth(collectors, serviceNowMs());
  byId('dashboard').classList.toggle('is-waiting', system === undefined);
  freshness.refresh(serviceNowMs(), plots?.parts() ?? []);
}

function isDocumentName(name: string): name is DocumentName {
  return (documentNames as readonly string[]).includes(name);
}

/** What changes with time alone. */
window.setInterval(() => {
  if (document.hidden || byId('dashboard').hidden) return;
  showLink(link);
  visitors.refresh();
  showHealth(collectors, serviceNowMs());
  freshness.refresh(serviceNowMs(), plots?.parts() ?? []);
}, 1000);

window.addEventListener('online', () => link.state === 'lost' && connection?.retryNow());
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && link.state === 'lost') connection?.retryNow();
});
byId('forget').addEventListener('click', () => {
  connection?.close();
  forgetKey();
  location.reload();
});

const kept = storedKey();
if (kept !== null) {
  open(kept, false);
} else {
  const wasRefused = sessionStorage.getItem('apsnap-refused') !== null;
  sessionStorage.removeItem('apsnap-refused');
  form.show(wasRefused ? 'The key is not accepted any more: somebody has changed it.' : null);
}
