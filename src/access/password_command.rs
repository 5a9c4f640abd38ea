//! A password from a program's output. It must not know which login it is for, beyond telling the program.
//!
//! There is no shell in between, the program gets no input, what it says to people (stderr) is shown when it fails, and it
//! is killed when it takes too long or nobody waits for it any more.

use super::passfile::Wanted;
use crate::model::{Diagnosis, Kind, Secret, command_words, visible};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use zeroize::Zeroizing;

/// More is no password.
const LONGEST: u64 = 64 * 1024;

/// What the command prints, without the line's end; it has so much time.
pub(super) async fn run(command: &str, wanted: Wanted<'_>, limit: Duration) -> Result<Secret, Diagnosis> {
    let failed = |because: String| {
        Diagnosis::new(Kind::Local, format!("The password command failed: {}", visible(command))).because(because)
    };
    let words = command_words(command).map_err(&failed)?;
    let mut child = Command::new(&words[0])
        .args(&words[1..])
        .env("PGHOST", wanted.host)
        .env("PGPORT", wanted.port.to_string())
        .env("PGDATABASE", wanted.database)
        .env("PGUSER", wanted.user)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(format!("{} could not be started: {error}", visible(&words[0]))))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let ran = tokio::time::timeout(limit, async {
        let (said, complained, status) = tokio::join!(all(stdout), all(stderr), child.wait());
        (said, complained, status)
    });
    let Ok((said, complained, status)) = ran.await else {
        return Err(failed(format!("it took longer than {} s and was ended", limit.as_secs_f32()))
            .advise("Run it by itself: it may wait for an unlock or a login"));
    };
    let status = status.map_err(|error| failed(error.to_string()))?;
    if !status.success() {
        let complaint = String::from_utf8_lossy(&complained);
        let diagnosis = failed(status.to_string());
        return Err(complaint
            .lines()
            .filter(|line| !line.trim().is_empty())
            .take(10)
            .fold(diagnosis, |diagnosis, line| diagnosis.because(visible(line).into_owned())));
    }
    let Ok(text) = std::str::from_utf8(&said) else { return Err(failed("what it printed is not UTF-8".to_owned())) };
    let password = text.strip_suffix('\n').unwrap_or(text);
    let password = password.strip_suffix('\r').unwrap_or(password);
    if password.is_empty() {
        return Err(failed("it printed nothing".to_owned()));
    }
    if said.len() as u64 == LONGEST {
        return Err(failed(format!("it printed {LONGEST} bytes or more, which is no password")));
    }
    Ok(Secret::new(password))
}

async fn all(pipe: Option<impl AsyncRead + Unpin>) -> Zeroizing<Vec<u8>> {
    // Grown in place it would leave copies behind.
    let mut read = Zeroizing::new(Vec::with_capacity(LONGEST as usize));
    if let Some(pipe) = pipe {
        // Broken or cut short, it is what came.
        let _ = pipe.take(LONGEST).read_to_end(&mut read).await;
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: Wanted<'static> = Wanted { host: "h", port: 5432, database: "d", user: "u" };

    async fn printed(command: &str) -> Result<String, Diagnosis> {
        run(command, WANTED, Duration::from_secs(60)).await.map(|secret| secret.reveal().to_owned())
    }

    #[tokio::test]
    async fn one_line_end_is_cut_and_the_target_is_told() {
        assert_eq!(printed("printf 'a b\\n\\n'").await.expect("printed"), "a b\n");
        assert_eq!(printed("printf 'a\\r\\n'").await.expect("printed"), "a");
        let told = printed("sh -c 'echo $PGUSER@$PGHOST:$PGPORT/$PGDATABASE'").await.expect("printed");
        assert_eq!(told, "u@h:5432/d");
        assert_eq!(printed("printf %s $HOME").await.expect("no shell"), "$HOME");
    }

    #[tokio::test]
    async fn failures_say_why_and_never_what_was_printed() {
        let refused = printed("sh -c 'echo secret; echo locked >&2; exit 3'").await.expect_err("fails");
        assert!(refused.because.iter().any(|line| line == "locked"), "{refused:?}");
        assert!(refused.because.iter().any(|line| line.contains('3')), "{refused:?}");
        assert!(!refused.because.iter().any(|line| line.contains("secret")));
        for (command, what) in
            [("/nowhere/at/all", "could not be started"), ("true", "printed nothing"), ("'a", "expected a closing")]
        {
            let refused = printed(command).await.expect_err(command);
            assert!(refused.because.iter().any(|line| line.contains(what)), "{refused:?}");
        }
        let slow = run("sleep 600", WANTED, Duration::from_millis(100)).await.expect_err("too slow");
        assert!(slow.because.iter().any(|line| line.contains("was ended")), "{slow:?}");
        let long = printed("head -c 100000 /dev/zero").await.expect_err("too long");
        assert!(long.because.iter().any(|line| line.contains("no password")), "{long:?}");
    }
}
