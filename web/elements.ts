/** Functions for elements of the page. Text becomes text nodes only, so the name of a client is never markup. */

type Attributes = Readonly<Record<string, string>>;

/** Creates an element. */
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

/** @throws {Error} if the page has no such element, because the page and its scripts have different versions */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/** Sets the text of an element unless it is the same: most values don't change from one event to the next. */
export function setText(target: Node, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/** Sets an attribute unless it is the same; null removes it. */
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
 * Creates a list with one child of `parent` for each value. Children whose value stays keep their focus and selection.
 *
 * @returns a function that shows a new list of values, whose keys must be unique
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
