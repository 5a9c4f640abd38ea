//! The program's door, and nothing behind it: [`gatepost::program`] is in the library, where the compiler makes the code of
//! its futures once, and not a second time here. It must not know anything.

use std::process::ExitCode;

fn main() -> ExitCode {
    gatepost::program::main()
}
