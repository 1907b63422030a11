/** The `code` of a system error (`ENOENT`, `ESRCH`, …), undefined if it has none. */
export function errorCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
