//! Schemas of values, in the form of the generated tables.

/// The type of a value.
#[derive(Debug)]
pub(super) enum Type {
    Any,
    Boolean,
    Integer(&'static Integer),
    Text(&'static Text),
    /// A whole number, or a text within these limits.
    IntegerOrText(&'static Text),
    List(&'static List),
    /// A map with any keys, and values of one type.
    Map(&'static Type),
    Object(&'static Object),
}

/// The fields of an object, and their common conditions.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) fields: &'static [Field],
    /// Fields of which exactly one is required.
    pub(super) one_of: &'static [&'static str],
    /// Fields of which at least one is required.
    pub(super) any_of: &'static [&'static str],
    /// The smallest and the largest number of fields.
    pub(super) properties: (usize, usize),
    pub(super) rule: Option<Rule>,
}

/// A field of an object.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) is_required: bool,
    /// The value that the server writes where the field is missing.
    pub(super) default: Option<&'static str>,
    pub(super) is: Type,
}

/// A list with items of one type.
#[derive(Debug)]
pub(super) struct List {
    pub(super) item: Type,
    pub(super) least: usize,
    pub(super) most: usize,
    /// Whether items must be distinct.
    pub(super) is_set: bool,
}

/// The limits of a text.
#[derive(Debug)]
pub(super) struct Text {
    /// The smallest number of characters.
    pub(super) least: usize,
    /// The largest number of characters.
    pub(super) most: usize,
    /// The allowed texts; an empty list allows any text.
    pub(super) choices: &'static [&'static str],
    /// A pattern that a part of the text must match; empty for any text.
    pub(super) pattern: &'static str,
    pub(super) format: Option<Format>,
}

/// The limits of a whole number.
#[derive(Debug)]
pub(super) struct Integer {
    pub(super) least: i64,
    pub(super) most: i64,
    pub(super) is_int32: bool,
}

/// The format of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// A CIDR as Go's `net.ParseCIDR` reads it, with leading zeros allowed.
    Cidr,
    /// A prefix whose address has no bits beyond its length.
    MaskedCidr,
    /// A text without characters of Unicode's class C.
    NoOthers,
    /// A time of RFC 3339.
    Time,
}

/// The rules of the Common Expression Language.
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
