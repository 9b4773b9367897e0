import { posix } from 'node:path';
import { Absent, orUndefined } from '../../errors.js';
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

/** Temperatures of chips without a thermal zone: NVMe disks, network cards, parts of a processor. */
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
        chip: string('Device of the sensor, named after its place in /sys/devices, so that the name survives a reboot.'),
        chipName: nullable(string('Name of the chip as the driver reports it. `null` if it reports none.')),
        sensor: string('Name of the sensor: `temp1`.'),
        label: nullable(string('Label of the sensor as the driver reports it. `null` if it reports none.')),
        celsius: nullable(number('Temperature, in °C. `null` if it cannot be read or is outside -40 to 150.', 'degrees Celsius')),
      }),
      'Temperature sensors, sorted by chip and sensor.',
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
  // Plain files next to the chips can't be listed; chips that went away meanwhile have no files.
  const files = orUndefined(() => machine.list(folder)) ?? [];
  const numbers = files.flatMap((file) => /^temp(\d{1,4})_input$/.exec(file)?.[1] ?? []);
  if (numbers.length === 0) return [];
  const chipName = readWord(machine, `${folder}/name`);
  const chip = chipOf(machine, folder, chipName);
  return numbers.map((number) => ({
    chip,
    chipName,
    sensor: `temp${number}`,
    label: files.includes(`temp${number}_label`) ? readWord(machine, `${folder}/temp${number}_label`) : null,
    // One sensor that can't be read costs no other.
    celsius: orUndefined(() => parseCelsius(machine.readText(`${folder}/temp${number}_input`))) ?? null,
  }));
}

function readWord(machine: Machine, path: string): string | null {
  return (
    orUndefined(() => machine.readTextIfThere(path))
      ?.trim()
      .slice(0, 100) || null
  );
}

/**
 * Names a chip as node_exporter does: the last two parts of the device's path, else the chip's name, else its number, which depends
 * on what was found first.
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

/** Converts text to lower case, with an underscore for characters that a metric's name can't contain. */
function cleanName(text: string): string {
  const clean = text.toLowerCase().replace(/[^a-z0-9:_]/g, '_');
  let [start, end] = [0, clean.length];
  while (clean[start] === '_') start++;
  while (end > start && clean[end - 1] === '_') end--;
  return clean.slice(start, end);
}

function families(sensors: readonly Sensor[]): MetricFamily[] {
  // Two sensors with the same name would give the same series twice.
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
