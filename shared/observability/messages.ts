/**
 * Every line that a function can log, registered once. The code is what runbooks and log queries
 * name; it is never reused for another meaning.
 */
export const messages = {
  webhookAccepted: { code: 'WH-001', level: 'info', text: 'webhook accepted' },
  webhookIgnored: { code: 'WH-002', level: 'info', text: 'webhook ignored' },
  webhookRejected: { code: 'WH-003', level: 'warn', text: 'webhook rejected' },
  webhookNotQueued: { code: 'WH-004', level: 'error', text: 'webhook could not be queued' },
  webhookSecretUnavailable: {
    code: 'WH-005',
    level: 'error',
    text: 'webhook secret could not be read',
  },
  contactSynced: { code: 'CO-001', level: 'info', text: 'contact event settled' },
  contactUnreadable: { code: 'CO-002', level: 'warn', text: 'contact could not be read' },
  contactConflict: {
    code: 'CO-003',
    level: 'info',
    text: 'contact changed while it was applied, reading again',
  },
  contactRowsRejected: {
    code: 'CO-004',
    level: 'warn',
    text: 'the database refused a batch, splitting it',
  },
  consentDrifted: {
    code: 'CO-005',
    level: 'warn',
    text: 'consent fields were edited in Dynamics, writing them again',
  },
  contactMerged: {
    code: 'CO-006',
    level: 'warn',
    text: 'contact was merged into another, its patient counts for both',
  },
  versionWentBack: {
    code: 'CO-007',
    level: 'error',
    text: 'contact shows an older version than before, its organisation was restored from a backup',
  },
  contactRefused: {
    code: 'CO-008',
    level: 'error',
    text: 'the database refuses a contact that was listed',
  },
  changesFollowed: { code: 'RC-001', level: 'info', text: 'changes of contacts followed' },
  changesNotFollowed: {
    code: 'RC-002',
    level: 'error',
    text: 'changes of contacts could not be followed',
  },
  fullReadBegun: { code: 'RC-003', level: 'warn', text: 'reading all contacts' },
  contactsMissing: {
    code: 'RC-004',
    level: 'error',
    text: 'a full read missed so many contacts that it was stopped',
  },
  consentSynced: { code: 'CS-001', level: 'info', text: 'consent event settled' },
  contactUnwritable: { code: 'CS-002', level: 'warn', text: 'contact could not be written' },
  dueRung: { code: 'SW-001', level: 'info', text: 'rang for due rows' },
  dueNotRung: { code: 'SW-002', level: 'error', text: 'could not ring for due rows' },
  dueNotMeasured: { code: 'SW-003', level: 'error', text: 'due rows could not be counted' },
  auditSealed: { code: 'AU-001', level: 'info', text: 'audit rows sealed' },
  auditNotSealed: { code: 'AU-002', level: 'error', text: 'audit rows could not be sealed' },
  messagePoison: { code: 'QU-001', level: 'error', text: 'message moved to dead letters' },
  messageRetried: { code: 'QU-002', level: 'warn', text: 'message will be tried again' },
  messageNotSettled: { code: 'QU-003', level: 'error', text: 'message could not be settled' },
  databaseUnavailable: { code: 'DB-001', level: 'error', text: 'database could not be used' },
  databaseMigrated: { code: 'DB-002', level: 'info', text: 'database migrated' },
  invalidIndexDropped: {
    code: 'DB-003',
    level: 'warn',
    text: 'dropped an index whose build was interrupted',
  },
  cacheUnavailable: { code: 'RE-001', level: 'warn', text: 'token cache unavailable' },
  tokenRequested: { code: 'TK-001', level: 'info', text: 'asking Entra ID for a token' },
  tokenRefreshFailed: {
    code: 'TK-002',
    level: 'warn',
    text: 'token could not be refreshed, going on with the one held',
  },
  cachedTokenUnreadable: {
    code: 'TK-003',
    level: 'warn',
    text: 'cached token could not be opened',
  },
  tokenLockOutlasted: {
    code: 'TK-004',
    level: 'warn',
    text: 'another container did not come back with a token',
  },
  connectionPaused: { code: 'PA-001', level: 'warn', text: 'connection paused' },
  connectionResumed: { code: 'PA-002', level: 'info', text: 'connection resumed' },
  connectionChecked: { code: 'ST-001', level: 'info', text: 'connection status asked for' },
  statusNotConfigured: {
    code: 'ST-004',
    level: 'error',
    text: 'configuration or a secret could not be used',
  },
  connectionTested: { code: 'ST-002', level: 'info', text: 'connection tested' },
  testNotAudited: { code: 'ST-003', level: 'error', text: 'test could not be audited' },
  secretRefreshFailed: {
    code: 'SE-001',
    level: 'warn',
    text: 'secret could not be refreshed, going on with the one held',
  },
  functionFailed: { code: 'FN-001', level: 'error', text: 'function failed' },
} as const satisfies Record<
  string,
  { code: string; level: 'info' | 'warn' | 'error'; text: string }
>;

export type Message = (typeof messages)[keyof typeof messages];
