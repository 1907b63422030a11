import { readFileSync } from 'node:fs';

/** Lets tests import a `.sql` file as its text, as esbuild's text loader does in the bundles. */
export function sqlAsText() {
  return {
    name: 'sql-as-text',
    enforce: 'pre' as const,
    load(id: string) {
      if (!id.endsWith('.sql')) return undefined;
      return `export default ${JSON.stringify(readFileSync(id, 'utf8'))};`;
    },
  };
}
