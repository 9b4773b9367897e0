/** Requests history at intervals for as long as the connection is live. */
import { createHistory, type History, type HistorySource, type RangeName, ranges, seriesNames } from './history.js';

/** Minimum and maximum interval. Between them, it is the step of the range. */
const MIN_INTERVAL_MS = 5_000;
const MAX_INTERVAL_MS = 60_000;
/** Interval of requests for the names of series that are still missing. */
const NAMES_INTERVAL_MS = 30_000;

export interface HistoryFeed {
  /** Starts over after the plots have changed. A new interface may have brought new series, so this requests their names again. */
  restart(): void;
  setRange(range: RangeName): void;
  /** Starts and stops requests as the connection comes and goes. */
  setLive(live: boolean): void;
}

interface FeedOptions {
  readonly key: string;
  /** Returns the time on the server's clock, which its history follows. */
  serverNowMs(): number;
  /** Returns the series that the plots need now. */
  series(): readonly string[];
  /** @param available names of the series that exist */
  onHistory(history: History | undefined, available: readonly string[], range: RangeName): void;
  /** Called if a request fails and there is no history to show. An old curve stays: the banner reports a lost connection. */
  onFailure(reason: string): void;
}

export function createHistoryFeed({ key, serverNowMs, series, onHistory, onFailure }: FeedOptions): HistoryFeed {
  const names = createSeriesNames(() => seriesNames(key, serverNowMs()));
  let range: RangeName = '1h';
  let source: HistorySource | undefined;
  let hasHistory = false;
  let live = false;
  let timer = 0;
  let turn = 0;

  function schedule(delayMs: number): void {
    window.clearTimeout(timer);
    if (live) timer = window.setTimeout(refresh, delayMs);
  }

  function startOver(): void {
    turn++;
    source = undefined;
    schedule(0);
  }

  async function refresh(): Promise<void> {
    const wanted = series();
    if (wanted.length === 0) return;
    const mine = ++turn;
    try {
      const { available, hasChanged } = await names.check(wanted);
      if (hasChanged) source = undefined;
      const existing = wanted.filter((name) => available.includes(name));
      const current = source ?? createHistory(key, existing, ranges[range]);
      const history = existing.length > 0 ? await current.refresh(serverNowMs()) : undefined;
      if (mine !== turn) return;
      source = current;
      hasHistory = history !== undefined;
      onHistory(history, available, range);
    } catch (error) {
      if (mine !== turn) return;
      names.forget();
      source = undefined;
      if (!hasHistory) onFailure(error instanceof Error ? error.message : String(error));
    }
    schedule(Math.min(Math.max(ranges[range].stepSeconds * 1000, MIN_INTERVAL_MS), MAX_INTERVAL_MS));
  }

  return {
    restart() {
      names.forget();
      startOver();
    },
    setRange(chosen) {
      range = chosen;
      hasHistory = false;
      startOver();
    },
    setLive(now) {
      live = now;
      if (now) names.forget();
      schedule(0);
    },
  };
}

interface SeriesNames {
  /**
   * Requests the names if they are unknown, or if a wanted one was missing 30 s ago.
   *
   * @returns `hasChanged` is true if the number of wanted series that exist has changed
   */
  check(wanted: readonly string[]): Promise<{ readonly available: readonly string[]; readonly hasChanged: boolean }>;
  forget(): void;
}

/** Keeps the names of the series that exist. A series starts with its first value, which may come later than the page. */
function createSeriesNames(request: () => Promise<readonly string[]>): SeriesNames {
  let available: readonly string[] | undefined;
  let requestedAtMs = 0;

  return {
    async check(wanted) {
      const known = () => wanted.filter((name) => available?.includes(name)).length;
      const before = known();
      if (available && (before === wanted.length || performance.now() - requestedAtMs <= NAMES_INTERVAL_MS)) {
        return { available, hasChanged: false };
      }
      available = await request();
      requestedAtMs = performance.now();
      return { available, hasChanged: known() !== before };
    },
    forget() {
      available = undefined;
    },
  };
}
