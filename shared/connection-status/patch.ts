import type { Tree, TreeElement } from './tree.ts';

const SVG = 'http://www.w3.org/2000/svg';
const SVG_TAGS = new Set(['svg', 'path']);

/** What a node was made for: its key, its tag, or that it is text. */
const identities = new WeakMap<Node, string>();

/**
 * Makes the children of an element be what the tree says, and touches nothing that is so already:
 * focus, selection and a screen reader's place stay where they are. Everything ends as text or as an
 * attribute's value, never as markup.
 */
export function patch(parent: Element, wanted: readonly Tree[]): void {
  const left = wanted.map(identityOf);
  const kept = new Map<string, ChildNode[]>();
  // The list is live: removing while going through it would skip every other one.
  for (const node of Array.from(parent.childNodes)) {
    const identity = identities.get(node) ?? '';
    const at = left.indexOf(identity);
    if (at === -1) {
      node.remove();
      continue;
    }
    left.splice(at, 1);
    kept.set(identity, [...(kept.get(identity) ?? []), node]);
  }
  let next = parent.firstChild;
  for (const tree of wanted) {
    const node = kept.get(identityOf(tree))?.shift() ?? create(tree);
    if (node === next) next = node.nextSibling;
    else parent.insertBefore(node, next);
    update(node, tree);
  }
}

const identityOf = (tree: Tree) => (typeof tree === 'string' ? '#text' : (tree.key ?? tree.tag));

function create(tree: Tree): ChildNode {
  const node = typeof tree === 'string' ? document.createTextNode(tree) : createElement(tree.tag);
  identities.set(node, identityOf(tree));
  return node;
}

const createElement = (tag: string) =>
  SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);

function update(node: ChildNode, tree: Tree): void {
  if (typeof tree === 'string') {
    if (node.nodeValue !== tree) node.nodeValue = tree;
  } else if (node instanceof Element) {
    updateAttributes(node, tree);
    patch(node, tree.children);
  }
}

function updateAttributes(element: Element, { attributes }: TreeElement): void {
  for (const name of element.getAttributeNames()) {
    if (!Object.hasOwn(attributes, name)) element.removeAttribute(name);
  }
  for (const [name, value] of Object.entries(attributes)) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }
}
