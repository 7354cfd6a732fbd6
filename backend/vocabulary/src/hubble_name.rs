//! Patterns of DNS names and node names in Hubble's filters. Their `*` also stands for dots, unlike
//! the `*` of policies ([`crate::NamePattern`]). Source: pkg/hubble/filters/fqdn.go, nodename.go.

/// Cluster of a node name without a cluster. Source: pkg/defaults.
const DEFAULT_CLUSTER_NAME: &str = "default";

/// Pattern of a DNS name in a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterPattern {
    elements: Vec<Element>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Byte(u8),
    /// Any run of lower-case letters, digits, dots and hyphens, but not underscores.
    Run,
}

/// Pattern of a node name and its cluster; an empty half matches every well-formed name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeNamePattern {
    cluster: Option<FilterPattern>,
    node: Option<FilterPattern>,
}

/// Reasons why a name pattern cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing is left of the text after trimming.
    #[error("it is empty")]
    Empty,
    /// More than one dot at the end.
    #[error("it ends with more than one dot")]
    TrailingDots,
    /// More than one slash.
    #[error("it has more than one slash: `cluster/node` has one")]
    Slashes,
    /// Character that names cannot contain.
    #[error("`{character}` cannot be part of a name")]
    Character {
        /// First such character.
        character: char,
    },
}

impl FilterPattern {
    /// Reads a pattern: trims it, drops one trailing dot, and lowers its letters. Errors: the first
    /// reason to refuse it.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let text = text.trim();
        let text = text.strip_suffix('.').unwrap_or(text).to_lowercase();
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.ends_with('.') {
            return Err(PatternError::TrailingDots);
        }
        let elements = text
            .chars()
            .map(|character| match character {
                '*' => Ok(Element::Run),
                '.' | '-' | '_' | '0'..='9' | 'a'..='z' => u8::try_from(character)
                    .map(Element::Byte)
                    .map_err(|_| PatternError::Character { character }),
                _ => Err(PatternError::Character { character }),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { elements })
    }

    /// Whether the whole of `name` matches. Upper-case letters in `name` match nothing: only the
    /// pattern is lowered.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        // `reached[i]`: the first `i` elements can match the bytes read so far.
        let mut reached = vec![false; self.elements.len() + 1];
        if let Some(start) = reached.first_mut() {
            *start = true;
        }
        self.skip_runs(&mut reached);
        for byte in name.bytes() {
            let mut next = vec![false; reached.len()];
            for (index, element) in self.elements.iter().enumerate() {
                if !reached.get(index).is_some_and(|reached| *reached) {
                    continue;
                }
                let target = match element {
                    Element::Byte(own) if *own == byte => index + 1,
                    Element::Run if is_run_byte(byte) => index,
                    Element::Byte(_) | Element::Run => continue,
                };
                if let Some(target) = next.get_mut(target) {
                    *target = true;
                }
            }
            self.skip_runs(&mut next);
            reached = next;
        }
        reached.last().is_some_and(|reached| *reached)
    }

    /// Extends reached positions over runs, which may be empty.
    fn skip_runs(&self, reached: &mut [bool]) {
        let mut before = false;
        let elements = self.elements.iter().map(Some).chain([None]);
        for (state, element) in reached.iter_mut().zip(elements) {
            *state |= before;
            before = *state && element == Some(&Element::Run);
        }
    }
}

impl NodeNamePattern {
    /// Reads `node`, `cluster/node`, `cluster/` or `/node`. Errors: the first reason to refuse it.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        let (cluster, node) = text.split_once('/').unwrap_or(("", text));
        if node.contains('/') {
            return Err(PatternError::Slashes);
        }
        let half = |half: &str| {
            if half.is_empty() { Ok(None) } else { FilterPattern::parse(half).map(Some) }
        };
        Ok(Self { cluster: half(cluster)?, node: half(node)? })
    }

    /// Whether a node name, as `cluster/node` or `node`, matches.
    #[must_use]
    pub fn matches(&self, node_name: &str) -> bool {
        if node_name.is_empty() {
            return false;
        }
        let (cluster, node) =
            node_name.split_once('/').unwrap_or((DEFAULT_CLUSTER_NAME, node_name));
        let half = |pattern: &Option<FilterPattern>, name: &str| match pattern {
            Some(pattern) => pattern.matches(name),
            None => is_name(name),
        };
        half(&self.cluster, cluster) && half(&self.node, node)
    }
}

const fn is_run_byte(byte: u8) -> bool {
    matches!(byte, b'-' | b'.' | b'0'..=b'9' | b'a'..=b'z')
}

/// Whether a name consists of labels of lower-case letters, digits, hyphens and underscores,
/// separated by single dots.
fn is_name(name: &str) -> bool {
    name.split('.').all(|label| {
        !label.is_empty()
            && label.bytes().all(|byte| matches!(byte, b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z'))
    })
}
