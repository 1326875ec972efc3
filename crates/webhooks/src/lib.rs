//! Turns signed bytes from Clerk into deliveries of the domain.
