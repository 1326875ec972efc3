//! The language of the product: users, sessions, deliveries, the rules of convergence, and the ports.
