/** Lets callers wait for the end of something that starts after they asked: a sample of a collector, or a cycle. */

interface Wait {
  readonly promise: Promise<void>;
  resolve(): void;
}

export class Waits<Name> {
  readonly #current = new Map<Name, Wait[]>();
  readonly #next = new Map<Name, Wait>();

  /** Returns a promise that resolves at the end of the next run. */
  next(name: Name): Promise<void> {
    const wait = this.#next.get(name) ?? newWait();
    this.#next.set(name, wait);
    return wait.promise;
  }

  /** A run begins. Those who wait for one that was lost wait for this one instead. */
  begin(name: Name): void {
    const wait = this.#next.get(name);
    this.#next.delete(name);
    if (wait) this.#current.set(name, [...(this.#current.get(name) ?? []), wait]);
  }

  end(name: Name): void {
    for (const wait of this.#current.get(name) ?? []) wait.resolve();
    this.#current.delete(name);
  }

  /** There will be no next run for a while, so nobody should wait for it. */
  giveUp(name: Name): void {
    this.end(name);
    this.#next.get(name)?.resolve();
    this.#next.delete(name);
  }
}

function newWait(): Wait {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
