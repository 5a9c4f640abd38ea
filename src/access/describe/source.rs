//! Definitions as SQL: `\sf` of a function, `\sv` of a view; with `+`, lines are numbered. It must not know sessions.

use super::pattern::literal;
use super::server::Server;
use super::word::{Family, Word};
use super::{Printed, Refused};

/// The definition.
pub async fn answer(server: &mut Server<'_>, word: &Word, argument: &str) -> Result<Printed, Refused> {
    let name = argument.trim().trim_end_matches(';').trim_end();
    let function = word.family == Family::FunctionSource;
    if name.is_empty() {
        let what = if function { "function" } else { "view" };
        return Err(Refused::BadArgument(format!("{what} name is required")));
    }
    let text =
        if function { definition_of_function(server, name).await? } else { definition_of_view(server, name).await? };
    if !word.more {
        return Ok(Printed::text(text));
    }
    // A function's lines are counted from its body's first, as in the server's messages.
    let mut number = 0;
    let mut in_body = !function;
    let numbered: String = text
        .lines()
        .map(|line| {
            in_body = in_body || ["AS ", "BEGIN ", "RETURN "].iter().any(|start| line.starts_with(start));
            if !in_body {
                return format!("        {line}\n");
            }
            number += 1;
            format!("{number:<7} {line}\n")
        })
        .collect();
    Ok(Printed::text(numbered))
}

async fn definition_of_function(server: &mut Server<'_>, name: &str) -> Result<String, Refused> {
    // With arguments a signature, without a name that must be the only one.
    let kind = if name.contains('(') { "regprocedure" } else { "regproc" };
    let answer = server
        .ask(&format!("select pg_catalog.pg_get_functiondef({}::pg_catalog.{kind}::pg_catalog.oid)", literal(name)))
        .await?;
    Ok(ended(answer.text(0, 0)))
}

async fn definition_of_view(server: &mut Server<'_>, name: &str) -> Result<String, Refused> {
    let answer = server
        .ask(&format!(
            "select n.nspname, c.relname, c.relkind, pg_catalog.pg_get_viewdef(c.oid, true), \
             pg_catalog.array_remove(pg_catalog.array_remove(c.reloptions, 'check_option=local'), 'check_option=cascaded'), \
             case when 'check_option=local' = any (c.reloptions) then 'LOCAL' \
             when 'check_option=cascaded' = any (c.reloptions) then 'CASCADED' end, \
             pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), \
             (select pg_catalog.string_agg(pg_catalog.quote_ident(option_name) || '=' || pg_catalog.quote_literal(option_value), ', ') \
             from pg_catalog.pg_options_to_table(pg_catalog.array_remove(pg_catalog.array_remove(c.reloptions, \
             'check_option=local'), 'check_option=cascaded'))) \
             from pg_catalog.pg_class c left join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
             where c.oid = {}::pg_catalog.regclass",
            literal(name)
        ))
        .await?;
    let kind = match answer.text(0, 2) {
        "v" => "OR REPLACE VIEW",
        // A materialized view cannot be replaced: psql does not take it for one.
        _ => {
            let named = format!("{}.{}", answer.text(0, 0), answer.text(0, 1));
            return Err(Refused::BadArgument(format!("\"{named}\" is not a view")));
        }
    };
    let mut text = format!("CREATE {kind} {}", answer.text(0, 6));
    if let Some(options) = answer.cell(0, 7) {
        text.push_str(&format!("\n WITH ({options})"));
    }
    let query = answer.text(0, 3);
    text.push_str(&format!(" AS\n{}", query.strip_suffix(';').unwrap_or(query)));
    if let Some(check) = answer.cell(0, 5) {
        text.push_str(&format!("\n WITH {check} CHECK OPTION"));
    }
    Ok(ended(&text))
}

/// With a line end at its end.
fn ended(text: &str) -> String {
    if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}
