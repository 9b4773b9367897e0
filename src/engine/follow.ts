/** Keeps a program running that reports events. */
import type { FollowHandlers, Following } from '../machine/follow-program.js';
import type { Machine } from '../machine/machine.js';

const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 60_000;
/** After running this long, the program counts as healthy, and the delay before a restart is short again. */
const SOUND_MS = 60_000;

export interface KeptHandlers extends Omit<FollowHandlers, 'onEnd'> {
  /** Called before each start. */
  onStart?(): void;
  /** Called whenever it ended or could not be started. */
  onEnd?(): void;
}

export interface KeptProgram {
  /** See {@link Following.read}. */
  read(): void;
  /** Ends the running program, and starts it again like one that ended. */
  restart(): void;
  stop(): void;
}

/** Starts a program. If it ends or can't start, starts it again with growing delays. */
export function keepFollowing(
  machine: Machine,
  program: string,
  args: readonly string[],
  { onStart, onEnd, ...output }: KeptHandlers,
): KeptProgram {
  let following: Following | undefined;
  let timer: NodeJS.Timeout | undefined;
  let delayMs = FIRST_DELAY_MS;
  let startedMs = 0;

  function start(): void {
    startedMs = performance.now();
    onStart?.();
    following = machine.follow(program, args, { ...output, onEnd: end });
  }

  function end(): void {
    onEnd?.();
    if (performance.now() - startedMs > SOUND_MS) delayMs = FIRST_DELAY_MS;
    timer = setTimeout(start, delayMs);
    timer.unref();
    delayMs = Math.min(delayMs * 2, MAX_DELAY_MS);
  }

  start();
  return {
    read: () => following?.read(),
    restart() {
      following?.stop();
      end();
    },
    stop() {
      clearTimeout(timer);
      following?.stop();
    },
  };
}
