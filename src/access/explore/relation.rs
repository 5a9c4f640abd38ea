//! The statements that make a relation again: columns with types, collations, defaults, identities and generated values,
//! constraints, indexes, triggers, rules, policies, statistics, storage parameters, comments. A partition is made whole and
//! attached, so that its columns keep their order and its indexes their names. Privileges and owners are left out. It must
//! not know what the statements are for.

use super::definition::{comment, one, written};
use super::{Named, Rows, ask, cell, is};
use crate::access::Session;
use crate::model::Diagnosis;
use crate::model::completion::{identifier, literal};

/// What is known of the relation itself.
struct Facts {
    oid: String,
    kind: String,
    /// With its schema, as it is written.
    name: String,
    row: Vec<Option<String>>,
}

/// `WITH (…)` of `pg_class.reloptions`, each value a literal, for a name may be anything.
const OPTIONS: &str = "(select pg_catalog.string_agg(pg_catalog.quote_ident(o.option_name) || '=' || \
    pg_catalog.quote_literal(o.option_value), ', ') from pg_catalog.pg_options_to_table(c.reloptions) o)";

pub(super) async fn statements(session: &mut Session, of: &Named) -> Result<Vec<String>, Diagnosis> {
    let rows = ask(
        session,
        &format!(
            "select c.oid, c.relkind, c.relpersistence, pg_catalog.pg_get_partkeydef(c.oid), \
             case when c.relispartition then pg_catalog.pg_get_expr(c.relpartbound, c.oid) end, \
             (select pg_catalog.string_agg(pg_catalog.format('%I.%I', pn.nspname, p.relname), ', ' order by i.inhseqno) \
             from pg_catalog.pg_inherits i join pg_catalog.pg_class p on p.oid = i.inhparent \
             join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace where i.inhrelid = c.oid), \
             {OPTIONS}, c.relrowsecurity, c.relforcerowsecurity, pg_catalog.obj_description(c.oid, 'pg_class'), \
             case when c.relkind in ('r', 'p', 'm') and m.amname <> 'heap' then m.amname end, c.relreplident, \
             c.relispopulated, (select s.spcname from pg_catalog.pg_tablespace s where s.oid = c.reltablespace), \
             case when c.reloftype <> 0 then pg_catalog.format_type(c.reloftype, null) end \
             from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
             left join pg_catalog.pg_am m on m.oid = c.relam where n.nspname = {} and c.relname = {}",
            literal(&of.schema),
            literal(&of.name)
        ),
    )
    .await?;
    let row = one(rows, of)?;
    let facts = Facts { oid: cell(&row, 0).to_owned(), kind: cell(&row, 1).to_owned(), name: written(of), row };
    match facts.kind.as_str() {
        "S" => sequence(session, &facts, of).await,
        "i" | "I" => index(session, &facts).await,
        "v" | "m" => view(session, &facts).await,
        _ => table(session, &facts).await,
    }
}

async fn table(session: &mut Session, facts: &Facts) -> Result<Vec<String>, Diagnosis> {
    let columns = columns(session, facts).await?;
    let constraints = constraints(session, facts).await?;
    let is_partition = facts.row.get(4).is_some_and(Option::is_some);
    let inherits = if is_partition { "" } else { cell(&facts.row, 5) };
    let typed = cell(&facts.row, 14);
    let (mut before, mut after) = owned_sequences(session, facts).await?;
    let own = |row: &[Option<String>]| inherits.is_empty() || is(row, 9);
    let mut lines: Vec<String> = Vec::new();
    if typed.is_empty() {
        lines.extend(columns.iter().filter(|row| own(row)).map(|row| column(row)));
    }
    // A check that was never verified would be verified here; a key to another table may need what comes later.
    let inside = |row: &&Vec<Option<String>>| is(row, 3) && cell(row, 2) != "f" && cell(row, 2) != "t";
    lines.extend(constraints.iter().filter(inside).map(|row| format!("CONSTRAINT {} {}", cell(row, 0), cell(row, 1))));
    let word = match (facts.kind.as_str(), cell(&facts.row, 2)) {
        ("f", _) => "FOREIGN TABLE",
        (_, "u") => "UNLOGGED TABLE",
        (_, "t") => "TEMPORARY TABLE",
        _ => "TABLE",
    };
    let of_type = if typed.is_empty() { String::new() } else { format!(" OF {typed}") };
    let body = match (lines.is_empty(), typed.is_empty()) {
        (true, false) => String::new(),
        (true, true) => " (\n)".to_owned(),
        (false, _) => format!(" (\n    {}\n)", lines.join(",\n    ")),
    };
    let mut made = format!("CREATE {word} {}{of_type}{body}", facts.name);
    if !inherits.is_empty() {
        made += &format!("\nINHERITS ({inherits})");
    }
    if let Some(Some(key)) = facts.row.get(3) {
        made += &format!("\nPARTITION BY {key}");
    }
    if facts.kind == "f" {
        made += &server(session, facts).await?;
    } else {
        made += &storage(facts);
    }
    before.push(made);
    before.append(&mut after);
    let mut statements = before;
    let alter = format!("ALTER {} {}", if facts.kind == "f" { "FOREIGN TABLE" } else { "TABLE" }, facts.name);
    for row in columns.iter().filter(|row| !own(row)) {
        // What a child inherits it may have changed.
        if row.get(3).is_some_and(Option::is_some) && cell(row, 5).is_empty() {
            statements.push(format!("{alter} ALTER COLUMN {} SET DEFAULT {}", cell(row, 0), cell(row, 3)));
        }
        if is(row, 2) {
            statements.push(format!("{alter} ALTER COLUMN {} SET NOT NULL", cell(row, 0)));
        }
    }
    for row in &columns {
        for (at, what) in [(6, "SET STORAGE"), (7, "SET STATISTICS"), (8, "SET COMPRESSION"), (11, "SET")] {
            if row.get(at).is_some_and(Option::is_some) {
                statements.push(format!("{alter} ALTER COLUMN {} {what} {}", cell(row, 0), cell(row, at)));
            }
        }
    }
    let outside = constraints.iter().filter(|row| !inside(row) && cell(row, 2) != "t");
    let (keys, others): (Vec<_>, Vec<_>) = outside.partition(|row| cell(row, 2) == "f");
    let add = |row: &&Vec<Option<String>>| format!("{alter} ADD CONSTRAINT {} {}", cell(row, 0), cell(row, 1));
    statements.extend(others.iter().map(add));
    statements.extend(indexes(session, facts).await?);
    if is_partition {
        let parent = cell(&facts.row, 5);
        statements.push(format!("ALTER TABLE {parent} ATTACH PARTITION {} {}", facts.name, cell(&facts.row, 4)));
    }
    statements.extend(keys.iter().map(add));
    statements.extend(extras(session, facts, &alter).await?);
    let kind = if facts.kind == "f" { "FOREIGN TABLE" } else { "TABLE" };
    statements.extend(comment(kind, &facts.name, facts.row.get(9)));
    statements.extend(column_comments(&columns, facts));
    statements.extend(
        constraints
            .iter()
            .filter_map(|row| comment("CONSTRAINT", &format!("{} ON {}", cell(row, 0), facts.name), row.get(4))),
    );
    Ok(statements)
}

/// A NOT NULL (a constraint `k` of the relation `c`, since 18) that says more than the words at its column.
const NAMED: &str = "k.contype = 'n' and (k.connoinherit or not k.convalidated or k.conname <> c.relname || '_' || \
     (select n.attname from pg_catalog.pg_attribute n where n.attrelid = c.oid and n.attnum = k.conkey[1]) || '_not_null')";

/// Name, type with collation, whether it is NOT NULL there (what a parent brings with its column is not told again), default, identity with its options, whether it is generated, storage,
/// statistics, compression, whether it is of this table itself, comment, options, options of a foreign column.
async fn columns(session: &mut Session, facts: &Facts) -> Result<Rows, Diagnosis> {
    ask(
        session,
        &format!(
            "select pg_catalog.quote_ident(a.attname), pg_catalog.format_type(a.atttypid, a.atttypmod) || \
             coalesce((select ' COLLATE ' || pg_catalog.format('%I.%I', cn.nspname, co.collname) \
             from pg_catalog.pg_collation co join pg_catalog.pg_namespace cn on cn.oid = co.collnamespace \
             where co.oid = a.attcollation and a.attcollation <> t.typcollation), ''), \
             a.attnotnull and not exists (select from pg_catalog.pg_constraint k join pg_catalog.pg_class c on c.oid = k.conrelid \
             where k.conrelid = a.attrelid and k.conkey[1] = a.attnum and k.conislocal and {NAMED}) \
             and not exists (select from pg_catalog.pg_constraint k join pg_catalog.pg_class c on c.oid = k.conrelid \
             where k.conrelid = a.attrelid and k.conkey[1] = a.attnum and k.contype = 'n' and not k.conislocal \
             and not a.attislocal and not c.relispartition), pg_catalog.pg_get_expr(d.adbin, d.adrelid), \
             case a.attidentity when 'a' then 'ALWAYS AS IDENTITY' when 'd' then 'BY DEFAULT AS IDENTITY' end || coalesce(' (' || nullif( \
             pg_catalog.concat_ws(' ', case when q.seqincrement <> 1 then 'INCREMENT BY ' || q.seqincrement end, \
             case when q.seqstart <> (case when q.seqincrement > 0 then q.seqmin else q.seqmax end) then 'START WITH ' || q.seqstart end, \
             case when q.seqmin <> (case when q.seqincrement > 0 then 1 else l.low end) then 'MINVALUE ' || q.seqmin end, \
             case when q.seqmax <> (case when q.seqincrement > 0 then l.high else -1 end) then 'MAXVALUE ' || q.seqmax end, \
             case when q.seqcache <> 1 then 'CACHE ' || q.seqcache end, case when q.seqcycle then 'CYCLE' end), '') || ')', ''), \
             nullif(pg_catalog.to_jsonb(a) ->> 'attgenerated', ''), \
             case when a.attstorage <> t.typstorage then case a.attstorage when 'p' then 'PLAIN' when 'e' then 'EXTERNAL' \
             when 'm' then 'MAIN' when 'x' then 'EXTENDED' end end, nullif(a.attstattarget, -1), \
             case nullif(pg_catalog.to_jsonb(a) ->> 'attcompression', '') when 'p' then 'pglz' when 'l' then 'lz4' end, \
             a.attislocal, pg_catalog.col_description(a.attrelid, a.attnum), \
             '(' || pg_catalog.array_to_string(a.attoptions, ', ') || ')', \
             (select ' OPTIONS (' || pg_catalog.string_agg(pg_catalog.quote_ident(o.option_name) || ' ' || \
             pg_catalog.quote_literal(o.option_value), ', ') || ')' from pg_catalog.pg_options_to_table(a.attfdwoptions) o) \
             from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid \
             left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum \
             left join pg_catalog.pg_depend e on a.attidentity <> '' and e.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass \
             and e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and e.refobjid = a.attrelid and e.refobjsubid = a.attnum and e.deptype = 'i' \
             left join pg_catalog.pg_sequence q on q.seqrelid = e.objid \
             left join (values (21::pg_catalog.oid, -32768::pg_catalog.int8, 32767::pg_catalog.int8), (23, -2147483648, 2147483647), \
             (20, -9223372036854775808, 9223372036854775807)) l (of_type, low, high) on l.of_type = q.seqtypid \
             where a.attrelid = {} and a.attnum > 0 and not a.attisdropped order by a.attnum",
            facts.oid
        ),
    )
    .await
}

fn column(row: &[Option<String>]) -> String {
    let mut line = format!("{} {}{}", cell(row, 0), cell(row, 1), cell(row, 12));
    match (cell(row, 5), row.get(3).and_then(Option::as_deref), cell(row, 4)) {
        ("", _, identity) if !identity.is_empty() => line += &format!(" GENERATED {identity}"),
        ("", Some(default), _) => line += &format!(" DEFAULT {default}"),
        ("s", Some(value), _) => line += &format!(" GENERATED ALWAYS AS ({value}) STORED"),
        (_, Some(value), _) => line += &format!(" GENERATED ALWAYS AS ({value})"),
        (_, None, _) => {}
    }
    if is(row, 2) {
        line += " NOT NULL";
    }
    line
}

/// Name, definition, kind, whether it may stand within CREATE TABLE, comment; of this table itself.
async fn constraints(session: &mut Session, facts: &Facts) -> Result<Rows, Diagnosis> {
    ask(
        session,
        &format!(
            "select pg_catalog.quote_ident(k.conname), pg_catalog.pg_get_constraintdef(k.oid), k.contype, k.convalidated, \
             pg_catalog.obj_description(k.oid, 'pg_constraint') from pg_catalog.pg_constraint k \
             join pg_catalog.pg_class c on c.oid = k.conrelid where k.conrelid = {} and (k.contype <> 'n' or {NAMED}) \
             and (k.conislocal or (c.relispartition and k.contype <> 'f')) and not (k.contype = 'f' and k.conparentid <> 0) \
             order by pg_catalog.strpos('puxcfn', k.contype::pg_catalog.text), k.conname",
            facts.oid
        ),
    )
    .await
}

/// Sequences that belong to columns and are no identity's: they are made before the table, and given to it after.
async fn owned_sequences(session: &mut Session, facts: &Facts) -> Result<(Vec<String>, Vec<String>), Diagnosis> {
    let owned = ask(
        session,
        &format!(
            "select n.nspname, c.relname, c.oid, pg_catalog.quote_ident(a.attname) from pg_catalog.pg_depend d \
             join pg_catalog.pg_class c on c.oid = d.objid and c.relkind = 'S' \
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
             join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid \
             where d.refobjid = {} and d.deptype = 'a' and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass \
             and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass order by a.attnum, c.oid",
            facts.oid
        ),
    )
    .await?;
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for row in &owned {
        let name = written(&Named { schema: cell(row, 0).to_owned(), name: cell(row, 1).to_owned() });
        before.push(make_sequence(session, cell(row, 2), &name).await?);
        after.push(format!("ALTER SEQUENCE {name} OWNED BY {}.{}", facts.name, cell(row, 3)));
    }
    Ok((before, after))
}

async fn make_sequence(session: &mut Session, oid: &str, name: &str) -> Result<String, Diagnosis> {
    let rows = ask(
        session,
        &format!(
            "select pg_catalog.format_type(q.seqtypid, null), q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcache, \
             q.seqcycle, c.relpersistence from pg_catalog.pg_sequence q join pg_catalog.pg_class c on c.oid = q.seqrelid \
             where q.seqrelid = {oid}"
        ),
    )
    .await?;
    let row = rows.first().ok_or_else(|| super::gone(name))?;
    let word = match cell(row, 7) {
        "u" => "UNLOGGED SEQUENCE",
        "t" => "TEMPORARY SEQUENCE",
        _ => "SEQUENCE",
    };
    Ok(format!(
        "CREATE {word} {name} AS {}\n    START WITH {} INCREMENT BY {} MINVALUE {} MAXVALUE {} CACHE {}{}",
        cell(row, 0),
        cell(row, 1),
        cell(row, 2),
        cell(row, 3),
        cell(row, 4),
        cell(row, 5),
        if is(row, 6) { " CYCLE" } else { "" }
    ))
}

async fn sequence(session: &mut Session, facts: &Facts, of: &Named) -> Result<Vec<String>, Diagnosis> {
    let mut statements = vec![make_sequence(session, &facts.oid, &written(of)).await?];
    let owner = ask(
        session,
        &format!(
            "select pg_catalog.format('%I.%I.%I', n.nspname, c.relname, a.attname) from pg_catalog.pg_depend d \
             join pg_catalog.pg_class c on c.oid = d.refobjid join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
             join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid \
             where d.objid = {} and d.deptype = 'a' and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass",
            facts.oid
        ),
    )
    .await?;
    statements.extend(owner.first().map(|row| format!("ALTER SEQUENCE {} OWNED BY {}", facts.name, cell(row, 0))));
    statements.extend(comment("SEQUENCE", &facts.name, facts.row.get(9)));
    Ok(statements)
}

/// An index on its own: one that a constraint has is made by it.
async fn index(session: &mut Session, facts: &Facts) -> Result<Vec<String>, Diagnosis> {
    let rows = ask(
        session,
        &format!(
            "select pg_catalog.pg_get_indexdef({0}), k.conname, pg_catalog.pg_get_constraintdef(k.oid), \
             pg_catalog.format('%I.%I', n.nspname, t.relname) from pg_catalog.pg_index x \
             join pg_catalog.pg_class t on t.oid = x.indrelid join pg_catalog.pg_namespace n on n.oid = t.relnamespace \
             left join pg_catalog.pg_constraint k on k.conindid = x.indexrelid and k.contype in ('p', 'u', 'x') \
             where x.indexrelid = {0}",
            facts.oid
        ),
    )
    .await?;
    let row = rows.first().ok_or_else(|| super::gone(&facts.name))?;
    let made = match row.get(1).and_then(Option::as_deref) {
        Some(constraint) => {
            format!("ALTER TABLE {} ADD CONSTRAINT {} {}", cell(row, 3), identifier(constraint), cell(row, 2))
        }
        None => cell(row, 0).to_owned(),
    };
    Ok(std::iter::once(made).chain(comment("INDEX", &facts.name, facts.row.get(9))).collect())
}

/// Indexes that no constraint has.
async fn indexes(session: &mut Session, facts: &Facts) -> Result<Vec<String>, Diagnosis> {
    let rows = ask(
        session,
        &format!(
            "select pg_catalog.pg_get_indexdef(i.oid), pg_catalog.format('CREATE %sINDEX %I ON ', \
             case when x.indisunique then 'UNIQUE ' else '' end, i.relname), pg_catalog.format('%I.%I', n.nspname, i.relname), \
             pg_catalog.obj_description(i.oid, 'pg_class'), x.indisclustered, x.indisreplident, \
             exists (select from pg_catalog.pg_constraint k where k.conindid = i.oid and k.contype in ('p', 'u', 'x')), \
             pg_catalog.quote_ident(i.relname) \
             from pg_catalog.pg_index x join pg_catalog.pg_class i on i.oid = x.indexrelid \
             join pg_catalog.pg_namespace n on n.oid = i.relnamespace where x.indrelid = {} order by i.relname",
            facts.oid
        ),
    )
    .await?;
    let mut statements = Vec::new();
    for row in &rows {
        if !is(row, 6) {
            // On a partitioned table the server writes ON ONLY, which would leave the index invalid.
            let prefix = cell(row, 1);
            let rest = cell(row, 0).strip_prefix(prefix).map(|rest| rest.strip_prefix("ONLY ").unwrap_or(rest));
            statements.push(rest.map_or_else(|| cell(row, 0).to_owned(), |rest| format!("{prefix}{rest}")));
        }
        statements.extend(comment("INDEX", cell(row, 2), row.get(3)));
        if is(row, 4) {
            let what = if facts.kind == "m" { "MATERIALIZED VIEW" } else { "TABLE" };
            statements.push(format!("ALTER {what} {} CLUSTER ON {}", facts.name, cell(row, 7)));
        }
        if is(row, 5) {
            statements.push(format!("ALTER TABLE {} REPLICA IDENTITY USING INDEX {}", facts.name, cell(row, 7)));
        }
    }
    Ok(statements)
}

/// Access method, storage parameters, tablespace.
fn storage(facts: &Facts) -> String {
    let mut out = String::new();
    for (at, before, after) in [(10, "\nUSING ", ""), (6, "\nWITH (", ")")] {
        if facts.row.get(at).is_some_and(Option::is_some) {
            out += &format!("{before}{}{after}", cell(&facts.row, at));
        }
    }
    if facts.row.get(13).is_some_and(Option::is_some) {
        out += &format!("\nTABLESPACE {}", identifier(cell(&facts.row, 13)));
    }
    out
}

/// Of a foreign table.
async fn server(session: &mut Session, facts: &Facts) -> Result<String, Diagnosis> {
    let rows = ask(
        session,
        &format!(
            "select pg_catalog.quote_ident(s.srvname), (select ' OPTIONS (' || pg_catalog.string_agg( \
             pg_catalog.quote_ident(o.option_name) || ' ' || pg_catalog.quote_literal(o.option_value), ', ') || ')' \
             from pg_catalog.pg_options_to_table(f.ftoptions) o) from pg_catalog.pg_foreign_table f \
             join pg_catalog.pg_foreign_server s on s.oid = f.ftserver where f.ftrelid = {}",
            facts.oid
        ),
    )
    .await?;
    let row = rows.first().ok_or_else(|| super::gone(&facts.name))?;
    Ok(format!("\nSERVER {}{}", cell(row, 0), cell(row, 1)))
}

/// Row security, replica identity, policies, triggers, rules, statistics: one kind of row each.
async fn extras(session: &mut Session, facts: &Facts, alter: &str) -> Result<Vec<String>, Diagnosis> {
    let (oid, name) = (&facts.oid, &facts.name);
    let mut statements = Vec::new();
    if is(&facts.row, 7) {
        statements.push(format!("{alter} ENABLE ROW LEVEL SECURITY"));
    }
    if is(&facts.row, 8) {
        statements.push(format!("{alter} FORCE ROW LEVEL SECURITY"));
    }
    match cell(&facts.row, 11) {
        "f" => statements.push(format!("{alter} REPLICA IDENTITY FULL")),
        "n" if facts.kind != "v" && facts.kind != "f" => statements.push(format!("{alter} REPLICA IDENTITY NOTHING")),
        _ => {}
    }
    let found = ask(
        session,
        &format!(
            "select 'CREATE POLICY ' || pg_catalog.quote_ident(p.polname) || ' ON ' || {0} || \
             case when p.polpermissive then '' else ' AS RESTRICTIVE' end || case p.polcmd when 'r' then ' FOR SELECT' \
             when 'a' then ' FOR INSERT' when 'w' then ' FOR UPDATE' when 'd' then ' FOR DELETE' else '' end || \
             case when p.polroles = '{{0}}' then '' else ' TO ' || (select pg_catalog.string_agg( \
             case when r.oid = 0 then 'PUBLIC' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(r.oid)) end, ', ') \
             from pg_catalog.unnest(p.polroles) r (oid)) end || \
             coalesce(' USING (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')', '') || \
             coalesce(' WITH CHECK (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ')', '') as made, 1 as place, p.polname as name \
             from pg_catalog.pg_policy p where p.polrelid = {oid} \
             union all select pg_catalog.pg_get_statisticsobjdef(s.oid), 2, s.stxname from pg_catalog.pg_statistic_ext s \
             where s.stxrelid = {oid} \
             union all select pg_catalog.pg_get_ruledef(r.oid), 3, r.rulename from pg_catalog.pg_rewrite r \
             where r.ev_class = {oid} and r.rulename <> '_RETURN' \
             union all select pg_catalog.pg_get_triggerdef(t.oid), 4, t.tgname from pg_catalog.pg_trigger t \
             where t.tgrelid = {oid} and not t.tgisinternal and coalesce((pg_catalog.to_jsonb(t) ->> 'tgparentid')::pg_catalog.oid, 0) = 0 \
             union all select {1} || case t.tgenabled when 'D' then ' DISABLE' when 'R' then ' ENABLE REPLICA' \
             when 'A' then ' ENABLE ALWAYS' end || ' TRIGGER ' || pg_catalog.quote_ident(t.tgname), 5, t.tgname \
             from pg_catalog.pg_trigger t where t.tgrelid = {oid} and not t.tgisinternal and t.tgenabled <> 'O' \
             union all select {1} || case r.ev_enabled when 'D' then ' DISABLE' when 'R' then ' ENABLE REPLICA' \
             when 'A' then ' ENABLE ALWAYS' end || ' RULE ' || pg_catalog.quote_ident(r.rulename), 6, r.rulename \
             from pg_catalog.pg_rewrite r where r.ev_class = {oid} and r.rulename <> '_RETURN' and r.ev_enabled <> 'O' \
             order by 2, 3",
            literal(name),
            literal(alter)
        ),
    )
    .await?;
    statements.extend(found.iter().map(|row| cell(row, 0).to_owned()));
    Ok(statements)
}

async fn view(session: &mut Session, facts: &Facts) -> Result<Vec<String>, Diagnosis> {
    let text = ask(session, &format!("select pg_catalog.pg_get_viewdef({}, true)", facts.oid)).await?;
    let text = text.first().map(|row| cell(row, 0).trim_end().trim_end_matches(';').to_owned()).unwrap_or_default();
    let columns = columns(session, facts).await?;
    let materialized = facts.kind == "m";
    let kind = if materialized { "MATERIALIZED VIEW" } else { "VIEW" };
    let mut made = format!("CREATE {kind} {}{} AS\n{text}", facts.name, storage(facts));
    if materialized && !is(&facts.row, 12) {
        made += "\nWITH NO DATA";
    }
    let mut statements = vec![made];
    let alter = format!("ALTER {kind} {}", facts.name);
    for row in columns.iter().filter(|row| row.get(3).is_some_and(Option::is_some)) {
        statements.push(format!("{alter} ALTER COLUMN {} SET DEFAULT {}", cell(row, 0), cell(row, 3)));
    }
    if materialized {
        statements.extend(indexes(session, facts).await?);
    }
    statements.extend(extras(session, facts, &alter).await?);
    statements.extend(comment(kind, &facts.name, facts.row.get(9)));
    statements.extend(column_comments(&columns, facts));
    Ok(statements)
}

fn column_comments(columns: &Rows, facts: &Facts) -> Vec<String> {
    let of = |row: &Vec<Option<String>>| comment("COLUMN", &format!("{}.{}", facts.name, cell(row, 0)), row.get(10));
    columns.iter().filter_map(of).collect()
}
