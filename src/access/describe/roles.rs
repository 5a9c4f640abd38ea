//! Roles (`\du`, `\dg`) and their settings (`\drds`). It must not know sessions.

use super::printed::text_column;
use super::server::{Server, filter};
use super::word::Word;
use super::{Printed, Refused};

/// `\du`: attributes in words, one line for each kind of limit.
pub async fn answer(server: &mut Server<'_>, word: &Word, pattern: Option<&str>) -> Result<Printed, Refused> {
    let mut conditions = server.named(pattern, "r.rolname")?;
    if pattern.is_none() && !word.system {
        conditions.push("r.rolname !~ '^pg_'".to_owned());
    }
    let note = if word.more { "pg_catalog.shobj_description(r.oid, 'pg_authid')" } else { "null" };
    let answer = server
        .ask(&format!(
            "select r.rolname, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolreplication, \
             r.rolbypassrls, r.rolconnlimit, r.rolvaliduntil, array(select b.rolname from pg_catalog.pg_auth_members m \
             join pg_catalog.pg_roles b on b.oid = m.roleid where m.member = r.oid), {note} \
             from pg_catalog.pg_roles r{} order by 1",
            filter(&conditions)
        ))
        .await?;
    // Since psql 16 what a role is a member of is told by \drg alone.
    let told = server.psql < 16;
    let mut table = Printed::table("List of roles", &["Role name", "Attributes"]);
    if told {
        table.columns.push(text_column("Member of"));
    }
    if word.more {
        table.columns.push(text_column("Description"));
    }
    for row in 0..answer.rows.len() {
        let attributes: Vec<&str> = [
            (answer.holds(row, 1), "Superuser"),
            (!answer.holds(row, 2), "No inheritance"),
            (answer.holds(row, 3), "Create role"),
            (answer.holds(row, 4), "Create DB"),
            (!answer.holds(row, 5), "Cannot login"),
            (answer.holds(row, 6), "Replication"),
            (answer.holds(row, 7), "Bypass RLS"),
        ]
        .into_iter()
        .filter_map(|(holds, name)| holds.then_some(name))
        .collect();
        let mut text = attributes.join(", ");
        match answer.text(row, 8).parse::<i64>() {
            Ok(0) => add_line(&mut text, "No connections"),
            Ok(1) => add_line(&mut text, "1 connection"),
            Ok(limit) if limit > 0 => add_line(&mut text, &format!("{limit} connections")),
            _ => {}
        }
        if let Some(until) = answer.cell(row, 9) {
            add_line(&mut text, &format!("Password valid until {until}"));
        }
        let mut cells = vec![Some(answer.text(row, 0).to_owned()), Some(text)];
        if told {
            cells.push(Some(answer.text(row, 10).to_owned()));
        }
        if word.more {
            cells.push(answer.cell(row, 11).map(str::to_owned));
        }
        table.rows.push(cells);
    }
    Ok(table)
}

fn add_line(text: &mut String, line: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(line);
}

/// `\drds [ROLE [DATABASE]]`.
pub async fn settings(server: &mut Server<'_>, arguments: &[String]) -> Result<Printed, Refused> {
    let [role, database] = [0, 1].map(|at| arguments.get(at).map(String::as_str));
    let mut conditions = server.named(role, "r.rolname")?;
    conditions.extend(server.named(database, "d.datname")?);
    let answer = server
        .ask(&format!(
            "select r.rolname as \"Role\", d.datname as \"Database\", \
             pg_catalog.array_to_string(s.setconfig, E'\\n') as \"Settings\" from pg_catalog.pg_db_role_setting s \
             left join pg_catalog.pg_database d on d.oid = s.setdatabase \
             left join pg_catalog.pg_roles r on r.oid = s.setrole{} order by 1, 2",
            filter(&conditions)
        ))
        .await?;
    let list = Printed::counted("List of settings", answer);
    if !list.rows.is_empty() {
        return Ok(list);
    }
    let words = match (role, database) {
        (Some(role), Some(database)) => {
            format!("Did not find any settings for role \"{role}\" and database \"{database}\".")
        }
        (Some(role), None) => format!("Did not find any settings for role \"{role}\"."),
        (None, _) => "Did not find any settings.".to_owned(),
    };
    Err(Refused::NothingListed { words, list: Box::new(list) })
}

/// `\drg`, which psql has since 16: who is a member of what, how, and through whom.
pub async fn grants(server: &mut Server<'_>, word: &Word, pattern: Option<&str>) -> Result<Printed, Refused> {
    let mut conditions = server.named(pattern, "m.rolname")?;
    if pattern.is_none() && !word.system {
        conditions.push("m.rolname !~ '^pg_'".to_owned());
    }
    // Before 16 a grant had no options of its own: whether it is inherited was for the member to say.
    let options = match server.major {
        16.. => "case when a.inherit_option then 'INHERIT' end, case when a.set_option then 'SET' end",
        _ => "case when m.rolinherit then 'INHERIT' end, 'SET'",
    };
    let answer = server
        .ask(&format!(
            "select m.rolname as \"Role name\", r.rolname as \"Member of\", \
             pg_catalog.concat_ws(', ', case when a.admin_option then 'ADMIN' end, {options}) as \"Options\", \
             g.rolname as \"Grantor\" from pg_catalog.pg_auth_members a \
             join pg_catalog.pg_roles m on m.oid = a.member left join pg_catalog.pg_roles r on r.oid = a.roleid \
             left join pg_catalog.pg_roles g on g.oid = a.grantor{} order by 1, 2, 4",
            filter(&conditions)
        ))
        .await?;
    Ok(Printed::counted("List of role grants", answer))
}
