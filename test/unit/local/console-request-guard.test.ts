import { expect, test } from 'vitest';
import { refusalOf } from '../../../infra/local/console/request-guard.ts';

const PORT = 4321;
const OWN = 'http://127.0.0.1:4321';
const post = {
  method: 'POST',
  host: '127.0.0.1:4321',
  origin: OWN,
  contentType: 'application/json',
};
const get = { ...post, method: 'GET', origin: undefined, contentType: undefined };

test.each([
  ['the page is opened', get],
  ['the page is opened as localhost', { ...get, host: 'localhost:4321' }],
  ['the page asks', { ...get, origin: OWN }],
  ['the page acts', post],
  ['a charset is named', { ...post, contentType: 'application/json; charset=utf-8' }],
  ['as localhost', { ...post, host: 'localhost:4321', origin: 'http://localhost:4321' }],
])('served: %s', (_why, request) => {
  expect(refusalOf(request, PORT)).toBeUndefined();
});

test.each([
  ['no host', { ...get, host: undefined }],
  ['a name that was made to lead here', { ...get, host: 'evil.example:4321' }],
  ['another port', { ...get, host: '127.0.0.1:80' }],
  ['a page elsewhere reads', { ...get, origin: 'https://evil.example' }],
  ['a page elsewhere acts', { ...post, origin: 'https://evil.example' }],
  ['a sandboxed frame acts', { ...post, origin: 'null' }],
  ['another port of this machine acts', { ...post, origin: 'http://127.0.0.1:3000' }],
  ['localhost acts on 127.0.0.1', { ...post, origin: 'http://localhost:4321' }],
  ['nobody says who acts', { ...post, origin: undefined }],
  ['a form acts', { ...post, contentType: 'text/plain' }],
  ['nothing says what is sent', { ...post, contentType: undefined }],
  ['a lookalike of JSON', { ...post, contentType: 'application/jsonp' }],
  ['another method without an origin', { ...post, method: 'DELETE', origin: undefined }],
])('refused: %s', (_why, request) => {
  expect(refusalOf(request, PORT)).toEqual(expect.any(String));
});
