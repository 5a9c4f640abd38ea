//! The backslash commands: what each does to the script, or wants done. What is not to be had says so by name. It must not
//! know who does it.

use super::connection;
use super::copy::{self, End};
use super::display::Expanded;
use super::step::{Run, Step};
use super::{After, Lines, Script, Watch};
use crate::access::describe;
use crate::model::sql::{Arguments, Manner, Query, boolean};
use crate::model::{psql, visible};
use std::path::PathBuf;
use std::time::Duration;

impl Script {
    /// Does a command, or hands out what it wants done.
    pub(super) fn word(&mut self, name: &str, arguments: &str, line: usize) {
        match self.condition(name, arguments) {
            Some(Ok(())) => return,
            Some(Err(words)) => return self.fault(words, line),
            None => {}
        }
        if !self.is_active() {
            return;
        }
        if self.restricted.is_some() && name != "unrestrict" {
            return self.fault(format!("\\{name}: backslash commands are restricted until \\unrestrict"), line);
        }
        if let Err(words) = self.obey(name, arguments, line) {
            // A statement that was to be sent in this way and no other is not sent in another at the text's end.
            if matches!(name, "g" | "gx" | "gset" | "gexec" | "gdesc" | "crosstabview" | "watch")
                && let Some(level) = self.levels.last_mut()
            {
                level.scanner.take();
            }
            let words = if words.starts_with('\\') { words } else { format!("\\{name}: {words}") };
            self.fault(words, line);
        }
    }

    fn is_active(&self) -> bool {
        self.levels.last().is_none_or(|level| level.conditions.is_active())
    }

    fn condition(&mut self, name: &str, arguments: &str) -> Option<Result<(), String>> {
        if !matches!(name, "if" | "elif" | "else" | "endif") {
            return None;
        }
        let level = self.levels.last_mut()?;
        let mark = level.scanner.mark();
        let weighs = match name {
            "if" => level.conditions.is_active(),
            "elif" => level.conditions.weighs_elif(),
            _ => false,
        };
        let mut value = false;
        let mut doubt = None;
        if weighs {
            match Arguments::new(arguments, &self.variables).all() {
                Ok(words) => {
                    let text = words.join(" ");
                    match boolean(&text) {
                        Some(known) => value = known,
                        None => {
                            doubt = Some(format!("\\{name}: unrecognized value \"{text}\": Boolean expected"));
                        }
                    }
                }
                Err(words) => doubt = Some(format!("\\{name}: {words}")),
            }
        }
        let back = match name {
            "if" => {
                level.conditions.begin(value, mark);
                Ok(None)
            }
            "elif" => level.conditions.elif(value, mark),
            "else" => level.conditions.otherwise(mark),
            _ => level.conditions.end(),
        };
        let outcome = back.map(|back| {
            if let Some(mark) = back {
                level.scanner.rewind(&mark);
            }
        });
        level.scanner.skip(!level.conditions.is_active());
        if let Some(words) = doubt {
            // It counts as false, and stops nothing.
            let place = self.place();
            self.push(Step::Fault(super::Fault { place, words }));
        }
        Some(outcome)
    }

    fn obey(&mut self, name: &str, raw: &str, line: usize) -> Result<(), String> {
        let variables = self.variables.clone();
        let mut given = Arguments::new(raw, &variables);
        match name {
            "echo" | "qecho" | "warn" => {
                let mut words = given.all()?;
                let ends = words.first().is_none_or(|word| word != "-n" || name == "warn");
                if !ends {
                    words.remove(0);
                }
                let text = words.join(" ") + if ends { "\n" } else { "" };
                self.push(match name {
                    "echo" => Step::Say(text),
                    "qecho" => Step::Tell(text),
                    _ => Step::Warn(text),
                });
            }
            "set" => match given.next()? {
                None => {
                    let all: String = variables.all().map(|(name, value)| format!("{name} = '{value}'\n")).collect();
                    self.push(Step::Say(all));
                }
                Some(name) => self.variables.set(&name, &given.all()?.concat())?,
            },
            "unset" => {
                let name = given.next()?.ok_or("a variable's name is missing")?;
                self.variables.unset(&name);
            }
            "getenv" => {
                let (name, from) = (given.next()?, given.next()?);
                let (Some(name), Some(from)) = (name, from) else {
                    return Err("expected \\getenv VARIABLE NAME".to_owned());
                };
                if let Ok(value) = std::env::var(from) {
                    self.variables.set(&name, &value)?;
                }
            }
            // Nothing that we start would see it.
            "setenv" => {
                given.next()?.ok_or("a name is missing")?;
            }
            "cd" => {
                let folder = match given.read(Manner::Plain, true)? {
                    Some(folder) => self.path(&folder),
                    None => std::env::var_os("HOME").map(PathBuf::from).ok_or("there is no home folder")?,
                };
                if !folder.is_dir() {
                    return Err(format!("{} is no folder", folder.display()));
                }
                self.folder = folder;
            }
            "i" | "include" | "ir" | "include_relative" => {
                let file = given.read(Manner::Plain, true)?.ok_or("a file is missing")?;
                let beside = self.levels.iter().rev().find_map(|level| level.folder.clone());
                let path = match beside {
                    Some(folder) if name.contains('r') && !file.starts_with('~') => folder.join(file),
                    _ => self.path(&file),
                };
                self.push(Step::Include(path));
            }
            "o" | "out" => {
                let to = self.file(&mut given)?;
                self.push(Step::Output(to));
            }
            "g" | "gx" => {
                let mut display = self.display.clone();
                if name == "gx" {
                    display.expanded = Expanded::On;
                }
                let raw = options(raw, |option, value| display.set(option, value).map(drop))?;
                let mut given = Arguments::new(&raw, &variables);
                let to = self.file(&mut given)?;
                let query = self.query()?;
                self.send_as(query, After::Nothing, |run| {
                    run.display = display;
                    run.to = to;
                });
            }
            "gset" => {
                let prefix = given.next()?.unwrap_or_default();
                let query = self.query()?;
                self.send_as(query, After::Set(prefix), |_| {});
            }
            "gexec" => {
                let query = self.query()?;
                self.send_as(query, After::Execute, |_| {});
            }
            "gdesc" => {
                let query = self.query()?;
                if !matches!(crate::model::sql::classify(&query.sql), crate::model::sql::Class::Reads) {
                    return Err(
                        "only what reads (SELECT, VALUES, TABLE, WITH) can be described without running it".to_owned()
                    );
                }
                // A cursor tells its columns without a row being made.
                let asked = query.clone().within(
                    "DECLARE gatepost_gdesc NO SCROLL CURSOR FOR\n",
                    "\n; FETCH 0 FROM gatepost_gdesc; CLOSE gatepost_gdesc",
                );
                self.send_as(asked, After::Describe, |_| {});
                self.previous = Some(query);
            }
            "crosstabview" => {
                let mut arguments = Vec::new();
                while let Some(argument) = given.read(Manner::Identifier, true)? {
                    arguments.push(argument);
                }
                let query = self.query()?;
                self.send_as(query, After::Crosstab(arguments), |_| {});
            }
            "watch" => self.watch(&mut given)?,
            "copy" => self.copy(raw, line)?,
            "r" | "reset" => {
                if let Some(level) = self.levels.last_mut() {
                    level.scanner.take();
                }
                self.note_words("Query buffer reset (cleared).".to_owned());
            }
            "p" | "print" => {
                let text = self.so_far();
                self.push(Step::Say(text + "\n"));
            }
            "w" | "write" => {
                let to = self.file(&mut given)?.ok_or("a file is missing")?;
                let text = self.so_far();
                std::fs::write(&to, text + "\n").map_err(|error| format!("{}: {error}", to.display()))?;
            }
            "q" | "quit" => {
                self.levels.pop();
            }
            "x" | "t" | "a" | "C" | "f" | "H" | "html" | "T" | "pset" => self.set_display(name, &mut given)?,
            "timing" => {
                self.timing = match given.next()? {
                    None => !self.timing,
                    Some(value) => boolean(&value).ok_or_else(|| format!("takes on or off, not {value}"))?,
                };
                let words = format!("Timing is {}.", if self.timing { "on" } else { "off" });
                self.note_words(words);
            }
            "encoding" => match given.next()? {
                None => self.push(Step::Say("UTF8\n".to_owned())),
                Some(wanted) if matches!(wanted.to_ascii_lowercase().as_str(), "utf8" | "utf-8" | "unicode") => {}
                Some(wanted) => {
                    return Err(format!("gatepost speaks UTF-8 only, not {wanted}; convert the file (iconv -t UTF-8)"));
                }
            },
            "errverbose" => {
                let text = match &self.last_error {
                    Some(error) => error_at_length(error),
                    None => "There is no previous error.\n".to_owned(),
                };
                self.push(Step::Say(text));
            }
            "c" | "connect" => {
                let wanted = connection::parse(&mut given, &self.standing)?;
                self.push(Step::Connect(wanted));
            }
            "conninfo" => self.push(Step::Where),
            "restrict" => {
                let key = given.next()?.filter(|key| !key.is_empty()).ok_or("a key is missing")?;
                self.restricted = Some(key);
            }
            "unrestrict" => {
                let key = given.next()?.ok_or("a key is missing")?;
                match &self.restricted {
                    None => return Err("commands are not restricted".to_owned()),
                    Some(wanted) if *wanted == key => self.restricted = None,
                    Some(_) => return Err("wrong key".to_owned()),
                }
            }
            "?" => {
                let text: String = psql::help().map(|line| line + "\n").collect();
                self.push(Step::Say(text));
            }
            _ if describe::is_word(name) => self.look(name, raw, &variables)?,
            _ => {
                return Err(match psql::command(name) {
                    Some(command) if command.works == psql::Works::Pane => {
                        format!("not in a script: it works alone in the query pane ({})", command.help)
                    }
                    Some(command) => format!("not supported here: {}", command.help),
                    None => format!("there is no command \\{}; \\? lists them", visible(name)),
                });
            }
        }
        Ok(())
    }

    fn look(&mut self, word: &str, raw: &str, variables: &crate::model::sql::Variables) -> Result<(), String> {
        // Variables are put in as psql does; how names are quoted is for the catalogue's words to read.
        let arguments = if word.starts_with('s') {
            raw.trim().to_owned()
        } else {
            let mut words = Vec::new();
            let mut given = Arguments::new(raw, variables);
            while let Some(argument) = given.read(Manner::Plain, true)? {
                words.push(argument);
            }
            words.join(" ")
        };
        self.push(Step::Look { word: word.to_owned(), arguments });
        Ok(())
    }

    fn set_display(&mut self, name: &str, given: &mut Arguments<'_>) -> Result<(), String> {
        let words = match name {
            "a" => {
                use super::display::Shape;
                self.display.shape = match self.display.shape {
                    Shape::Aligned => Shape::Unaligned,
                    _ => Shape::Aligned,
                };
                self.display.set("format", None)?
            }
            "H" | "html" => {
                use super::display::Shape;
                let other = if self.display.shape == Shape::Html { "aligned" } else { "html" };
                self.display.set("format", Some(other))?
            }
            "T" => self.display.set("tableattr", given.next()?.as_deref())?,
            "x" | "t" => self.display.set(name, given.read(Manner::Plain, true)?.as_deref())?,
            "C" => self.display.set("title", given.read(Manner::Plain, true)?.as_deref())?,
            "f" => self.display.set("fieldsep", given.next()?.as_deref())?,
            _ => {
                let Some(option) = given.next()? else {
                    self.push(Step::Say(self.display.list()));
                    return Ok(());
                };
                self.display.set(&option, given.next()?.as_deref())?
            }
        };
        self.note_words(words);
        Ok(())
    }

    fn note_words(&mut self, words: String) {
        if !self.variables.is_on("QUIET") {
            self.push(Step::Note(words));
        }
    }

    fn watch(&mut self, given: &mut Arguments<'_>) -> Result<(), String> {
        let mut watch = Watch { query: Query::default(), every: Duration::from_secs(2), left: None, least: None };
        while let Some(argument) = given.read(Manner::Plain, true)? {
            let (name, value) = argument.split_once('=').unwrap_or(("i", &argument));
            let wrong = || format!("\\watch: {argument} is no good; expected [i=]SECONDS, c=TIMES, m=ROWS");
            match name {
                "i" | "interval" => {
                    let seconds = value.parse::<f64>().map_err(|_| wrong())?;
                    watch.every = Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
                }
                "c" | "count" => {
                    watch.left = Some(value.parse().ok().filter(|times| *times > 0).ok_or_else(wrong)?);
                }
                "m" | "min_rows" => watch.least = Some(value.parse().map_err(|_| wrong())?),
                _ => return Err(wrong()),
            }
        }
        let query = self.query()?;
        watch.query = query.clone();
        self.send_as(query, After::Watch(watch), |_| {});
        Ok(())
    }

    fn copy(&mut self, raw: &str, line: usize) -> Result<(), String> {
        let copy = copy::parse(raw)?;
        let mut to = None;
        match (&copy.end, copy.is_out) {
            (End::File(name), true) => to = Some(self.path(name)),
            (End::File(name), false) => {
                let path = self.path(name);
                let lines = Lines::file(&path).map_err(|error| format!("{}: {error}", path.display()))?;
                self.copy = Some(lines);
            }
            // Where the script itself stands there, its data are what comes next.
            (End::Process, false) if self.levels.iter().any(|level| level.is_stdin) => self.from_stdin = true,
            (End::Process, false) if self.has_stdin => self.copy = Some(Lines::stdin()),
            (End::Process, false) => {
                return Err("\\copy: standard input is the keyboard here; name a file, or write the data under \
                            \\copy … from stdin"
                    .to_owned());
            }
            (End::Process, true) | (End::Here, _) => {}
        }
        let previous = self.previous.take();
        self.send_as(Query::new(copy.sql).on(line), After::Nothing, |run| run.to = to);
        self.previous = previous;
        Ok(())
    }

    /// What `\g` and its like send: the statement so far, else the one sent last.
    fn query(&mut self) -> Result<Query, String> {
        let now = self.levels.last_mut().and_then(|level| level.scanner.take());
        now.or_else(|| self.previous.clone()).ok_or_else(|| "there is no statement to send".to_owned())
    }

    fn so_far(&self) -> String {
        let now = self.levels.last().map(|level| level.scanner.so_far()).unwrap_or_default();
        match (now.trim(), &self.previous) {
            ("", Some(previous)) => previous.sql.clone(),
            ("", None) => "Query buffer is empty.".to_owned(),
            (now, _) => now.to_owned(),
        }
    }

    fn file(&self, given: &mut Arguments<'_>) -> Result<Option<PathBuf>, String> {
        if given.rest().starts_with('|') {
            return Err(
                "a command of the shell is not run by gatepost; write a file, or pipe gatepost's own output".to_owned()
            );
        }
        Ok(given.read(Manner::Plain, true)?.map(|name| self.path(&name)))
    }
}

/// Takes `(name=value …)` off the beginning; gives the rest.
fn options(raw: &str, mut set: impl FnMut(&str, Option<&str>) -> Result<(), String>) -> Result<String, String> {
    let Some(rest) = raw.trim_start().strip_prefix('(') else { return Ok(raw.to_owned()) };
    let (inside, behind) = rest.split_once(')').ok_or("missing right parenthesis")?;
    for option in inside.split_whitespace() {
        match option.split_once('=') {
            Some((name, value)) => set(name, Some(value))?,
            None => set(option, None)?,
        }
    }
    Ok(behind.to_owned())
}

/// All that is known of an error.
fn error_at_length(error: &crate::model::Diagnosis) -> String {
    let severity = error.server.as_ref().map_or("ERROR", |server| server.severity.as_str());
    let mut text = format!("{severity}:  {}: {}\n", error.code.as_deref().unwrap_or("?????"), error.title);
    if let Some(server) = &error.server {
        for (label, words) in server.labelled() {
            text.push_str(&format!("{label}:  {words}\n"));
        }
        if let Some(object) = &server.object {
            text.push_str(&format!("{object}\n"));
        }
    }
    text
}

/// A statement that is run for a command, where there is no script around it.
impl Run {
    /// The tag of such a statement is of no interest.
    pub fn is_quiet(&self) -> bool {
        self.own || self.keep
    }
}
