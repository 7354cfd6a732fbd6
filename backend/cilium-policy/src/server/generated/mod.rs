//! Tables of the policies' schemas, made from `schemas/policies.facts` by `cargo xtask gen`.

#[rustfmt::skip]
pub(super) mod tables;
