//! The numbers of policies among the files.

use std::fmt;

use cilium_policy::{Documents, RefusalClass, Settings, SourceText};
use wording::count;

use super::PolicyFiles;

/// What the files hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PolicyCounts {
    /// Policies, those that Cilium refuses among them.
    pub(crate) policies: usize,
    /// Objects of all kinds.
    pub(crate) objects: usize,
    /// Policies that Cilium or the API server refuses.
    pub(crate) refused: usize,
}

impl fmt::Display for PolicyCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.policies, count(self.objects, "object"))?;
        if self.refused > 0 {
            write!(f, ", {} refused by Cilium", self.refused)?;
        }
        Ok(())
    }
}

impl PolicyFiles {
    /// Counts what the files hold. It reads all documents, which takes a second for thousands.
    pub(crate) fn counted(&self, namespace: Option<&str>) -> PolicyCounts {
        let mut settings = Settings::default();
        if let Some(namespace) = namespace {
            namespace.clone_into(&mut settings.namespace);
        }
        let files = self.files.iter().enumerate();
        let texts: Vec<SourceText<'_>> =
            files.map(|(index, file)| SourceText { index, text: &file.text }).collect();
        let documents = Documents::read(&texts, &settings);
        let of_class = |is_meant: fn(RefusalClass) -> bool| {
            documents.refused.iter().filter(|own| is_meant(own.refusal.class)).count()
        };
        // A strict refusal is of a policy that is in force all the same.
        let refused = of_class(|class| class.is_error() && class != RefusalClass::Strict);
        let others = of_class(|class| !class.is_error());
        let policies = documents.policies.iter().count() + refused;
        PolicyCounts { policies, objects: policies + others + documents.groups.len(), refused }
    }
}

#[cfg(test)]
mod tests {
    use frames::PolicyFileRow;

    use super::*;

    #[test]
    fn policies_and_objects() {
        let check = |texts: &[&str], expect: &str| {
            let row = |text: &&str| PolicyFileRow {
                name: String::new(),
                text: (*text).to_owned(),
                modified_ms: None,
            };
            let files =
                PolicyFiles { files: texts.iter().map(row).collect(), ..PolicyFiles::default() };
            assert_eq!(files.counted(Some("pets")).to_string(), expect, "{texts:?}");
        };
        let policy = |name: &str, spec: &str| {
            format!(
                "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {name}}}\nspec: {spec}\n---\n"
            )
        };
        let good = policy("a", "{podSelector: {}}") + &policy("b", "{podSelector: {}}");
        let bad = policy("c", "{podSelector: 1}");
        let other = "apiVersion: v1\nkind: Namespace\nmetadata: {name: pets}\n";
        check(&[], "0 in 0 objects");
        check(&[&policy("a", "{podSelector: {}}")], "1 in 1 object");
        check(&[&good, &bad, other], "3 in 4 objects, 1 refused by Cilium");
    }
}
