/** The ids in the three plugin.json files. */
export const appId = 'k8snet-hubble-app';
export const datasourceId = 'k8snet-hubble-datasource';
export const panelId = 'k8snet-flows-panel';
