/** Elements of the page. Text goes in as text nodes only: what a client calls itself is never markup. */

type Attributes = Readonly<Record<string, string>>;

/** @param children nodes, or text */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
}

/** @throws Error the page has no such element: it and its scripts are of different versions */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/** Sets the text of an element, and leaves the document alone if it is that already: most values stay as they are. */
export function setText(target: Node, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/** Sets an attribute unless it is that already; null takes it away. */
export function setAttribute(target: Element, name: string, value: string | null): void {
  if (target.getAttribute(name) === value) return;
  if (value === null) target.removeAttribute(name);
  else target.setAttribute(name, value);
}

export interface ListItem<T> {
  readonly root: Element;
  update(value: T): void;
}

/**
 * Children of an element, one for each of some values; those that stay are kept, with focus and selection.
 *
 * @returns brings them up to date with a list of values, whose keys must differ
 */
export function createList<T>(parent: Element, keyOf: (value: T) => string, create: () => ListItem<T>): (values: readonly T[]) => void {
  let items = new Map<string, ListItem<T>>();
  return (values) => {
    const next = new Map<string, ListItem<T>>();
    for (const value of values) {
      const key = keyOf(value);
      const item = items.get(key) ?? create();
      items.delete(key);
      next.set(key, item);
      item.update(value);
    }
    for (const { root } of items.values()) root.remove();
    items = next;
    let place = parent.firstElementChild;
    for (const { root } of next.values()) {
      if (root === place) place = place.nextElementSibling;
      else parent.insertBefore(root, place);
    }
  };
}
