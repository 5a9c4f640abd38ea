//! SQL that answers psql's words about the catalogue. Text only; it must not know sessions. Every catalogue name is
//! qualified, so that no search_path can put something else in its place.

/// Relation kinds of `\d` words (pg_class.relkind).
const KINDS: &[(char, &[char])] =
    &[('t', &['r', 'p']), ('v', &['v']), ('m', &['m']), ('i', &['i', 'I']), ('s', &['S']), ('E', &['f'])];

/// The statements that answer `\name argument`; `None` when it is no catalogue word.
pub fn statements(name: &str, argument: &str) -> Option<Vec<String>> {
    let bare = name.trim_end_matches(['+', 'S']);
    let more = name.contains('+');
    let system = name.contains('S');
    let pattern = (!argument.is_empty()).then(|| Pattern::parse(argument));
    let one = match bare {
        "l" | "list" => databases(pattern.as_ref(), more),
        "dn" => schemas(pattern.as_ref(), system),
        "du" | "dg" => roles(pattern.as_ref(), system),
        "df" => functions(pattern.as_ref(), system),
        "dx" => extensions(pattern.as_ref()),
        "d" => match &pattern {
            Some(pattern) => return Some(describe(pattern)),
            None => relations(&['r', 'p', 'v', 'm', 'S', 'f'], None, more, system),
        },
        _ => {
            let letters = bare.strip_prefix('d').filter(|letters| !letters.is_empty())?;
            let mut kinds = Vec::new();
            for letter in letters.chars() {
                kinds.extend_from_slice(KINDS.iter().find(|(known, _)| *known == letter)?.1);
            }
            relations(&kinds, pattern.as_ref(), more, system)
        }
    };
    Some(vec![one])
}

/// A psql pattern (psql's reference page, "Patterns"): `*` and `?` match, a dot separates schema and name, unquoted
/// letters are folded.
struct Pattern {
    schema: Option<String>,
    name: String,
}

impl Pattern {
    fn parse(text: &str) -> Pattern {
        let mut parts = vec![String::new()];
        let mut quoted = false;
        for c in text.trim().chars() {
            let part = parts.last_mut().map_or_else(String::new, std::mem::take);
            let added = match c {
                '"' => {
                    quoted = !quoted;
                    part
                }
                '.' if !quoted => {
                    if let Some(last) = parts.last_mut() {
                        *last = part;
                    }
                    parts.push(String::new());
                    continue;
                }
                '*' if !quoted => part + ".*",
                '?' if !quoted => part + ".",
                c if !quoted => {
                    let folded: String = c.to_lowercase().collect();
                    if c.is_alphanumeric() || c == '_' { part + &folded } else { format!("{part}\\{folded}") }
                }
                c if c.is_alphanumeric() || c == '_' => format!("{part}{c}"),
                c => format!("{part}\\{c}"),
            };
            if let Some(last) = parts.last_mut() {
                *last = added;
            }
        }
        let name = parts.pop().unwrap_or_default();
        Pattern { schema: parts.pop(), name }
    }

    fn name(&self, column: &str) -> String {
        format!("{column} operator(pg_catalog.~) {} collate pg_catalog.default", literal(&format!("^({})$", self.name)))
    }

    /// Conditions for a thing of a schema: the schema's pattern, or that it is found without naming one.
    fn within(&self, schema: &str, name: &str, visible: &str) -> String {
        match &self.schema {
            Some(pattern) => format!(
                "{} and {schema} operator(pg_catalog.~) {} collate pg_catalog.default",
                self.name(name),
                literal(&format!("^({pattern})$"))
            ),
            None => format!("{} and {visible}", self.name(name)),
        }
    }
}

fn literal(text: &str) -> String {
    // Backslashes are plain in '…' since standard_conforming_strings is on; E'' says so whatever the session set.
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

fn own(schema: &str, system: bool) -> String {
    if system { "true".to_owned() } else { format!("{schema} <> 'information_schema' and {schema} !~ '^pg_'") }
}

fn databases(pattern: Option<&Pattern>, more: bool) -> String {
    let filter = pattern.map_or("true".to_owned(), |pattern| pattern.name("d.datname"));
    let size = if more {
        ", case when pg_catalog.has_database_privilege(d.datname, 'CONNECT') then pg_catalog.pg_size_pretty(pg_catalog.pg_database_size(d.datname)) else 'No Access' end as \"Size\""
    } else {
        ""
    };
    format!(
        "select d.datname as \"Name\", pg_catalog.pg_get_userbyid(d.datdba) as \"Owner\", \
         pg_catalog.pg_encoding_to_char(d.encoding) as \"Encoding\", d.datcollate as \"Collate\", d.datctype as \"Ctype\", \
         pg_catalog.array_to_string(d.datacl, E'\\n') as \"Access privileges\"{size} \
         from pg_catalog.pg_database d where {filter} order by 1"
    )
}

fn schemas(pattern: Option<&Pattern>, system: bool) -> String {
    let filter = pattern.map_or_else(|| own("n.nspname", system), |pattern| pattern.name("n.nspname"));
    format!(
        "select n.nspname as \"Name\", pg_catalog.pg_get_userbyid(n.nspowner) as \"Owner\", \
         pg_catalog.obj_description(n.oid, 'pg_namespace') as \"Description\" \
         from pg_catalog.pg_namespace n where {filter} order by 1"
    )
}

fn roles(pattern: Option<&Pattern>, system: bool) -> String {
    let filter = match pattern {
        Some(pattern) => pattern.name("r.rolname"),
        None if system => "true".to_owned(),
        None => "r.rolname !~ '^pg_'".to_owned(),
    };
    format!(
        "select r.rolname as \"Role name\", pg_catalog.concat_ws(', ', case when r.rolsuper then 'Superuser' end, \
         case when not r.rolinherit then 'No inheritance' end, case when r.rolcreaterole then 'Create role' end, \
         case when r.rolcreatedb then 'Create DB' end, case when not r.rolcanlogin then 'Cannot login' end, \
         case when r.rolreplication then 'Replication' end, case when r.rolbypassrls then 'Bypass RLS' end, \
         case when r.rolconnlimit >= 0 then r.rolconnlimit::pg_catalog.text || ' connections' end) as \"Attributes\", \
         array(select b.rolname from pg_catalog.pg_auth_members m join pg_catalog.pg_roles b on m.roleid = b.oid \
         where m.member = r.oid order by 1) as \"Member of\" from pg_catalog.pg_roles r where {filter} order by 1"
    )
}

fn functions(pattern: Option<&Pattern>, system: bool) -> String {
    let filter = pattern.map_or_else(
        || format!("{} and pg_catalog.pg_function_is_visible(p.oid)", own("n.nspname", system)),
        |pattern| pattern.within("n.nspname", "p.proname", "pg_catalog.pg_function_is_visible(p.oid)"),
    );
    format!(
        "select n.nspname as \"Schema\", p.proname as \"Name\", pg_catalog.pg_get_function_result(p.oid) as \"Result data type\", \
         pg_catalog.pg_get_function_arguments(p.oid) as \"Argument data types\", case p.prokind when 'a' then 'agg' \
         when 'w' then 'window' when 'p' then 'proc' else 'func' end as \"Type\" from pg_catalog.pg_proc p \
         left join pg_catalog.pg_namespace n on n.oid = p.pronamespace where {filter} order by 1, 2, 4"
    )
}

fn extensions(pattern: Option<&Pattern>) -> String {
    let filter = pattern.map_or("true".to_owned(), |pattern| pattern.name("e.extname"));
    format!(
        "select e.extname as \"Name\", e.extversion as \"Version\", n.nspname as \"Schema\", \
         pg_catalog.obj_description(e.oid, 'pg_extension') as \"Description\" from pg_catalog.pg_extension e \
         left join pg_catalog.pg_namespace n on n.oid = e.extnamespace where {filter} order by 1"
    )
}

fn relations(kinds: &[char], pattern: Option<&Pattern>, more: bool, system: bool) -> String {
    let kinds: Vec<String> = kinds.iter().map(|kind| format!("'{kind}'")).collect();
    let filter = pattern.map_or_else(
        || format!("{} and pg_catalog.pg_table_is_visible(c.oid)", own("n.nspname", system)),
        |pattern| pattern.within("n.nspname", "c.relname", "pg_catalog.pg_table_is_visible(c.oid)"),
    );
    let index = kinds.iter().any(|kind| kind.eq_ignore_ascii_case("'i'"));
    let table = if index { ", t.relname as \"Table\"" } else { "" };
    let join = if index {
        "left join pg_catalog.pg_index i on i.indexrelid = c.oid left join pg_catalog.pg_class t on t.oid = i.indrelid"
    } else {
        ""
    };
    let size = if more {
        ", pg_catalog.pg_size_pretty(pg_catalog.pg_table_size(c.oid)) as \"Size\", pg_catalog.obj_description(c.oid, 'pg_class') as \"Description\""
    } else {
        ""
    };
    format!(
        "select n.nspname as \"Schema\", c.relname as \"Name\", case c.relkind when 'r' then 'table' when 'v' then 'view' \
         when 'm' then 'materialized view' when 'i' then 'index' when 'S' then 'sequence' when 'f' then 'foreign table' \
         when 'p' then 'partitioned table' when 'I' then 'partitioned index' end as \"Type\", \
         pg_catalog.pg_get_userbyid(c.relowner) as \"Owner\"{table}{size} from pg_catalog.pg_class c \
         left join pg_catalog.pg_namespace n on n.oid = c.relnamespace {join} \
         where c.relkind in ({}) and {filter} order by 1, 2",
        kinds.join(",")
    )
}

/// Columns, indexes, constraints, triggers and, for views, the query of the relations that match.
fn describe(pattern: &Pattern) -> Vec<String> {
    let matches = pattern.within("n.nspname", "c.relname", "pg_catalog.pg_table_is_visible(c.oid)");
    let from = "pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace";
    vec![
        format!(
            "select n.nspname || '.' || c.relname as \"Relation\", a.attname as \"Column\", \
             pg_catalog.format_type(a.atttypid, a.atttypmod) as \"Type\", \
             case when a.attnotnull then 'not null' else '' end as \"Nullable\", \
             pg_catalog.pg_get_expr(d.adbin, d.adrelid, true) as \"Default\", \
             pg_catalog.col_description(c.oid, a.attnum) as \"Description\" \
             from {from} join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
             left join pg_catalog.pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum \
             where c.relkind in ('r','p','v','m','f','S','i','I','c') and {matches} order by 1, a.attnum"
        ),
        format!(
            "select c.relname as \"Relation\", x.kind as \"Kind\", x.name as \"Name\", x.definition as \"Definition\" \
             from {from} cross join lateral ( \
             select 1 as place, 'index' as kind, i.relname::pg_catalog.text as name, \
             pg_catalog.pg_get_indexdef(i.oid, 0, true) as definition \
             from pg_catalog.pg_index t join pg_catalog.pg_class i on i.oid = t.indexrelid where t.indrelid = c.oid \
             union all select 2, case k.contype when 'p' then 'primary key' when 'u' then 'unique' when 'c' then 'check' \
             when 'f' then 'foreign key' when 'x' then 'exclusion' else 'constraint' end, k.conname::pg_catalog.text, \
             pg_catalog.pg_get_constraintdef(k.oid, true) from pg_catalog.pg_constraint k where k.conrelid = c.oid \
             union all select 3, 'referenced by', k.conrelid::pg_catalog.regclass::pg_catalog.text, \
             pg_catalog.pg_get_constraintdef(k.oid, true) from pg_catalog.pg_constraint k \
             where k.confrelid = c.oid and k.contype = 'f' and k.conparentid = 0 \
             union all select 4, 'trigger', t.tgname::pg_catalog.text, pg_catalog.pg_get_triggerdef(t.oid, true) \
             from pg_catalog.pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal \
             union all select 5, 'view', '', pg_catalog.pg_get_viewdef(c.oid, true) where c.relkind in ('v','m') \
             ) x where c.relkind in ('r','p','v','m','f') and {matches} order by 1, x.place, 3"
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_psqls() {
        let pattern = Pattern::parse("Public.\"Odd.Name\"*");
        assert_eq!(pattern.schema.as_deref(), Some("public"));
        assert_eq!(pattern.name, "Odd\\.Name.*");
        assert_eq!(literal("a'b\\"), "E'a''b\\\\'");
        assert!(statements("dt", "orders").expect("a word")[0].contains("E'^(orders)$'"));
        assert_eq!(statements("d", "orders").map(|all| all.len()), Some(2));
        assert_eq!(statements("dq", ""), None);
        assert_eq!(statements("watch", ""), None);
    }
}
