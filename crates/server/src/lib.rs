//! The clerk-sync binary: configuration, wiring, command line.
