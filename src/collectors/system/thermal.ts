import { Absent, orUndefined, quote, SourceError } from '../../errors.js';
import type { Machine } from '../../machine/machine.js';
import { collector } from '../../model/collector.js';
import { perRow } from '../../model/metrics.js';
import { array, nullable, number, object, string } from '../../model/schema.js';

const FOLDER = '/sys/class/thermal';

/** Types of zones that measure the processor, best first. Don't use the hottest zone: on a Pi 5 another chip is hotter. */
const PROCESSOR = ['cpu-thermal', 'cpu_thermal', 'soc-thermal', 'x86_pkg_temp', 'acpitz'];
/** Types that suggest the processor by their name (`bcm2835_thermal`, `cpu0-thermal`). */
const PROCESSOR_LIKE = /cpu|soc|bcm2/i;

interface Zone {
  zone: string;
  type: string;
  celsius: number | null;
}

/** Temperatures of the processor and of every other thermal zone. */
export const thermal = collector({
  name: 'thermal',
  summary: 'Temperature of the processor',
  trigger: 'schedule',
  schedule: '* * * * * *',
  lane: 'quick',
  required: false,
  view: object({
    celsius: nullable(number('Temperature of the processor, in °C. `null` if no sensor reports it.', 'degrees Celsius')),
    zones: array(
      object({
        zone: string('Name of the thermal zone.'),
        type: string('Type of the thermal zone as the driver reports it.'),
        celsius: nullable(number('Temperature, in °C. `null` if it cannot be read or is outside -40 to 150.', 'degrees Celsius')),
      }),
      'Every thermal zone.',
    ),
  }),
  absent: { celsius: null, zones: [] },
  read(machine) {
    const names = machine.list(FOLDER).filter((name) => /^thermal_zone\d+$/.test(name));
    names.sort((a, b) => Number(a.slice(12)) - Number(b.slice(12)));
    const types = names.map((name) => machine.readTextIfThere(`${FOLDER}/${name}/type`)?.trim() ?? '');
    const chosen = chooseZone(types);
    const zones: Zone[] = names.map((zone, index) => ({
      zone,
      type: types[index] ?? '',
      celsius: index === chosen ? readCelsius(machine, zone) : otherCelsius(machine, zone),
    }));
    if (zones.length === 0) throw new Absent(`no thermal zone in ${FOLDER}`);
    const temperatures = perRow('node_thermal_zone_temp', 'gauge', 'Zone temperature in Celsius', zones, ({ zone, type, celsius }) => ({
      labels: { zone: zone.slice('thermal_zone'.length), type },
      value: celsius,
    }));
    const celsius = zones[chosen]?.celsius ?? null;
    return { value: { celsius, zones }, metrics: () => [temperatures], points: { temperature_celsius: celsius } };
  },
});

/** Returns the index of the processor's zone among the zones' types, or -1. */
export function chooseZone(types: readonly string[]): number {
  for (const type of PROCESSOR) if (types.includes(type)) return types.indexOf(type);
  return types.findIndex((type) => PROCESSOR_LIKE.test(type));
}

function readCelsius(machine: Machine, zone: string): number | null {
  let text: string;
  try {
    text = machine.readText(`${FOLDER}/${zone}/temp`);
  } catch (error) {
    // EINVAL, EAGAIN, ENODATA: the zone exists and has no value.
    if (error instanceof SourceError && (error.code === 'unreadable' || error.code === 'not-found')) return null;
    throw error;
  }
  return parseCelsius(text);
}

/** Reads a zone other than the processor's. Its failure doesn't fail the collector. */
function otherCelsius(machine: Machine, zone: string): number | null {
  return orUndefined(() => readCelsius(machine, zone)) ?? null;
}

/**
 * Parses a zone's `temp`, in thousandths of a degree: kernel documentation, driver-api/thermal/sysfs-api.
 *
 * @returns degrees Celsius to the hundredth; null outside -40 to 150, as broken sensors report
 */
export function parseCelsius(text: string): number | null {
  if (!/^-?\d{1,9}\n?$/.test(text)) throw new SourceError('malformed', `thermal: temp is not an integer: ${quote(text)}`);
  const celsius = Math.round(Number(text) / 10) / 100;
  return celsius >= -40 && celsius <= 150 ? celsius : null;
}
