import { clock } from '../collectors/system/clock.js';
import { cpu } from '../collectors/system/cpu.js';
import { disk } from '../collectors/system/disk.js';
import { load } from '../collectors/system/load.js';
import { memory } from '../collectors/system/memory.js';
import { power } from '../collectors/system/power.js';
import { thermal } from '../collectors/system/thermal.js';
import { uptimeText } from '../collectors/system/uptime.js';
import { integer, nullable, number, object, string } from '../model/schema.js';
import { document } from './define.js';

/** The host at a glance. The flat fields are RaspAP's, the objects at the end are ours. */
export const system = document({
  name: 'system',
  summary: 'The host: load, memory, disk, temperature, power, versions',
  required: ['clock', 'load', 'memory', 'host'],
  optional: ['cpu', 'disk', 'thermal', 'power', 'hostapd'],
  view: object({
    hostname: string('Host name'),
    uptime: string('Time since boot, as `uptime -p` prints it'),
    systime: string('The wall clock, as `date` prints it'),
    usedMemory: number('Share of the memory that is not available', 'percent'),
    usedDisk: nullable(integer('Share of the root file system that is used, as `df` prints it', 'percent')),
    processorCount: integer('Processors, as `nproc --all` prints them'),
    LoadAvg1Min: number('Load average of one minute', 'processes'),
    systemLoadPercentage: number('The same as a share of the processors', 'percent'),
    systemTemperature: nullable(number('Temperature of the processor', 'degrees Celsius')),
    hostapdStatus: nullable(integer('1 if hostapd runs, else 0')),
    operatingSystem: nullable(string('Name and version of the distribution')),
    kernelVersion: string('Release of the kernel'),
    rpiRevision: string('Model of the board, or `Unknown Device`'),
    raspapVersion: nullable(string('Version of RaspAP; null where it is not installed')),
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
      // df rounds up, and leaves what only root may use out of the whole
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
