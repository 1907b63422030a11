/** Says which secrets wait for a value, and how they get it without a shell's history keeping it. */
export function secretsMissing(names: readonly string[], stage: string): string {
  return [
    `Without a value: ${names.join(', ')}. Put each into a file that only you can read, then:`,
    ...names.map(
      (name) =>
        `  aws secretsmanager put-secret-value --secret-id ${name} --secret-string file://<file>`,
    ),
    `Delete the files, and go on: npm run deploy -- --stage ${stage}`,
  ].join('\n');
}

/** What a person does after a deploy. Pure. */
export function nextSteps(outputs: Readonly<Record<string, string>>): string {
  const width = Math.max(0, ...Object.keys(outputs).map((name) => name.length));
  const output = (name: string) => outputs[name] ?? `<${name}>`;
  return [
    'Deployed:',
    ...Object.entries(outputs)
      .toSorted(([one], [other]) => one.localeCompare(other))
      .map(([name, value]) => `  ${name.padEnd(width)}  ${value}`),
    'What is left to a person, the first time:',
    `- hear of alarms: aws sns subscribe --protocol email --notification-endpoint <address> --topic-arn ${output('PageTopicArn')}`,
    `  and the same for ${output('TicketTopicArn')}`,
    `- prepare Dynamics: npm run dynamics -- setup --webhook-url ${output('WebhookUrl')}`,
    `- let ConsentHub send its events to ${output('ConsentQueueUrl')}`,
    '- look whether it works: npm run ops -- status',
  ].join('\n');
}
