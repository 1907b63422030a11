import path from 'node:path';
import { createVitest } from 'vitest/node';
import { FAULTS, tagOf } from './catalogue.ts';

/** A test that shows what holds under a fault. */
export interface Proof {
  /** Relative to the project. */
  readonly file: string;
  readonly name: string;
}

/** Tests by the number of the fault that their tags name, in order of their files. Runs none of them. */
export async function collectProofs(root: string): Promise<ReadonlyMap<number, readonly Proof[]>> {
  const vitest = await createVitest('test', { root, watch: false, reporters: [] });
  try {
    const { testModules } = await vitest.collect([], { staticParse: true });
    const tests = testModules
      .flatMap((module) =>
        [...module.children.allTests()].map((test) => ({
          file: path.relative(root, module.moduleId),
          name: test.fullName,
          tags: test.tags,
        })),
      )
      .toSorted((a, b) => a.file.localeCompare(b.file));
    return new Map(
      Object.keys(FAULTS).map((key): [number, Proof[]] => {
        const fault = Number(key);
        const tag = tagOf(fault);
        return [
          fault,
          tests.filter(({ tags }) => tags.includes(tag)).map(({ file, name }) => ({ file, name })),
        ];
      }),
    );
  } finally {
    await vitest.close();
  }
}
