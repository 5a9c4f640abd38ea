//! gatepost: a terminal database access console for Amazon RDS and Aurora PostgreSQL.
//!
//! The house, from the ground up; imports point down only (`tests/house.rs` holds that):
//!
//! * [`model`]: plain words, no I/O.
//! * [`aws`], [`ssm`], [`db`]: three trades that do not know one another: the AWS SDK; the SSM data channel; TLS and
//!   PostgreSQL over any wire.
//! * [`access`]: the verbs, and the one place where errors become words.
//! * [`console`], [`cli`]: what people see.
//! * [`sandbox`]: the shed beside the house: AWS, the agent, the gate and a real PostgreSQL on loopback. Only `main` and
//!   the tests know it.
//! * [`program`]: words on the command line become settings and one door; what `main` calls.
//! * [`settings`]: reads flags, environment and file into [`model::Settings`].

pub mod access;
pub mod aws;
pub mod cli;
pub mod console;
pub mod db;
pub mod model;
#[path = "main/program.rs"]
pub mod program;
pub mod sandbox;
pub mod settings;
pub mod ssm;
