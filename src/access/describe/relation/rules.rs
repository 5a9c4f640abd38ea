//! What the server does to a relation's rows: policies, rules, a view's definition; and its statistics objects. It must not
//! know sessions.

use super::super::answer::Answer;
use super::constraints::headed;
use super::{Fact, Footer, Relation};

/// `Policies:`
pub fn policies(relation: &Relation) -> Footer {
    let query = format!(
        "select p.polname, p.polpermissive, case when p.polroles = '{{0}}' then null else pg_catalog.array_to_string(array(\
         select r.rolname from pg_catalog.pg_roles r where r.oid = any (p.polroles) order by 1), ',') end, \
         pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), \
         case p.polcmd when 'r' then 'SELECT' when 'a' then 'INSERT' when 'w' then 'UPDATE' when 'd' then 'DELETE' end \
         from pg_catalog.pg_policy p where p.polrelid = {} order by 1",
        relation.oid
    );
    Footer::new(query, |relation, answer| {
        let (on, forced) = (relation.has(Fact::RowSecurity), relation.has(Fact::ForcedRowSecurity));
        let heading = match (on, forced, answer.rows.is_empty()) {
            (true, false, false) => "Policies:",
            (true, true, false) => "Policies (forced row security enabled):",
            (true, false, true) => "Policies (row security enabled): (none)",
            (true, true, true) => "Policies (forced row security enabled): (none)",
            (false, _, false) => "Policies (row security disabled):",
            (false, _, true) => return Vec::new(),
        };
        let each = (0..answer.rows.len()).map(|row| {
            let mut text = format!("    POLICY \"{}\"", answer.text(row, 0));
            if !answer.holds(row, 1) {
                text.push_str(" AS RESTRICTIVE");
            }
            if let Some(command) = answer.cell(row, 5) {
                text.push_str(&format!(" FOR {command}"));
            }
            if let Some(roles) = answer.cell(row, 2) {
                text.push_str(&format!("\n      TO {roles}"));
            }
            if let Some(using) = answer.cell(row, 3) {
                text.push_str(&format!("\n      USING ({using})"));
            }
            if let Some(check) = answer.cell(row, 4) {
                text.push_str(&format!("\n      WITH CHECK ({check})"));
            }
            text
        });
        std::iter::once(heading.to_owned()).chain(each).collect()
    })
}

/// `Statistics objects:`
pub fn statistics(relation: &Relation) -> Footer {
    let columns = match relation.major {
        14.. => "pg_catalog.pg_get_statisticsobjdef_columns(e.oid)",
        _ => {
            "(select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ') from pg_catalog.unnest(e.stxkeys) k(attnum) \
             join pg_catalog.pg_attribute a on a.attrelid = e.stxrelid and a.attnum = k.attnum and not a.attisdropped)"
        }
    };
    let target = if relation.major >= 13 { "e.stxstattarget" } else { "-1" };
    let query = format!(
        "select e.stxrelid::pg_catalog.regclass, e.stxnamespace::pg_catalog.regnamespace::pg_catalog.text as nsp, e.stxname, \
         {columns}, 'd' = any (e.stxkind), 'f' = any (e.stxkind), 'm' = any (e.stxkind), {target} \
         from pg_catalog.pg_statistic_ext e where e.stxrelid = {} order by nsp, e.stxname",
        relation.oid
    );
    Footer::new(query, |relation, answer| {
        let each = |row| {
            let names = ["ndistinct", "dependencies", "mcv"];
            let kinds: Vec<&str> = (0..3).filter(|kind| answer.holds(row, 4 + kind)).map(|kind| names[kind]).collect();
            let (schema, name) = (answer.text(row, 1), answer.text(row, 2));
            let mut line = format!("    \"{schema}.{name}\"");
            // All of them is the default, and not told (since 14).
            if relation.major < 14 || (!kinds.is_empty() && kinds.len() < names.len()) {
                line.push_str(&format!(" ({})", kinds.join(", ")));
            }
            line.push_str(&format!(" ON {} FROM {}", answer.text(row, 3), answer.text(row, 0)));
            match answer.cell(row, 7) {
                None | Some("-1") => {}
                Some(target) => line.push_str(&format!("; STATISTICS {target}")),
            }
            line
        };
        headed("Statistics objects:", (0..answer.rows.len()).map(each).collect())
    })
}

/// The rule behind its `CREATE RULE `.
fn definition(answer: &Answer, row: usize) -> &str {
    let text = answer.text(row, 0);
    text.strip_prefix("CREATE RULE ").unwrap_or(text)
}

/// `Rules:`, by when they fire.
pub fn rules(relation: &Relation) -> Footer {
    let query = format!(
        "select pg_catalog.rtrim(pg_catalog.pg_get_ruledef(r.oid, true), ';'), r.ev_enabled \
         from pg_catalog.pg_rewrite r where r.ev_class = {} order by r.rulename",
        relation.oid
    );
    Footer::new(query, |_, answer| {
        let mut lines = Vec::new();
        for (firing, heading) in [
            ("O", "Rules:"),
            ("D", "Disabled rules:"),
            ("A", "Rules firing always:"),
            ("R", "Rules firing on replica only:"),
        ] {
            let of = (0..answer.rows.len()).filter(|row| answer.text(*row, 1) == firing);
            lines.extend(headed(heading, of.map(|row| format!("    {}", definition(answer, row))).collect()));
        }
        lines
    })
}

/// `View definition:`
pub fn view_definition(relation: &Relation) -> Footer {
    let query = format!("select pg_catalog.pg_get_viewdef({}::pg_catalog.oid, true)", relation.oid);
    Footer::new(query, |_, answer| vec!["View definition:".to_owned(), answer.text(0, 0).to_owned()])
}

/// A view's rules but the one that makes it a view.
pub fn view_rules(relation: &Relation) -> Footer {
    let query = format!(
        "select pg_catalog.rtrim(pg_catalog.pg_get_ruledef(r.oid, true), ';') from pg_catalog.pg_rewrite r \
         where r.ev_class = {} and r.rulename <> '_RETURN' order by r.rulename",
        relation.oid
    );
    Footer::new(query, |_, answer| {
        let each = |row| format!(" {}", definition(answer, row));
        headed("Rules:", (0..answer.rows.len()).map(each).collect())
    })
}
