//! Words on the command line become settings and one door. It must know nothing of what is behind the door.
fn main() {}
