//! Extensions (`\dx`), languages (`\dL`), event triggers (`\dy`), descriptions of what has no other word (`\dd`), large
//! objects (`\dl`). It must not know sessions.

use super::list::List;
use super::pattern::Columns;
use super::server::{Server, filter};
use super::word::Word;
use super::{Printed, Refused};

/// `\dx`.
pub fn installed(server: &Server<'_>, pattern: Option<&str>) -> Result<List, Refused> {
    let (available, join) = match server.psql {
        18.. => (
            ", a.default_version as \"Default version\"",
            " left join pg_catalog.pg_available_extensions() a(name, default_version, comment) on a.name = e.extname",
        ),
        _ => ("", ""),
    };
    Ok(List {
        title: "List of installed extensions",
        query: format!(
            "select e.extname as \"Name\", e.extversion as \"Version\"{available}, n.nspname as \"Schema\", \
             pg_catalog.obj_description(e.oid, 'pg_extension') as \"Description\" from pg_catalog.pg_extension e \
             left join pg_catalog.pg_namespace n on n.oid = e.extnamespace{join}{} order by 1",
            filter(&server.named(pattern, "e.extname")?)
        ),
    })
}

/// `\dx+`: what belongs to each extension.
pub async fn contents(server: &mut Server<'_>, pattern: Option<&str>) -> Result<Vec<Printed>, Refused> {
    let found = server
        .ask(&format!(
            "select e.extname, e.oid from pg_catalog.pg_extension e{} order by 1",
            filter(&server.named(pattern, "e.extname")?)
        ))
        .await?;
    if found.rows.is_empty() {
        return Err(Refused::NothingFound(match pattern {
            Some(pattern) => format!("Did not find any extension named \"{pattern}\"."),
            None => "Did not find any extensions.".to_owned(),
        }));
    }
    let queries: Vec<String> = (0..found.rows.len())
        .map(|row| {
            format!(
                "select pg_catalog.pg_describe_object(d.classid, d.objid, 0) as \"Object description\" \
                 from pg_catalog.pg_depend d where d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass \
                 and d.refobjid = {} and d.deptype = 'e' order by 1",
                found.text(row, 1)
            )
        })
        .collect();
    let answers = server.ask_all(&queries).await?;
    Ok(answers
        .into_iter()
        .enumerate()
        .map(|(row, answer)| Printed::counted(format!("Objects in extension \"{}\"", found.text(row, 0)), answer))
        .collect())
}

/// `\dL`.
pub fn languages(server: &Server<'_>, word: &Word, pattern: Option<&str>) -> Result<List, Refused> {
    let more = if word.more {
        let columns = ", not l.lanispl as \"Internal language\", l.lanplcallfoid::pg_catalog.regprocedure as \"Call handler\", \
         l.lanvalidator::pg_catalog.regprocedure as \"Validator\", \
         l.laninline::pg_catalog.regprocedure as \"Inline handler\"";
        format!("{columns}{}", server.privileges("l.lanacl"))
    } else {
        String::new()
    };
    let mut conditions = server.named_in_database(pattern, "l.lanname")?;
    if pattern.is_none() && !word.system {
        conditions.push("l.lanplcallfoid <> 0".to_owned());
    }
    Ok(List {
        title: "List of languages",
        query: format!(
            "select l.lanname as \"Name\", pg_catalog.pg_get_userbyid(l.lanowner) as \"Owner\", \
             l.lanpltrusted as \"Trusted\"{more}, d.description as \"Description\" from pg_catalog.pg_language l \
             left join pg_catalog.pg_description d on d.classoid = l.tableoid and d.objoid = l.oid and d.objsubid = 0{} \
             order by 1",
            filter(&conditions)
        ),
    })
}

/// `\dy`.
pub fn event_triggers(server: &Server<'_>, word: &Word, pattern: Option<&str>) -> Result<List, Refused> {
    let note =
        if word.more { ", pg_catalog.obj_description(e.oid, 'pg_event_trigger') as \"Description\"" } else { "" };
    Ok(List {
        title: "List of event triggers",
        query: format!(
            "select e.evtname as \"Name\", e.evtevent as \"Event\", \
             pg_catalog.pg_get_userbyid(e.evtowner) as \"Owner\", case e.evtenabled when 'O' then 'enabled' \
             when 'R' then 'replica' when 'A' then 'always' when 'D' then 'disabled' end as \"Enabled\", \
             e.evtfoid::pg_catalog.regproc as \"Function\", pg_catalog.array_to_string(array(select x \
             from pg_catalog.unnest(e.evttags) as u(x)), ', ') as \"Tags\"{note} \
             from pg_catalog.pg_event_trigger e{} order by 1",
            filter(&server.named(pattern, "e.evtname")?)
        ),
    })
}

/// `\dl`.
pub fn large_objects(server: &Server<'_>, word: &Word) -> List {
    let acl = if word.more { server.privileges("m.lomacl") } else { String::new() };
    List {
        title: "Large objects",
        query: format!(
            "select m.oid as \"ID\", pg_catalog.pg_get_userbyid(m.lomowner) as \"Owner\"{acl}, \
             pg_catalog.obj_description(m.oid, 'pg_largeobject') as \"Description\" \
             from pg_catalog.pg_largeobject_metadata m order by 1"
        ),
    }
}

/// `\dd`: descriptions of constraints, operator classes and families, rules, triggers.
pub fn descriptions(server: &Server<'_>, word: &Word, pattern: Option<&str>) -> Result<List, Refused> {
    // What it is, where it is found, its name there, what else must hold, when it is visible.
    let table = "pg_catalog.pg_table_is_visible(c.oid)";
    let on_table = |catalogue: &str, alias: &str, relation: &str| {
        format!(
            "pg_catalog.{catalogue} {alias} join pg_catalog.pg_class c on c.oid = {alias}.{relation} \
             left join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
        )
    };
    let in_schema = |catalogue: &str, alias: &str, schema: &str| {
        format!("pg_catalog.{catalogue} {alias} left join pg_catalog.pg_namespace n on n.oid = {alias}.{schema}")
    };
    let sources = [
        ("table constraint", on_table("pg_constraint", "x", "conrelid"), "conname", "", table),
        (
            "domain constraint",
            "pg_catalog.pg_constraint x join pg_catalog.pg_type t on t.oid = x.contypid \
             left join pg_catalog.pg_namespace n on n.oid = t.typnamespace"
                .to_owned(),
            "conname",
            "",
            "pg_catalog.pg_type_is_visible(t.oid)",
        ),
        (
            "operator class",
            in_schema("pg_opclass", "x", "opcnamespace"),
            "opcname",
            "",
            "pg_catalog.pg_opclass_is_visible(x.oid)",
        ),
        (
            "operator family",
            in_schema("pg_opfamily", "x", "opfnamespace"),
            "opfname",
            "",
            "pg_catalog.pg_opfamily_is_visible(x.oid)",
        ),
        ("rule", on_table("pg_rewrite", "x", "ev_class"), "rulename", "x.rulename <> '_RETURN'", table),
        ("trigger", on_table("pg_trigger", "x", "tgrelid"), "tgname", "", table),
    ];
    let mut all = Vec::new();
    for (kind, from, name, condition, visible) in sources {
        let mut conditions = Vec::new();
        if !condition.is_empty() {
            conditions.push(condition.to_owned());
        }
        if !word.system && pattern.is_none() {
            conditions.push("n.nspname <> 'pg_catalog' and n.nspname <> 'information_schema'".to_owned());
        }
        let column = format!("x.{name}");
        let columns = Columns { schema: "n.nspname", name: &column, other: None, visible: Some(visible) };
        conditions.extend(server.within(pattern, columns)?);
        all.push(format!(
            "select x.oid as oid, x.tableoid as tableoid, n.nspname as nspname, x.{name}::pg_catalog.text as name, \
             '{kind}'::pg_catalog.text as object from {from}{}",
            filter(&conditions)
        ));
    }
    Ok(List {
        title: "Object descriptions",
        query: format!(
            "select distinct o.nspname as \"Schema\", o.name as \"Name\", o.object as \"Object\", \
             d.description as \"Description\" from ({}) o \
             join pg_catalog.pg_description d on d.objoid = o.oid and d.classoid = o.tableoid and d.objsubid = 0 \
             order by 1, 2, 3",
            all.join(" union all ")
        ),
    })
}
