import { Stack, type StackProps, Validations } from 'aws-cdk-lib';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { CfnSecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { applyRemovalPolicies, type DeploymentStage } from './deployment-stage.ts';

/** Long enough that guessing is hopeless; punctuation would only get lost between two consoles. */
const MADE_UP = { excludePunctuation: true, passwordLength: 64 };

export interface SecretsStackProps extends StackProps {
  readonly stage: DeploymentStage;
}

/**
 * What the bridge has to keep secret, one secret for each purpose, and the key that encrypts them
 * and the logs. Deployed before everything else; whoever operates the bridge
 * then puts the values in. In production they outlive the stack.
 */
export class SecretsStack extends Stack {
  readonly key: Key;
  /** Made up here; shown to the Dynamics administrator, whose plug-in signs with it. */
  readonly webhookSecret: Secret;
  /** Made up here, and kept as long as the audit trail. */
  readonly auditKey: Secret;
  readonly dynamicsClientSecret: Secret;
  /** `postgres://…` of ConsentHub's Neon database. */
  readonly databaseUrl: Secret;
  readonly upstashRedisRestToken: Secret;

  constructor(scope: Construct, id: string, props: SecretsStackProps) {
    super(scope, id, { ...props, terminationProtection: !props.stage.disposable });
    applyRemovalPolicies(this, props.stage);
    this.key = new Key(this, 'key', {
      description: 'Secrets and logs of the bridge between ConsentHub and Dynamics 365',
      enableKeyRotation: true,
    });
    this.key.grantEncryptDecrypt(
      new ServicePrincipal(`logs.${this.region}.amazonaws.com`, {
        conditions: {
          ArnLike: {
            'kms:EncryptionContext:aws:logs:arn': this.formatArn({
              service: 'logs',
              resource: '*',
            }),
          },
        },
      }),
    );

    this.webhookSecret = this.secret(
      'webhook-secret',
      'Signs the webhooks of Dynamics; during a rotation the previous version stays valid',
      MADE_UP,
    );
    this.auditKey = this.secret(
      'audit-key',
      'Seals the audit trail; never replaced, or nothing that was sealed before can be verified',
      MADE_UP,
    );
    this.dynamicsClientSecret = this.secret(
      'dynamics-client-secret',
      'Client secret of the Entra ID application that reads and writes contacts',
    );
    this.databaseUrl = this.secret('database-url', 'postgres:// URL of the Neon database');
    this.upstashRedisRestToken = this.secret(
      'upstash-redis-rest-token',
      'REST token of the Upstash Redis that caches access tokens',
    );
  }

  private secret(
    purpose: string,
    description: string,
    generateSecretString?: typeof MADE_UP,
  ): Secret {
    const secret = new Secret(this, purpose, {
      secretName: `consenthub-dynamics/${purpose}`,
      description,
      encryptionKey: this.key,
      ...(generateSecretString && { generateSecretString }),
    });
    const resource = secret.node.defaultChild;
    if (generateSecretString === undefined && resource instanceof CfnSecret) {
      // The CDK would have a random value made up, and a secret that nobody has filled in yet could
      // not be told from a wrong one.
      resource.generateSecretString = undefined;
    }
    const reason =
      'Its other half lies with Microsoft, Neon, Upstash, inside Dynamics or in the seals of the audit ' +
      'trail, where no rotation function of AWS can change it. Where it can be rotated, that is a documented procedure, and the functions take a ' +
      'new value within five minutes.';
    Validations.of(secret).acknowledge(
      { id: 'AwsSolutions-SMG4', reason },
      { id: 'HIPAA.Security-SecretsManagerRotationEnabled', reason },
    );
    return secret;
  }
}
