/**
 * The results of all tasks. Unlike `Promise.all` it fails only when every task has come to its end:
 * then it is known what has been started and has to be closed.
 */
export async function allEnded<const T extends readonly unknown[]>(
  tasks: readonly [...T],
): Promise<{ -readonly [Index in keyof T]: Awaited<T[Index]> }> {
  await Promise.allSettled(tasks);
  return await Promise.all(tasks);
}
