//! Full text search: configurations, parsers, dictionaries, templates (`\dF`, `\dFp`, `\dFd`, `\dFt`). It must not know
//! sessions.

use super::list::List;
use super::pattern::Columns;
use super::server::{Server, filter};
use super::word::Word;
use super::{Printed, Refused};

fn conditions(server: &Server<'_>, pattern: Option<&str>, name: &str, visible: &str) -> Result<Vec<String>, Refused> {
    server.within(pattern, Columns { schema: "n.nspname", name, other: None, visible: Some(visible) })
}

fn nothing(what: &str, pattern: Option<&str>) -> Refused {
    Refused::NothingFound(match pattern {
        Some(pattern) => format!("Did not find any text search {what} named \"{pattern}\"."),
        None => format!("Did not find any text search {what}s."),
    })
}

/// `\dF`.
pub fn list_configurations(server: &Server<'_>, pattern: Option<&str>) -> Result<List, Refused> {
    Ok(List {
        title: "List of text search configurations",
        query: format!(
            "select n.nspname as \"Schema\", c.cfgname as \"Name\", \
             pg_catalog.obj_description(c.oid, 'pg_ts_config') as \"Description\" from pg_catalog.pg_ts_config c \
             left join pg_catalog.pg_namespace n on n.oid = c.cfgnamespace{} order by 1, 2",
            filter(&conditions(server, pattern, "c.cfgname", "pg_catalog.pg_ts_config_is_visible(c.oid)")?)
        ),
    })
}

/// `\dFp`.
pub fn list_parsers(server: &Server<'_>, pattern: Option<&str>) -> Result<List, Refused> {
    Ok(List {
        title: "List of text search parsers",
        query: format!(
            "select n.nspname as \"Schema\", p.prsname as \"Name\", \
             pg_catalog.obj_description(p.oid, 'pg_ts_parser') as \"Description\" from pg_catalog.pg_ts_parser p \
             left join pg_catalog.pg_namespace n on n.oid = p.prsnamespace{} order by 1, 2",
            filter(&conditions(server, pattern, "p.prsname", "pg_catalog.pg_ts_parser_is_visible(p.oid)")?)
        ),
    })
}

/// `\dFd`.
pub fn dictionaries(server: &Server<'_>, word: &Word, pattern: Option<&str>) -> Result<List, Refused> {
    let more = if word.more {
        "(select coalesce(m.nspname, '(null)')::pg_catalog.text || '.' || t.tmplname from pg_catalog.pg_ts_template t \
         left join pg_catalog.pg_namespace m on m.oid = t.tmplnamespace where t.oid = d.dicttemplate) as \"Template\", \
         d.dictinitoption as \"Init options\", "
    } else {
        ""
    };
    Ok(List {
        title: "List of text search dictionaries",
        query: format!(
            "select n.nspname as \"Schema\", d.dictname as \"Name\", {more}\
             pg_catalog.obj_description(d.oid, 'pg_ts_dict') as \"Description\" from pg_catalog.pg_ts_dict d \
             left join pg_catalog.pg_namespace n on n.oid = d.dictnamespace{} order by 1, 2",
            filter(&conditions(server, pattern, "d.dictname", "pg_catalog.pg_ts_dict_is_visible(d.oid)")?)
        ),
    })
}

/// `\dFt`.
pub fn templates(server: &Server<'_>, word: &Word, pattern: Option<&str>) -> Result<List, Refused> {
    let more = if word.more {
        "t.tmplinit::pg_catalog.regproc as \"Init\", t.tmpllexize::pg_catalog.regproc as \"Lexize\", "
    } else {
        ""
    };
    Ok(List {
        title: "List of text search templates",
        query: format!(
            "select n.nspname as \"Schema\", t.tmplname as \"Name\", {more}\
             pg_catalog.obj_description(t.oid, 'pg_ts_template') as \"Description\" from pg_catalog.pg_ts_template t \
             left join pg_catalog.pg_namespace n on n.oid = t.tmplnamespace{} order by 1, 2",
            filter(&conditions(server, pattern, "t.tmplname", "pg_catalog.pg_ts_template_is_visible(t.oid)")?)
        ),
    })
}

/// `\dF+`: which dictionaries each kind of token goes to.
pub async fn configurations(server: &mut Server<'_>, pattern: Option<&str>) -> Result<Vec<Printed>, Refused> {
    let conditions = conditions(server, pattern, "c.cfgname", "pg_catalog.pg_ts_config_is_visible(c.oid)")?;
    let found = server
        .ask(&format!(
            "select c.oid, c.cfgname, n.nspname, p.prsname, m.nspname, c.cfgparser from pg_catalog.pg_ts_config c \
             left join pg_catalog.pg_namespace n on n.oid = c.cfgnamespace \
             join pg_catalog.pg_ts_parser p on p.oid = c.cfgparser \
             left join pg_catalog.pg_namespace m on m.oid = p.prsnamespace{} order by 3, 2",
            filter(&conditions)
        ))
        .await?;
    if found.rows.is_empty() {
        return Err(nothing("configuration", pattern));
    }
    let queries: Vec<String> = (0..found.rows.len())
        .map(|row| {
            format!(
                "select (select t.alias from pg_catalog.ts_token_type({}::pg_catalog.oid) t where t.tokid = m.maptokentype) \
                 as \"Token\", pg_catalog.array_to_string(array(select x.mapdict::pg_catalog.regdictionary \
                 from pg_catalog.pg_ts_config_map x where x.mapcfg = m.mapcfg and x.maptokentype = m.maptokentype \
                 order by x.mapseqno), ',') as \"Dictionaries\" from pg_catalog.pg_ts_config_map m \
                 where m.mapcfg = {} group by m.mapcfg, m.maptokentype order by 1",
                found.text(row, 5),
                found.text(row, 0)
            )
        })
        .collect();
    let answers = server.ask_all(&queries).await?;
    Ok(answers
        .into_iter()
        .enumerate()
        .map(|(row, answer)| {
            let dotted = |schema: Option<&str>, name: &str| match schema {
                Some(schema) => format!("\"{schema}.{name}\""),
                None => format!("\"{name}\""),
            };
            let title = format!(
                "Text search configuration {}\nParser: {}",
                dotted(found.cell(row, 2), found.text(row, 1)),
                dotted(found.cell(row, 4), found.text(row, 3))
            );
            Printed::titled(title, answer)
        })
        .collect())
}

/// `\dFp+`: the parser's functions and its kinds of tokens.
pub async fn parsers(server: &mut Server<'_>, pattern: Option<&str>) -> Result<Vec<Printed>, Refused> {
    let conditions = conditions(server, pattern, "p.prsname", "pg_catalog.pg_ts_parser_is_visible(p.oid)")?;
    let found = server
        .ask(&format!(
            "select p.oid, n.nspname, p.prsname from pg_catalog.pg_ts_parser p \
             left join pg_catalog.pg_namespace n on n.oid = p.prsnamespace{} order by p.oid",
            filter(&conditions)
        ))
        .await?;
    if found.rows.is_empty() {
        return Err(nothing("parser", pattern));
    }
    let methods = [
        ("Start parse", "prsstart"),
        ("Get next token", "prstoken"),
        ("End parse", "prsend"),
        ("Get headline", "prsheadline"),
        ("Get token types", "prslextype"),
    ];
    let mut queries = Vec::new();
    for row in 0..found.rows.len() {
        let oid = found.text(row, 0);
        let each: Vec<String> = methods
            .iter()
            .enumerate()
            .map(|(at, (words, column))| {
                format!(
                    "select {at} as place, '{words}'::pg_catalog.text as method, p.{column}::pg_catalog.regproc as function, \
                     pg_catalog.obj_description(p.{column}, 'pg_proc') as note from pg_catalog.pg_ts_parser p where p.oid = {oid}"
                )
            })
            .collect();
        queries.push(format!(
            "select x.method as \"Method\", x.function as \"Function\", x.note as \"Description\" from ({}) x order by x.place",
            each.join(" union all ")
        ));
        queries.push(format!(
            "select t.alias as \"Token name\", t.description as \"Description\" \
             from pg_catalog.ts_token_type({oid}::pg_catalog.oid) t order by 1"
        ));
    }
    let answers = server.ask_all(&queries).await?;
    let mut all = Vec::new();
    for (row, of) in answers.chunks(2).enumerate() {
        let [functions, tokens] = of else { continue };
        let name = match found.cell(row, 1) {
            Some(schema) => format!("\"{schema}.{}\"", found.text(row, 2)),
            None => format!("\"{}\"", found.text(row, 2)),
        };
        all.push(Printed::titled(format!("Text search parser {name}"), functions.clone()));
        all.push(Printed::counted(format!("Token types for parser {name}"), tokens.clone()));
    }
    Ok(all)
}
