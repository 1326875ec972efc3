//! Files that people bring along, read into the domain's words.
//!
//! Translates the bytes of a CSV file to [`domain::workspace::ImportedPosition`]s, or to what is wrong with it, by line and column.
//! It is behind the port [`domain::PositionReader`].
//!
//! It will never know who brought the file, how it came here, or what becomes of the positions. It takes a file as a whole
//! or not at all, reads no number through a binary fraction, and repeats nothing of what stands in a file.

mod header;
mod lines;
mod positions;
mod problems;
mod row;
mod text;

pub use positions::CsvPositions;
