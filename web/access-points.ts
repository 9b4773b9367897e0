/** The cards of the access points: network name, band, clients, traffic. */
import { byId, createList, element, type ListItem, setText } from './elements.js';
import { bitsPerSecond, UNKNOWN } from './format.js';
import { type Ap, accessPointsOf, type Documents } from './model.js';

/** Label of an access point whose interface is down or whose hostapd isn't running. */
const OFF = 'not broadcasting';
const OPEN = 'open';

/** @returns a function that shows the access points */
export function createAccessPoints(): (documents: Partial<Documents>) => void {
  const show = createList(byId('access-points'), ({ point }: AccessPoint) => point.interface, createAccessPoint);

  return ({ ap, clients, networking }) => {
    if (!ap) return;
    const points = accessPointsOf(ap);
    byId('no-access-point').hidden = points.length > 0;
    show(
      points.map((point) => {
        const own = clients?.active_clients.filter((row) => row.interface === point.interface && row.connection_type === 'wireless');
        const traffic =
          networking && Object.hasOwn(networking.throughput, point.interface) ? networking.throughput[point.interface] : undefined;
        // The interface sends what clients download.
        return { point, clients: own?.length, down: traffic?.TX_bytes_per_second ?? null, up: traffic?.RX_bytes_per_second ?? null };
      }),
    );
  };
}

interface AccessPoint {
  readonly point: Ap['access_points'][number];
  readonly clients: number | undefined;
  readonly down: number | null;
  readonly up: number | null;
}

function createAccessPoint(): ListItem<AccessPoint> {
  const ssid = element('h3', { class: 'ssid' });
  const chips = element('ul', { class: 'chips' });
  const showChips = createList(chips, (text: string) => text, createChip);
  const count = element('span', { class: 'number' });
  const countUnit = element('span', { class: 'unit' });
  const down = element('span', { class: 'number' });
  const up = element('span', { class: 'number' });
  const key = (name: string, text: string) => element('span', { class: `key ${name}` }, text);
  const root = element(
    'article',
    { class: 'card access-point' },
    element('div', { class: 'access-point-name' }, ssid, chips),
    element('p', { class: 'count' }, count, ' ', countUnit),
    element(
      'p',
      { class: 'rates' },
      element('span', { class: 'reading' }, key('data-1', 'Down'), down),
      element('span', { class: 'reading' }, key('data-2', 'Up'), up),
    ),
  );
  return {
    root,
    update({ point, clients, down: downNow, up: upNow }) {
      setText(ssid, point.ssid || 'Unnamed network');
      showChips([
        point.frequency_band === null ? OFF : `${point.frequency_band} GHz`,
        ...(point.channel ? [`channel ${point.channel}`] : []),
        point.interface,
        ...(point.ignore_broadcast_ssid !== '0' ? ['hidden'] : []),
        ...(point.wpa === '' || point.wpa === '0' ? [OPEN] : []),
      ]);
      root.classList.toggle('is-off', point.frequency_band === null);
      setText(count, clients === undefined ? UNKNOWN : String(clients));
      setText(countUnit, clients === 1 ? 'client' : 'clients');
      setText(down, bitsPerSecond(downNow === null ? null : downNow * 8));
      setText(up, bitsPerSecond(upNow === null ? null : upNow * 8));
    },
  };
}

function createChip(): ListItem<string> {
  const root = element('li');
  return {
    root,
    update(text) {
      setText(root, text);
      root.classList.toggle('warn', text === OFF || text === OPEN);
    },
  };
}
