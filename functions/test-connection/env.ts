import { connectionEnvironment } from '../../shared/lambda/connect.ts';

/** Without Redis: a test asks for a token of its own, and minds no pause. */
export const environment = connectionEnvironment.omit({
  UPSTASH_REDIS_REST_URL: true,
  UPSTASH_REDIS_REST_TOKEN_SECRET_ARN: true,
});
