//! psql's `\if`, `\elif`, `\else`, `\endif`: which branch is taken. It must not know what stands in the branches.

use super::scanner::Mark;

/// The conditions a script is within, outermost first.
#[derive(Debug, Default)]
pub struct Conditions(Vec<Level>);

#[derive(Debug)]
struct Level {
    branch: Branch,
    /// Where the statement stood when its branch began.
    mark: Mark,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Branch {
    /// Runs.
    Taken,
    /// Does not run; a later `\elif` or `\else` may.
    Waiting,
    /// Does not run, and none after it will.
    Passed,
    /// The `\else` that runs.
    ElseTaken,
    /// The `\else` that does not run.
    ElsePassed,
}

impl Conditions {
    /// Whether what comes next is run.
    pub fn is_active(&self) -> bool {
        self.0.last().is_none_or(|level| matches!(level.branch, Branch::Taken | Branch::ElseTaken))
    }

    /// Whether a condition is open.
    pub fn is_open(&self) -> bool {
        !self.0.is_empty()
    }

    /// Whether `\elif` here needs its expression looked at.
    pub fn weighs_elif(&self) -> bool {
        self.0.last().is_some_and(|level| level.branch == Branch::Waiting)
    }

    /// `\if`; `value` is not looked at in a branch that does not run.
    pub fn begin(&mut self, value: bool, mark: Mark) {
        let branch = match (self.is_active(), value) {
            (true, true) => Branch::Taken,
            (true, false) => Branch::Waiting,
            (false, _) => Branch::Passed,
        };
        self.0.push(Level { branch, mark });
    }

    /// `\elif`. Gives what the statement must go back to when the branch before it was not taken.
    pub fn elif(&mut self, value: bool, now: Mark) -> Result<Option<Mark>, String> {
        let Some(level) = self.0.last_mut() else { return Err("\\elif: no matching \\if".to_owned()) };
        let branch = match (level.branch, value) {
            (Branch::Taken | Branch::Passed, _) => Branch::Passed,
            (Branch::Waiting, true) => Branch::Taken,
            (Branch::Waiting, false) => Branch::Waiting,
            (Branch::ElseTaken | Branch::ElsePassed, _) => {
                return Err("\\elif: cannot occur after \\else".to_owned());
            }
        };
        Ok(level.turn(branch, now))
    }

    /// `\else`.
    pub fn otherwise(&mut self, now: Mark) -> Result<Option<Mark>, String> {
        let Some(level) = self.0.last_mut() else { return Err("\\else: no matching \\if".to_owned()) };
        let branch = match level.branch {
            Branch::Waiting => Branch::ElseTaken,
            Branch::Taken | Branch::Passed => Branch::ElsePassed,
            Branch::ElseTaken | Branch::ElsePassed => return Err("\\else: cannot occur after \\else".to_owned()),
        };
        Ok(level.turn(branch, now))
    }

    /// `\endif`.
    pub fn end(&mut self) -> Result<Option<Mark>, String> {
        match self.0.pop() {
            Some(level) if matches!(level.branch, Branch::Taken | Branch::ElseTaken) => Ok(None),
            Some(level) => Ok(Some(level.mark)),
            None => Err("\\endif: no matching \\if".to_owned()),
        }
    }
}

impl Level {
    fn turn(&mut self, branch: Branch, now: Mark) -> Option<Mark> {
        let was_taken = matches!(self.branch, Branch::Taken | Branch::ElseTaken);
        self.branch = branch;
        if was_taken {
            self.mark = now;
            return None;
        }
        Some(self.mark.clone())
    }
}
