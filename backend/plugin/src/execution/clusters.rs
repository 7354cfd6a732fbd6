//! Clusters by the name that metrics give them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use query::{ClusterNames, FlowsForm};
use wording::Notice;

use crate::instance::Instance;

/// `form` with clusters as Hubble calls them, and notices about clusters that the relay does not
/// know.
pub(crate) async fn resolve<'f>(
    instance: &Instance,
    form: &'f FlowsForm,
) -> (Cow<'f, FlowsForm>, Vec<Notice>) {
    if !form.names_clusters() {
        return (Cow::Borrowed(form), Vec::new());
    }
    let own = instance.settings().ok().and_then(|settings| settings.cluster.clone());
    let (known, is_recorded) = match instance.relay() {
        Ok(relay) => (relay.clusters().await, relay.records_clusters().await),
        Err(_) => (BTreeSet::new(), true),
    };
    let mut form = form.clone();
    let names = ClusterNames { own: own.as_deref(), known: &known, is_recorded };
    let notices = names.resolve(&mut form);
    (Cow::Owned(form), notices)
}
