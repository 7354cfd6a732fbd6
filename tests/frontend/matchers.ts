import '@testing-library/jest-dom';

// Editors are slow to draw in jsdom, and slower on a machine that is busy with something else.
jest.setTimeout(60_000);
