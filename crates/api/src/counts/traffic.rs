//! Requests by route: how many, how they were answered, and how long that took.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::{Method, StatusCode};

use super::ProblemCounts;
use super::histogram::{ANSWERS, Histogram, HistogramReport};
use crate::endpoint::ServedRoute;
use crate::problem::Kind;

/// What a request to no route is counted under.
const NO_ROUTE: &str = "(none)";
/// What a method is counted under that the route does not have.
const OTHER_METHOD: &str = "other";

/// Requests of one endpoint.
pub(crate) struct Traffic {
    /// By the template that the router matched. Both names of a route have one count.
    routes: HashMap<String, Arc<Route>>,
    none: Arc<Route>,
    pub(crate) problems: ProblemCounts,
}

struct Route {
    /// As it is documented.
    name: String,
    methods: Vec<(Method, Answers)>,
    other: Answers,
}

/// The answers to one method of one route.
struct Answers {
    classes: [AtomicU64; AnswerClass::ALL.len()],
    times: Histogram,
}

/// The first digit of a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerClass {
    /// 2xx, and 1xx.
    Success,
    /// 3xx.
    Redirection,
    /// 4xx.
    ClientError,
    /// 5xx.
    ServerError,
}

impl AnswerClass {
    /// Every class.
    pub const ALL: &[Self] = &[
        Self::Success,
        Self::Redirection,
        Self::ClientError,
        Self::ServerError,
    ];

    /// The name in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "2xx",
            Self::Redirection => "3xx",
            Self::ClientError => "4xx",
            Self::ServerError => "5xx",
        }
    }

    fn of(status: StatusCode) -> Self {
        match status.as_u16() {
            ..300 => Self::Success,
            300..400 => Self::Redirection,
            400..500 => Self::ClientError,
            500.. => Self::ServerError,
        }
    }
}

/// Requests, as they stood at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct TrafficReport {
    /// Methods of routes that were asked for.
    pub routes: Vec<RouteReport>,
    /// Problems that were answered.
    pub problems: Vec<(Kind, u64)>,
}

/// One method of one route.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteReport {
    /// The method, or `other`.
    pub method: String,
    /// The route as it is documented, or `(none)`.
    pub route: String,
    /// How many answers of which class.
    pub answers: Vec<(AnswerClass, u64)>,
    /// How long it took until there was an answer.
    pub times: HistogramReport,
}

/// A request under way, from its head on.
pub(crate) struct Timed {
    route: Arc<Route>,
    method: Method,
    began: Instant,
}

impl Traffic {
    /// Of these routes.
    pub(crate) fn of(table: &[ServedRoute]) -> Self {
        let mut documented: HashMap<&str, Vec<&Method>> = HashMap::new();
        for route in table {
            let methods = documented.entry(name(table, &route.path)).or_default();
            methods.extend(&route.method);
        }
        let counted: HashMap<&str, Arc<Route>> = documented
            .into_iter()
            .map(|(name, methods)| (name, Arc::new(Route::new(name, methods))))
            .collect();
        let of_path =
            |path: &String| Some((path.clone(), Arc::clone(counted.get(name(table, path))?)));
        Self {
            routes: table
                .iter()
                .filter_map(|route| of_path(&route.path))
                .collect(),
            none: Arc::new(Route::new(NO_ROUTE, Vec::new())),
            problems: ProblemCounts::new(),
        }
    }

    /// Begins to time a request to the route of this template.
    pub(crate) fn begin(&self, template: Option<&str>, method: &Method) -> Timed {
        let route = template.and_then(|template| self.routes.get(template));
        Timed {
            route: Arc::clone(route.unwrap_or(&self.none)),
            method: method.clone(),
            began: Instant::now(),
        }
    }

    pub(crate) fn report(&self) -> TrafficReport {
        // A route has two names, and is told of once.
        let documented = |(path, route): &(&String, &Arc<Route>)| **path == route.name;
        let routes = self
            .routes
            .iter()
            .filter(documented)
            .map(|(_, route)| route);
        let mut routes: Vec<RouteReport> = routes
            .chain([&self.none])
            .flat_map(|route| route.report())
            .collect();
        routes.sort_by(|one, other| (&one.route, &one.method).cmp(&(&other.route, &other.method)));
        TrafficReport {
            routes,
            problems: self.problems.report(),
        }
    }
}

/// The documented name of a path: `/api/x` is short for `/api/v1/x`.
fn name<'a>(table: &'a [ServedRoute], path: &'a str) -> &'a str {
    let long = |route: &&ServedRoute| {
        let (Some(rest), Some(short)) = (
            route.path.strip_prefix("/api/v1/"),
            path.strip_prefix("/api/"),
        ) else {
            return false;
        };
        rest == short
    };
    table.iter().find(long).map_or(path, |route| &route.path)
}

impl Route {
    fn new(name: &str, methods: Vec<&Method>) -> Self {
        let mut own: Vec<(Method, Answers)> = Vec::new();
        for method in methods {
            if !own.iter().any(|(known, _)| known == method) {
                own.push((method.clone(), Answers::new()));
            }
        }
        Self {
            name: name.to_owned(),
            methods: own,
            other: Answers::new(),
        }
    }

    fn answers(&self, method: &Method) -> &Answers {
        let mut own = self.methods.iter();
        let found = own.find(|(known, _)| known == method);
        found.map_or(&self.other, |(_, answers)| answers)
    }

    fn report(&self) -> impl Iterator<Item = RouteReport> {
        let own = self.methods.iter();
        let own = own.map(|(method, answers)| (method.as_str(), answers));
        own.chain([(OTHER_METHOD, &self.other)])
            .filter_map(|(method, answers)| {
                let counts = answers.classes.iter();
                let counts = counts.map(|count| count.load(Ordering::Relaxed));
                Some(RouteReport {
                    method: method.to_owned(),
                    route: self.name.clone(),
                    answers: AnswerClass::ALL.iter().copied().zip(counts).collect(),
                    times: answers.times.report()?,
                })
            })
    }
}

impl Answers {
    const fn new() -> Self {
        Self {
            classes: [const { AtomicU64::new(0) }; AnswerClass::ALL.len()],
            times: Histogram::new(ANSWERS),
        }
    }
}

impl Timed {
    /// Counts the answer, and says how long it took.
    pub(crate) fn answered(self, status: StatusCode) -> Duration {
        let answers = self.route.answers(&self.method);
        if let Some(count) = answers.classes.get(AnswerClass::of(status) as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let took = self.began.elapsed();
        answers.times.add(took);
        took
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(method: Option<Method>, path: &str) -> ServedRoute {
        ServedRoute {
            method,
            path: path.to_owned(),
            access: Vec::new(),
        }
    }

    fn traffic() -> Traffic {
        Traffic::of(&[
            served(Some(Method::GET), "/health"),
            served(Some(Method::GET), "/api/v1/things"),
            served(Some(Method::POST), "/api/v1/things"),
            served(Some(Method::GET), "/api/things"),
            served(Some(Method::POST), "/api/things"),
            served(None, "/api/v1/any"),
        ])
    }

    #[test]
    fn both_names_of_a_route_have_one_count_and_what_is_unknown_has_no_name() {
        let traffic = traffic();
        for (template, method, status) in [
            (Some("/api/v1/things"), Method::GET, StatusCode::OK),
            (Some("/api/things"), Method::GET, StatusCode::NOT_FOUND),
            (
                Some("/api/things"),
                Method::DELETE,
                StatusCode::METHOD_NOT_ALLOWED,
            ),
            (Some("/api/v1/any"), Method::PUT, StatusCode::NO_CONTENT),
            (None, Method::GET, StatusCode::NOT_FOUND),
            (
                Some("/never/declared"),
                Method::GET,
                StatusCode::SERVICE_UNAVAILABLE,
            ),
        ] {
            traffic.begin(template, &method).answered(status);
        }
        let report = traffic.report();
        let seen: Vec<_> = report
            .routes
            .iter()
            .map(|route| {
                let counts = route.answers.iter().map(|(_, count)| *count);
                let counts: Vec<u64> = counts.collect();
                (&*route.route, &*route.method, counts, route.times.count)
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("(none)", "other", vec![0, 0, 1, 1], 2),
                ("/api/v1/any", "other", vec![1, 0, 0, 0], 1),
                ("/api/v1/things", "GET", vec![1, 0, 1, 0], 2),
                ("/api/v1/things", "other", vec![0, 0, 1, 0], 1),
            ]
        );
    }
}
