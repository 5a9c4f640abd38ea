//! PostgreSQL's key words with their categories (appendix C of its documentation, releases 15 to 18; 15's list is
//! `pg_get_keywords()`). It must not know the lexer.

use Reserved::{ColumnName, FunctionOrType, No, Yes};

/// How far a key word is reserved (`pg_get_keywords().catcode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reserved {
    /// `U`: may name anything.
    No,
    /// `C`: may name a column or table, not a function or type.
    ColumnName,
    /// `T`: may name a function or type only.
    FunctionOrType,
    /// `R`: must be quoted to name anything.
    Yes,
}

/// The longest key word: `current_timestamp`.
const LONGEST: usize = 17;

/// The category of `word`, in any case; `None` when it is no key word.
pub fn keyword(word: &str) -> Option<Reserved> {
    if word.len() > LONGEST || !word.is_ascii() {
        return None;
    }
    let mut lower = [0; LONGEST];
    let lower = &mut lower[..word.len()];
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    WORDS.binary_search_by(|(known, _)| known.as_bytes().cmp(lower)).ok().map(|at| WORDS[at].1)
}

/// In the order of their bytes.
#[rustfmt::skip]
static WORDS: &[(&str, Reserved)] = &[
    ("abort", No), ("absent", No), ("absolute", No), ("access", No), ("action", No), ("add", No), ("admin", No),
    ("after", No), ("aggregate", No), ("all", Yes), ("also", No), ("alter", No), ("always", No), ("analyse", Yes),
    ("analyze", Yes), ("and", Yes), ("any", Yes), ("array", Yes), ("as", Yes), ("asc", Yes), ("asensitive", No),
    ("assertion", No), ("assignment", No), ("asymmetric", Yes), ("at", No), ("atomic", No), ("attach", No),
    ("attribute", No), ("authorization", FunctionOrType), ("backward", No), ("before", No), ("begin", No),
    ("between", ColumnName), ("bigint", ColumnName), ("binary", FunctionOrType), ("bit", ColumnName),
    ("boolean", ColumnName), ("both", Yes), ("breadth", No), ("by", No), ("cache", No), ("call", No), ("called", No),
    ("cascade", No), ("cascaded", No), ("case", Yes), ("cast", Yes), ("catalog", No), ("chain", No),
    ("char", ColumnName), ("character", ColumnName), ("characteristics", No), ("check", Yes), ("checkpoint", No),
    ("class", No), ("close", No), ("cluster", No), ("coalesce", ColumnName), ("collate", Yes),
    ("collation", FunctionOrType), ("column", Yes), ("columns", No), ("comment", No), ("comments", No),
    ("commit", No), ("committed", No), ("compression", No), ("concurrently", FunctionOrType), ("conditional", No),
    ("configuration", No), ("conflict", No), ("connection", No), ("constraint", Yes), ("constraints", No),
    ("content", No), ("continue", No), ("conversion", No), ("copy", No), ("cost", No), ("create", Yes),
    ("cross", FunctionOrType), ("csv", No), ("cube", No), ("current", No), ("current_catalog", Yes),
    ("current_date", Yes), ("current_role", Yes), ("current_schema", FunctionOrType), ("current_time", Yes),
    ("current_timestamp", Yes), ("current_user", Yes), ("cursor", No), ("cycle", No), ("data", No), ("database", No),
    ("day", No), ("deallocate", No), ("dec", ColumnName), ("decimal", ColumnName), ("declare", No), ("default", Yes),
    ("defaults", No), ("deferrable", Yes), ("deferred", No), ("definer", No), ("delete", No), ("delimiter", No),
    ("delimiters", No), ("depends", No), ("depth", No), ("desc", Yes), ("detach", No), ("dictionary", No),
    ("disable", No), ("discard", No), ("distinct", Yes), ("do", Yes), ("document", No), ("domain", No),
    ("double", No), ("drop", No), ("each", No), ("else", Yes), ("empty", No), ("enable", No), ("encoding", No),
    ("encrypted", No), ("end", Yes), ("enforced", No), ("enum", No), ("error", No), ("escape", No), ("event", No),
    ("except", Yes), ("exclude", No), ("excluding", No), ("exclusive", No), ("execute", No), ("exists", ColumnName),
    ("explain", No), ("expression", No), ("extension", No), ("external", No), ("extract", ColumnName), ("false", Yes),
    ("family", No), ("fetch", Yes), ("filter", No), ("finalize", No), ("first", No), ("float", ColumnName),
    ("following", No), ("for", Yes), ("force", No), ("foreign", Yes), ("format", No), ("forward", No),
    ("freeze", FunctionOrType), ("from", Yes), ("full", FunctionOrType), ("function", No), ("functions", No),
    ("generated", No), ("global", No), ("grant", Yes), ("granted", No), ("greatest", ColumnName), ("group", Yes),
    ("grouping", ColumnName), ("groups", No), ("handler", No), ("having", Yes), ("header", No), ("hold", No),
    ("hour", No), ("identity", No), ("if", No), ("ilike", FunctionOrType), ("immediate", No), ("immutable", No),
    ("implicit", No), ("import", No), ("in", Yes), ("include", No), ("including", No), ("increment", No),
    ("indent", No), ("index", No), ("indexes", No), ("inherit", No), ("inherits", No), ("initially", Yes),
    ("inline", No), ("inner", FunctionOrType), ("inout", ColumnName), ("input", No), ("insensitive", No),
    ("insert", No), ("instead", No), ("int", ColumnName), ("integer", ColumnName), ("intersect", Yes),
    ("interval", ColumnName), ("into", Yes), ("invoker", No), ("is", FunctionOrType), ("isnull", FunctionOrType),
    ("isolation", No), ("join", FunctionOrType), ("json", ColumnName), ("json_array", ColumnName),
    ("json_arrayagg", ColumnName), ("json_exists", ColumnName), ("json_object", ColumnName),
    ("json_objectagg", ColumnName), ("json_query", ColumnName), ("json_scalar", ColumnName),
    ("json_serialize", ColumnName), ("json_table", ColumnName), ("json_value", ColumnName), ("key", No), ("keys", No),
    ("label", No), ("language", No), ("large", No), ("last", No), ("lateral", Yes), ("leading", Yes),
    ("leakproof", No), ("least", ColumnName), ("left", FunctionOrType), ("level", No), ("like", FunctionOrType),
    ("limit", Yes), ("listen", No), ("load", No), ("local", No), ("localtime", Yes), ("localtimestamp", Yes),
    ("location", No), ("lock", No), ("locked", No), ("logged", No), ("mapping", No), ("match", No), ("matched", No),
    ("materialized", No), ("maxvalue", No), ("merge", No), ("merge_action", ColumnName), ("method", No),
    ("minute", No), ("minvalue", No), ("mode", No), ("month", No), ("move", No), ("name", No), ("names", No),
    ("national", ColumnName), ("natural", FunctionOrType), ("nchar", ColumnName), ("nested", No), ("new", No),
    ("next", No), ("nfc", No), ("nfd", No), ("nfkc", No), ("nfkd", No), ("no", No), ("none", ColumnName),
    ("normalize", ColumnName), ("normalized", No), ("not", Yes), ("nothing", No), ("notify", No),
    ("notnull", FunctionOrType), ("nowait", No), ("null", Yes), ("nullif", ColumnName), ("nulls", No),
    ("numeric", ColumnName), ("object", No), ("objects", No), ("of", No), ("off", No), ("offset", Yes), ("oids", No),
    ("old", No), ("omit", No), ("on", Yes), ("only", Yes), ("operator", No), ("option", No), ("options", No),
    ("or", Yes), ("order", Yes), ("ordinality", No), ("others", No), ("out", ColumnName), ("outer", FunctionOrType),
    ("over", No), ("overlaps", FunctionOrType), ("overlay", ColumnName), ("overriding", No), ("owned", No),
    ("owner", No), ("parallel", No), ("parameter", No), ("parser", No), ("partial", No), ("partition", No),
    ("passing", No), ("password", No), ("path", No), ("period", No), ("placing", Yes), ("plan", No), ("plans", No),
    ("policy", No), ("position", ColumnName), ("preceding", No), ("precision", ColumnName), ("prepare", No),
    ("prepared", No), ("preserve", No), ("primary", Yes), ("prior", No), ("privileges", No), ("procedural", No),
    ("procedure", No), ("procedures", No), ("program", No), ("publication", No), ("quote", No), ("quotes", No),
    ("range", No), ("read", No), ("real", ColumnName), ("reassign", No), ("recheck", No), ("recursive", No),
    ("ref", No), ("references", Yes), ("referencing", No), ("refresh", No), ("reindex", No), ("relative", No),
    ("release", No), ("rename", No), ("repeatable", No), ("replace", No), ("replica", No), ("reset", No),
    ("restart", No), ("restrict", No), ("return", No), ("returning", Yes), ("returns", No), ("revoke", No),
    ("right", FunctionOrType), ("role", No), ("rollback", No), ("rollup", No), ("routine", No), ("routines", No),
    ("row", ColumnName), ("rows", No), ("rule", No), ("savepoint", No), ("scalar", No), ("schema", No),
    ("schemas", No), ("scroll", No), ("search", No), ("second", No), ("security", No), ("select", Yes),
    ("sequence", No), ("sequences", No), ("serializable", No), ("server", No), ("session", No), ("session_user", Yes),
    ("set", No), ("setof", ColumnName), ("sets", No), ("share", No), ("show", No), ("similar", FunctionOrType),
    ("simple", No), ("skip", No), ("smallint", ColumnName), ("snapshot", No), ("some", Yes), ("source", No),
    ("sql", No), ("stable", No), ("standalone", No), ("start", No), ("statement", No), ("statistics", No),
    ("stdin", No), ("stdout", No), ("storage", No), ("stored", No), ("strict", No), ("string", No), ("strip", No),
    ("subscription", No), ("substring", ColumnName), ("support", No), ("symmetric", Yes), ("sysid", No),
    ("system", No), ("system_user", Yes), ("table", Yes), ("tables", No), ("tablesample", FunctionOrType),
    ("tablespace", No), ("target", No), ("temp", No), ("template", No), ("temporary", No), ("text", No),
    ("then", Yes), ("ties", No), ("time", ColumnName), ("timestamp", ColumnName), ("to", Yes), ("trailing", Yes),
    ("transaction", No), ("transform", No), ("treat", ColumnName), ("trigger", No), ("trim", ColumnName),
    ("true", Yes), ("truncate", No), ("trusted", No), ("type", No), ("types", No), ("uescape", No), ("unbounded", No),
    ("uncommitted", No), ("unconditional", No), ("unencrypted", No), ("union", Yes), ("unique", Yes), ("unknown", No),
    ("unlisten", No), ("unlogged", No), ("until", No), ("update", No), ("user", Yes), ("using", Yes), ("vacuum", No),
    ("valid", No), ("validate", No), ("validator", No), ("value", No), ("values", ColumnName),
    ("varchar", ColumnName), ("variadic", Yes), ("varying", No), ("verbose", FunctionOrType), ("version", No),
    ("view", No), ("views", No), ("virtual", No), ("volatile", No), ("when", Yes), ("where", Yes), ("whitespace", No),
    ("window", Yes), ("with", Yes), ("within", No), ("without", No), ("work", No), ("wrapper", No), ("write", No),
    ("xml", No), ("xmlattributes", ColumnName), ("xmlconcat", ColumnName), ("xmlelement", ColumnName),
    ("xmlexists", ColumnName), ("xmlforest", ColumnName), ("xmlnamespaces", ColumnName), ("xmlparse", ColumnName),
    ("xmlpi", ColumnName), ("xmlroot", ColumnName), ("xmlserialize", ColumnName), ("xmltable", ColumnName),
    ("year", No), ("yes", No), ("zone", No),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_order_and_is_found_in_any_case() {
        assert!(WORDS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(WORDS.iter().map(|(word, _)| word.len()).max(), Some(LONGEST));
        for (word, reserved) in WORDS {
            assert_eq!(keyword(&word.to_uppercase()), Some(*reserved));
        }
        for word in ["", "selectt", "orders", "ſelect", "current_timestamps"] {
            assert_eq!(keyword(word), None, "{word}");
        }
    }
}
