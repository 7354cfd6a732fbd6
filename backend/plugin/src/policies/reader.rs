//! Reads of a data source's policies. Those of files are few at once, with a time limit, and cached.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::budget::{Busy, CacheMetrics, Caller, Gate, Held, Memory};

use tracing::Span;

use super::{ClusterPolicies, PolicyFiles, PolicyFreshness, PolicySource, Roots};

/// Maximum time of a read; a mount that hangs answers never.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Reason why policies were not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PolicyReadError {
    #[error(transparent)]
    Busy(#[from] Busy),
    #[error(
        "the file system with the policies did not answer within {} s: check the mount of `{folder}`",
        .after.as_secs()
    )]
    TimedOut { folder: String, after: Duration },
}

/// Reader of the policies of one data source.
#[derive(Debug, Clone)]
pub(crate) struct PolicyReader {
    source: Arc<PolicySource>,
    cluster: Option<Arc<ClusterPolicies>>,
    gate: Gate,
    memory: Memory,
    max_wait: Duration,
    cached: Arc<Mutex<Option<CachedFiles>>>,
    uses: CacheMetrics,
}

#[derive(Debug)]
struct CachedFiles {
    revision: String,
    files: Arc<PolicyFiles>,
    _held: Held,
}

impl PolicyReader {
    /// Reader of the files of a source. `gate` bounds the reads at once, `memory` the texts that are kept.
    pub(crate) fn new(source: PolicySource, gate: Gate, memory: Memory) -> Self {
        let source = Arc::new(source);
        let (cached, uses) = (Arc::default(), CacheMetrics::default());
        Self { source, cluster: None, gate, memory, max_wait: MAX_WAIT, cached, uses }
    }

    /// The reader, counting the uses of its cache.
    #[must_use]
    pub(crate) fn counted(self, uses: CacheMetrics) -> Self {
        Self { uses, ..self }
    }

    /// The reader, which reads the policies of a cluster, too.
    #[must_use]
    pub(crate) fn with_cluster(self, cluster: ClusterPolicies) -> Self {
        Self { cluster: Some(Arc::new(cluster)), ..self }
    }

    /// Whether any place of policies is configured.
    pub(crate) fn is_configured(&self) -> bool {
        self.cluster.is_some() || self.has_files()
    }

    fn has_files(&self) -> bool {
        self.source.text.is_some() || self.source.folder.is_some()
    }

    /// The source of the policies in files.
    pub(crate) fn source(&self) -> &PolicySource {
        &self.source
    }

    /// The policies of the cluster and the files. Files are read again where names, sizes or times of files
    /// differ from those of the last read.
    ///
    /// Errors: [`PolicyReadError`].
    pub(crate) async fn files(&self, caller: Caller) -> Result<Arc<PolicyFiles>, PolicyReadError> {
        let Some(cluster) = &self.cluster else {
            return if self.has_files() {
                self.read(caller, move |reader| reader.files_now(caller)).await
            } else {
                Ok(Arc::new(PolicyFiles::unconfigured()))
            };
        };
        let mut found = PolicyFiles::default();
        if self.has_files() {
            let read = self.read(caller, move |reader| reader.files_now(caller)).await;
            match read {
                Ok(files) => found = PolicyFiles::clone(&files),
                // The cluster's policies are there.
                Err(error) => found.warn(error.to_string()),
            }
        }
        cluster.add_to(&mut found).await;
        Ok(Arc::new(found))
    }

    /// The revision of the policies, and how fresh those of the cluster are; see [`PolicySource::revision`].
    ///
    /// Errors: [`PolicyReadError`].
    pub(crate) async fn revision(
        &self,
        caller: Caller,
    ) -> Result<(Option<String>, Option<PolicyFreshness>), PolicyReadError> {
        let of_files = if self.has_files() {
            self.read(caller, |reader| reader.source.revision(&Roots::from_environment())).await?
        } else {
            None
        };
        let Some(cluster) = &self.cluster else { return Ok((of_files, None)) };
        let (revision, freshness) = cluster.revision();
        Ok((Some(revision + &of_files.unwrap_or_default()), freshness))
    }

    /// Calls `read` on a thread of its own. A read that hangs keeps its permit, so that hanging reads are
    /// as few as permits.
    #[tracing::instrument(level = "debug", name = "policy read", skip_all)]
    async fn read<T: Send + 'static>(
        &self,
        caller: Caller,
        read: impl FnOnce(Self) -> T + Send + 'static,
    ) -> Result<T, PolicyReadError> {
        let permit = self.gate.enter(caller).await?;
        let reader = self.clone();
        let span = Span::current();
        let reading = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let _within = span.entered();
            read(reader)
        });
        // The task is not aborted and does not panic.
        if let Ok(Ok(result)) = tokio::time::timeout(self.max_wait, reading).await {
            return Ok(result);
        }
        let folder = self.source.folder.as_deref().map(|folder| folder.display());
        let folder = folder.map_or_else(String::new, |folder| folder.to_string());
        Err(PolicyReadError::TimedOut { folder, after: self.max_wait })
    }

    /// The files; blocks on the file system.
    fn files_now(&self, caller: Caller) -> Arc<PolicyFiles> {
        let roots = Roots::from_environment();
        let revision = self.source.revision(&roots).unwrap_or_default();
        {
            let cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(cached) = cached.as_ref().filter(|cached| cached.revision == revision) {
                self.uses.hits.inc();
                return cached.files.clone();
            }
        }
        self.uses.misses.inc();
        let files = Arc::new(self.source.read(&roots));
        let mut held = self.memory.hold(caller);
        let bytes = files.files.iter().map(|file| file.text.len()).sum();
        // A folder without a file has no revision, and a full memory no room: both are read each time.
        let kept = !revision.is_empty() && held.set(bytes).is_ok();
        let kept = kept.then(|| CachedFiles { revision, files: files.clone(), _held: held });
        *self.cached.lock().unwrap_or_else(PoisonError::into_inner) = kept;
        files
    }
}

#[cfg(test)]
mod tests {
    use ::budget::GateLimits;

    use super::*;
    use crate::budget::POLICY_READS;

    fn reader(source: PolicySource) -> PolicyReader {
        let patience = Duration::from_millis(20);
        let limits =
            GateLimits { permits: 2, kept_for_alerts: 0, patience, ..GateLimits::default() };
        PolicyReader::new(source, Gate::new("the folder", limits), Memory::new(64 << 20))
    }

    #[tokio::test]
    async fn files_are_read_once() {
        let source = PolicySource {
            text: Some("kind: NetworkPolicy".to_owned()),
            ..PolicySource::default()
        };
        let reader = reader(source);
        let caller = Caller::person(1);
        let first = reader.files(caller).await.unwrap();
        let second = reader.files(caller).await.unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        assert!(reader.memory.load().held_bytes > 0);
    }

    /// The hanging reads of one organisation leave permits to the others, and threads to the process.
    #[tokio::test]
    async fn a_mount_that_hangs_is_its_organisations_own() {
        let gate = Gate::new("the folder", POLICY_READS);
        let reader = |max_wait| PolicyReader {
            max_wait,
            ..PolicyReader::new(PolicySource::default(), gate.clone(), Memory::new(64 << 20))
        };
        let (release, hangs) = std::sync::mpsc::channel::<()>();
        let hangs = Arc::new(Mutex::new(hangs));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let (reader, hangs) = (reader(Duration::from_millis(20)), hangs.clone());
            tasks.spawn(async move {
                let hang = move |_| hangs.lock().unwrap().recv().is_ok();
                reader.read(Caller::person(1), hang).await.map(drop)
            });
        }
        for _ in 0..2 {
            let timed_out = tasks.join_next().await.unwrap().unwrap().unwrap_err();
            assert!(matches!(timed_out, PolicyReadError::TimedOut { .. }), "{timed_out}");
        }
        let load = gate.load();
        assert_eq!((load.running, load.waiting), (2, 48), "no further thread is used");
        for org_id in 2..10 {
            let read = reader(MAX_WAIT).read(Caller::person(org_id), |_| "read").await;
            assert_eq!(read, Ok("read"), "{org_id}");
        }
        tasks.abort_all();
        drop(release);
    }

    /// Two reads hang; the third is refused in words, and no further thread is used.
    #[tokio::test]
    async fn a_mount_that_hangs_is_refused() {
        let source =
            PolicySource { folder: Some("/mnt/policies".into()), ..PolicySource::default() };
        let reader = PolicyReader { max_wait: Duration::from_millis(20), ..reader(source) };
        let (release, hangs) = std::sync::mpsc::channel::<()>();
        let hangs = Arc::new(Mutex::new(hangs));
        for _ in 0..2 {
            let hangs = hangs.clone();
            let read =
                reader.read(Caller::person(1), move |_| hangs.lock().unwrap().recv().is_ok());
            let error = read.await.unwrap_err();
            assert_eq!(
                error.to_string(),
                "the file system with the policies did not answer within 0 s: check the mount of `/mnt/policies`"
            );
        }
        let refused = reader.read(Caller::person(1), |_| ()).await.unwrap_err();
        assert!(matches!(refused, PolicyReadError::Busy(_)), "{refused}");
        drop(release);
    }
}
