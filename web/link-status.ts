/** Status of the connection: a word in the header, and a banner with a countdown while the connection is lost. */
import type { Link } from './connection.js';
import { byId, setText } from './elements.js';
import { ago } from './format.js';

/** @returns a function that shows the status; call it every second to update the countdown */
export function createLinkStatus(announce: (message: string) => void, retryNow: () => void): (link: Link) => void {
  const banner = byId('banner');
  const word = byId('link');
  const page = document.documentElement;
  let before: Link['state'] = 'connecting';
  byId('retry').addEventListener('click', retryNow);

  return (link) => {
    if (link.state === 'lost' && before !== 'lost') announce(`Connection lost: ${link.reason}`);
    if (link.state === 'live' && before === 'lost') announce('Reconnected');
    before = link.state;
    page.dataset.link = link.state;
    banner.hidden = link.state !== 'lost';
    setText(word, { connecting: 'Connecting', live: 'Live', lost: 'Not connected', rejected: 'Key rejected' }[link.state]);
    if (link.state !== 'lost') return;
    const nowMs = performance.now();
    const seconds = Math.max(0, Math.ceil((link.retryAtMs - nowMs) / 1000));
    setText(byId('banner-reason'), `${ago((nowMs - link.sinceMs) / 1000)}: ${link.reason}.`);
    setText(byId('banner-countdown'), seconds > 0 ? `Retrying in ${seconds} s` : 'Retrying…');
  };
}
