/** A stub for files that the bundler turns into a URL or a text. */
export default 'asset';
