/** Marks stale sections and shows since when and why they are stale. */
import { element, setText } from './elements.js';
import { ago, since } from './format.js';
import type { CollectorState, DocumentName, DocumentState, States } from './model.js';

export interface Freshness {
  setStates(states: States): void;
  setCollectors(collectors: readonly CollectorState[]): void;
  /** Updates the times. `parts` are the plots, which come and go. */
  refresh(nowMs: number, parts: readonly { readonly root: HTMLElement; readonly collectors: readonly string[] }[]): void;
}

/** Sections are the elements of the page with a `data-document`. */
export function createFreshness(announce: (message: string) => void): Freshness {
  const sections = [...document.querySelectorAll<HTMLElement>('[data-document]')].map((root) => {
    const note = element('p', { class: 'stale-note', hidden: '' });
    root.querySelector('.section-head')?.after(note);
    return { root, note, name: root.dataset.document as DocumentName };
  });
  let states: States = {};
  let collectors = new Map<string, CollectorState>();

  return {
    setStates(next) {
      for (const { name, root } of sections) {
        const state = next[name];
        const before = states[name]?.state ?? 'fresh';
        if (state && state.state !== 'fresh' && before === 'fresh') announce(`${root.dataset.title}: ${problemOf(state)}`);
        if (state?.state === 'fresh' && before !== 'fresh') announce(`${root.dataset.title}: up to date again`);
      }
      states = next;
    },
    setCollectors(list) {
      collectors = new Map(list.map((row) => [row.name, row]));
    },
    refresh(nowMs, parts) {
      for (const { root, note, name } of sections) {
        const state = states[name];
        const isStale = state !== undefined && state.state !== 'fresh';
        root.classList.toggle('is-stale', isStale);
        note.hidden = !isStale;
        if (isStale) setText(note, sentence(state, nowMs));
      }
      const systemState = states.system?.state ?? 'fresh';
      for (const { root, collectors: names } of parts) {
        const known = names.flatMap((name) => collectors.get(name) ?? []);
        // Until the states of its collectors are known, a plot is as stale as the document.
        const isStale = known.length > 0 ? known.some((row) => row.state === 'failing') : systemState !== 'fresh';
        root.classList.toggle('is-stale', isStale);
      }
    },
  };
}

function problemOf({ error }: DocumentState): string {
  return error ? `${error.message}${error.advice ? ` → ${error.advice}` : ''}` : 'waiting for the first sample';
}

function sentence(state: DocumentState, nowMs: number): string {
  if (state.state === 'absent') return `Not available: ${problemOf(state)}`;
  if (state.sampledAt === null) return `Stale: ${problemOf(state)}`;
  const atMs = Date.parse(state.sampledAt);
  return `Stale since ${since(atMs, nowMs)} (${ago((nowMs - atMs) / 1000)}): ${problemOf(state)}`;
}
