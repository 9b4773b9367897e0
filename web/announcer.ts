/** What a screen reader says by itself. Rarely: a page that talks each second is switched off. */
import { byId } from './elements.js';

const LEAST_PAUSE_MS = 10_000;
const MOST_AT_ONCE = 3;

/** @returns says something: at once after a while of silence, else together with what else has come by then */
export function createAnnouncer(): (message: string) => void {
  const region = byId('announcements');
  let waiting: string[] = [];
  let saidAtMs = Number.NEGATIVE_INFINITY;
  let timer = 0;

  function say(): void {
    timer = 0;
    saidAtMs = performance.now();
    const more = waiting.length - MOST_AT_ONCE;
    region.textContent = [...waiting.slice(0, MOST_AT_ONCE), ...(more > 0 ? [`${more} more changes`] : [])].join('. ');
    waiting = [];
  }

  return (message) => {
    waiting.push(message);
    if (timer === 0) timer = window.setTimeout(say, Math.max(0, saidAtMs + LEAST_PAUSE_MS - performance.now()));
  };
}
