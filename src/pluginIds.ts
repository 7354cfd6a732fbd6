/** The data source's id in its plugin.json. */
export const datasourceId = 'k8snet-hubble-datasource';
