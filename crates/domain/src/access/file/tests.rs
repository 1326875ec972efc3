//! Faults of policy files.
