// Packages without types that Grafana provides to plugins; the preview does not call them.
declare module 'd3';
declare module 'prismjs';
declare module 'slate';
declare module 'slate-react';
