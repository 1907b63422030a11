type Child = Node | string | false | undefined;

/** Makes an element. Texts become text nodes: what somebody has typed is never markup. */
export function h<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  for (const child of children) {
    if (child !== undefined && child !== false) element.append(child);
  }
  return element;
}

/** An element of the page. @throws Error if the page has none of this kind under the id */
export function find<T extends Element>(id: string, kind: new () => T): T {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw new Error(`the page has no ${kind.name} ${id}`);
}

/** Writes a text only if it is another one: a screen reader says again what is written again. */
export function write(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Brings the children of a list up to date. One whose item has not changed stays the same element, and what
 * had the focus (by its `data-focus`) has it again if its element was replaced.
 */
export function update<T>(
  list: Element,
  items: readonly T[],
  keyOf: (item: T) => string,
  render: (item: T) => HTMLElement,
): void {
  const before = new Map<string, HTMLElement>();
  for (const child of list.children) {
    if (child instanceof HTMLElement) before.set(child.dataset['key'] ?? '', child);
  }
  const after = items.map((item) => {
    const key = keyOf(item);
    const content = JSON.stringify(item);
    const known = before.get(key);
    if (known !== undefined && known.dataset['content'] === content) return known;
    const made = render(item);
    made.dataset['key'] = key;
    made.dataset['content'] = content;
    return made;
  });
  const isSame =
    after.length === list.children.length &&
    after.every((element, index) => list.children[index] === element);
  if (isSame) return;
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  const focusKey = focused instanceof HTMLElement ? focused.dataset['focus'] : undefined;
  list.replaceChildren(...after);
  if (focusKey === undefined) return;
  for (const element of list.querySelectorAll<HTMLElement>('[data-focus]')) {
    if (element.dataset['focus'] === focusKey) element.focus();
  }
}

/** A button that does something with one thing of a list. */
export function button(label: string, of: string, act: () => void): HTMLButtonElement {
  const made = h('button', { type: 'button', 'data-focus': `${label} ${of}` }, label);
  made.addEventListener('click', act);
  return made;
}

/** A table; no rows: the words for that. */
export function table(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  none: string,
): HTMLElement {
  if (rows.length === 0) return h('p', { class: 'note' }, none);
  return h(
    'table',
    {},
    h('thead', {}, h('tr', {}, ...heads.map((head) => h('th', { scope: 'col' }, head)))),
    h('tbody', {}, ...rows.map((row) => h('tr', {}, ...row.map((cell) => h('td', {}, cell))))),
  );
}
