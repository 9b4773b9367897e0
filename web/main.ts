/**
 * The page: asks for the key, then keeps a connection that feeds the dashboard.
 *
 *     key ──▶ connection: /events ──▶ dashboard ──▶ plots: /history
 */
import { createAnnouncer } from './announcer.js';
import { type Connection, connect, type Link } from './connection.js';
import { createDashboard } from './dashboard.js';
import { byId } from './elements.js';
import { createKeyForm, forgetKey, storedKey, storeKey } from './key-form.js';
import { createLinkStatus } from './link-status.js';
import { documentNames } from './model.js';

/** Entry in the session storage that survives the reload after the server rejects a stored key. */
const REJECTED = 'apsnap-rejected';

const announce = createAnnouncer();
const dashboard = createDashboard(announce);
const showLink = createLinkStatus(announce, () => connection?.retryNow());
const form = createKeyForm((key) => open(key, 'typed'));
let connection: Connection | undefined;
let link: Link = { state: 'connecting' };

/** A stored key was accepted before, so the dashboard appears before the server responds. */
function open(key: string, origin: 'typed' | 'stored'): void {
  connection?.close();
  if (origin === 'stored') showDashboard(key);
  connection = connect(`events?documents=${documentNames.join(',')}`, key, {
    onEvent: dashboard.take,
    onLink(next) {
      link = next;
      if (next.state === 'rejected') return reject();
      if (next.state === 'live') storeKey(key);
      if (next.state !== 'connecting') showDashboard(key);
      dashboard.setLive(next.state === 'live');
      showLink(next);
    },
  });
}

function showDashboard(key: string): void {
  form.hide();
  byId('forget').hidden = false;
  dashboard.open(key);
}

function reject(): void {
  connection?.close();
  const wasStored = storedKey() !== null;
  forgetKey();
  if (wasStored && dashboard.isOpen()) {
    // Reload, so that nothing stays visible without a valid key.
    sessionStorage.setItem(REJECTED, '1');
    location.reload();
    return;
  }
  form.show('The access point rejected this key. Check it and try again.');
}

window.setInterval(() => {
  if (document.hidden || byId('dashboard').hidden) return;
  showLink(link);
  dashboard.tick();
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

const stored = storedKey();
if (stored !== null) {
  open(stored, 'stored');
} else {
  const wasRejected = sessionStorage.getItem(REJECTED) !== null;
  sessionStorage.removeItem(REJECTED);
  form.show(wasRejected ? 'Your key is no longer valid: it was changed on the access point.' : null);
}
