/** A list price in US dollars. */
export interface Price {
  readonly usd: number;
  /** Of how many units. */
  readonly per: number;
  readonly unit: string;
  /** The page where to check it. */
  readonly source: string;
}

/**
 * In us-east-1: the first tier of each, without free allowances. When they were looked up, and where, is said
 * beside the table (`docs/deploy.md`).
 */
export const PRICES = {
  httpApi: {
    usd: 1,
    per: 1_000_000,
    unit: 'requests to the HTTP API',
    source: 'aws.amazon.com/api-gateway/pricing',
  },
  invocations: {
    usd: 0.2,
    per: 1_000_000,
    unit: 'invocations',
    source: 'aws.amazon.com/lambda/pricing',
  },
  gbSeconds: {
    usd: 0.0000133334,
    per: 1,
    unit: 'GB-seconds (arm64)',
    source: 'aws.amazon.com/lambda/pricing',
  },
  sqs: {
    usd: 0.4,
    per: 1_000_000,
    unit: 'requests to SQS (standard)',
    source: 'aws.amazon.com/sqs/pricing',
  },
  /** $0.50 to take it in, $0.03 a month to keep it, kept for three months. */
  logs: {
    usd: 0.59,
    per: 1,
    unit: 'GB of logs, kept for 90 days',
    source: 'aws.amazon.com/cloudwatch/pricing',
  },
  metrics: {
    usd: 0.3,
    per: 1,
    unit: 'custom metrics',
    source: 'aws.amazon.com/cloudwatch/pricing',
  },
  alarmMetrics: {
    usd: 0.1,
    per: 1,
    unit: 'metrics in alarms',
    source: 'aws.amazon.com/cloudwatch/pricing',
  },
  compositeAlarms: {
    usd: 0.5,
    per: 1,
    unit: 'composite alarms',
    source: 'aws.amazon.com/cloudwatch/pricing',
  },
  dashboards: {
    usd: 3,
    per: 1,
    unit: 'dashboards',
    source: 'aws.amazon.com/cloudwatch/pricing',
  },
  secrets: { usd: 0.4, per: 1, unit: 'secrets', source: 'aws.amazon.com/secrets-manager/pricing' },
  secretReads: {
    usd: 0.05,
    per: 10_000,
    unit: 'reads of a secret',
    source: 'aws.amazon.com/secrets-manager/pricing',
  },
  keys: { usd: 1, per: 1, unit: 'keys', source: 'aws.amazon.com/kms/pricing' },
  keyRequests: {
    usd: 0.03,
    per: 10_000,
    unit: 'requests to KMS',
    source: 'aws.amazon.com/kms/pricing',
  },
  redis: {
    usd: 0.2,
    per: 100_000,
    unit: 'commands to Upstash (pay as you go)',
    source: 'upstash.com/pricing/redis',
  },
  neonCompute: {
    usd: 0.222,
    per: 1,
    unit: 'CU-hours of Neon (Scale)',
    source: 'neon.com/docs/introduction/plans',
  },
  neonStorage: {
    usd: 0.35,
    per: 1,
    unit: 'GB-months in Neon',
    source: 'neon.com/docs/introduction/plans',
  },
} as const satisfies Record<string, Price>;

export type PriceName = keyof typeof PRICES;

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of what stands above
export const PRICE_NAMES = Object.keys(PRICES) as PriceName[];

/** How much of each is used. */
export type Usage = Readonly<Partial<Record<PriceName, number>>>;

/** US dollars. Pure. */
export function costOf(usage: Usage): number {
  return PRICE_NAMES.reduce((sum, name) => {
    const { usd, per } = PRICES[name];
    return sum + ((usage[name] ?? 0) * usd) / per;
  }, 0);
}
