//! Publications (`\dRp`) and subscriptions (`\dRs`). It must not know sessions.

use super::list::List;
use super::server::{Server, filter};
use super::word::Word;
use super::{Printed, Refused};

/// `\dRp`.
pub fn list(server: &Server<'_>, pattern: Option<&str>) -> Result<List, Refused> {
    Ok(List {
        title: "List of publications",
        query: format!(
            "select p.pubname as \"Name\", pg_catalog.pg_get_userbyid(p.pubowner) as \"Owner\", {} \
             from pg_catalog.pg_publication p{} order by 1",
            properties(server),
            filter(&server.named(pattern, "p.pubname")?)
        ),
    })
}

fn properties(server: &Server<'_>) -> &'static str {
    match server.major {
        18.. => {
            "p.puballtables as \"All tables\", p.pubinsert as \"Inserts\", p.pubupdate as \"Updates\", \
             p.pubdelete as \"Deletes\", p.pubtruncate as \"Truncates\", \
             case p.pubgencols when 'n' then 'none' when 's' then 'stored' end as \"Generated columns\", \
             p.pubviaroot as \"Via root\""
        }
        13.. => {
            "p.puballtables as \"All tables\", p.pubinsert as \"Inserts\", p.pubupdate as \"Updates\", \
             p.pubdelete as \"Deletes\", p.pubtruncate as \"Truncates\", p.pubviaroot as \"Via root\""
        }
        _ => {
            "p.puballtables as \"All tables\", p.pubinsert as \"Inserts\", p.pubupdate as \"Updates\", \
             p.pubdelete as \"Deletes\", p.pubtruncate as \"Truncates\""
        }
    }
}

/// `\dRp+`: each with its tables and schemas.
pub async fn publications(server: &mut Server<'_>, pattern: Option<&str>) -> Result<Vec<Printed>, Refused> {
    let found = server
        .ask(&format!(
            "select p.oid, p.pubname, p.puballtables from pg_catalog.pg_publication p{} order by 2",
            filter(&server.named(pattern, "p.pubname")?)
        ))
        .await?;
    if found.rows.is_empty() {
        return Err(Refused::NothingFound(match pattern {
            Some(pattern) => format!("Did not find any publication named \"{pattern}\"."),
            None => "Did not find any publications.".to_owned(),
        }));
    }
    let mut queries = Vec::new();
    for row in 0..found.rows.len() {
        let oid = found.text(row, 0);
        let (condition, columns) = match server.major {
            15.. => (
                "pg_catalog.pg_get_expr(r.prqual, c.oid)",
                "case when r.prattrs is not null then pg_catalog.array_to_string(array(select a.attname \
                 from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum = any (r.prattrs)), ', ') end",
            ),
            _ => ("null", "null"),
        };
        queries.push(format!(
            "select pg_catalog.pg_get_userbyid(p.pubowner) as \"Owner\", {} from pg_catalog.pg_publication p where p.oid = {oid}",
            properties(server)
        ));
        queries.push(format!(
            "select n.nspname, c.relname, {condition}, {columns} from pg_catalog.pg_class c \
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
             join pg_catalog.pg_publication_rel r on r.prrelid = c.oid where r.prpubid = {oid} order by 1, 2"
        ));
        queries.push(match server.major {
            15.. => format!(
                "select n.nspname from pg_catalog.pg_namespace n \
                 join pg_catalog.pg_publication_namespace m on m.pnnspid = n.oid where m.pnpubid = {oid} order by 1"
            ),
            _ => "select null where false".to_owned(),
        });
    }
    let answers = server.ask_all(&queries).await?;
    let mut all = Vec::new();
    for (row, of) in answers.chunks(3).enumerate() {
        let [properties, tables, schemas] = of else { continue };
        let mut table = Printed::counted(format!("Publication {}", found.text(row, 1)), properties.clone());
        if !found.holds(row, 2) {
            if !tables.rows.is_empty() {
                table.footers.push("Tables:".to_owned());
            }
            for at in 0..tables.rows.len() {
                let mut line = format!("    \"{}.{}\"", tables.text(at, 0), tables.text(at, 1));
                if let Some(columns) = tables.cell(at, 3) {
                    line.push_str(&format!(" ({columns})"));
                }
                if let Some(condition) = tables.cell(at, 2) {
                    line.push_str(&format!(" WHERE {condition}"));
                }
                table.footers.push(line);
            }
            if !schemas.rows.is_empty() {
                table.footers.push("Tables from schemas:".to_owned());
            }
            table.footers.extend((0..schemas.rows.len()).map(|at| format!("    \"{}\"", schemas.text(at, 0))));
        }
        all.push(table);
    }
    Ok(all)
}

/// `\dRs`: those of this database.
pub fn subscriptions(server: &Server<'_>, word: &Word, pattern: Option<&str>) -> Result<List, Refused> {
    let mut more = String::new();
    if word.more {
        if server.major >= 14 {
            let streaming = if server.major >= 16 {
                "case s.substream when 'f' then 'off' when 't' then 'on' when 'p' then 'parallel' end"
            } else {
                "s.substream"
            };
            more.push_str(&format!(", s.subbinary as \"Binary\", {streaming} as \"Streaming\""));
        }
        if server.major >= 15 {
            more.push_str(", s.subtwophasestate as \"Two-phase commit\", s.subdisableonerr as \"Disable on error\"");
        }
        if server.major >= 16 {
            more.push_str(
                ", s.suborigin as \"Origin\", s.subpasswordrequired as \"Password required\", \
                 s.subrunasowner as \"Run as owner?\"",
            );
        }
        if server.major >= 17 {
            more.push_str(", s.subfailover as \"Failover\"");
        }
        more.push_str(", s.subsynccommit as \"Synchronous commit\", s.subconninfo as \"Conninfo\"");
        if server.major >= 15 {
            more.push_str(", s.subskiplsn as \"Skip LSN\"");
        }
    }
    let mut conditions = vec![
        "s.subdbid = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())"
            .to_owned(),
    ];
    conditions.extend(server.named(pattern, "s.subname")?);
    Ok(List {
        title: "List of subscriptions",
        query: format!(
            "select s.subname as \"Name\", pg_catalog.pg_get_userbyid(s.subowner) as \"Owner\", s.subenabled as \"Enabled\", \
             s.subpublications as \"Publication\"{more} from pg_catalog.pg_subscription s{} order by 1",
            filter(&conditions)
        ),
    })
}
