//! Pages for people: who sees which, how somebody gets in, and what no page ever does.

mod doors;
mod handshake;
mod reading;
mod routes;
