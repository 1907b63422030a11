/** A part of what is to be seen: an element, or text. */
export type Tree = TreeElement | string;

export interface TreeElement {
  readonly tag: string;
  /** Tells it from its siblings, so that it stays the same element while they come and go. */
  readonly key: string | undefined;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Tree[];
}

type Child = Tree | null | readonly Tree[];

/** An element of the tree. Attributes that are undefined and children that are null are left out. */
export function h(
  tag: string,
  { key, ...attributes }: Readonly<Record<string, string | undefined>> = {},
  ...children: readonly Child[]
): TreeElement {
  return {
    tag,
    key,
    attributes: Object.fromEntries(
      Object.entries(attributes).filter((entry): entry is [string, string] => {
        return entry[1] !== undefined;
      }),
    ),
    children: children.flatMap((child) => child ?? []),
  };
}
