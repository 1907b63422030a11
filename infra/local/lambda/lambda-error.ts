/** What Lambda refuses itself, so that the function does not run: an error of its Invoke API. */
export class LambdaError extends Error {
  override readonly name = 'LambdaError';
  /** Name of the exception, such as `ResourceNotFoundException`. */
  readonly type: string;
  /** Of the HTTP response. */
  readonly status: number;
  /** Further members of the response's body. */
  readonly details: Readonly<Record<string, string>>;

  constructor(
    type: string,
    status: number,
    message: string,
    details: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.type = type;
    this.status = status;
    this.details = details;
  }
}

/** Runs into the function's reserved concurrency: whoever invokes may try again later. */
export class ThrottledError extends LambdaError {
  constructor() {
    super('TooManyRequestsException', 429, 'Rate Exceeded.', {
      Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
    });
  }
}

/** The event does not fit into the function's input. */
export class RequestTooLargeError extends LambdaError {
  constructor(bytes: number, invocationType: string, limitBytes: number) {
    super(
      'RequestTooLargeException',
      413,
      `${bytes} byte payload is too large for the ${invocationType} invocation type (limit ${limitBytes} bytes)`,
    );
  }
}
