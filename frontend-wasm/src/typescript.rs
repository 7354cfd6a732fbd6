//! The table's text columns and the engine's answers as TypeScript, for the panel; `cargo xtask
//! gen` writes them to `src/panel/engine/generated.ts`.

use std::fmt::Write as _;

use crate::captions::TextColumn;

/// Line length of the frontend, in characters.
const LINE: usize = 120;

/// The TypeScript declarations.
pub fn declarations() -> String {
    let mut text = String::new();
    let mut list = |docs: &str, name: &str, columns: &[TextColumn]| {
        let names: Vec<String> =
            columns.iter().map(|column| format!("'{}'", column.name())).collect();
        let line = format!("export const {name} = [{}] as const;", names.join(", "));
        let _ = if line.len() <= LINE {
            writeln!(text, "\n/** {docs} */\n{line}")
        } else {
            let names = names.join(",\n  ");
            writeln!(text, "\n/** {docs} */\nexport const {name} = [\n  {names},\n] as const;")
        };
    };
    list("Columns of texts that follow from the flows.", "textColumns", &TextColumn::OF_FLOW);
    list(
        "Columns of texts that say what the policies make of a flow; empty without policies.",
        "judgedColumns",
        &TextColumn::OF_POLICIES,
    );
    text.push_str(&crate::policies::typescript::declarations());
    text
}
