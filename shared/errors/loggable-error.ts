/**
 * An error of our own whose message is a fixed text with names, codes and numbers: safe to log as it
 * is, for the person who has to mend what it says. Messages of any other error are never logged.
 */
export abstract class LoggableError extends Error {}
