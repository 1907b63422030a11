/** What contacts of these runs are called, to be found again where no personal data may be. */
export const PERSONAL = /Fictitious|@example\.test|\+1 555/i;

export interface Profile {
  readonly firstname: string;
  readonly lastname: string;
  readonly emailaddress1: string;
  readonly telephone1: string;
}

export const CHANNELS = ['email', 'sms', 'phone', 'mail'] as const;
export type Channel = (typeof CHANNELS)[number];

/** A decision that ConsentHub has committed. Those of one person have times that grow. */
export interface Decision {
  readonly channel: Channel;
  readonly kind: 'grant' | 'revocation';
  readonly atMs: number;
  /** Null: never. */
  readonly expiresAtMs: number | null;
  /** The row of the grant, which a revocation changes. */
  readonly consentId: string;
}

/** What the workload remembers of one person: the truth that both sides are held against. */
export interface Person {
  readonly n: number;
  /** Empty until Dynamics has created the contact. */
  contactId: string;
  alive: boolean;
  /** How often it was created or restored, and deleted; counted before Dynamics is told. */
  lives: number;
  deaths: number;
  /** Changes made so far; part of the first name, so that an older state can be told from a newer one. */
  edits: number;
  profile: Profile;
  readonly decisions: Decision[];
  /** The first patient that was seen linked; undefined if there will be none to be seen. */
  readonly patient: PromiseWithResolvers<string | undefined>;
}

export function newPerson(n: number): Person {
  return {
    n,
    contactId: '',
    alive: false,
    lives: 0,
    deaths: 0,
    edits: 0,
    profile: profileOf(n, 0),
    decisions: [],
    patient: Promise.withResolvers(),
  };
}

/** The profile of a person after so many edits: no two persons and no two states are alike. */
export function profileOf(n: number, edits: number): Profile {
  return {
    firstname: `Fictitious-${edits}`,
    lastname: `Fictitious ${n}`,
    emailaddress1: `fictitious${n}.${edits}@example.test`,
    telephone1: `+1 555 ${n} ${edits}`,
  };
}

/** How many edits a first name shows. */
export const editsShown = (firstName: string): number => Number(firstName.split('-')[1]);
