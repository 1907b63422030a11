import { PROFILE_FIELDS, type Profile, type ProfileField, sameValue } from './profile.ts';

export interface MergedProfile {
  /** What the patient has to say afterwards. */
  readonly patient: Profile;
  /** Fields of the patient that change. */
  readonly changed: readonly ProfileField[];
  /** Fields changed on both sides since they last agreed: Dynamics won. */
  readonly conflicts: readonly ProfileField[];
  /** Fields that ConsentHub changed and Dynamics did not: they have to be written there. */
  readonly ahead: readonly ProfileField[];
}

/**
 * Three-way merge of the person's fields: what Dynamics changed since it was last seen is taken,
 * what only ConsentHub changed is left alone. Without a base (a first link) everything that Dynamics
 * says is taken, and what it does not say is kept.
 */
export function mergeProfile(
  contact: Profile,
  patient: Profile,
  seen: Profile | undefined,
): MergedProfile {
  const merged: Record<ProfileField, string | null> = { ...patient };
  const changed: ProfileField[] = [];
  const conflicts: ProfileField[] = [];
  const ahead: ProfileField[] = [];
  for (const field of PROFILE_FIELDS) {
    const base = seen?.[field] ?? null;
    const changedByDynamics = !sameValue(contact[field], base);
    const changedByConsentHub = !sameValue(patient[field], base);
    const differs = !sameValue(contact[field], patient[field]);
    if (changedByDynamics && differs) {
      merged[field] = contact[field];
      changed.push(field);
      if (changedByConsentHub && seen !== undefined) conflicts.push(field);
    } else if (changedByConsentHub && differs) {
      ahead.push(field);
    }
  }
  return { patient: merged, changed, conflicts, ahead };
}
