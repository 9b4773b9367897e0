import { setFlagsFromString } from 'node:v8';

/** Bytecodes that a function runs before V8 optimizes it: four times the number of Node 20, twice that of Node 18. */
const BYTECODES = 270_336;
/** Newer ones count calls, and know no such flag. */
const LAST_NODE_THAT_COUNTS_BYTECODES = 20;

/**
 * Has V8 optimize functions later, in all threads. Most functions run once a second: an idle service would compile one after the other in its
 * first minutes, which costs more than it saves.
 */
export function compileLate(nodeVersion = process.versions.node, setFlags = setFlagsFromString): void {
  if (Number.parseInt(nodeVersion, 10) <= LAST_NODE_THAT_COUNTS_BYTECODES) setFlags(`--interrupt-budget=${BYTECODES}`);
}
