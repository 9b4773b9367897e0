/** Defines a document: the body of an endpoint, composed from collectors' values. */
import type { Machine } from '../machine/machine.js';
import type { MetricFamily } from './metrics.js';
import type { Parameters, Query } from './query.js';
import { holdsSecrets } from './redact.js';
import type { Schema } from './schema.js';

/**
 * Values of collectors, by name. An optional one is undefined until its collector has given a value. A collector whose source
 * the machine doesn't have gives its `absent` value.
 */
export type Parts<Values, Required extends keyof Values, Optional extends keyof Values = never> = {
  readonly [Name in Required]: Values[Name];
} & { readonly [Name in Optional]: Values[Name] | undefined };

/** Further bodies of a document, each with a name: `/clients/wlan0`. */
export interface Pages<Value, SomeParts, Page> {
  /** Name of the path parameter. */
  readonly parameter: string;
  readonly view: Schema<Page>;
  /** True if a page is secret as a whole. Then it is refused, with the reason, unless secrets are exposed. */
  readonly secret?: boolean;
  /** Composes every page, by name. */
  compose(value: Value, parts: SomeParts): ReadonlyMap<string, Page>;
}

/** Queries that select part of a document: `/dns/domains?contains=ads`. */
export interface Queries {
  readonly parameters: Parameters;
  /** Responds in the form of the document. Runs in a worker thread. */
  answer(query: Query, machine: Machine): unknown;
}

/** A change of a document, sent as an event of its own name. */
export interface Change {
  readonly event: string;
  readonly data: unknown;
}

export interface Definition<Values, Required extends keyof Values, Optional extends keyof Values, Value, Page> {
  /** The name in `/snapshot`; its path is `/NAME`. It may contain a slash. */
  readonly name: string;
  /** What it describes, as a noun phrase on one line. */
  readonly summary: string;
  /** Collectors it can't do without. It responds 503 until each has given a value. */
  readonly required: readonly Required[];
  /** Collectors that add to it. */
  readonly optional?: readonly Optional[];
  readonly view: Schema<Value>;
  /**
   * Composes the value. Runs in a worker thread.
   *
   * @param previous the value composed before, if there is one. What is equal may be taken from it, so that it isn't encoded again
   */
  compose(parts: Parts<Values, Required, Optional>, previous?: Value): Value;
  /** The required part whose bytes are the document, if it is too large to compose again. */
  readonly verbatim?: Required;
  readonly pages?: Pages<Value, Parts<Values, Required, Optional>, Page>;
  readonly queries?: Queries;
  /** Lists what changed since the previous value. */
  changes?(value: Value, previous: Value): readonly Change[];
  /**
   * Builds Prometheus metrics that no collector can.
   *
   * @param maxStations maximum stations that get metrics of their own
   */
  metrics?(value: Value, maxStations: number): readonly MetricFamily[];
}

export type Document<Values, Required extends keyof Values, Optional extends keyof Values, Value, Page = unknown> = Definition<
  Values,
  Required,
  Optional,
  Value,
  Page
> & {
  /** All of its parts, the required ones first. */
  readonly parts: readonly (Required | Optional)[];
};

/** Returns the function that defines documents composed from `Values`. It keeps the names as literals. */
export function documentsOf<Values>() {
  return function document<
    const Name extends string,
    Value,
    const Required extends keyof Values,
    const Optional extends keyof Values = never,
    Page = never,
  >(
    definition: Definition<Values, Required, Optional, Value, Page> & { readonly name: Name },
  ): Document<Values, Required, Optional, Value, Page> & { readonly name: Name } {
    return { ...definition, parts: [...definition.required, ...(definition.optional ?? [])] };
  };
}

/** Tells whether a document or its pages contain secrets. */
export function hasSecrets({ view, pages }: { readonly view: Schema<unknown>; readonly pages?: { readonly secret?: boolean } }): boolean {
  return pages?.secret === true || holdsSecrets(view.json);
}

/** Returns a document's name with hyphens for slashes, as file names and schema names need it. */
export function slug({ name }: { readonly name: string }): string {
  return name.replaceAll('/', '-');
}
