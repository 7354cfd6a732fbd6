/** Stands for a file that the bundler turns into an address or a text. */
export default 'asset';
