/** Nobody is signed in, or no longer: names from the credential providers of the SDK and from the common errors of AWS's services. */
const NOT_SIGNED_IN: ReadonlySet<string> = new Set([
  'CredentialsProviderError',
  'TokenProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'RequestExpired',
  'InvalidClientTokenId',
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
]);

/**
 * What to say of an error of the AWS SDK; undefined if it is none. Of AWS's own words only the action that
 * it names is repeated: the rest can repeat what was sent. Pure.
 */
export function awsProblemOf(error: Error): string | undefined {
  const { name, message } = error;
  // The SDK has no class or code for it.
  if (message === 'Region is missing') {
    return 'No region: say AWS_REGION, or set one in the profile.';
  }
  if (NOT_SIGNED_IN.has(name)) {
    return `AWS does not take these credentials, or there are none (${name}). Sign in, such as with aws sso login, and say AWS_PROFILE.`;
  }
  if (!('$metadata' in error)) return undefined;
  if (!('$fault' in error)) {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : name;
    if ('address' in error && error.address === '127.0.0.1') {
      return `The local stack does not answer (${code}). Start it again: npm start`;
    }
    return `AWS does not answer (${code}).`;
  }
  if (name === 'AccessDenied' || name === 'AccessDeniedException' || name === 'KmsAccessDenied') {
    const [, action] = /not authorized to perform: ([\w-]+:\w+)/.exec(message) ?? [];
    return `AWS refuses ${action ?? 'this'} to these credentials (${name}).`;
  }
  return `AWS answers with an error (${name}).`;
}
