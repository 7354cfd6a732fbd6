import { bytesOfRows } from './base64';

const slices = [Buffer.from([0, 1, 2, 250, 251, 252]), Buffer.from([255])];

test.each([
  ['by the browser’s own decoder', true],
  ['by atob', false],
])('rows join to the bytes they were cut from, %s', (_, native) => {
  const fromBase64 = jest.fn((text: string) => Uint8Array.from(Buffer.from(text, 'base64')));
  Object.assign(Uint8Array, { fromBase64: native ? fromBase64 : undefined });
  const bytes = bytesOfRows(slices.map((slice) => slice.toString('base64')));
  expect([...bytes]).toEqual([0, 1, 2, 250, 251, 252, 255]);
  expect(fromBase64).toHaveBeenCalledTimes(native ? 2 : 0);
  Object.assign(Uint8Array, { fromBase64: undefined });
});

test('no rows are no bytes', () => {
  expect(bytesOfRows([])).toHaveLength(0);
});

test('a row that is not base64 is named', () => {
  expect(() => bytesOfRows(['AAAA', '*'])).toThrow('row 2 of the packed frame is not base64');
});
