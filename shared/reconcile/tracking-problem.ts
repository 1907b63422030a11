import * as z from 'zod';

/** What keeps the reconciler from its work until somebody mends it; as it stands in the database. */
export const TRACKING_PROBLEMS = [
  /** The application user may not read all contacts. */
  'read_forbidden',
  /** A full read listed so few of the known contacts that this is no accident. */
  'contacts_missing',
  /** A contact had a lower version than before: the organisation was restored from a backup. */
  'versions_went_back',
  /** The table does not track changes, or Dataverse refuses to tell them for another reason. */
  'tracking_refused',
] as const;

export type TrackingProblem = (typeof TRACKING_PROBLEMS)[number];

export const trackingProblem = z.enum(TRACKING_PROBLEMS).nullable();
