/** Announcements for screen readers, at most one every 10 s: users turn off a page that talks every second. */
import { byId } from './elements.js';

const MIN_PAUSE_MS = 10_000;
/** Maximum messages in one announcement. It only counts the others. */
const MAX_MESSAGES = 3;

/** @returns a function that announces a message: immediately after a pause, or else together with the messages of the next 10 s */
export function createAnnouncer(): (message: string) => void {
  const region = byId('announcements');
  let waiting: string[] = [];
  let announcedAtMs = Number.NEGATIVE_INFINITY;
  let timer = 0;

  function announce(): void {
    timer = 0;
    announcedAtMs = performance.now();
    const more = waiting.length - MAX_MESSAGES;
    region.textContent = [...waiting.slice(0, MAX_MESSAGES), ...(more > 0 ? [`${more} more changes`] : [])].join('. ');
    waiting = [];
  }

  return (message) => {
    waiting.push(message);
    if (timer === 0) timer = window.setTimeout(announce, Math.max(0, announcedAtMs + MIN_PAUSE_MS - performance.now()));
  };
}
