/** The list of network interfaces: link, addresses, traffic. */
import { byId, createList, element, type ListItem, setText } from './elements.js';
import { bitsPerSecond } from './format.js';
import type { Ap, Networking } from './model.js';

interface Row {
  readonly name: string;
  readonly link: Networking['interfaces'][string];
  readonly traffic: Networking['throughput'][string] | undefined;
  readonly roles: readonly string[];
}

/** @returns a function that shows them */
export function createInterfaces(): (networking: Networking, ap: Ap | undefined) => void {
  const show = createList(byId('interface-list'), ({ name }: Row) => name, createRow);
  return ({ interfaces, throughput }, ap) => {
    const own = new Set(ap?.access_points.map((row) => row.interface));
    const rows = Object.entries(interfaces).map(([name, link]) => ({
      name,
      link,
      traffic: Object.hasOwn(throughput, name) ? throughput[name] : undefined,
      roles: [
        ...(link.uplink ? ['uplink'] : []),
        ...(own.has(name) ? ['access point'] : []),
        ...(link.vpn ? ['VPN'] : []),
        ...(link.bridge ? [`in ${link.bridge}`] : []),
      ],
    }));
    byId('no-interface').hidden = rows.length > 0;
    show(rows.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1)));
  };
}

/** Sorts the uplink first, then access points, then other interfaces that are up. */
function rank({ link, roles }: Row): number {
  if (link.uplink) return 0;
  if (roles.includes('access point')) return 1;
  return link.state === 'up' ? 2 : 3;
}

function createRow(): ListItem<Row> {
  const name = element('h3');
  const roles = element('ul', { class: 'chips' });
  const showRoles = createList(roles, (role: string) => role, createRole);
  const state = element('span', { class: 'state' });
  const about = element('p', { class: 'about' });
  const down = element('span', { class: 'number' });
  const up = element('span', { class: 'number' });
  const reading = (label: string, number: HTMLElement) =>
    element('span', { class: 'reading' }, element('span', { class: 'label' }, label), number);
  const root = element(
    'li',
    { class: 'interface' },
    element('div', { class: 'interface-name' }, state, name, roles),
    element('p', { class: 'rates' }, reading('In', down), reading('Out', up)),
    about,
  );
  return {
    root,
    update({ name: title, link, traffic, roles: all }) {
      setText(name, title);
      showRoles(all);
      root.classList.toggle('is-down', link.state === 'down');
      setText(state, link.state === 'up' ? 'Up' : 'Down');
      state.className = `state ${link.state === 'up' ? 'ok' : 'off'}`;
      const speed =
        link.speed_mbps === null ? '' : link.speed_mbps >= 1000 ? `${link.speed_mbps / 1000} Gbit/s` : `${link.speed_mbps} Mbit/s`;
      const facts = [link.kind ?? '', speed, ...link.addresses, link.MAC_address ?? ''];
      setText(about, facts.filter(Boolean).join(' · ') || 'No address');
      setText(down, rate(traffic?.RX_bytes_per_second));
      setText(up, rate(traffic?.TX_bytes_per_second));
    },
  };
}

function createRole(): ListItem<string> {
  const root = element('li');
  return { root, update: (text) => setText(root, text) };
}

function rate(bytesPerSecond: number | null | undefined): string {
  return bitsPerSecond(bytesPerSecond === null || bytesPerSecond === undefined ? null : bytesPerSecond * 8);
}
