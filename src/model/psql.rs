//! psql's backslash commands: one table, from which `\?`, completion and refusals come. It must not know what carries them out.
//!
//! Source of the names: psql's reference page, "Meta-Commands", PostgreSQL 11 to 18.

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// Its name with its backslash, as completion offers it.
    pub name: &'static str,
    /// What may stand behind it.
    pub arguments: &'static str,
    /// What it does, or why it is not had.
    pub help: &'static str,
    /// Where it works.
    pub works: Works,
}

/// Where a command works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Works {
    /// In scripts and in the query pane.
    Everywhere,
    /// In the query pane alone.
    Pane,
    /// Nowhere: its help says why.
    Nowhere,
}

const fn row(name: &'static str, arguments: &'static str, help: &'static str) -> Command {
    Command { name, arguments, help, works: Works::Everywhere }
}

const fn pane(name: &'static str, arguments: &'static str, help: &'static str) -> Command {
    Command { name, arguments, help, works: Works::Pane }
}

const fn not(name: &'static str, help: &'static str) -> Command {
    Command { name, arguments: "", help, works: Works::Nowhere }
}

/// All of them, in the order they are listed.
pub const COMMANDS: &[Command] = &[
    row("\\d", "[NAME]", "a table, view, sequence, index; all of them without a name"),
    row("\\d+", "[NAME]", "with more; + and S (the system's own too) go with most words below"),
    row("\\dt", "[PATTERN]", "tables"),
    row("\\dt+", "[PATTERN]", "tables with sizes"),
    row("\\dv", "[PATTERN]", "views"),
    row("\\dm", "[PATTERN]", "materialized views"),
    row("\\di", "[PATTERN]", "indexes"),
    row("\\ds", "[PATTERN]", "sequences"),
    row("\\dE", "[PATTERN]", "foreign tables as relations"),
    row("\\dP", "[PATTERN]", "partitioned relations"),
    row("\\dn", "[PATTERN]", "schemas"),
    row("\\df", "[PATTERN [TYPE …]]", "functions"),
    row("\\da", "[PATTERN]", "aggregates"),
    row("\\do", "[PATTERN [TYPE …]]", "operators"),
    row("\\dT", "[PATTERN]", "types"),
    row("\\dD", "[PATTERN]", "domains"),
    row("\\dC", "[PATTERN]", "casts"),
    row("\\dc", "[PATTERN]", "conversions"),
    row("\\dO", "[PATTERN]", "collations"),
    row("\\dL", "[PATTERN]", "languages"),
    row("\\dx", "[PATTERN]", "extensions"),
    row("\\dy", "[PATTERN]", "event triggers"),
    row("\\dX", "[PATTERN]", "extended statistics"),
    row("\\dd", "[PATTERN]", "descriptions that are shown nowhere else"),
    row("\\dl", "", "large objects"),
    row("\\du", "[PATTERN]", "roles"),
    row("\\dg", "[PATTERN]", "roles"),
    row("\\drg", "[PATTERN]", "who is a member of which role, how, and through whom"),
    row("\\drds", "[ROLE [DATABASE]]", "settings of roles and databases"),
    row("\\dp", "[PATTERN]", "privileges"),
    row("\\z", "[PATTERN]", "privileges"),
    row("\\ddp", "[PATTERN]", "default privileges"),
    row("\\db", "[PATTERN]", "tablespaces"),
    row("\\dconfig", "[PATTERN]", "parameters of the server"),
    row("\\dA", "[PATTERN]", "access methods"),
    row("\\dF", "[PATTERN]", "text search configurations"),
    row("\\dFd", "[PATTERN]", "text search dictionaries"),
    row("\\dFp", "[PATTERN]", "text search parsers"),
    row("\\dFt", "[PATTERN]", "text search templates"),
    row("\\des", "[PATTERN]", "foreign servers"),
    row("\\det", "[PATTERN]", "foreign tables"),
    row("\\deu", "[PATTERN]", "user mappings"),
    row("\\dew", "[PATTERN]", "foreign-data wrappers"),
    row("\\dRp", "[PATTERN]", "publications"),
    row("\\dRs", "[PATTERN]", "subscriptions"),
    row("\\l", "[PATTERN]", "databases"),
    row("\\list", "[PATTERN]", "databases"),
    row("\\sf", "FUNCTION", "a function's definition"),
    row("\\sv", "VIEW", "a view's definition"),
    row("\\g", "[(OPTION=VALUE …)] [FILE]", "send the statement; its rows to a file"),
    row("\\gx", "[(OPTION=VALUE …)] [FILE]", "send it; a column a line"),
    row("\\gset", "[PREFIX]", "send it; the columns of its one row become variables"),
    row("\\gexec", "", "send it; then each cell of what came as a statement"),
    row("\\gdesc", "", "names and types of its columns, without running it"),
    row("\\crosstabview", "[ROWS [COLUMNS [CELLS [ORDER]]]]", "send it; its rows as a grid"),
    row("\\watch", "[i=SECONDS] [c=TIMES] [m=ROWS]", "send it again and again, until Ctrl-C"),
    row("\\i", "FILE", "run a script"),
    row("\\include", "FILE", "run a script"),
    row("\\ir", "FILE", "run a script that lies beside the one that says so"),
    row("\\include_relative", "FILE", "run a script that lies beside the one that says so"),
    row("\\copy", "TABLE|(QUERY) from|to FILE [OPTIONS]", "COPY with a file of this machine"),
    row("\\o", "[FILE]", "results go to a file, or back"),
    row("\\out", "[FILE]", "results go to a file, or back"),
    row("\\w", "FILE", "write the statement so far to a file"),
    row("\\write", "FILE", "write the statement so far to a file"),
    row("\\set", "[NAME [VALUE …]]", "a variable: :NAME :'NAME' :\"NAME\" :{?NAME}"),
    row("\\unset", "NAME", "forget a variable"),
    row("\\getenv", "NAME VARIABLE", "a variable from the environment"),
    row("\\setenv", "NAME [VALUE]", "heard, and of no effect: gatepost starts nothing that would see it"),
    row("\\if", "EXPRESSION", "what follows runs if that is true"),
    row("\\elif", "EXPRESSION", "else, if that is true"),
    row("\\else", "", "else"),
    row("\\endif", "", "the end of what \\if began"),
    row("\\echo", "[-n] [TEXT …]", "say something"),
    row("\\qecho", "[-n] [TEXT …]", "say it where results go"),
    row("\\warn", "[TEXT …]", "say it on stderr"),
    row("\\p", "", "show the statement so far"),
    row("\\print", "", "show the statement so far"),
    row("\\r", "", "forget the statement so far"),
    row("\\reset", "", "forget the statement so far"),
    row("\\x", "[on|off|auto]", "a column a line"),
    row("\\t", "[on|off]", "rows only"),
    row("\\a", "", "unaligned, or aligned again"),
    row("\\f", "[TEXT]", "what stands between unaligned cells"),
    row("\\C", "[TEXT]", "a title above results"),
    row("\\H", "", "tables of HTML, or aligned again"),
    row("\\html", "", "tables of HTML, or aligned again"),
    row("\\T", "[TEXT]", "attributes of HTML's tables"),
    row("\\pset", "NAME [VALUE]", "how results are written: format, border, null, title, …"),
    row("\\timing", "[on|off]", "times of statements"),
    row("\\c", "[DATABASE [USER]]", "another session at this endpoint"),
    row("\\connect", "[DATABASE [USER]]", "another session at this endpoint"),
    row("\\conninfo", "", "where this session is"),
    row("\\encoding", "", "UTF8"),
    row("\\errverbose", "", "the last error with all that is known of it"),
    row("\\cd", "[FOLDER]", "where relative names of files begin"),
    row("\\restrict", "KEY", "no backslash commands from here"),
    row("\\unrestrict", "KEY", "from here again"),
    pane("\\e", "", "the text in an editor of your own"),
    pane("\\edit", "", "the text in an editor of your own"),
    pane("\\s", "", "search the history"),
    row("\\q", "", "the end of the script; in the pane, of the tab"),
    row("\\quit", "", "the end of the script; in the pane, of the tab"),
    row("\\?", "", "this list"),
    not("\\!", "gatepost starts no shell"),
    not("\\bind", "parameters apart from the statement are not sent here; use variables: :'name'"),
    not("\\bind_named", "parameters apart from the statement are not sent here; use variables: :'name'"),
    not("\\close", "prepared statements are SQL here: DEALLOCATE"),
    not("\\close_prepared", "prepared statements are SQL here: DEALLOCATE"),
    not("\\copyright", "see PostgreSQL's own"),
    not("\\dAc", "operator classes are not listed here; ask pg_opclass"),
    not("\\dAf", "operator families are not listed here; ask pg_opfamily"),
    not("\\dAo", "operator families are not listed here; ask pg_amop"),
    not("\\dAp", "operator families are not listed here; ask pg_amproc"),
    not("\\ef", "there is no editor for a function; \\sf shows its definition"),
    not("\\ev", "there is no editor for a view; \\sv shows its definition"),
    not("\\startpipeline", "pipelines are not had here"),
    not("\\endpipeline", "pipelines are not had here"),
    not("\\sendpipeline", "pipelines are not had here"),
    not("\\syncpipeline", "pipelines are not had here"),
    not("\\flush", "pipelines are not had here"),
    not("\\flushrequest", "pipelines are not had here"),
    not("\\getresults", "pipelines are not had here"),
    not("\\h", "SQL's help is in PostgreSQL's documentation"),
    not("\\help", "SQL's help is in PostgreSQL's documentation"),
    not("\\lo_export", "large objects are not had here"),
    not("\\lo_import", "large objects are not had here"),
    not("\\lo_list", "large objects are not had here"),
    not("\\lo_unlink", "large objects are not had here"),
    not("\\parse", "prepared statements are SQL here: PREPARE"),
    not("\\password", "a password is not asked for here"),
    not("\\prompt", "nobody is asked in a script; give the variable with --set NAME=VALUE, or \\set it"),
];

/// The command of that name, given without its backslash.
pub fn command(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name.strip_prefix('\\') == Some(name))
}

/// The commands that work, for `\?`: a line each, as a script prints them; those of the pane are not among them.
pub fn help() -> impl Iterator<Item = String> {
    listed(false).map(|(usage, help)| format!("{usage:<44} {help}"))
}

/// The commands that work, with their arguments, and what they do. In a script those of the pane are not had.
pub fn listed(in_pane: bool) -> impl Iterator<Item = (String, &'static str)> {
    let had = move |command: &&Command| match command.works {
        Works::Everywhere => true,
        Works::Pane => in_pane,
        Works::Nowhere => false,
    };
    COMMANDS.iter().filter(had).map(|command| {
        let usage = format!("{} {}", command.name, command.arguments);
        (usage.trim_end().to_owned(), command.help)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_there_once_and_says_something() {
        for (at, command) in COMMANDS.iter().enumerate() {
            assert!(command.name.starts_with('\\') && !command.help.is_empty(), "{command:?}");
            assert!(COMMANDS[..at].iter().all(|before| before.name != command.name), "{command:?}");
        }
        assert_eq!(command("gset").map(|found| found.works), Some(Works::Everywhere));
        assert_eq!(command("nope"), None);
        assert!(listed(true).any(|(usage, _)| usage == "\\e") && !help().any(|line| line.starts_with("\\e ")));
    }
}
