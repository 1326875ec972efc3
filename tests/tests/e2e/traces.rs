//! A webhook, followed from its request to the transaction that wrote its rows, as a collector of traces sees it.

use e2e::{Message, TestDatabase, Visitor, World, eventually, sample, settings};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::program::{Running, run};

/// Every span that was sent so far.
async fn spans(collector: &MockServer) -> Vec<Span> {
    let requests = collector.received_requests().await.unwrap();
    let sent = requests
        .iter()
        .map(|request| ExportTraceServiceRequest::decode(&request.body[..]).unwrap());
    sent.flat_map(|sent| sent.resource_spans)
        .flat_map(|of_resource| of_resource.scope_spans)
        .flat_map(|of_scope| of_scope.spans)
        .collect()
}

fn attribute(span: &Span, name: &str) -> String {
    let found = span.attributes.iter().find(|found| found.key == name);
    format!("{:?}", found.and_then(|found| found.value.clone()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_followed_from_its_request_to_its_rows() {
    let collector = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/traces"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&collector)
        .await;
    let database = TestDatabase::sqlite();
    let clerk = World::new_clerk().await;
    let folder = tempfile::tempdir().unwrap();
    let own = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.uri()),
        // What is logged is no limit to what is traced.
        ("RUST_LOG", "warn,clerk_sync=info"),
    ];
    let settings = settings(database.url(), &clerk, &own);
    let (server, address) = Running::serve(folder.path(), &settings).await;
    let message = Message::signed(&clerk.webhook_secret(), sample("user.created"));
    let request_id = "req-traced";
    let visitor = Visitor::of(address).with("x-request-id", request_id);
    visitor.send(message).await.expect(204);
    // What is left is sent before the process ends.
    server.stop().await;

    let spans = eventually("spans", async || {
        let spans = spans(&collector).await;
        (!spans.is_empty()).then_some(spans)
    })
    .await;
    let request = spans
        .iter()
        .find(|span| attribute(span, "id").contains(request_id))
        .unwrap();
    assert!(attribute(request, "route").contains("/webhooks/clerk"));
    let writing = spans
        .iter()
        .filter(|span| span.name == "write deliveries")
        .find(|span| {
            let mut links = span.links.iter();
            links.any(|link| {
                (&link.trace_id, &link.span_id) == (&request.trace_id, &request.span_id)
            })
        });
    assert!(writing.is_some(), "{spans:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_none_is_said_at_the_start() {
    let database = TestDatabase::sqlite();
    let clerk = World::new_clerk().await;
    let folder = tempfile::tempdir().unwrap();
    let own = [("OTEL_EXPORTER_OTLP_ENDPOINT", "not a url")];
    let settings = settings(database.url(), &clerk, &own);
    let finished = run(folder.path(), &["serve"], &settings).await;
    let said = finished.complained();
    assert!(said.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{said}");
}
