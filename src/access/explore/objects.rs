//! The statements that make functions, aggregates and types again. It must not know relations.

use super::definition::{comment, one, written};
use super::{Named, ask, cell, is};
use crate::access::Session;
use crate::model::Diagnosis;
use crate::model::completion::{identifier, literal};

/// A function, procedure or aggregate.
pub(super) async fn function(session: &mut Session, of: &Named, arguments: &str) -> Result<Vec<String>, Diagnosis> {
    // How arguments are written depends on the path: the caller has seen them with another one.
    let found = ask(
        session,
        &format!(
            "set search_path to default; select p.oid, p.prokind from pg_catalog.pg_proc p \
             join pg_catalog.pg_namespace n on n.oid = p.pronamespace where n.nspname = {} and p.proname = {} \
             and pg_catalog.pg_get_function_arguments(p.oid) = {}; set search_path = ''",
            literal(&of.schema),
            literal(&of.name),
            literal(arguments)
        ),
    )
    .await?;
    let row = one(found, of)?;
    let (oid, kind) = (cell(&row, 0), cell(&row, 1));
    let (word, body) = match kind {
        "a" => ("AGGREGATE", aggregate(session, of, oid).await?),
        _ => {
            let text = ask(session, &format!("select pg_catalog.pg_get_functiondef({oid})")).await?;
            (if kind == "p" { "PROCEDURE" } else { "FUNCTION" }, cell(&one(text, of)?, 0).to_owned())
        }
    };
    let about = ask(
        session,
        &format!(
            "select pg_catalog.pg_get_function_identity_arguments({oid}), pg_catalog.obj_description({oid}, 'pg_proc')"
        ),
    )
    .await?;
    let about = one(about, of)?;
    let name = format!("{}({})", written(of), cell(&about, 0));
    Ok(std::iter::once(body).chain(comment(word, &name, about.get(1))).collect())
}

async fn aggregate(session: &mut Session, of: &Named, oid: &str) -> Result<String, Diagnosis> {
    let rows = ask(
        session,
        &format!(
            "select pg_catalog.pg_get_function_arguments(a.aggfnoid), a.aggtransfn, \
             pg_catalog.format_type(a.aggtranstype, null), nullif(a.aggtransspace, 0), nullif(a.aggfinalfn, 0::pg_catalog.regproc), \
             nullif(a.aggcombinefn, 0::pg_catalog.regproc), nullif(a.aggserialfn, 0::pg_catalog.regproc), \
             nullif(a.aggdeserialfn, 0::pg_catalog.regproc), a.agginitval, nullif(a.aggmtransfn, 0::pg_catalog.regproc), \
             nullif(a.aggminvtransfn, 0::pg_catalog.regproc), case when a.aggmtranstype <> 0 then \
             pg_catalog.format_type(a.aggmtranstype, null) end, nullif(a.aggmfinalfn, 0::pg_catalog.regproc), a.aggminitval, \
             case p.proparallel when 's' then 'safe' when 'r' then 'restricted' end, a.aggfinalextra, a.aggkind, \
             case when a.aggsortop <> 0 then 'OPERATOR(' || pg_catalog.quote_ident(n.nspname) || '.' || o.oprname || ')' end \
             from pg_catalog.pg_aggregate a join pg_catalog.pg_proc p on p.oid = a.aggfnoid \
             left join pg_catalog.pg_operator o on o.oid = a.aggsortop left join pg_catalog.pg_namespace n on n.oid = o.oprnamespace \
             where a.aggfnoid = {oid}"
        ),
    )
    .await?;
    let row = one(rows, of)?;
    let mut options = vec![format!("SFUNC = {}", cell(&row, 1)), format!("STYPE = {}", cell(&row, 2))];
    let plain = [
        (3, "SSPACE"),
        (4, "FINALFUNC"),
        (5, "COMBINEFUNC"),
        (6, "SERIALFUNC"),
        (7, "DESERIALFUNC"),
        (9, "MSFUNC"),
        (10, "MINVFUNC"),
        (11, "MSTYPE"),
        (12, "MFINALFUNC"),
        (14, "PARALLEL"),
        (17, "SORTOP"),
    ];
    let there = |at: usize| row.get(at).is_some_and(Option::is_some);
    options.extend(plain.iter().filter(|(at, _)| there(*at)).map(|(at, word)| format!("{word} = {}", cell(&row, *at))));
    let texts = [(8, "INITCOND"), (13, "MINITCOND")];
    options.extend(
        texts.iter().filter(|(at, _)| there(*at)).map(|(at, word)| format!("{word} = {}", literal(cell(&row, *at)))),
    );
    if is(&row, 15) {
        options.push("FINALFUNC_EXTRA".to_owned());
    }
    if cell(&row, 16) == "h" {
        options.push("HYPOTHETICAL".to_owned());
    }
    let arguments = if cell(&row, 0).is_empty() { "*" } else { cell(&row, 0) };
    Ok(format!("CREATE AGGREGATE {}({arguments}) (\n    {}\n)", written(of), options.join(",\n    ")))
}

/// An enum, domain, composite or range type.
pub(super) async fn of_type(session: &mut Session, of: &Named) -> Result<Vec<String>, Diagnosis> {
    let rows = ask(
        session,
        &format!(
            "select t.oid, t.typtype, t.typrelid, pg_catalog.format_type(t.typbasetype, t.typtypmod), t.typnotnull, \
             t.typdefault, case when t.typcollation <> 0 and t.typcollation <> b.typcollation then \
             (select pg_catalog.format('%I.%I', cn.nspname, c.collname) from pg_catalog.pg_collation c \
             join pg_catalog.pg_namespace cn on cn.oid = c.collnamespace where c.oid = t.typcollation) end, \
             pg_catalog.obj_description(t.oid, 'pg_type') from pg_catalog.pg_type t \
             join pg_catalog.pg_namespace n on n.oid = t.typnamespace \
             left join pg_catalog.pg_type b on b.oid = t.typbasetype where n.nspname = {} and t.typname = {}",
            literal(&of.schema),
            literal(&of.name)
        ),
    )
    .await?;
    let row = one(rows, of)?;
    let (oid, name) = (cell(&row, 0).to_owned(), written(of));
    let mut word = "TYPE";
    let mut statements = Vec::new();
    match cell(&row, 1) {
        "e" => {
            let labels = ask(
                session,
                &format!(
                    "select pg_catalog.quote_literal(e.enumlabel) from pg_catalog.pg_enum e where e.enumtypid = {oid} \
                     order by e.enumsortorder"
                ),
            )
            .await?;
            let labels: Vec<&str> = labels.iter().map(|row| cell(row, 0)).collect();
            statements.push(format!("CREATE TYPE {name} AS ENUM (\n    {}\n)", labels.join(",\n    ")));
        }
        "d" => {
            word = "DOMAIN";
            let mut made = format!("CREATE DOMAIN {name} AS {}", cell(&row, 3));
            if !cell(&row, 6).is_empty() {
                made += &format!(" COLLATE {}", cell(&row, 6));
            }
            if row.get(5).is_some_and(Option::is_some) {
                made += &format!(" DEFAULT {}", cell(&row, 5));
            }
            if is(&row, 4) {
                made += " NOT NULL";
            }
            let checks = ask(
                session,
                &format!(
                    "select k.conname, pg_catalog.pg_get_constraintdef(k.oid), k.convalidated from pg_catalog.pg_constraint k \
                     where k.contypid = {oid} and k.contype = 'c' order by k.conname"
                ),
            )
            .await?;
            let written =
                |row: &Vec<Option<String>>| format!("CONSTRAINT {} {}", identifier(cell(row, 0)), cell(row, 1));
            for check in checks.iter().filter(|row| is(row, 2)) {
                made += &format!("\n    {}", written(check));
            }
            statements.push(made);
            statements.extend(
                checks.iter().filter(|row| !is(row, 2)).map(|row| format!("ALTER DOMAIN {name} ADD {}", written(row))),
            );
        }
        "r" => {
            let range = ask(
                session,
                &format!(
                    "select pg_catalog.format_type(r.rngsubtype, null), nullif(r.rngcanonical, 0::pg_catalog.regproc), \
                     nullif(r.rngsubdiff, 0::pg_catalog.regproc) from pg_catalog.pg_range r where r.rngtypid = {oid}"
                ),
            )
            .await?;
            let range = one(range, of)?;
            let mut options = vec![format!("SUBTYPE = {}", cell(&range, 0))];
            for (at, word) in [(1, "CANONICAL"), (2, "SUBTYPE_DIFF")] {
                if range.get(at).is_some_and(Option::is_some) {
                    options.push(format!("{word} = {}", cell(&range, at)));
                }
            }
            statements.push(format!("CREATE TYPE {name} AS RANGE (\n    {}\n)", options.join(",\n    ")));
        }
        "c" => {
            let columns = ask(
                session,
                &format!(
                    "select pg_catalog.quote_ident(a.attname) || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod) \
                     from pg_catalog.pg_attribute a where a.attrelid = {} and a.attnum > 0 and not a.attisdropped \
                     order by a.attnum",
                    cell(&row, 2)
                ),
            )
            .await?;
            let columns: Vec<&str> = columns.iter().map(|row| cell(row, 0)).collect();
            statements.push(format!("CREATE TYPE {name} AS (\n    {}\n)", columns.join(",\n    ")));
        }
        _ => statements.push(format!("-- {} is a base type: it is made by an extension or in C", word.to_lowercase())),
    }
    statements.extend(comment(word, &name, row.get(7)));
    Ok(statements)
}
