/** The list of problems that need attention, each with advice. */
import { byId, createList, element, type ListItem, setText } from './elements.js';
import { amount, duration } from './format.js';
import type { CollectorState, System } from './model.js';

/** Maximum difference between the clocks of the server and the browser. A larger one is reported. */
const MAX_CLOCK_ERROR_S = 90;
/** A disk that is at least this full is reported and its bar changes colour. */
export const FULL_DISK_PERCENT = 90;

interface Alert {
  readonly level: 'bad' | 'warn';
  readonly text: string;
  readonly advice: string;
}

/** What the alerts depend on. */
interface Conditions {
  readonly system: System | undefined;
  readonly collectors: readonly CollectorState[];
  /** How far the server's clock is ahead of the browser's. */
  readonly clockErrorS: number;
}

/** @returns a function that shows the alerts and announces new ones */
export function createAlerts(announce: (message: string) => void): (conditions: Conditions) => void {
  const show = createList(byId('alerts'), ({ text }: Alert) => text, createAlert);
  let shown = new Set<string>();

  return (conditions) => {
    const alerts = [...systemAlerts(conditions.system), ...serviceAlerts(conditions)];
    show(alerts);
    byId('alerts').hidden = alerts.length === 0;
    for (const { text } of alerts) if (!shown.has(text)) announce(text);
    shown = new Set(alerts.map(({ text }) => text));
  };
}

function* systemAlerts({ power, hostapdStatus, usedDisk }: Partial<System> = {}): Generator<Alert> {
  if (power?.underVoltage) {
    yield {
      level: 'bad',
      text: 'Under-voltage: the power supply is below 4.63 V',
      advice: 'Use a stronger power supply or a shorter cable.',
    };
  }
  if (power?.throttled) yield { level: 'bad', text: 'The processor is throttled', advice: 'It is too hot or not getting enough power.' };
  else if (power?.softTemperatureLimit || power?.frequencyCapped) {
    yield { level: 'warn', text: 'The processor is slowed down', advice: 'It is hot or not getting enough power.' };
  }
  if (hostapdStatus === 0) {
    yield {
      level: 'bad',
      text: 'hostapd is not running: no access point is broadcasting',
      advice: 'Run systemctl status hostapd to find out why.',
    };
  }
  if (usedDisk !== null && usedDisk !== undefined && usedDisk >= FULL_DISK_PERCENT) {
    yield { level: 'warn', text: `The disk is ${usedDisk} % full`, advice: 'Logs and packages are the usual cause.' };
  }
}

function* serviceAlerts({ collectors, clockErrorS }: Conditions): Generator<Alert> {
  const failing = collectors.filter(({ state }) => state === 'failing');
  if (failing.length > 0) {
    const names = failing.map(({ name }) => name).join(', ');
    yield { level: 'warn', text: `${amount(failing.length, 'source')} cannot be read: ${names}`, advice: 'See Health below.' };
  }
  if (Math.abs(clockErrorS) > MAX_CLOCK_ERROR_S) {
    yield {
      level: 'warn',
      text: `The access point’s clock is ${duration(Math.abs(clockErrorS))} ${clockErrorS > 0 ? 'ahead of' : 'behind'} this device’s clock`,
      advice: 'Times on this page follow the access point’s clock.',
    };
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
