/** The `data-testid` attributes of the app's own page. */
export const testIds = {
  page: 'app page',
  source: 'app data-source',
  addSource: 'app add-data-source',
  dashboard: 'app dashboard',
  chooseFlows: 'app choose-flows',
} as const;
