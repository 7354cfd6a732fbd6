//! What a schema says of a value, as the tables hold it.

/// What a value is.
#[derive(Debug)]
pub(super) enum Type {
    Any,
    Boolean,
    Integer(&'static Integer),
    Text(&'static Text),
    /// A number, or a text within these limits.
    IntegerOrText(&'static Text),
    List(&'static List),
    /// Any keys, values of one kind.
    Map(&'static Type),
    Object(&'static Object),
}

/// Fields, and what they say together.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) fields: &'static [Field],
    /// Exactly one of these is there.
    pub(super) one_of: &'static [&'static str],
    /// At least one of these is there.
    pub(super) any_of: &'static [&'static str],
    /// How many fields there are, at least and at most.
    pub(super) properties: (usize, usize),
    pub(super) rule: Option<Rule>,
}

/// A field of an object.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) is_required: bool,
    /// What the server writes where the field is missing.
    pub(super) default: Option<&'static str>,
    pub(super) is: Type,
}

/// Items of one kind.
#[derive(Debug)]
pub(super) struct List {
    pub(super) item: Type,
    pub(super) least: usize,
    pub(super) most: usize,
    /// No item comes twice.
    pub(super) is_set: bool,
}

/// Limits of a text.
#[derive(Debug)]
pub(super) struct Text {
    /// Characters.
    pub(super) least: usize,
    /// Characters.
    pub(super) most: usize,
    /// None: any text.
    pub(super) choices: &'static [&'static str],
    /// A part of the text matches; empty: any text.
    pub(super) pattern: &'static str,
    pub(super) format: Option<Format>,
}

/// Limits of a whole number.
#[derive(Debug)]
pub(super) struct Integer {
    pub(super) least: i64,
    pub(super) most: i64,
    pub(super) is_int32: bool,
}

/// What a text has to read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// As `net.ParseCIDR` of Go, leading zeros allowed.
    Cidr,
    /// A prefix whose address has no bits behind it.
    MaskedCidr,
    /// No characters of Unicode's class C.
    NoOthers,
    /// RFC 3339.
    Time,
}

/// Rules of the Common Expression Language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    StartBeforeEnd,
}

impl Object {
    pub(super) const ANY: Self =
        Self { fields: &[], one_of: &[], any_of: &[], properties: (0, usize::MAX), rule: None };

    pub(super) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl Text {
    pub(super) const ANY: Self =
        Self { least: 0, most: usize::MAX, choices: &[], pattern: "", format: None };
}

impl Integer {
    pub(super) const ANY: Self = Self { least: i64::MIN, most: i64::MAX, is_int32: false };
}
