/** The fields of a person that Dynamics owns and ConsentHub shows. Phone is `telephone1`. */
export interface Profile {
  readonly firstName: string | null;
  readonly lastName: string | null;
  readonly email: string | null;
  readonly phone: string | null;
}

export type ProfileField = keyof Profile;

/** Some fields of a profile; one that is missing is not meant. */
export type ProfilePart = { readonly [Field in ProfileField]?: string | null | undefined };

export const PROFILE_FIELDS: readonly ProfileField[] = ['firstName', 'lastName', 'email', 'phone'];

/** Dataverse keeps no empty strings, a database may: both mean that there is nothing. */
const present = (value: string | null): string | null => (value === '' ? null : value);

export const sameValue = (a: string | null, b: string | null): boolean => present(a) === present(b);

/** What two systems must share before they are taken to mean one person. */
export interface MatchKey {
  readonly firstName: string;
  readonly lastName: string;
  readonly email: string;
}

/** Trimmed and without case; undefined where a part is missing: nobody is matched on half a name. */
export function matchKey(profile: Profile): MatchKey | undefined {
  const [firstName, lastName, email] = [profile.firstName, profile.lastName, profile.email].map(
    (value) => value?.trim().toLowerCase(),
  );
  return firstName && lastName && email ? { firstName, lastName, email } : undefined;
}
