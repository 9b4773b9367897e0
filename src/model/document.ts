/** What a document is: the body of an endpoint, composed of what collectors gave. */
import type { CollectorName, Values } from '../collectors/index.js';
import type { Machine } from '../machine/machine.js';
import type { MetricFamily } from './metrics.js';
import type { Parameters, Query } from './query.js';
import { holdsSecrets } from './redact.js';
import type { Schema } from './schema.js';

/** Values of some collectors; undefined where one has given none yet. One that is absent gives its empty value. */
export type Parts<Name extends CollectorName> = { readonly [N in Name]: Values[N] | undefined };

/** Further bodies of a document, one for each of some names: `/clients/wlan0`. */
export interface Pages<Value, Part extends CollectorName, Page> {
  /** What the names are, as the path's parameter is called. */
  readonly parameter: string;
  readonly view: Schema<Page>;
  /** Whether all of a page is secret: then it is refused, with the reason, unless secrets are exposed. */
  readonly secret?: boolean;
  /** Every page, by name. */
  compose(value: Value, parts: Parts<Part>): ReadonlyMap<string, Page>;
}

/** Parts of a document that can be asked for: `/dns/domains?contains=ads`. */
export interface Queries {
  readonly parameters: Parameters;
  /**
   * Answers in the form of the document. Runs in a worker thread.
   *
   * @param parts the document's parts, as JSON
   */
  answer(query: Query, host: Machine, parts: Readonly<Record<string, Uint8Array>>): unknown;
}

/** Something that happened to a document: an event of its own name. */
export interface Change {
  readonly event: string;
  readonly data: unknown;
}

export interface Document<Value, Part extends CollectorName, Page = unknown> {
  /** The name in `/snapshot`; its path is `/NAME`. It may have a slash. */
  readonly name: string;
  readonly summary: string;
  /** Collectors it is composed of. */
  readonly parts: readonly Part[];
  /** Those of them without which it cannot be: until each has given a value, it answers 503. */
  readonly needs: readonly Part[];
  readonly view: Schema<Value>;
  /** Runs in a worker thread. The parts in `needs` are there. */
  compose(parts: Parts<Part>): Value;
  /** Its only part, if the document is that and nothing else, and too large to be made anew: the bytes are taken as they are. */
  readonly verbatim?: Part;
  readonly pages?: Pages<Value, Part, Page>;
  readonly queries?: Queries;
  /** What has happened since the document was as it was before. */
  changes?(value: Value, before: Value): readonly Change[];
  /**
   * What Prometheus is told of it that no collector knows.
   *
   * @param mostStations for how many stations metrics are wanted
   */
  metrics?(value: Value, mostStations: number): readonly MetricFamily[];
}

/** Whether there is something in a document, or in its pages, that only some may see. */
export function hasSecrets({
  view,
  pages,
}: Pick<Document<unknown, CollectorName>, 'view'> & { readonly pages?: { readonly secret?: boolean } }): boolean {
  return pages?.secret === true || holdsSecrets(view.json);
}

/** Gives a definition its type, with names as literals. */
export function document<const Name extends string, Value, const Part extends CollectorName, Page = never>(
  definition: Document<Value, Part, Page> & { readonly name: Name },
): Document<Value, Part, Page> & { readonly name: Name } {
  return definition;
}

/** A document's name where a slash cannot stand: in a file's name, and in that of a schema. */
export function slug({ name }: { readonly name: string }): string {
  return name.replaceAll('/', '-');
}
