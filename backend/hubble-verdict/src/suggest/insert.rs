//! Insertion of items at the end of a list in a text, in the list's style. The rest of the text
//! stays as it is, comments included.

use cilium_policy::{
    source::{Node, Position, Value},
    yaml_writer::Yaml,
};

/// A text to insert into another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Insertion {
    /// Bytes before the insertion.
    pub(super) offset: usize,
    pub(super) text: String,
}

/// The insertion of an item at the end of a list. `key`: place of the list's key. `None`: the list
/// has a style that is left alone.
pub(super) fn append(text: &str, key: Position, list: &Node, new: &[Yaml]) -> Option<Insertion> {
    let Value::List(items) = &list.value else { return None };
    let start = offset(text, list.at)?;
    if text.get(start..)?.starts_with('[') {
        return append_to_flow(text, start, new);
    }
    append_to_block(text, key, items, new)
}

/// Insertion of `- …` after the last line of the last item.
fn append_to_block(text: &str, key: Position, items: &[Node], new: &[Yaml]) -> Option<Insertion> {
    let (first, last) = (items.first()?, items.last()?);
    let dash = dash_column(text, first.at)?;
    if dash != dash_column(text, last.at)? {
        return None;
    }
    // The item's first line is found by its place; deeper lines after it belong to it.
    let begin = line_start(text, offset(text, last.at)?);
    let (mut end, mut at) = (begin, begin);
    for line in text.get(begin..)?.split_inclusive('\n') {
        let content = line.trim();
        let indent = line.len() - line.trim_start_matches(' ').len();
        if at > begin && !content.is_empty() && indent <= dash {
            break;
        }
        at += line.len();
        if !content.is_empty() {
            end = at;
        }
    }
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let list_indent = dash.saturating_sub((key.column as usize).saturating_sub(1));
    let mut block = String::new();
    for item in new {
        block.push_str(&" ".repeat(dash));
        block.push_str("- ");
        item.block(dash + 2, list_indent, &mut block);
    }
    let mut inserted = block.replace('\n', newline);
    if !text.get(..end)?.ends_with('\n') {
        inserted.insert_str(0, newline);
        let kept = inserted.trim_end().len();
        inserted.truncate(kept);
    }
    Some(Insertion { offset: end, text: inserted })
}

/// Insertion of `, …` before the closing bracket of the list.
fn append_to_flow(text: &str, start: usize, new: &[Yaml]) -> Option<Insertion> {
    let (last, close) = closing(text, start)?;
    let before = text.get(..last)?;
    let is_empty = last == start + 1;
    // A bracket on a line of its own: each new item also gets a line, indented as the last one.
    let line = text.get(line_start(text, last)..last)?;
    let depth = line.len() - line.trim_start_matches([' ', '\t']).len();
    let separator = if text.get(last..close)?.contains('\n') && !is_empty {
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        format!("{newline}{}", line.get(..depth)?)
    } else {
        " ".to_owned()
    };
    let mut inserted = String::new();
    let mut needs_comma = !is_empty && !before.ends_with(',');
    for (index, item) in new.iter().enumerate() {
        if needs_comma {
            inserted.push(',');
        }
        if !is_empty || index > 0 {
            inserted.push_str(&separator);
        }
        inserted.push_str(&item.flow());
        needs_comma = true;
    }
    Some(Insertion { offset: last, text: inserted })
}

/// The end of the last token in a bracket, and the closing bracket.
fn closing(text: &str, start: usize) -> Option<(usize, usize)> {
    let mut open = 0_usize;
    let mut quote: Option<char> = None;
    let mut is_escaped = false;
    let mut is_comment = false;
    let mut before = ' ';
    let mut last = start;
    for (at, c) in text.get(start..)?.char_indices() {
        let at = start + at;
        if is_comment {
            is_comment = c != '\n';
            before = c;
            continue;
        }
        match quote {
            Some('"') if is_escaped => is_escaped = false,
            Some('"') if c == '\\' => is_escaped = true,
            // A doubled single quote closes and reopens the quote, with the same result.
            Some(own) if c == own => quote = None,
            Some(_) => {}
            None => match c {
                '#' if before.is_whitespace() => {
                    is_comment = true;
                    before = c;
                    continue;
                }
                '"' | '\'' if matches!(before, ' ' | '\t' | '\n' | '[' | '{' | ',' | ':') => {
                    quote = Some(c);
                }
                '[' | '{' => open += 1,
                ']' | '}' => {
                    open = open.checked_sub(1)?;
                    if open == 0 {
                        return Some((last, at));
                    }
                }
                _ => {}
            },
        }
        if !c.is_whitespace() {
            last = at + c.len_utf8();
        }
        before = c;
    }
    None
}

/// Columns before an item's dash, if the dash is on the item's line.
fn dash_column(text: &str, item: Position) -> Option<usize> {
    let at = offset(text, item)?;
    let before = text.get(line_start(text, at)..at)?;
    let before = before.trim_end_matches(' ');
    let head = before.strip_suffix('-')?;
    // Only spaces: `- - x` and `key: - x` are left alone.
    head.bytes().all(|b| b == b' ').then_some(head.len())
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|head| head.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// Byte offset of a place.
pub(super) fn offset(text: &str, at: Position) -> Option<usize> {
    let mut start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    for _ in 1..at.line {
        start += text.get(start..)?.find('\n')? + 1;
    }
    let line = text.get(start..)?;
    let column = (at.column as usize).checked_sub(1)?;
    match line.char_indices().nth(column) {
        Some((within, _)) => Some(start + within),
        None => (line.chars().count() == column).then_some(text.len()),
    }
}
