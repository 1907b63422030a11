// A statement is imported as text: esbuild's text loader in the bundles, test/sql-plugin.ts under
// vitest, infra/sql-modules.ts under plain Node.
declare module '*.sql' {
  const text: string;
  export default text;
}
