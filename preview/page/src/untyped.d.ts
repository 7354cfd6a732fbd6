// Packages that Grafana shares with plugins and that bring no types; nothing here calls them.
declare module 'd3';
declare module 'prismjs';
declare module 'slate';
declare module 'slate-react';
