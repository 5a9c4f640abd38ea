//! The settings file, the environment and the flags become one `model::Settings`.
