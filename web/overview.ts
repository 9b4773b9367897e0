/** The host and its access points at a glance, and what somebody should look after. */
import { byId, createList, element, type ListItem, setText } from './elements.js';
import { amount, bitsPerSecond, bytes, duration, UNKNOWN } from './format.js';
import { type Ap, accessPointsOf, type CollectorState, type Documents, type System } from './model.js';

/** The service's clock and the browser's are told apart from here on. */
const MOST_CLOCK_ERROR_S = 90;
const FULL_DISK_PERCENT = 90;

interface Alert {
  readonly level: 'bad' | 'warn';
  readonly text: string;
  readonly advice: string;
}

export interface Overview {
  /** @param clockErrorS by how much the service's clock is ahead of the browser's */
  update(documents: Partial<Documents>, collectors: readonly CollectorState[], clockErrorS: number): void;
}

export function createOverview(announce: (message: string) => void): Overview {
  const showFacts = createList(byId('host-facts'), ({ name }: Fact) => name, createFact);
  const showAlerts = createList(byId('alerts'), ({ text }: Alert) => text, createAlert);
  const showAccessPoints = createList(byId('access-points'), ({ point }: AccessPoint) => point.interface, createAccessPoint);
  let alertsBefore = new Set<string>();

  return {
    update(documents, collectors, clockErrorS) {
      const { system, ap, clients, networking } = documents;
      if (system) {
        setText(byId('hostname'), system.hostname);
        setText(byId('host-line'), [modelOf(system), system.operatingSystem ?? ''].filter(Boolean).join(' · '));
        document.title = `${system.hostname} · apsnap`;
        showFacts(factsOf(system));
        showDisk(system);
      }
      const alerts = [...alertsOf(system, collectors, clockErrorS)];
      showAlerts(alerts);
      byId('alerts').hidden = alerts.length === 0;
      for (const { text } of alerts) if (!alertsBefore.has(text)) announce(text);
      alertsBefore = new Set(alerts.map(({ text }) => text));
      if (ap) {
        const points = accessPointsOf(ap);
        byId('no-access-point').hidden = points.length > 0;
        showAccessPoints(
          points.map((point) => {
            const own = clients?.active_clients.filter((row) => row.interface === point.interface && row.connection_type === 'wireless');
            const traffic =
              networking && Object.hasOwn(networking.throughput, point.interface) ? networking.throughput[point.interface] : undefined;
            return {
              point,
              clients: own?.length,
              down: traffic?.TX_bytes_per_second ?? null,
              up: traffic?.RX_bytes_per_second ?? null,
            };
          }),
        );
      }
    },
  };
}

function modelOf({ rpiRevision }: System): string {
  return rpiRevision === 'Unknown Device' ? '' : rpiRevision;
}

interface Fact {
  readonly name: string;
  readonly value: string;
}

function factsOf(system: System): Fact[] {
  const { load, power } = system;
  const facts: (Fact | false)[] = [
    { name: 'Up for', value: duration(system.time.uptimeSeconds) },
    { name: 'Load', value: `${load.load1.toFixed(2)} · ${load.load5.toFixed(2)} · ${load.load15.toFixed(2)}` },
    power !== null && power.underVoltage !== null && { name: 'Power', value: powerText(power) },
    { name: 'Kernel', value: system.kernelVersion },
    system.raspapVersion !== null && { name: 'RaspAP', value: system.raspapVersion },
  ];
  return facts.filter((fact) => fact !== false);
}

function powerText({ underVoltage, sinceBoot }: NonNullable<System['power']>): string {
  if (underVoltage) return 'Too low now';
  return sinceBoot.underVoltage ? 'Fine now, was too low since boot' : 'Fine';
}

function createFact(): ListItem<Fact> {
  const name = element('dt');
  const value = element('dd');
  return {
    root: element('div', {}, name, value),
    update(fact) {
      setText(name, fact.name);
      setText(value, fact.value);
    },
  };
}

function showDisk({ disk, usedDisk }: System): void {
  byId('disk').hidden = disk === null || usedDisk === null;
  if (disk === null || usedDisk === null) return;
  setText(byId('disk-text'), `${usedDisk} % · ${bytes(disk.availableBytes)} free of ${bytes(disk.sizeBytes)}`);
  const bar = byId('disk-bar');
  bar.style.width = `${Math.min(100, usedDisk)}%`;
  bar.classList.toggle('warn', usedDisk >= FULL_DISK_PERCENT);
}

function* alertsOf(system: System | undefined, collectors: readonly CollectorState[], clockErrorS: number): Generator<Alert> {
  const { power, hostapdStatus, usedDisk } = system ?? {};
  if (power?.underVoltage) {
    yield { level: 'bad', text: 'Under-voltage: the supply is below 4.63 V', advice: 'Use a stronger power supply or a shorter cable.' };
  }
  if (power?.throttled) yield { level: 'bad', text: 'The processor is throttled', advice: 'It is too hot or has too little power.' };
  else if (power?.softTemperatureLimit || power?.frequencyCapped) {
    yield { level: 'warn', text: 'The processor is slowed down', advice: 'It is hot or has too little power.' };
  }
  if (hostapdStatus === 0) {
    yield { level: 'bad', text: 'hostapd is not running: no access point is on the air', advice: 'systemctl status hostapd says why.' };
  }
  if (usedDisk !== null && usedDisk !== undefined && usedDisk >= FULL_DISK_PERCENT) {
    yield { level: 'warn', text: `The disk is ${usedDisk} % full`, advice: 'Logs and packages are the usual reason.' };
  }
  const failing = collectors.filter(({ state }) => state === 'failing');
  if (failing.length > 0) {
    const names = failing.map(({ name }) => name).join(', ');
    yield { level: 'warn', text: `${amount(failing.length, 'source')} cannot be read: ${names}`, advice: 'See Health, below.' };
  }
  if (Math.abs(clockErrorS) > MOST_CLOCK_ERROR_S) {
    const text = `Its clock is ${duration(Math.abs(clockErrorS))} ${clockErrorS > 0 ? 'ahead of' : 'behind'} that of this device`;
    yield { level: 'warn', text: text.replace(/ \d+ s /, ' '), advice: 'Times are shown as it says them.' };
  }
}

function createAlert(): ListItem<Alert> {
  const text = element('strong');
  const advice = element('span');
  const root = element('li', {}, text, ' ', advice);
  return {
    root,
    update(alert) {
      root.className = `alert ${alert.level}`;
      setText(text, alert.text);
      setText(advice, alert.advice);
    },
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
        point.frequency_band === null ? 'not on the air' : `${point.frequency_band} GHz`,
        ...(point.channel ? [`channel ${point.channel}`] : []),
        point.interface,
        ...(point.ignore_broadcast_ssid !== '0' ? ['hidden'] : []),
        ...(point.wpa === '' || point.wpa === '0' ? ['open'] : []),
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
      root.classList.toggle('warn', text === 'not on the air' || text === 'open');
    },
  };
}
