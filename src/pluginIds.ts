/** The data source's id in its plugin.json. */
export const datasourceId = 'k8snet-hubble-datasource';

/** The flows panel's id in its plugin.json. */
export const panelId = 'k8snet-flows-panel';
