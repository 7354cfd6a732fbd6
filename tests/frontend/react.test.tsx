import { render, screen } from '@testing-library/react';
import { useState, version } from 'react';
import { version as domVersion } from 'react-dom';

declare const REACT_MAJOR: string;

function Hook() {
  return <p>{useState('hooks work')[0]}</p>;
}

test('components are tested on the intended version of React', () => {
  expect(version.split('.')[0]).toBe(REACT_MAJOR);
  expect(domVersion.split('.')[0]).toBe(REACT_MAJOR);
  render(<Hook />);
  expect(screen.getByText('hooks work')).toBeInTheDocument();
});
