import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = new URL('../../', import.meta.url);
const pathOf = (path: string) => fileURLToPath(new URL(path, ROOT));

/** Everything that the pages load, by its path. */
export async function bundlePages() {
  const [element, react] = await Promise.all([
    bundle('shared/connection-status/index.ts'),
    bundle('test/browser/pages/settings-page.tsx'),
  ]);
  const html = async (name: string) => ({
    type: 'text/html; charset=utf-8',
    body: await readFile(pathOf(`test/browser/pages/${name}.html`), 'utf8'),
  });
  return {
    '/connection-status.js': { type: 'text/javascript', body: element },
    '/settings-page.js': { type: 'text/javascript', body: react },
    '/plain': await html('plain'),
    '/react': await html('react'),
  };
}

async function bundle(path: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [pathOf(path)],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    tsconfigRaw: {},
  });
  return outputFiles[0]?.text ?? '';
}
