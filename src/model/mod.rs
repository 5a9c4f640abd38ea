//! The ground floor: the words every other floor speaks, as plain data.
//!
//! Nothing here does I/O, reads a clock, or knows AWS, SSM, TLS, PostgreSQL's wire or a terminal. It imports std alone
//! (and `zeroize` for [`Secret`], `serde_json` for [`plan`]).

pub mod activity;
mod authentication;
pub mod catalogue;
mod command;
pub mod completion;
mod diagnosis;
mod doctor;
mod happening;
mod iam_change;
mod inventory;
mod page;
pub mod plan;
mod policy;
mod proxy;
pub mod psql;
mod secret;
mod settings;
pub mod sql;
mod step;
mod target;
mod visible;

pub use authentication::{Allowed, Authentication};
pub use command::command_words;
pub use diagnosis::{Act, Advice, Diagnosis, Kind, ServerWords, Turn};
pub use doctor::{Check, CheckKind, DoctorNews, DoctorReport, Verdict};
pub use happening::{CopyPiece, Happening, Notice, SessionFacts, TlsFacts, Transaction};
pub use iam_change::{IamPlan, IamProgress, When};
pub use inventory::{
    Certificate, Database, DatabaseKind, Domain, Endpoint, EndpointRole, Engine, IamAuth, Identity, Inventory, Place,
    Role, in_policy,
};
pub use page::{Column, Page, PageBuilder};
pub use policy::{Policy, PolicyWish, Scope, Scoped, Trust};
pub use proxy::{ProxyLogin, ProxyScheme, ProxySecret, ProxyTarget};
pub use secret::{Secret, Token};
pub use settings::{AwsSettings, EditorKeys, ListenerSettings, Resolve, Settings, StaticCredentials};
pub use step::{Step, StepKind, StepState};
pub use target::{Agent, Auth, Bastion, Ranked, Route, RouteChoice, Target, Wanted};
pub use visible::visible;
