/** The rows in view. The others exist only as empty space, so two thousand clients cost as much as twenty. */
import { type ClientRow, createClientRow } from './client-row.js';
import { element, setAttribute } from './elements.js';
import type { Client } from './model.js';

/** Rows beyond the edges of the view, so that scrolling shows no gap. */
const SPARE_ROWS = 8;
/** Height of a row until one can be measured. */
const ROW_PX = 44;

export interface VisibleRows {
  /** Shows a list of clients. */
  show(clients: readonly Client[], nowMs: number): void;
}

/**
 * Creates the rows of a table body that scrolls.
 *
 * @param isNew tells whether a client joined a moment ago
 */
export function createVisibleRows(scroller: HTMLElement, body: HTMLElement, isNew: (client: Client) => boolean): VisibleRows {
  const [above, below] = [createSpacer(), createSpacer()];
  const rows: ClientRow[] = [];
  let shown: readonly Client[] = [];
  let nowMs = Date.now();
  let rowPx = ROW_PX;
  let scheduled = false;
  body.append(above, below);

  function fill(): void {
    scheduled = false;
    const first = Math.max(0, Math.floor(scroller.scrollTop / rowPx) - SPARE_ROWS);
    const visible = Math.ceil((scroller.clientHeight || 600) / rowPx) + 2 * SPARE_ROWS;
    const end = Math.min(shown.length, first + visible);
    const start = Math.max(0, Math.min(first, end - 1));
    while (rows.length < end - start) rows.push(createClientRow());
    for (const [slot, row] of rows.entries()) place(row, start + slot, end);
    setHeight(above, start * rowPx);
    setHeight(below, (shown.length - end) * rowPx);
    measure();
  }

  function place(row: ClientRow, index: number, end: number): void {
    const client = index < end ? shown[index] : undefined;
    if (!client) {
      row.root.remove();
      return;
    }
    row.update(client, isNew(client), nowMs);
    // Row 1 is the heading.
    setAttribute(row.root, 'aria-rowindex', String(index + 2));
    row.root.classList.toggle('odd', index % 2 === 1);
    if (row.root.parentNode !== body) body.insertBefore(row.root, below);
  }

  /** Fills again if rows turn out to be higher or lower than assumed. */
  function measure(): void {
    const measured = rows[0]?.root.getBoundingClientRect().height ?? 0;
    if (measured <= 0 || Math.abs(measured - rowPx) <= 0.5) return;
    rowPx = measured;
    schedule();
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(fill);
  }

  scroller.addEventListener('scroll', schedule, { passive: true });
  new ResizeObserver(schedule).observe(scroller);

  return {
    show(clients, now) {
      shown = clients;
      nowMs = now;
      fill();
    },
  };
}

function createSpacer(): HTMLElement {
  return element('tr', { class: 'spacer', 'aria-hidden': 'true' });
}

function setHeight(spacer: HTMLElement, px: number): void {
  const height = `${px}px`;
  if (spacer.style.height !== height) spacer.style.height = height;
  spacer.hidden = px === 0;
}
