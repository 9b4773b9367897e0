/** Composes documents in the worker from the values that it holds, and encodes what differs from before. */
import type { CollectorName } from '../collectors/index.js';
import { type AnyDocument, documents } from '../documents/index.js';
import { type Body, decodeJson, encodeBody } from '../encode/body.js';
import { renderFamilies } from '../encode/prometheus.js';
import { hasSecrets } from '../model/document.js';
import type { Held } from './held.js';
import type { CycleReport, DocumentReport, Form, Restored, SamplingOptions, Wants } from './messages.js';
import { asFailure } from './read.js';

export interface Composer {
  /** Continues with the bodies that the main thread has, so that their changes are reported. */
  restore(restored: Restored): void;
  /**
   * Composes documents of which a part has changed.
   *
   * @param isPostponed tells which documents are composed later
   * @returns the documents that changed or that failed, and those that wait
   */
  compose(
    held: ReadonlyMap<CollectorName, Held>,
    changed: ReadonlySet<CollectorName>,
    wants: Wants,
    isPostponed: (document: AnyDocument) => boolean,
  ): Pick<CycleReport, 'documents' | 'postponed'>;
}

/** What is kept of a document from one composition to the next. */
interface State {
  value: unknown;
  /** True if it must be composed although no part has changed. */
  isDue: boolean;
  /** Digests of its bodies by page. */
  tags: ReadonlyMap<string | null, string>;
  secretTags: ReadonlyMap<string | null, string> | undefined;
  hasMetrics: boolean;
}

/** @param onStep called before each composition */
export function createComposer({ exposeSecrets, maxStationMetrics }: SamplingOptions, onStep: (document: string) => void): Composer {
  const states = newStates();

  /** Collectors that had a value in an earlier worker. Composing without it would take it from clients. */
  let awaited: readonly CollectorName[] = [];

  function composeOne(
    document: AnyDocument,
    state: State,
    held: ReadonlyMap<CollectorName, Held>,
    wants: Wants,
  ): DocumentReport | undefined {
    onStep(document.name);
    const before = state.value;
    try {
      const { value, bodies, tags } = makeForm(document, held, 'shown', state.tags, before);
      const secret = wantsSecretForm(document, wants) ? makeForm(document, held, 'whole', state.secretTags ?? new Map()) : undefined;
      const isAlike = tags.size === state.tags.size && (secret === undefined) === (state.secretTags === undefined);
      const changes = wants.changes && before !== undefined ? (document.changes?.(value, before) ?? []) : [];
      const metrics = renderMetrics(document, value, wants);
      const wasDue = state.isDue;
      Object.assign(state, { value, isDue: false, tags, secretTags: secret?.tags, hasMetrics: metrics !== undefined });
      const isNew = bodies.length > 0 || (secret !== undefined && secret.bodies.length > 0) || !isAlike;
      if (!isNew && !wasDue && changes.length === 0 && !metrics) return undefined;
      const form = { pages: [...tags.keys()], changed: bodies };
      const secretForm = secret && { pages: [...secret.tags.keys()], changed: secret.bodies };
      return { kind: 'composed', document: document.name, form, secretForm, changes, metrics };
    } catch (error) {
      state.isDue = true;
      return { kind: 'not-composed', document: document.name, failure: asFailure(error) };
    }
  }

  const wantsSecretForm = (document: AnyDocument, wants: Wants) => wants.secrets && !exposeSecrets && hasSecrets(document);

  const renderMetrics = (document: AnyDocument, value: unknown, wants: Wants) =>
    wants.metrics && document.metrics ? renderFamilies(document.metrics(value, maxStationMetrics)) : undefined;

  return {
    restore({ bodies, uncopied }) {
      awaited = uncopied;
      for (const [document, state] of states) {
        const json = bodies.get(document.name);
        if (json) state.value = decodeJson(json);
      }
    },
    compose(held, changed, wants, isPostponed) {
      const reports: DocumentReport[] = [];
      const postponed: string[] = [];
      awaited = awaited.filter((name) => !held.has(name));
      for (const [document, state] of states) {
        const isDue =
          state.isDue ||
          document.parts.some((part) => changed.has(part)) ||
          (state.secretTags !== undefined) !== wantsSecretForm(document, wants) ||
          (wants.metrics && document.metrics !== undefined && !state.hasMetrics);
        if (!wants.metrics) state.hasMetrics = false;
        if (!isDue || !document.required.every((name) => held.has(name))) continue;
        if (isPostponed(document) || document.parts.some((part) => awaited.includes(part))) {
          state.isDue = true;
          postponed.push(document.name);
          continue;
        }
        const report = composeOne(document, state, held, wants);
        if (report) reports.push(report);
      }
      return { documents: reports, postponed };
    },
  };
}

function newStates(): ReadonlyMap<AnyDocument, State> {
  // The second worker makes the others.
  const composed = documents.filter(({ verbatim }) => verbatim === undefined);
  return new Map(
    composed.map((document) => [document, { value: undefined, isDue: false, tags: new Map(), secretTags: undefined, hasMetrics: false }]),
  );
}

/** Makes all bodies of a document from values with or without their secrets. */
function makeForm(
  document: AnyDocument,
  held: ReadonlyMap<CollectorName, Held>,
  kind: 'shown' | 'whole',
  before: State['tags'],
  previous?: unknown,
) {
  const parts = Object.fromEntries(
    document.parts.flatMap((part) => (held.has(part) ? [[part, held.get(part)?.[kind]]] : [])),
  ) as Parameters<typeof document.compose>[0];
  const value: unknown = document.compose(parts, previous);
  const pages: readonly (readonly [string | null, unknown])[] = [[null, value], ...(document.pages?.compose(value, parts) ?? [])];
  const tags = new Map<string | null, string>();
  const bodies: Body[] = [];
  for (const [page, content] of pages) {
    const tag = before.get(page);
    const body = encodeBody(page, content, tag);
    if (body) bodies.push(body);
    tags.set(page, body?.tag ?? (tag as string));
  }
  return { value, bodies, tags } satisfies { value: unknown; bodies: Form['changed']; tags: State['tags'] };
}
