import { Match, Template } from 'aws-cdk-lib/assertions';
import { expect, test } from 'vitest';
import { buildStacks } from './build-stacks.ts';

const template = Template.fromStack(buildStacks().secrets);

test.each(['webhook-secret', 'audit-key'])(
  '%s is made up, long and without punctuation',
  (purpose) => {
    template.hasResourceProperties('AWS::SecretsManager::Secret', {
      Name: `consenthub-dynamics/${purpose}`,
      GenerateSecretString: { PasswordLength: 64, ExcludePunctuation: true },
    });
  },
);

test.each(['database-url', 'dynamics-client-secret', 'upstash-redis-rest-token'])(
  '%s has no value until a person puts one in',
  (purpose) => {
    template.hasResourceProperties('AWS::SecretsManager::Secret', {
      Name: `consenthub-dynamics/${purpose}`,
      GenerateSecretString: Match.absent(),
      SecretString: Match.absent(),
    });
  },
);

test('every secret is encrypted with the key of the bridge', () => {
  const [key] = Object.keys(template.findResources('AWS::KMS::Key'));
  template.allResourcesProperties('AWS::SecretsManager::Secret', {
    KmsKeyId: { 'Fn::GetAtt': [key, 'Arn'] },
  });
  expect(key).toBeDefined();
});
