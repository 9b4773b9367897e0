/** One row of the client table. */
import { element, setAttribute, setText } from './elements.js';
import { bitsPerSecond, bytes, decibelMilliwatts, duration, since, UNKNOWN } from './format.js';
import { type Client, nameOf } from './model.js';

export interface ClientRow {
  readonly root: HTMLElement;
  update(client: Client, isNew: boolean, nowMs: number): void;
}

/**
 * Creates a row for any client: rows are reused while the table scrolls. Cells have explicit roles because the CSS shows rows as cards
 * on narrow screens, and some browsers then no longer treat them as a table.
 */
export function createClientRow(): ClientRow {
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
      const from = client.connected_seconds === null ? null : `Connected since ${since(nowMs - client.connected_seconds * 1000, nowMs)}`;
      setAttribute(connected, 'title', from);
    },
  };
}

function total({ download_bytes, upload_bytes }: Client): string | null {
  return download_bytes === null ? null : `${bytes(download_bytes)} down, ${bytes(upload_bytes)} up in total`;
}

/** Rates a signal as network planners do: −67 dBm is enough for voice and video. */
function strengthOf(dbm: number | null): { bars: number; word: string } {
  if (dbm === null) return { bars: 0, word: '' };
  if (dbm >= -60) return { bars: 4, word: 'very good' };
  if (dbm >= -67) return { bars: 3, word: 'good' };
  if (dbm >= -75) return { bars: 2, word: 'fair' };
  return { bars: 1, word: 'weak' };
}
