//! An editor of one's own: a text goes into a private file, the program runs on our terminal, the text comes back. The
//! terminal must have been lent before, and nobody else may read it. It must not know whose text it is.

use super::Signals;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use tokio::process::Command;

/// What became of the text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Composed {
    /// It was edited.
    Text(String),
    /// It was not, or cannot be taken back: why, in words.
    Failed(String),
    /// This signal ended gatepost meanwhile.
    Ended(&'static str),
}

/// Runs `editor` (a command line, as in `$VISUAL`) on `text` until it ends.
pub(super) async fn edited(editor: &str, text: &str, signals: &mut Signals) -> Composed {
    let ended = async {
        loop {
            match signals.next().await {
                // Ctrl-C in the editor reaches us too, who share its terminal; it is meant for the editor.
                "SIGINT" => {}
                name => return name,
            }
        }
    };
    tokio::select! {
        biased;
        name = ended => Composed::Ended(name),
        result = run(editor, text) => match result {
            Ok(text) => Composed::Text(text),
            Err(why) => Composed::Failed(why),
        },
    }
}

async fn run(editor: &str, text: &str) -> Result<String, String> {
    let local = |what: &str, error: io::Error| format!("{what}: {error}; the text is as it was");
    // The folder is ours alone (0700), for editors leave copies beside the file; all of it is gone when this returns.
    let folder = tempfile::Builder::new()
        .prefix("gatepost-")
        .tempdir()
        .map_err(|error| local("no temporary folder for the editor", error))?;
    let path = folder.path().join("query.sql");
    write(&path, text).map_err(|error| local("the text could not be written for the editor", error))?;
    // As git and psql do: the setting may hold arguments, which a shell understands as its owner meant them.
    let mut child = Command::new("/bin/sh")
        .arg("-c")
        .arg(format!("{editor} \"$1\""))
        .arg("sh")
        .arg(&path)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| local(&format!("{editor} could not be started"), error))?;
    let status = child.wait().await.map_err(|error| local(&format!("{editor} was lost"), error))?;
    match status.code() {
        Some(0) => {}
        Some(127) => {
            return Err(format!("there is no editor {editor} (set VISUAL, EDITOR, or editor in the settings)"));
        }
        Some(code) => return Err(format!("{editor} ended with status {code}; the text is as it was")),
        None => return Err(format!("{editor} was ended by a signal; the text is as it was")),
    }
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) => return Err(local(&format!("what {editor} wrote could not be read"), error)),
    };
    String::from_utf8(bytes).map_err(|_| {
        // The work of an hour must not be thrown away with the folder.
        let kept = folder.keep().join("query.sql");
        format!("what {editor} wrote is no UTF-8; it is kept in {}", kept.display())
    })
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    // A file without an end of its last line looks broken in some editors.
    if text.ends_with('\n') { Ok(()) } else { io::Write::write_all(&mut file, b"\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An "editor" of one line of shell; `$1` is the file.
    async fn by(script: &str, text: &str) -> Result<String, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("my editor");
        std::fs::write(&program, script).expect("written");
        run(&format!("/bin/sh '{}'", program.display()), text).await
    }

    #[tokio::test]
    async fn the_text_goes_out_and_comes_back_by_a_private_file_that_is_gone_then() {
        let folder = tempfile::tempdir().expect("a folder");
        let told = folder.path().join("told");
        let script = format!(
            "(stat -c %a \"$1\" \"$(dirname \"$1\")\"; echo \"$1\") > '{}'; tr a-z A-Z < \"$1\" > \"$1.new\"; \
             mv \"$1.new\" \"$1\"",
            told.display()
        );
        assert_eq!(by(&script, "select 'ü'").await, Ok("SELECT 'ü'\n".to_owned()));
        let told = std::fs::read_to_string(told).expect("the editor has run");
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines[..2], ["600", "700"]);
        assert!(lines[2].ends_with(".sql"), "{told}");
        assert!(!Path::new(lines[2]).exists() && !Path::new(lines[2]).parent().expect("a folder").exists());
    }

    #[tokio::test]
    async fn what_goes_wrong_is_said() {
        let status = by("echo lost > \"$1\"; exit 3", "select 1").await.expect_err("status 3");
        assert!(status.ends_with("ended with status 3; the text is as it was"), "{status}");
        let missing = run("no-such-editor-at-all --wait", "select 1").await.expect_err("there is none");
        assert_eq!(
            missing,
            "there is no editor no-such-editor-at-all --wait (set VISUAL, EDITOR, or editor in the settings)"
        );
        let killed = by("kill -9 $$", "select 1").await.expect_err("killed");
        assert!(killed.contains("by a signal") || killed.contains("status 137"), "{killed}");
        let strange = by("printf '\\377' > \"$1\"", "select 1").await.expect_err("no text");
        let kept = strange.rsplit("kept in ").next().map(std::path::PathBuf::from).expect("a path");
        assert_eq!(std::fs::read(&kept).expect("kept"), [0xff]);
        std::fs::remove_dir_all(kept.parent().expect("a folder")).expect("ours");
        let gone = by("rm \"$1\"", "select 1").await.expect_err("no file");
        assert!(gone.contains("could not be read"), "{gone}");
    }
}
