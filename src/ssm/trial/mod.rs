//! Trials of the machines and of the driver against a model of the agent with all its habits. Tests only.

#[cfg(test)]
mod agent;
#[cfg(test)]
mod driver;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod pair;
#[cfg(test)]
mod uplink;
