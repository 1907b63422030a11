import * as z from 'zod';

/**
 * The part of Dataverse's serialised `RemoteExecutionContext` that decides what a webhook means
 * (Microsoft's documentation: powerapps-docs, "Use webhooks to create external handlers"). All of
 * it survives in the stripped bodies above 256 KB, which lack `InputParameters` and the images.
 * Nothing here is personal data, and every other field is dropped on parsing.
 */
export interface ExecutionContext {
  readonly messageName: string;
  readonly primaryEntityName: string;
  readonly primaryEntityId: string;
  readonly organizationId: string;
  readonly operationId: string;
  readonly correlationId: string;
  /** Id of the registered step that posted the event. */
  readonly owningExtensionId: string | undefined;
  readonly depth: number | undefined;
  /** `tag` of the event's own shared variables, as passed with `?tag=` by the request that caused it. */
  readonly tag: string | undefined;
}

/** One captured variant wraps scalars as `{"__type":"Guid:#System","__value":"…"}`. */
const unwrap = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && '__value' in value ? value.__value : value;

const guid = z.preprocess(unwrap, z.guid().toLowerCase());

const executionContext = z.object({
  MessageName: z.string().min(1).max(256),
  PrimaryEntityName: z.string().min(1).max(128),
  PrimaryEntityId: guid,
  OrganizationId: guid,
  OperationId: guid,
  CorrelationId: guid.nullish(),
  OwningExtension: z.object({ Id: guid }).nullish(),
  Depth: z.preprocess(unwrap, z.int().min(0).nullish()),
  SharedVariables: z
    .array(z.object({ key: z.string(), value: z.unknown() }))
    .nullish()
    .transform((variables) => variables ?? []),
});

export type ParsedBody =
  | { readonly ok: true; readonly context: ExecutionContext }
  | { readonly ok: false; readonly problem: 'not_utf8' | 'not_json' }
  | {
      readonly ok: false;
      readonly problem: 'not_an_execution_context';
      /** The names of the fields that are missing or malformed, never their values. */
      readonly fields: string[];
      /** What it says it is about, if it does. */
      readonly about: Pick<ExecutionContext, 'messageName' | 'primaryEntityName'> | undefined;
    };

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Parses the raw body of a webhook whose signature was found valid. Never throws. */
export function parseExecutionContext(rawBody: Uint8Array): ParsedBody {
  let text: string;
  try {
    text = utf8.decode(rawBody);
  } catch {
    return { ok: false, problem: 'not_utf8' };
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { ok: false, problem: 'not_json' };
  }
  const parsed = executionContext.safeParse(json);
  if (!parsed.success) {
    const fields = new Set(parsed.error.issues.map((issue) => String(issue.path[0] ?? 'body')));
    const about = executionContext
      .pick({ MessageName: true, PrimaryEntityName: true })
      .safeParse(json).data;
    return {
      ok: false,
      problem: 'not_an_execution_context',
      fields: [...fields].toSorted(),
      about: about && {
        messageName: about.MessageName,
        primaryEntityName: about.PrimaryEntityName,
      },
    };
  }
  const body = parsed.data;
  const tag = body.SharedVariables.find((variable) => variable.key === 'tag')?.value;
  return {
    ok: true,
    context: {
      messageName: body.MessageName,
      primaryEntityName: body.PrimaryEntityName,
      primaryEntityId: body.PrimaryEntityId,
      organizationId: body.OrganizationId,
      operationId: body.OperationId,
      correlationId: body.CorrelationId ?? body.OperationId,
      owningExtensionId: body.OwningExtension?.Id,
      depth: body.Depth ?? undefined,
      tag: typeof tag === 'string' ? tag : undefined,
    },
  };
}
