//! Manual pages, made from the words that the command line understands.

use crate::model::{Diagnosis, Kind};

/// The page of the program, or of one of its commands, in roff.
pub fn page(mut program: clap::Command, command: Option<&str>) -> Result<Vec<u8>, Diagnosis> {
    program.build();
    let page = match command {
        None => program,
        Some(name) => {
            let found = program.get_subcommands().find(|command| command.get_name() == name).cloned();
            let Some(found) = found else {
                let names: Vec<&str> = program.get_subcommands().map(clap::Command::get_name).collect();
                return Err(Diagnosis::new(Kind::Usage, format!("There is no command {name}"))
                    .because(format!("the commands are {}", names.join(", "))));
            };
            found
        }
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page)
        .render(&mut text)
        .map_err(|error| Diagnosis::new(Kind::Local, "The manual page could not be made").because(error.to_string()))?;
    Ok(text)
}
