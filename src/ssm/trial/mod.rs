//! Trials of the machines and of the driver against a model of the agent with all its habits. Tests only.

mod agent;
mod driver;
mod pair;
