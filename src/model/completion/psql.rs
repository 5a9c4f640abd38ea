//! What belongs after a backslash: psql's words, and what each takes. It must not know SQL.

use super::words::{fold, unquoted};
use super::{Relations, Want};

/// What is being typed after a backslash.
pub(super) struct Argument {
    /// Byte offset, within the command, of what is being typed.
    pub start: usize,
    pub quoted: bool,
    pub wants: Vec<Want>,
}

/// Reads a command from its backslash to the cursor; `None` where nothing can be said.
pub(super) fn argument(text: &str) -> Option<Argument> {
    let Some(space) = text.find(char::is_whitespace) else {
        return Some(Argument { start: 0, quoted: false, wants: vec![Want::Commands] });
    };
    let (command, rest) = text.split_at(space);
    // The place after the last space that is in no quotation marks.
    let (mut within, mut start, mut dot) = (None, 0, None);
    let mut arguments = 0;
    for (at, c) in rest.char_indices() {
        match within {
            Some(mark) => within = within.filter(|_| c != mark),
            None if c == '"' || c == '\'' => within = Some(c),
            None if c.is_whitespace() => {
                arguments += usize::from(at > start);
                (start, dot) = (at + c.len_utf8(), None);
            }
            None if c == '.' => dot = Some(at),
            None => {}
        }
    }
    if within == Some('\'') {
        return None;
    }
    let schema = dot.map(|dot| &rest[start..dot]).map(|part| match part.strip_prefix('"') {
        Some(_) => unquoted(part),
        None => fold(part),
    });
    let begins = dot.map_or(start, |dot| dot + 1);
    let quoted = rest[begins..].starts_with('"');
    let bare = command.trim_end_matches(['+', 'S']);
    let relations = |kinds| {
        let mut wants = vec![Want::Relations(kinds, schema.clone())];
        if schema.is_none() {
            wants.push(Want::Schemas(true));
        }
        wants
    };
    let routines = || {
        let mut wants = vec![Want::Functions(schema.clone()), Want::Procedures(schema.clone())];
        if schema.is_none() {
            wants.push(Want::Schemas(true));
        }
        wants
    };
    let wants = match bare {
        "\\d" | "\\dp" | "\\z" => relations(Relations::All),
        "\\dt" | "\\copy" => relations(if bare == "\\dt" { Relations::Tables } else { Relations::Rows }),
        "\\dv" | "\\sv" | "\\ev" => relations(Relations::Views),
        "\\dm" => relations(Relations::Materialized),
        "\\di" => relations(Relations::Indexes),
        "\\ds" => relations(Relations::Sequences),
        "\\df" | "\\sf" | "\\ef" | "\\da" => routines(),
        "\\dT" => vec![Want::Types(schema)],
        "\\dn" => vec![Want::Schemas(false)],
        "\\du" | "\\dg" | "\\drds" => vec![Want::Roles],
        "\\dx" => vec![Want::Extensions],
        "\\l" => vec![Want::Databases],
        "\\c" | "\\connect" if arguments == 0 => vec![Want::Databases],
        "\\c" | "\\connect" if arguments == 1 => vec![Want::Roles],
        _ => return None,
    };
    if bare == "\\copy" && arguments > 0 {
        return None;
    }
    Some(Argument { start: space + begins, quoted, wants })
}
