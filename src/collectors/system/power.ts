import { Absent, quote, SourceError } from '../../errors.js';
import type { Machine } from '../../machine/machine.js';
import { collector } from '../../model/collector.js';
import { gauge, type MetricFamily } from '../../model/metrics.js';
import { boolean, nullable, object } from '../../model/schema.js';

const HWMON = '/sys/class/hwmon';

export interface Throttled {
  underVoltage: boolean | null;
  frequencyCapped: boolean | null;
  throttled: boolean | null;
  softTemperatureLimit: boolean | null;
}

const nothing: Throttled = { underVoltage: null, frequencyCapped: null, throttled: null, softTemperatureLimit: null };

const flags = (is: string, when = '') => ({
  underVoltage: nullable(boolean(`True if the supply voltage ${is} below 4.63 V${when}.`)),
  frequencyCapped: nullable(boolean(`True if the processor's frequency ${is} capped${when}.`)),
  throttled: nullable(boolean(`True if the processor ${is} throttled${when}.`)),
  softTemperatureLimit: nullable(boolean(`True if the soft temperature limit ${is} reached${when}.`)),
});

/** Power supply of a Raspberry Pi. Values are null if neither the kernel nor the firmware reports them. */
export const power = collector({
  name: 'power',
  summary: 'Under-voltage and throttling of a Raspberry Pi',
  trigger: 'schedule',
  schedule: '*/5 * * * * *',
  lane: 'program',
  required: false,
  advice: 'vcgencmd needs group video: add the service to it',
  view: object({ ...flags('is'), sinceBoot: object(flags('has been', ' at any time since boot')) }),
  absent: { ...nothing, sinceBoot: nothing },
  async read(machine) {
    const underVoltage = readAlarm(machine);
    try {
      const { now, sinceBoot } = parseThrottled(await machine.run('vcgencmd', ['get_throttled']));
      return withMetrics({ ...now, underVoltage: underVoltage ?? now.underVoltage, sinceBoot });
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      // Either may be missing, and the kernel's alarm alone is useful.
      if (underVoltage !== null) return withMetrics({ ...nothing, underVoltage, sinceBoot: nothing });
      if (error.code === 'program-missing') throw new Absent(`no hwmon named rpi_volt, and ${error.message}`);
      throw error;
    }
  },
});

function withMetrics<Value extends Throttled>(value: Value): { value: Value; metrics: () => MetricFamily[] } {
  const flag = (now: boolean | null) => (now === null ? null : Number(now));
  return {
    value,
    metrics: () => [
      gauge('apsnap_under_voltage', 'Value is 1 while the supply voltage is below 4.63 V, 0 otherwise.', flag(value.underVoltage)),
      gauge('apsnap_throttled', 'Value is 1 while the processor is throttled, 0 otherwise.', flag(value.throttled)),
    ],
  };
}

/** Reads the kernel's alarm (driver raspberrypi-hwmon). Returns null if there is none. */
function readAlarm(machine: Machine): boolean | null {
  for (const name of machine.list(HWMON)) {
    if (machine.readTextIfThere(`${HWMON}/${name}/name`)?.trim() !== 'rpi_volt') continue;
    const text = machine.readTextIfThere(`${HWMON}/${name}/in0_lcrit_alarm`);
    if (text === undefined) return null;
    if (!/^[01]\n?$/.test(text)) throw new SourceError('malformed', `power: in0_lcrit_alarm is not 0 or 1: ${quote(text)}`);
    return text.startsWith('1');
  }
  return null;
}

/**
 * Parses `vcgencmd get_throttled`: bits 0 to 3 describe now, bits 16 to 19 the time since boot
 * (Raspberry Pi documentation, os/using-vcgencmd).
 *
 *     throttled=0x50005
 */
export function parseThrottled(text: string): { now: Throttled; sinceBoot: Throttled } {
  const match = /^throttled=0x([0-9a-fA-F]{1,8})$/.exec(text.trim());
  if (!match) throw new SourceError('malformed', `vcgencmd get_throttled: expected throttled=0x…: ${quote(text)}`);
  const bits = Number.parseInt(match[1] as string, 16);
  const flagsFrom = (bit: number): Throttled => ({
    underVoltage: (bits & (1 << bit)) !== 0,
    frequencyCapped: (bits & (2 << bit)) !== 0,
    throttled: (bits & (4 << bit)) !== 0,
    softTemperatureLimit: (bits & (8 << bit)) !== 0,
  });
  return { now: flagsFrom(0), sinceBoot: flagsFrom(16) };
}
