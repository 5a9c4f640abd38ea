//! Signatures of functions: their parameters one by one, and which of several functions of a name fits the arguments that
//! are written so far. It must not know how they are shown.
//!
//! Parameters are read from what `pg_get_function_arguments` says (PostgreSQL, System Information Functions): mode, name,
//! type and default, separated by commas, names quoted where they must be.

use super::Written;
use super::call::{Argument, Call};
use super::words::{fold, unquoted};
use crate::model::catalogue::{Catalogue, Function};
use crate::model::sql::{Token, TokenKind, tokens_of_server};
use std::ops::Range;

/// What can be seen of an argument's type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// Nothing.
    Unknown,
    /// A string without a type: it fits whatever is wanted.
    Literal,
    /// A value of that type, spelled as `format_type` does, or as it is written.
    Typed(String),
    /// A column, with its table or alias where that is written.
    Column(Option<String>, String),
}

/// A parameter that a call can fill in.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parameter {
    /// Bytes of [`Signature::text`].
    range: Range<usize>,
    name: Option<String>,
    of_type: String,
    is_variadic: bool,
    has_default: bool,
}

/// What a function takes and gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// `date_trunc(text, timestamp with time zone) → timestamp with time zone`.
    pub text: String,
    parameters: Vec<Parameter>,
}

impl Signature {
    /// The bytes of [`Signature::text`] that say what the argument at `at` is, by its name where one is given; `None` where
    /// the function takes no such argument.
    pub fn parameter(&self, at: usize, given: &[Argument]) -> Option<Range<usize>> {
        self.place(at, given.get(at)).map(|place| self.parameters[place].range.clone())
    }

    /// The number of the parameter that takes an argument.
    fn place(&self, at: usize, argument: Option<&Argument>) -> Option<usize> {
        if let Some(named) = argument.and_then(|argument| argument.named.as_ref()) {
            return self.parameters.iter().position(|parameter| parameter.name.as_ref() == Some(named));
        }
        let last = self.parameters.len().checked_sub(1)?;
        (at <= last || self.parameters[last].is_variadic).then_some(at.min(last))
    }

    /// A form that the language has of its own: `parameters` as they are written.
    fn of_language(name: &str, parameters: &[&str], result: &str, separator: &str) -> Signature {
        let mut text = format!("{name}(");
        let mut found = Vec::new();
        for (at, parameter) in parameters.iter().enumerate() {
            if at > 0 {
                text.push_str(separator);
            }
            let start = text.len();
            text.push_str(parameter);
            let is_variadic = *parameter == "…";
            let of_type = String::new();
            found.push(Parameter { range: start..text.len(), name: None, of_type, is_variadic, has_default: false });
        }
        text.push(')');
        text.push_str(result);
        Signature { text, parameters: found }
    }

    /// As the catalogue has it.
    fn of_function(name: &str, arguments: &str, result: &str, is_procedure: bool) -> Signature {
        let mut text = format!("{name}(");
        let mut parameters = Vec::new();
        for piece in split(arguments) {
            let written = arguments[piece.clone()].trim();
            let Some(mut parameter) = parameter(written, is_procedure) else { continue };
            if !text.ends_with('(') {
                text.push_str(", ");
            }
            let start = text.len();
            text.push_str(written);
            parameter.range = start..text.len();
            parameters.push(parameter);
        }
        text.push(')');
        if !result.is_empty() && !is_procedure {
            text.push_str(" → ");
            text.push_str(result);
        }
        Signature { text, parameters }
    }

    /// Columns of a table that a row gives values of: which of them, and the text.
    pub fn of_row(table: &str, columns: impl IntoIterator<Item = String>) -> Signature {
        let mut text = format!("{table}(");
        let mut parameters = Vec::new();
        for column in columns {
            if !parameters.is_empty() {
                text.push_str(", ");
            }
            let start = text.len();
            text.push_str(&column);
            let of_type = String::new();
            let range = start..text.len();
            parameters.push(Parameter { range, name: None, of_type, is_variadic: false, has_default: false });
        }
        text.push(')');
        Signature { text, parameters }
    }

    /// How badly it fits: the less, the better.
    fn misfit(&self, at: usize, given: &[Option<String>], arguments: &[Argument]) -> Misfit {
        let wanted = arguments.len().max(at + 1);
        let mut misfit = Misfit { kept_out: 0, wrong: 0, inexact: 0, unfilled: 0 };
        for place in 0..wanted {
            let Some(parameter) = self.place(place, arguments.get(place)) else {
                // With nothing written, a function without parameters fits too.
                misfit.kept_out += usize::from(!arguments.is_empty() || place > 0);
                continue;
            };
            let Some(Some(of_type)) = given.get(place).filter(|_| place != at) else { continue };
            match likeness(of_type, &self.parameters[parameter].of_type) {
                Some(0) => {}
                Some(distance) => misfit.inexact += distance,
                None => misfit.wrong += 1,
            }
        }
        let needed = self.parameters.iter().filter(|parameter| !parameter.has_default && !parameter.is_variadic);
        misfit.unfilled = needed.count().saturating_sub(wanted);
        misfit
    }
}

/// How badly a function fits; compared field by field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Misfit {
    /// Arguments that it does not take.
    kept_out: usize,
    /// Arguments that are of another type.
    wrong: usize,
    /// Arguments that are of a similar one.
    inexact: usize,
    /// Parameters that are still to be filled in.
    unfilled: usize,
}

/// The signature that fits a call best, and how many others there are; `None` where no function is known by that name.
pub fn best(call: &Call, catalogue: &Catalogue, path: &[String]) -> Option<(Signature, usize)> {
    let Written { schema, name } = &call.name;
    if schema.is_none()
        && !call.quoted
        && !call.is_procedure
        && let Some(form) = form(name)
    {
        return Some((form, 0));
    }
    let place = |function: &Function| {
        let of = catalogue.text(function.schema);
        match schema {
            Some(schema) => (of == schema).then_some(0),
            None => path.iter().position(|on| on == of),
        }
    };
    let given: Vec<Option<String>> =
        call.given.iter().map(|argument| type_of(argument, call, catalogue, path)).collect();
    let mut found: Vec<(Misfit, usize, Signature)> = catalogue
        .functions_named(name)
        .filter(|function| function.is_procedure == call.is_procedure)
        .filter_map(|function| {
            let place = place(function)?;
            let (arguments, result) = (catalogue.text(function.arguments), catalogue.text(function.result));
            let signature = Signature::of_function(name, arguments, result, function.is_procedure);
            Some((signature.misfit(call.at, &given, &call.given), place, signature))
        })
        .collect();
    let others = found.len().checked_sub(1)?;
    // The first of those that fit equally well: in the order of the path, then as the server lists them.
    let at = (0..found.len()).min_by_key(|at| (found[*at].0, found[*at].1))?;
    Some((found.swap_remove(at).2, others))
}

fn type_of(argument: &Argument, call: &Call, catalogue: &Catalogue, path: &[String]) -> Option<String> {
    match &argument.given {
        Given::Typed(of_type) => Some(of_type.clone()),
        Given::Column(qualifier, name) => {
            let scope = &call.scope;
            let mut sources =
                scope.sources().filter(|source| qualifier.is_none() || source.label() == qualifier.as_deref());
            sources.find_map(|source| {
                let columns = scope.columns(source, catalogue, path);
                columns.into_iter().find(|column| column.name == *name)?.of_type.map(str::to_owned)
            })
        }
        Given::Literal | Given::Unknown => None,
    }
}

/// Calls that the grammar has itself (PostgreSQL, `func_expr_common_subexpr` of its grammar): the catalogue does not know
/// them, or knows them as nobody writes them.
fn form(name: &str) -> Option<Signature> {
    let of = Signature::of_language;
    Some(match name {
        "coalesce" | "greatest" | "least" => of(name, &["value", "…"], "", ", "),
        "nullif" => of(name, &["value", "value it is NULL for"], "", ", "),
        "extract" => of(name, &["field FROM source"], " → numeric", " "),
        "position" => of(name, &["substring IN string"], " → integer", " "),
        "overlay" => of(name, &["string PLACING new FROM start [FOR count]"], " → text", " "),
        "trim" => of(name, &["[LEADING | TRAILING | BOTH] [characters] FROM string"], " → text", " "),
        "cast" => of(name, &["expression AS type"], "", " "),
        _ => return None,
    })
}

/// The pieces between commas that stand in no parentheses.
fn split(arguments: &str) -> Vec<Range<usize>> {
    let (mut depth, mut from) = (0usize, 0);
    let mut pieces = Vec::new();
    for token in tokens_of_server(arguments) {
        match token.of(arguments) {
            _ if token.kind != TokenKind::Punctuation => {}
            "(" | "[" => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            "," if depth == 0 => {
                pieces.push(from..token.start);
                from = token.end;
            }
            _ => {}
        }
    }
    if !arguments[from..].trim().is_empty() {
        pieces.push(from..arguments.len());
    }
    pieces
}

/// A parameter from what is written of it; `None` for what a call does not fill in.
fn parameter(written: &str, is_procedure: bool) -> Option<Parameter> {
    let words: Vec<Token> = tokens_of_server(written).filter(|token| !token.is_blank()).collect();
    let is = |at: usize, word: &str| words.get(at).is_some_and(|token| token.of(written).eq_ignore_ascii_case(word));
    let mut first = 0;
    let mut is_variadic = false;
    if is(0, "out") && words.len() > 1 {
        // CALL fills in what a procedure gives, too; a function's is no argument.
        if !is_procedure {
            return None;
        }
        first = 1;
    } else if is(0, "variadic") {
        (first, is_variadic) = (1, true);
    } else if is(0, "inout") && words.len() > 1 {
        first = 1;
    }
    let default = words.iter().position(|token| token.of(written) == "DEFAULT");
    let end = default.unwrap_or(words.len());
    let own = words.get(first..end).unwrap_or_default();
    let named = own.len() > 1 && own[1].kind != TokenKind::Punctuation && {
        // Types of more than one word; what names a parameter and is a word of them is quoted.
        let two = (own[0].of(written), own[1].of(written));
        let is_type = matches!(two, ("double", "precision") | ("character" | "bit", "varying"))
            || (matches!(two.0, "timestamp" | "time") && matches!(two.1, "with" | "without"))
            || (two.0 == "interval" && own[0].kind == TokenKind::Keyword);
        !is_type
    };
    let name = named.then(|| match own[0].kind {
        TokenKind::QuotedIdentifier => unquoted(own[0].of(written)),
        _ => fold(own[0].of(written)),
    });
    let of_type = &own[usize::from(named)..];
    let of_type = match (of_type.first(), of_type.last()) {
        (Some(from), Some(to)) => written[from.start..to.end].to_owned(),
        _ => String::new(),
    };
    Some(Parameter { range: 0..0, name, of_type, is_variadic, has_default: default.is_some() })
}

/// How like a type is to what is wanted: 0 the same, more for what is cast without being asked; `None`: another.
fn likeness(given: &str, wanted: &str) -> Option<usize> {
    const NUMBERS: &[&str] = &["smallint", "integer", "bigint", "numeric", "real", "double precision"];
    const TEXTS: &[&str] = &["text", "character varying", "character", "name"];
    const TIMES: &[&str] = &["date", "timestamp without time zone", "timestamp with time zone"];
    let given = spelled(given);
    if given == wanted {
        return Some(0);
    }
    if wanted.contains("any") || wanted.is_empty() {
        return Some(5);
    }
    for family in [NUMBERS, TEXTS, TIMES] {
        if let Some(from) = family.iter().position(|of| *of == given) {
            // A number becomes a wider one, and never a narrower one, by itself.
            return family.iter().position(|of| *of == wanted).and_then(|to| match family == TEXTS {
                true => Some(to + 1),
                false => to.checked_sub(from),
            });
        }
    }
    None
}

/// As `format_type` spells it.
fn spelled(of_type: &str) -> &str {
    match of_type {
        "int" | "int4" => "integer",
        "int8" => "bigint",
        "int2" => "smallint",
        "decimal" => "numeric",
        "float8" | "float" => "double precision",
        "float4" => "real",
        "varchar" => "character varying",
        "char" | "bpchar" => "character",
        "bool" => "boolean",
        "timestamp" => "timestamp without time zone",
        "timestamptz" => "timestamp with time zone",
        "time" => "time without time zone",
        "timetz" => "time with time zone",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Filled, filled};
    use super::*;
    use crate::model::catalogue::{Builder, RelationKind};

    fn names() -> Catalogue {
        let mut builder = Builder::default();
        builder.on_path("pg_catalog");
        builder.on_path("public");
        let truncates = [
            ("text, timestamp with time zone", "timestamp with time zone"),
            ("text, timestamp with time zone, text", "timestamp with time zone"),
            ("text, timestamp without time zone", "timestamp without time zone"),
            ("text, interval", "interval"),
        ];
        for (arguments, result) in truncates {
            builder.function("pg_catalog", "date_trunc", arguments, result, false);
        }
        let others = [
            (
                "make_interval",
                "years integer DEFAULT 0, months integer DEFAULT 0, secs double precision DEFAULT 0.0",
                "interval",
            ),
            ("format", "text", "text"),
            ("format", "text, VARIADIC \"any\"", "text"),
            ("now", "", "timestamp with time zone"),
            (
                "odd",
                "a text DEFAULT 'x, (y'::text, \"B c\" numeric DEFAULT round((1)::numeric, 2), OUT total bigint",
                "bigint",
            ),
            ("abs", "integer", "integer"),
            ("abs", "double precision", "double precision"),
            ("abs", "numeric", "numeric"),
        ];
        for (name, arguments, result) in others {
            builder.function("pg_catalog", name, arguments, result, false);
        }
        builder.function("elsewhere", "hidden", "integer", "integer", false);
        builder.function("public", "move", "a integer, OUT b integer, INOUT c text", "", true);
        builder.relation(
            "public",
            "orders",
            RelationKind::Table,
            [("placed", "timestamp without time zone"), ("price", "numeric")],
        );
        builder.finish()
    }

    /// The text with the marked parameter in brackets, and how many others there are.
    fn shown(text: &str) -> Option<(String, usize)> {
        let names = names();
        let cursor = text.find('|').expect("a cursor");
        let Some(Filled::Call(call)) = filled(&text.replacen('|', "", 1), cursor) else { return None };
        let (signature, others) = best(&call, &names, names.search_path())?;
        let mut text = signature.text.clone();
        if let Some(range) = signature.parameter(call.at, &call.given) {
            text.insert(range.end, ']');
            text.insert(range.start, '[');
        }
        Some((text, others))
    }

    #[test]
    fn the_argument_at_the_cursor_is_marked_in_the_signature_that_fits() {
        let is = |text: &str, wanted: &str, others: usize| {
            assert_eq!(shown(text), Some((wanted.to_owned(), others)), "{text}");
        };
        let tz = "timestamp with time zone";
        is("select date_trunc(|", &format!("date_trunc([text], {tz}) → {tz}"), 3);
        is("select date_trunc('day', |", &format!("date_trunc(text, [{tz}]) → {tz}"), 3);
        is("select date_trunc('day', x, |", &format!("date_trunc(text, {tz}, [text]) → {tz}"), 3);
        is("select date_trunc(|, y::interval)", "date_trunc([text], interval) → interval", 3);
        is(
            "select date_trunc(|, placed) from orders",
            "date_trunc([text], timestamp without time zone) → timestamp without time zone",
            3,
        );
        is("select format('%s', 1, |", "format(text, [VARIADIC \"any\"]) → text", 1);
        is("select format('%s'|", "format([text]) → text", 1);
        is("select now(|", "now() → timestamp with time zone", 0);
        is(
            "select make_interval(secs => |",
            "make_interval(years integer DEFAULT 0, months integer DEFAULT 0, [secs double precision DEFAULT 0.0]) → interval",
            0,
        );
        is(
            "select odd('x', |",
            "odd(a text DEFAULT 'x, (y'::text, [\"B c\" numeric DEFAULT round((1)::numeric, 2)]) → bigint",
            0,
        );
        is(
            "select odd(\"B c\" => |",
            "odd(a text DEFAULT 'x, (y'::text, [\"B c\" numeric DEFAULT round((1)::numeric, 2)]) → bigint",
            0,
        );
        is(
            "select odd(nothing => |",
            "odd(a text DEFAULT 'x, (y'::text, \"B c\" numeric DEFAULT round((1)::numeric, 2)) → bigint",
            0,
        );
        is("select now(1, |", "now() → timestamp with time zone", 0);
        is("call move(1, |", "move(a integer, [OUT b integer], INOUT c text)", 0);
        is("select coalesce(a, b, |", "coalesce(value, […])", 0);
        is("select extract(|", "extract([field FROM source]) → numeric", 0);
    }

    #[test]
    fn what_is_not_known_or_not_on_the_path_gives_nothing() {
        assert_eq!(shown("select nothing(|"), None);
        assert_eq!(shown("select hidden(|"), None);
        assert!(shown("select elsewhere.hidden(|").is_some());
        assert_eq!(shown("select move(|"), None, "a procedure is called otherwise");
        assert_eq!(shown("call now(|"), None);
    }
}
