//! The console as a whole, without a world: keys and answers in, screens and commands out.

mod activity;
mod behaviour;
mod listening;
mod screens;
mod straight;
