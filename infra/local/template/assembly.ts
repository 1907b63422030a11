import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { type StackTemplate, type Template, TemplateError } from './template.ts';

const cloudAssembly = z.object({
  artifacts: z.record(
    z.string(),
    z.object({
      type: z.string(),
      dependencies: z.array(z.string()).default([]),
      properties: z
        .object({
          /** Of a stack. */
          templateFile: z.string().optional(),
          stackName: z.string().optional(),
          /** Of an asset manifest. */
          file: z.string().optional(),
        })
        .default({}),
    }),
  ),
});

const assetManifest = z.object({
  files: z.record(
    z.string(),
    z.object({
      source: z.object({ path: z.string().optional() }),
      destinations: z.record(z.string(), z.object({ objectKey: z.string() })),
    }),
  ),
});

/**
 * Reads the stacks of a synthesised cloud assembly (`manifest.json`, templates, asset manifests), in
 * the order in which they would be deployed.
 *
 * @throws TemplateError if the directory holds no stack.
 */
export function readAssembly(directory: string): StackTemplate[] {
  const { artifacts } = cloudAssembly.parse(readJson(directory, 'manifest.json'));
  const stacks: StackTemplate[] = [];
  const visited = new Set<string>();

  const visit = (id: string): void => {
    const artifact = artifacts[id];
    if (artifact === undefined || visited.has(id)) return;
    visited.add(id);
    for (const dependency of artifact.dependencies) visit(dependency);
    const { templateFile, stackName = id } = artifact.properties;
    if (artifact.type !== 'aws:cloudformation:stack' || templateFile === undefined) return;

    const template: Template = readJson(directory, templateFile);
    const assets = new Map<string, string>();
    for (const dependency of artifact.dependencies) {
      const file = artifacts[dependency]?.properties.file;
      if (artifacts[dependency]?.type !== 'cdk:asset-manifest' || file === undefined) continue;
      addAssets(assets, directory, file);
    }
    stacks.push({ stackName, template, assets });
  };
  for (const id of Object.keys(artifacts)) visit(id);

  if (stacks.length === 0) throw new TemplateError(`${directory} holds no CloudFormation stack`);
  return stacks;
}

function addAssets(assets: Map<string, string>, directory: string, file: string): void {
  const { files } = assetManifest.parse(readJson(directory, file));
  for (const { source, destinations } of Object.values(files)) {
    if (source.path === undefined) continue;
    for (const { objectKey } of Object.values(destinations)) {
      assets.set(objectKey, join(directory, source.path));
    }
  }
}

/** Trusted as it is: the CDK has just written it. */
function readJson(directory: string, file: string): any {
  return JSON.parse(readFileSync(join(directory, file), 'utf8'));
}
