//! What stdout and stderr are: a terminal or not, how wide, with colours or not. It must not know what is printed.

use std::io::IsTerminal;

/// What the verbs need to know of where their words go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Columns of the terminal that stdout is; `None` for a pipe or a file.
    pub width: Option<usize>,
    /// Whether stdout is a terminal.
    pub stdout: bool,
    /// Whether stderr is one.
    pub stderr: bool,
    /// Whether colours are wanted, where there is a terminal.
    pub color: bool,
    /// Steps are told on stderr even where it is no terminal.
    pub verbose: bool,
}

impl Terminal {
    /// Of this process.
    pub fn of_process(color: bool, verbose: bool) -> Terminal {
        let stdout = std::io::stdout().is_terminal();
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let width = stdout
            .then(|| rustix::termios::tcgetwinsize(std::io::stdout()).ok())
            .flatten()
            .map(|size| usize::from(size.ws_col))
            .filter(|columns| *columns > 0);
        Terminal { width, stdout, stderr: std::io::stderr().is_terminal(), color: color && !dumb, verbose }
    }

    /// Whether stdout takes colours.
    pub fn color_on_stdout(&self) -> bool {
        self.color && self.stdout
    }

    /// Whether stderr takes colours.
    pub fn color_on_stderr(&self) -> bool {
        self.color && self.stderr
    }

    /// Whether progress is told on stderr.
    pub fn tells_progress(&self) -> bool {
        self.stderr || self.verbose
    }
}
