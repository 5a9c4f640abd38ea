//! Foreign data: wrappers, servers, user mappings, tables (`\dew`, `\des`, `\deu`, `\det`). It must not know sessions.

use super::Refused;
use super::list::List;
use super::pattern::Columns;
use super::server::{Server, filter};
use super::word::Word;

/// Options as they are written in SQL.
fn options(column: &str) -> String {
    format!(
        "case when {column} is null then '' else '(' || pg_catalog.array_to_string(array(\
         select pg_catalog.quote_ident(option_name) || ' ' || pg_catalog.quote_literal(option_value) \
         from pg_catalog.pg_options_to_table({column})), ', ') || ')' end as \"FDW options\""
    )
}

fn description(word: &Word, of: &str) -> (&'static str, String) {
    if !word.more {
        return ("", String::new());
    }
    (
        ", d.description as \"Description\"",
        format!(
            " left join pg_catalog.pg_description d on d.classoid = {of}.tableoid and d.objoid = {of}.oid and d.objsubid = 0"
        ),
    )
}

/// `\dew`.
pub fn wrappers(server: &Server<'_>, word: &Word, pattern: Option<&str>) -> Result<List, Refused> {
    let (note, join) = description(word, "w");
    let more = if word.more {
        format!("{}, {}{note}", server.privileges("w.fdwacl"), options("w.fdwoptions"))
    } else {
        String::new()
    };
    Ok(List {
        title: "List of foreign-data wrappers",
        query: format!(
            "select w.fdwname as \"Name\", pg_catalog.pg_get_userbyid(w.fdwowner) as \"Owner\", \
             w.fdwhandler::pg_catalog.regproc as \"Handler\", w.fdwvalidator::pg_catalog.regproc as \"Validator\"{more} \
             from pg_catalog.pg_foreign_data_wrapper w{join}{} order by 1",
            filter(&server.named(pattern, "w.fdwname")?)
        ),
    })
}

/// `\des`.
pub fn servers(server: &Server<'_>, word: &Word, pattern: Option<&str>) -> Result<List, Refused> {
    let (note, join) = description(word, "s");
    let more = if word.more {
        format!(
            "{}, s.srvtype as \"Type\", s.srvversion as \"Version\", {}{note}",
            server.privileges("s.srvacl"),
            options("s.srvoptions")
        )
    } else {
        String::new()
    };
    Ok(List {
        title: "List of foreign servers",
        query: format!(
            "select s.srvname as \"Name\", pg_catalog.pg_get_userbyid(s.srvowner) as \"Owner\", \
             w.fdwname as \"Foreign-data wrapper\"{more} from pg_catalog.pg_foreign_server s \
             join pg_catalog.pg_foreign_data_wrapper w on w.oid = s.srvfdw{join}{} order by 1",
            filter(&server.named(pattern, "s.srvname")?)
        ),
    })
}

/// `\deu`: options may hold passwords; the server shows them to whom it may.
pub fn user_mappings(server: &Server<'_>, word: &Word, pattern: Option<&str>) -> Result<List, Refused> {
    let more = if word.more { format!(", {}", options("m.umoptions")) } else { String::new() };
    let conditions =
        server.within(pattern, Columns { schema: "", name: "m.srvname", other: Some("m.usename"), visible: None })?;
    Ok(List {
        title: "List of user mappings",
        query: format!(
            "select m.srvname as \"Server\", m.usename as \"User name\"{more} from pg_catalog.pg_user_mappings m{} order by 1, 2",
            filter(&conditions)
        ),
    })
}

/// `\det`.
pub fn tables(server: &Server<'_>, word: &Word, pattern: Option<&str>) -> Result<List, Refused> {
    let (note, join) = if word.more {
        (
            format!(", {}, d.description as \"Description\"", options("f.ftoptions")),
            " left join pg_catalog.pg_description d on d.classoid = c.tableoid and d.objoid = c.oid and d.objsubid = 0",
        )
    } else {
        (String::new(), "")
    };
    let conditions = server.within(
        pattern,
        Columns {
            schema: "n.nspname",
            name: "c.relname",
            other: None,
            visible: Some("pg_catalog.pg_table_is_visible(c.oid)"),
        },
    )?;
    Ok(List {
        title: "List of foreign tables",
        query: format!(
            "select n.nspname as \"Schema\", c.relname as \"Table\", s.srvname as \"Server\"{note} \
             from pg_catalog.pg_foreign_table f join pg_catalog.pg_class c on c.oid = f.ftrelid \
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
             join pg_catalog.pg_foreign_server s on s.oid = f.ftserver{join}{} order by 1, 2",
            filter(&conditions)
        ),
    })
}
