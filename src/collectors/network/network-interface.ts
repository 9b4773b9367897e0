/** Network interfaces as /sys/class/net has them: which there are, and what a file of one says. */
import { SourceError } from '../../errors.js';
import type { Machine } from '../../machine/machine.js';

export const INTERFACES_FOLDER = '/sys/class/net';

/** Names of the interfaces, sorted. What else lies there (`bonding_masters`) is a file. */
export function listInterfaces(machine: Machine): string[] {
  const entries = [...machine.entries(INTERFACES_FOLDER)];
  return entries.flatMap(([name, kind]) => (kind === 'link' || kind === 'folder' ? [name] : [])).sort();
}

/**
 * One value of an interface, without the line's end; undefined where it has none. The kernel answers EINVAL where a value
 * makes no sense (the speed of what is down), and ENODEV once the interface has gone.
 *
 * @param attribute path below the interface's folder
 * @throws SourceError it is there and no file, or may not be read
 */
export function readAttribute(machine: Machine, name: string, attribute: string): string | undefined {
  try {
    return machine.readTextIfThere(`${INTERFACES_FOLDER}/${name}/${attribute}`)?.replace(/\n$/, '');
  } catch (error) {
    if (error instanceof SourceError && error.code === 'unreadable') return undefined;
    throw error;
  }
}
