//! Speaks HTTP to programs: routes, extractors, problems, OpenAPI, limits.
