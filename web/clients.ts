/** The client table: search, sorting by column, empty states. */
import { type Column, columns, type Order, searchClients, sortClients } from './client-order.js';
import { byId, setAttribute, setText } from './elements.js';
import { type Ap, accessPointsOf, type Client, type Clients } from './model.js';
import { createVisibleRows } from './visible-rows.js';

export interface ClientTable {
  update(clients: Clients, ap: Ap | undefined, nowMs: number): void;
}

/** @param isNew tells whether a client joined a moment ago */
export function createClientTable(isNew: (client: Client) => boolean): ClientTable {
  const table = byId('client-table');
  const scroller = byId('client-scroller');
  const search = byId('client-search') as HTMLInputElement;
  const rows = createVisibleRows(scroller, byId('client-rows'), isNew);
  let all: readonly Client[] = [];
  let order: Order = { column: 'name', descending: false };
  let nowMs = Date.now();

  function arrange(): void {
    const shown = sortClients(searchClients(all, search.value), order);
    const text = search.value.trim();
    table.setAttribute('aria-rowcount', String(shown.length + 1));
    setText(byId('client-count'), text ? `${shown.length} of ${all.length}` : all.length > 0 ? String(all.length) : '');
    byId('no-client').hidden = all.length > 0;
    byId('no-match').hidden = all.length === 0 || shown.length > 0;
    scroller.hidden = shown.length === 0;
    byId('client-search-field').hidden = all.length === 0 && !text;
    if (text) setText(byId('no-match-text'), `No client matches “${text}”.`);
    rows.show(shown, nowMs);
  }

  addRoles(table);
  // Make the scrolling area reachable with the keyboard.
  scroller.tabIndex = 0;
  onHeadingClick(table, (column) => {
    // Numbers start with the largest, which are usually the interesting ones.
    const descending = order.column === column ? !order.descending : columns.indexOf(column) >= columns.indexOf('signal');
    order = { column, descending };
    scroller.scrollTop = 0;
    arrange();
    return order;
  });
  search.addEventListener('input', () => {
    scroller.scrollTop = 0;
    arrange();
  });
  byId('clear-search').addEventListener('click', () => {
    search.value = '';
    arrange();
    search.focus();
  });

  return {
    update(clients, ap, now) {
      all = clients.active_clients;
      nowMs = now;
      const names = ap ? accessPointsOf(ap).map(({ ssid }) => ssid) : [];
      const networks = names.filter(Boolean).join(' or ');
      setText(byId('no-client-text'), networks ? `No clients connected. Join ${networks}.` : 'No clients connected');
      arrange();
    },
  };
}

/** @param sortBy changes the order when the user clicks a heading; the headings then show it */
function onHeadingClick(table: HTMLElement, sortBy: (column: Column) => Order): void {
  const headings = [...table.querySelectorAll<HTMLElement>('[data-column]')];
  for (const heading of headings) {
    heading.querySelector('button')?.addEventListener('click', () => {
      const { column, descending } = sortBy(heading.dataset.column as Column);
      for (const other of headings) {
        setAttribute(other, 'aria-sort', other.dataset.column !== column ? null : descending ? 'descending' : 'ascending');
      }
    });
  }
}

/** Sets explicit roles, because some browsers don't treat a table as one once CSS changes how its rows are displayed. */
function addRoles(table: Element): void {
  const roles = { thead: 'rowgroup', tbody: 'rowgroup', 'thead tr': 'row', th: 'columnheader' };
  table.setAttribute('role', 'table');
  for (const [selector, role] of Object.entries(roles)) {
    for (const part of table.querySelectorAll(selector)) part.setAttribute('role', role);
  }
}
