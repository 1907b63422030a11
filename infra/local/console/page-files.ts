import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export interface PageFile {
  readonly type: string;
  readonly body: string;
}

const pathOf = (name: string): string => fileURLToPath(new URL(`page/${name}`, import.meta.url));

/** What the page loads, by its path: its own modules, the charts' and the card's, from their sources. */
export async function pageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  const [html, { outputFiles }] = await Promise.all([
    readFile(pathOf('index.html'), 'utf8'),
    build({
      entryPoints: [pathOf('main.ts'), pathOf('console.css')],
      bundle: true,
      write: false,
      format: 'esm',
      target: 'es2024',
      // Names the files; nothing is written.
      outdir: 'page',
      tsconfigRaw: {},
      logLevel: 'silent',
    }),
  ]);
  const bundled = (ending: string): string =>
    outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? '';
  return new Map([
    ['/', { type: 'text/html; charset=utf-8', body: html }],
    ['/console.js', { type: 'text/javascript; charset=utf-8', body: bundled('main.js') }],
    ['/console.css', { type: 'text/css; charset=utf-8', body: bundled('console.css') }],
  ]);
}
