import { posix } from 'node:path';
import { Absent, SourceError } from '../../errors.js';
import type { Machine } from '../../machine/machine.js';
import { collector } from '../../model/collector.js';
import { type MetricFamily, perRow } from '../../model/metrics.js';
import { array, nullable, number, object, string } from '../../model/schema.js';
import { parseCelsius } from './thermal.js';

const FOLDER = '/sys/class/hwmon';

interface Sensor {
  chip: string;
  chipName: string | null;
  sensor: string;
  label: string | null;
  celsius: number | null;
}

/** Temperatures of chips that have no thermal zone: NVMe disks, network cards, the parts of a processor. */
export const hwmon = collector({
  name: 'hwmon',
  summary: 'Temperatures of hardware monitoring chips',
  trigger: 'schedule',
  schedule: '*/5 * * * * *',
  lane: 'quick',
  required: false,
  view: object({
    sensors: array(
      object({
        chip: string('The device that it belongs to, named after its place in /sys/devices: the same whatever was found first'),
        chipName: nullable(string('What the driver calls the chip')),
        sensor: string('Number of the sensor: temp1'),
        label: nullable(string('What the driver says it measures')),
        celsius: nullable(number('Its temperature; null where it cannot be read or is nonsense', 'degrees Celsius')),
      }),
      'By chip and sensor',
    ),
  }),
  absent: { sensors: [] },
  read(machine) {
    const sensors = machine.list(FOLDER).flatMap((name) => readSensors(machine, `${FOLDER}/${name}`));
    if (sensors.length === 0) throw new Absent(`no temperature in ${FOLDER}`);
    sensors.sort((a, b) => (a.chip === b.chip ? Number(a.sensor.slice(4)) - Number(b.sensor.slice(4)) : a.chip < b.chip ? -1 : 1));
    return { value: { sensors }, metrics: () => families(sensors) };
  },
});

function readSensors(machine: Machine, folder: string): Sensor[] {
  // A file beside them is no chip; chips that went away meanwhile have no files.
  const files = orNothing(() => machine.list(folder)) ?? [];
  const numbers = files.flatMap((file) => /^temp(\d{1,4})_input$/.exec(file)?.[1] ?? []);
  if (numbers.length === 0) return [];
  const chipName = readWord(machine, `${folder}/name`);
  const chip = chipOf(machine, folder, chipName);
  return numbers.map((number) => ({
    chip,
    chipName,
    sensor: `temp${number}`,
    label: files.includes(`temp${number}_label`) ? readWord(machine, `${folder}/temp${number}_label`) : null,
    // One sensor that cannot be read is no trouble of the others.
    celsius: orNothing(() => parseCelsius(machine.readText(`${folder}/temp${number}_input`))) ?? null,
  }));
}

function readWord(machine: Machine, path: string): string | null {
  return (
    orNothing(() => machine.readTextIfThere(path))
      ?.trim()
      .slice(0, 100) || null
  );
}

function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof SourceError) return undefined;
    throw error;
  }
}

/**
 * What node_exporter calls a chip: the last two parts of the device's path, else its name, else its number, which depends on what was
 * found first.
 *
 *     /sys/class/hwmon/hwmon2 -> ../../devices/platform/coretemp.0/hwmon/hwmon2
 *     /sys/class/hwmon/hwmon2/device -> ../../../coretemp.0
 *
 * is `platform_coretemp_0`.
 */
function chipOf(machine: Machine, folder: string, chipName: string | null): string {
  const device = machine.readLink(`${folder}/device`);
  const place = posix.resolve(posix.dirname(folder), machine.readLink(folder) ?? folder);
  const parts = device === undefined ? [] : posix.resolve(place, device).split('/').slice(-2).map(cleanName);
  return parts.filter(Boolean).join('_') || cleanName(chipName ?? '') || posix.basename(folder);
}

/** Lower case, and an underscore for what cannot be in the name of a metric. */
function cleanName(text: string): string {
  const clean = text.toLowerCase().replace(/[^a-z0-9:_]/g, '_');
  let [start, end] = [0, clean.length];
  while (clean[start] === '_') start++;
  while (end > start && clean[end - 1] === '_') end--;
  return clean.slice(start, end);
}

function families(sensors: readonly Sensor[]): MetricFamily[] {
  // Two of one name would be the same series twice.
  const own = [...new Map(sensors.map((row) => [`${row.chip} ${row.sensor}`, row])).values()];
  const chips = [...new Map(own.map((row) => [row.chip, row])).values()].filter((row) => row.chipName !== null);
  const labelled = own.filter((row) => row.label !== null);
  return [
    perRow('node_hwmon_temp_celsius', 'gauge', 'Hardware monitor for temperature (input)', own, ({ chip, sensor, celsius }) => ({
      labels: { chip, sensor },
      value: celsius,
    })),
    perRow('node_hwmon_chip_names', 'gauge', 'Annotation metric for human-readable chip names', chips, ({ chip, chipName }) => ({
      labels: { chip, chip_name: chipName ?? '' },
      value: 1,
    })),
    perRow('node_hwmon_sensor_label', 'gauge', 'Label for given chip and sensor', labelled, ({ chip, sensor, label }) => ({
      labels: { chip, sensor, label: label ?? '' },
      value: 1,
    })),
  ];
}
