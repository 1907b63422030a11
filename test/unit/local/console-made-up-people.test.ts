import { expect, test } from 'vitest';
import { controlsOfMadeUpPeople } from '../../../infra/local/console/made-up-people.ts';

const controls = {
  dataverseControlUrl: 'http://127.0.0.1:1/control',
  entraControlUrl: 'http://127.0.0.1:2/control',
};

test('there is a console where Dynamics is simulated and the database is the stack’s own', () => {
  expect(controlsOfMadeUpPeople(controls, {})).toEqual(controls);
});

test.each([
  ['Dynamics is a real one', { entraControlUrl: controls.entraControlUrl }, {}],
  ['Entra ID is a real one', { dataverseControlUrl: controls.dataverseControlUrl }, {}],
  ['the database is somebody’s', controls, { databaseUrl: 'postgres://127.0.0.1/somebody' }],
])('there is none where %s', (_, details, settings) => {
  expect(controlsOfMadeUpPeople(details, settings)).toBeUndefined();
});
