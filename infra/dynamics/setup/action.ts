/** What happens to one thing of the plan; `stop`: nothing, and nothing else either until it is mended. */
export type Action = 'create' | 'keep' | 'change' | 'stop';
