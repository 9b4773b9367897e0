import { Absent, quote, SourceError } from '../../errors.js';
import type { Machine } from '../../machine/machine.js';
import { collector } from '../../model/collector.js';
import { perRow } from '../../model/metrics.js';
import { array, nullable, number, object, string } from '../../model/schema.js';

const FOLDER = '/sys/class/thermal';

/** Types of zones that measure the processor, best first. Never the hottest: on a Pi 5 another chip is hotter. */
const PROCESSOR = ['cpu-thermal', 'cpu_thermal', 'soc-thermal', 'x86_pkg_temp', 'acpitz'];
/** Others that say of themselves that they do (`bcm2835_thermal`, `cpu0-thermal`). */
const PROCESSOR_LIKE = /cpu|soc|bcm2/i;

interface Zone {
  zone: string;
  type: string;
  celsius: number | null;
}

/** Temperature of the processor, and of whatever else has a thermal zone. */
export const thermal = collector({
  name: 'thermal',
  summary: 'Temperature of the processor',
  trigger: 'schedule',
  schedule: '* * * * * *',
  lane: 'quick',
  required: false,
  view: object({
    celsius: nullable(number('Temperature of the processor; null where no sensor says', 'degrees Celsius')),
    zones: array(
      object({
        zone: string('Name of the zone'),
        type: string('What it measures, as the driver calls it'),
        celsius: nullable(number('Its temperature; null where it cannot be read or is nonsense', 'degrees Celsius')),
      }),
      'Every thermal zone',
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

/** Index of the processor's zone among the zones' types; -1 if none is. */
export function chooseZone(types: readonly string[]): number {
  for (const type of PROCESSOR) if (types.includes(type)) return types.indexOf(type);
  return types.findIndex((type) => PROCESSOR_LIKE.test(type));
}

function readCelsius(machine: Machine, zone: string): number | null {
  let text: string;
  try {
    text = machine.readText(`${FOLDER}/${zone}/temp`);
  } catch (error) {
    // EINVAL, EAGAIN, ENODATA: there is a zone, with nothing to say.
    if (error instanceof SourceError && (error.code === 'unreadable' || error.code === 'not-found')) return null;
    throw error;
  }
  return parseCelsius(text);
}

/** The zones beside the processor's are extra: their trouble is not the collector's. */
function otherCelsius(machine: Machine, zone: string): number | null {
  try {
    return readCelsius(machine, zone);
  } catch (error) {
    if (error instanceof SourceError) return null;
    throw error;
  }
}

/**
 * A zone's `temp`, in thousandths of a degree: kernel documentation, driver-api/thermal/sysfs-api.
 *
 * @returns degrees Celsius to the hundredth; null outside -40 to 150, which no board survives and broken sensors report
 */
export function parseCelsius(text: string): number | null {
  if (!/^-?\d{1,9}\n?$/.test(text)) throw new SourceError('malformed', `thermal: temp is not an integer: ${quote(text)}`);
  const celsius = Math.round(Number(text) / 10) / 100;
  return celsius >= -40 && celsius <= 150 ? celsius : null;
}
