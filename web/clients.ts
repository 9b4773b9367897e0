/** The table of clients. Only the rows in view are in the document, so two thousand cost as much as twenty. */
import { type Column, columns, type Order, searchClients, sortClients } from './client-order.js';
import { byId, element, setAttribute, setText } from './elements.js';
import { bitsPerSecond, bytes, decibelMilliwatts, duration, since, UNKNOWN } from './format.js';
import { type Ap, accessPointsOf, type Client, type Clients, nameOf } from './model.js';

/** Rows beyond the edges, so that scrolling shows no gap. */
const SPARE_ROWS = 8;
/** Until a row could be measured. */
const ROW_PX = 44;

export interface ClientTable {
  update(clients: Clients, ap: Ap | undefined, nowMs: number): void;
}

/** @param isNew whether a client came a moment ago */
export function createClientTable(isNew: (client: Client) => boolean): ClientTable {
  const table = byId('client-table');
  const scroller = byId('client-scroller');
  const body = byId('client-rows');
  const search = byId('client-search') as HTMLInputElement;
  const [above, below] = [createSpacer(), createSpacer()];
  const rows: Row[] = [];
  body.append(above, below);
  sayRoles(table);
  // what scrolls must scroll with the keyboard as well
  scroller.tabIndex = 0;

  let all: readonly Client[] = [];
  let shown: readonly Client[] = [];
  let order: Order = { column: 'name', descending: false };
  let nowMs = Date.now();
  let rowPx = ROW_PX;
  let scheduled = false;

  function arrange(): void {
    shown = sortClients(searchClients(all, search.value), order);
    table.setAttribute('aria-rowcount', String(shown.length + 1));
    const isFiltered = search.value.trim() !== '';
    setText(byId('client-count'), isFiltered ? `${shown.length} of ${all.length}` : all.length > 0 ? String(all.length) : '');
    byId('no-client').hidden = all.length > 0;
    byId('no-match').hidden = all.length === 0 || shown.length > 0;
    scroller.hidden = shown.length === 0;
    byId('client-search-field').hidden = all.length === 0 && !isFiltered;
    if (isFiltered) setText(byId('no-match-text'), `Nobody here matches “${search.value.trim()}”.`);
    fill();
  }

  /** Puts those that are in view into the rows that there are. */
  function fill(): void {
    scheduled = false;
    const first = Math.max(0, Math.floor(scroller.scrollTop / rowPx) - SPARE_ROWS);
    const visible = Math.ceil((scroller.clientHeight || 600) / rowPx) + 2 * SPARE_ROWS;
    const last = Math.min(shown.length, first + visible);
    const start = Math.max(0, Math.min(first, last - 1));
    while (rows.length < last - start) rows.push(createRow());
    for (const [slot, row] of rows.entries()) {
      const client = start + slot < last ? shown[start + slot] : undefined;
      if (!client) {
        row.root.remove();
        continue;
      }
      row.update(client, isNew(client), nowMs);
      setAttribute(row.root, 'aria-rowindex', String(start + slot + 2));
      row.root.classList.toggle('odd', (start + slot) % 2 === 1);
      if (row.root.parentNode !== body) body.insertBefore(row.root, below);
    }
    setHeight(above, start * rowPx);
    setHeight(below, (shown.length - last) * rowPx);
    const measured = rows[0]?.root.getBoundingClientRect().height ?? 0;
    if (measured > 0 && Math.abs(measured - rowPx) > 0.5) {
      rowPx = measured;
      schedule();
    }
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(fill);
  }

  const headings = new Map<Column, HTMLElement>();
  for (const heading of table.querySelectorAll<HTMLElement>('[data-column]')) {
    const column = heading.dataset.column as Column;
    headings.set(column, heading);
    heading.querySelector('button')?.addEventListener('click', () => {
      // Numbers are most wanted from the greatest on.
      const descending = order.column === column ? !order.descending : columns.indexOf(column) >= columns.indexOf('signal');
      order = { column, descending };
      for (const [name, other] of headings) {
        setAttribute(other, 'aria-sort', name !== column ? null : descending ? 'descending' : 'ascending');
      }
      scroller.scrollTop = 0;
      arrange();
    });
  }
  search.addEventListener('input', () => {
    scroller.scrollTop = 0;
    arrange();
  });
  byId('clear-search').addEventListener('click', () => {
    search.value = '';
    arrange();
    search.focus();
  });
  scroller.addEventListener('scroll', schedule, { passive: true });
  new ResizeObserver(schedule).observe(scroller);

  return {
    update(clients, ap, now) {
      all = clients.active_clients;
      nowMs = now;
      const names = ap ? accessPointsOf(ap).map(({ ssid }) => ssid) : [];
      const where = names.filter(Boolean).join(' or ');
      setText(byId('no-client-text'), where ? `No clients yet: connect to ${where}` : 'No clients yet');
      arrange();
    },
  };
}

interface Row {
  readonly root: HTMLElement;
  update(client: Client, isNew: boolean, nowMs: number): void;
}

/** A table whose rows are laid out as cards is no table any more to some browsers, unless it says so. */
function sayRoles(table: Element): void {
  const roles = { thead: 'rowgroup', tbody: 'rowgroup', 'thead tr': 'row', th: 'columnheader' };
  table.setAttribute('role', 'table');
  for (const [selector, role] of Object.entries(roles)) {
    for (const part of table.querySelectorAll(selector)) part.setAttribute('role', role);
  }
}

/** Its cells say their roles as well: see above. */
function createRow(): Row {
  const name = element('span', { class: 'client-name' });
  const badge = element('span', { class: 'badge' }, 'new');
  const address = element('td', { role: 'cell', class: 'address' });
  const mac = element('td', { role: 'cell', class: 'mac' });
  const where = element('td', { role: 'cell', class: 'where' });
  const bars = element('span', { class: 'bars', 'aria-hidden': 'true' }, ...Array.from({ length: 4 }, () => element('i')));
  const level = element('span', { class: 'dbm' });
  const quality = element('span', { class: 'for-readers' });
  const down = element('span', { class: 'number' });
  const up = element('span', { class: 'number' });
  const connected = element('td', { role: 'cell', class: 'connected' });
  const cell = (name: string, ...children: (Node | string)[]) => element('td', { role: 'cell', class: name }, ...children);
  const root = element(
    'tr',
    { role: 'row' },
    cell('name', name, badge),
    address,
    mac,
    where,
    cell('signal', bars, level, quality),
    cell('rate down', down),
    cell('rate up', up),
    connected,
  );
  return {
    root,
    update(client, isNew, nowMs) {
      setText(name, nameOf(client));
      name.classList.toggle('unnamed', !client.hostname);
      badge.hidden = !isNew;
      root.classList.toggle('is-new', isNew);
      setText(address, client.ip_address ?? UNKNOWN);
      address.classList.toggle('is-long', client.ip_address?.includes(':') ?? false);
      setAttribute(address, 'title', client.ip_addresses.length > 1 ? client.ip_addresses.join('\n') : null);
      setText(mac, client.mac_address ?? UNKNOWN);
      setText(where, client.interface);
      const strength = strengthOf(client.signal_dbm);
      bars.hidden = client.signal_dbm === null;
      setAttribute(bars, 'data-level', String(strength.bars));
      setText(
        level,
        client.signal_dbm === null ? (client.connection_type === 'ethernet' ? 'wired' : UNKNOWN) : decibelMilliwatts(client.signal_dbm),
      );
      setText(quality, client.signal_dbm === null ? '' : ` ${strength.word}`);
      setText(down, bitsPerSecond(client.download_bits_per_second));
      setText(up, bitsPerSecond(client.upload_bits_per_second));
      setAttribute(root, 'title', total(client));
      setText(connected, duration(client.connected_seconds));
      const from = client.connected_seconds === null ? null : `Since ${since(nowMs - client.connected_seconds * 1000, nowMs)}`;
      setAttribute(connected, 'title', from);
    },
  };
}

function total({ download_bytes, upload_bytes }: Client): string | null {
  return download_bytes === null ? null : `${bytes(download_bytes)} down, ${bytes(upload_bytes)} up so far`;
}

/** What a level is good for, as those who plan radio networks reckon: −67 dBm carries speech and video. */
function strengthOf(dbm: number | null): { bars: number; word: string } {
  if (dbm === null) return { bars: 0, word: '' };
  if (dbm >= -60) return { bars: 4, word: 'very good' };
  if (dbm >= -67) return { bars: 3, word: 'good' };
  if (dbm >= -75) return { bars: 2, word: 'fair' };
  return { bars: 1, word: 'weak' };
}

function createSpacer(): HTMLElement {
  return element('tr', { class: 'spacer', 'aria-hidden': 'true' });
}

function setHeight(spacer: HTMLElement, px: number): void {
  const height = `${px}px`;
  if (spacer.style.height !== height) spacer.style.height = height;
  spacer.hidden = px === 0;
}
