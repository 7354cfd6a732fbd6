/** A share as a percentage; never 0 % or 100 % where it is not. */
function percent(share: number): string {
  const whole = Math.round(share * 100);
  return share > 0 && whole === 0 ? '< 1 %' : share < 1 && whole === 100 ? '> 99 %' : `${whole} %`;
}

function shortened(value: string): string {
  return value.length > 48 ? `${value.slice(0, 47)}…` : value;
}

function rowsText(flows: number): string {
  return flows === 1 ? 'row' : `${flows.toLocaleString()} rows`;
}

/** The strings of the table, apart from those that Grafana loads for every list of panels. Sentence case. */
export const tableText = {
  grid: {
    label: 'Flows',
    sort: (title: string) => `Sort by ${title.toLowerCase()}`,
    resize: 'Drag, or press Shift with an arrow key, to resize; double-click for the usual width',
    pinned: 'Pinned',
    open: (what: string) => `Show ${what}`,
    close: (what: string) => `Hide ${what}`,
    records: (count: number) => `${count} records of one packet`,
    emptyKey: (title: string) => `no ${title.toLowerCase()}`,
    flows: (count: number) => (count === 1 ? '1 flow' : `${count.toLocaleString()} flows`),
    dropped: (dropped: number, flows: number) =>
      dropped === 0 ? '0 % dropped' : `${percent(dropped / flows)} dropped`,
    seen: (first: string, last: string) => `${first} – ${last}`,
  },
  cell: {
    empty: 'empty',
    filter: 'Filter',
    filterFor: (value: string) => `Filter for ${shortened(value)}`,
    filterOut: (value: string) => `Filter out ${shortened(value)}`,
    more: 'Copy and open',
    copy: 'Copy',
    copyValue: 'Copy value',
    copyRows: {
      tabs: (flows: number) => `Copy ${rowsText(flows)} as text`,
      csv: (flows: number) => `Copy ${rowsText(flows)} as CSV`,
      jsonLines: (flows: number) => `Copy ${rowsText(flows)} as JSON lines (hubble -o jsonpb)`,
    } satisfies Record<string, (flows: number) => string>,
    copyCommandOfCell: 'Copy hubble command for this value',
    copyCommand: 'Copy hubble command for flows like this',
    copied: 'Copied',
    copyFailed: 'Copying failed',
    filterFailed: 'The filter could not be set',
    open: 'Open',
    openFlow: 'Flow details',
    narrowed: 'The panel hides flows by this condition',
    remove: (condition: string) => `Remove ${condition}`,
    condition: (title: string, excluded: boolean, value: string) =>
      `${title} ${excluded ? '≠' : '='} ${value === '' ? 'empty' : value}`,
  },
  links: {
    podFlows: (pod: string) => `Pod flows of ${pod}`,
    drops: (pod: string) => `Drops of ${pod}`,
    dns: (pod: string) => `DNS of ${pod}`,
    pair: 'This pair, both ways',
    reply: 'The reply',
    request: 'The request',
    lookup: (name: string) => `The DNS lookup of ${shortened(name)}`,
  },
  group: {
    title: 'Group',
    button: 'Group',
    hint: 'Group flows, fold records of one packet',
    by: 'Group by',
    byHint: 'Flows with equal values in all of these columns are one group.',
    order: 'Order of the groups',
    sorts: {
      flows: 'Most flows first',
      dropRatio: 'Highest share of drops first',
      lastSeen: 'Last seen first',
      firstSeen: 'Latest to begin first',
      keys: 'By the values',
    },
    fold: 'One row for each packet',
    foldHint: 'Hubble records a packet at several points: by policy, by the drop, at each node. They become one row.',
  },
  picker: {
    title: 'Columns',
    reset: 'Reset to default',
    pin: (title: string) => `Keep ${title} in sight`,
    unpin: (title: string) => `Let ${title} scroll`,
    up: (title: string) => `Move ${title} up`,
    down: (title: string) => `Move ${title} down`,
    done: 'Done',
  },
} as const;
