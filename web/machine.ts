/** The machine at a glance: name, model, uptime, load, power, disk. */
import { FULL_DISK_PERCENT } from './alerts.js';
import { byId, createList, element, type ListItem, setText } from './elements.js';
import { bytes, duration } from './format.js';
import type { System } from './model.js';

/** @returns a function that shows the machine */
export function createMachine(): (system: System) => void {
  const showFacts = createList(byId('machine-facts'), ({ name }: Fact) => name, createFact);

  return (system) => {
    setText(byId('hostname'), system.hostname);
    setText(byId('machine-line'), [modelOf(system), system.operatingSystem ?? ''].filter(Boolean).join(' · '));
    document.title = `${system.hostname} · apsnap`;
    showFacts(factsOf(system));
    showDisk(system);
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
    { name: 'Uptime', value: duration(system.time.uptimeSeconds) },
    { name: 'Load', value: `${load.load1.toFixed(2)} · ${load.load5.toFixed(2)} · ${load.load15.toFixed(2)}` },
    power !== null && power.underVoltage !== null && { name: 'Power', value: powerText(power) },
    { name: 'Kernel', value: system.kernelVersion },
    system.raspapVersion !== null && { name: 'RaspAP', value: system.raspapVersion },
  ];
  return facts.filter((fact) => fact !== false);
}

function powerText({ underVoltage, sinceBoot }: NonNullable<System['power']>): string {
  if (underVoltage) return 'Under-voltage';
  return sinceBoot.underVoltage ? 'OK now, under-voltage earlier' : 'OK';
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
