import { clock } from '../collectors/system/clock.js';
import { cpu } from '../collectors/system/cpu.js';
import { disk } from '../collectors/system/disk.js';
import { load } from '../collectors/system/load.js';
import { memory } from '../collectors/system/memory.js';
import { power } from '../collectors/system/power.js';
import { thermal } from '../collectors/system/thermal.js';
import { integer, nullable, number, object, string } from '../model/schema.js';
import { document } from './define.js';
import { uptimeText } from './uptime-text.js';

/** The machine at a glance. RaspAP's API has the flat fields; the objects at the end are additions. */
export const system = document({
  name: 'system',
  summary: 'The machine: load, memory, disk, temperature, power, versions',
  required: ['clock', 'load', 'memory', 'host'],
  optional: ['cpu', 'disk', 'thermal', 'power', 'hostapd'],
  view: object({
    hostname: string('Host name of the machine.'),
    uptime: string('Time since boot, in the format of `uptime -p`.'),
    systime: string('Local time, in the format of `date`.'),
    usedMemory: number('Percentage of memory that is not available to programs.', 'percent'),
    usedDisk: nullable(
      integer('Percentage of the root file system that is used, rounded up like in `df`. `null` if it is unknown.', 'percent'),
    ),
    processorCount: integer('Number of processors, like `nproc --all`.'),
    LoadAvg1Min: number('Load average over one minute.', 'processes'),
    systemLoadPercentage: number('Load average over one minute, as a percentage of the number of processors.', 'percent'),
    systemTemperature: nullable(number('Temperature of the processor. `null` without a sensor.', 'degrees Celsius')),
    hostapdStatus: nullable(integer('`1` if hostapd is running, `0` if not. `null` if it is unknown.')),
    operatingSystem: nullable(string('Name and version of the distribution. `null` if it is unknown.')),
    kernelVersion: string('Kernel release.'),
    rpiRevision: string('Model of the board, or `Unknown Device` if it is not a Raspberry Pi.'),
    raspapVersion: nullable(string('Version of RaspAP. `null` if it is not installed.')),
    time: clock.view,
    load: load.view,
    cpu: nullable(cpu.view),
    memory: memory.view,
    disk: nullable(disk.view),
    temperature: nullable(thermal.view),
    power: nullable(power.view),
  }),
  compose({ clock, load, cpu, memory, disk, thermal, power, host, hostapd }) {
    return {
      hostname: host.hostname,
      uptime: uptimeText(clock.uptimeSeconds),
      systime: clock.text,
      usedMemory: hundredths((100 * (memory.totalBytes - memory.availableBytes)) / memory.totalBytes),
      // df rounds up and leaves out the space reserved for root.
      usedDisk: disk ? Math.ceil((100 * disk.usedBytes) / (disk.usedBytes + disk.availableBytes)) : null,
      processorCount: host.processorCount,
      LoadAvg1Min: load.load1,
      systemLoadPercentage: hundredths((100 * load.load1) / host.processorCount),
      systemTemperature: thermal?.celsius ?? null,
      hostapdStatus: hostapd ? Number(hostapd.running) : null,
      operatingSystem: host.operatingSystem,
      kernelVersion: host.kernelVersion,
      rpiRevision: host.board,
      raspapVersion: host.raspapVersion,
      time: clock,
      load,
      cpu: cpu ?? null,
      memory,
      disk: disk ?? null,
      temperature: thermal ?? null,
      power: power ?? null,
    };
  },
});

function hundredths(value: number): number {
  return Math.round(value * 100) / 100;
}
