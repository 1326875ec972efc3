//! Real clients of Clerk against the offline Clerk: scripts under `tests/clients/`, run by their own interpreters.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use e2e::{TestDatabase, World};
use emulator::{Emulator, EmulatorConfig, TokenRequest};
use tokio::process::Command;

/// Far more than the longest of them takes.
const PATIENCE: Duration = Duration::from_secs(240);

#[tokio::test(flavor = "multi_thread")]
async fn node_backend_sdk() {
    node("backend.mjs", &emulator(None).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn node_express() {
    node("express.mjs", &emulator(None).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn node_webhook_verifiers() {
    node("svix.mjs", &emulator(None).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_backend_sdk_and_svix() {
    let python = told("TEST_PYTHON");
    script(
        Path::new(&python),
        "python_client.py",
        &emulator(None).await,
        &[],
    )
    .await;
}

/// The clients that `docs/clients` gives to programs in other languages, each driven by a script in its own.
#[tokio::test(flavor = "multi_thread")]
async fn python_snippet() {
    let mut python = Command::new(told("TEST_PYTHON"));
    snippet(python.arg(scripts().join("snippet.py"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn node_snippet() {
    let mut node = Command::new("node");
    snippet(node.arg(scripts().join("snippet.mjs"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn go_snippet() {
    let mut go = Command::new("go");
    // It needs nothing but what is installed.
    go.env("GOPROXY", "off").env("GOTOOLCHAIN", "local");
    snippet(go.args(["run", "."]).current_dir(scripts().join("go"))).await;
}

/// A user with a good token and one that has expired, a program's token, and a limit that a few calls reach.
async fn snippet(command: &mut Command) {
    const MACHINE: &str = "0123456789abcdef0123456789abcdef";
    let own = [
        ("SERVICE_TOKENS", &*format!("snippet={MACHINE}")),
        ("RATE_LIMIT_PER_USER", "2/second:8"),
    ];
    let world = World::with(TestDatabase::sqlite(), &own).await;
    let ann = world.caller("ann").await;
    let token = |seconds| {
        let mut request = TokenRequest::for_session(ann.session_id());
        request.expires_in = Some(seconds);
        world.token(request)
    };
    reaching(command, world.clerk())
        .env("SERVICE_ORIGIN", world.url(""))
        .env("SERVICE_TOKEN", MACHINE)
        .env("USER_ID", ann.user_id())
        .env("USER_TOKEN", token(3600))
        .env("EXPIRED_TOKEN", token(-60));
    finish(command, "the snippet").await;
}

/// What may end the caller's own session, and with it all that comes after; and the stream that ends with it.
const LAST_WORDS: &str = "^(get_me_events|post_auth_logout|delete_me_sessions_by_id|post_admin_sessions_by_id_revoke|\
                          post_admin_users_by_id_(revoke_sessions|deactivate|erasure))$";

/// Thousands of requests made out of the OpenAPI document, good ones and bad ones, as an administrator: every answer is one that
/// the document tells of, in its form, and none is a failure of ours.
#[tokio::test(flavor = "multi_thread")]
async fn python_schemathesis_finds_nothing_undocumented() {
    let clerk = World::new_clerk().await;
    let admin = clerk.new_user("ada@example.com").unwrap();
    let session = clerk.new_session(&admin.id).unwrap();
    let assistant = format!("{}/assistant/v1", clerk.origin());
    let own = [
        ("ADMIN_USER_IDS", admin.id.as_str()),
        ("RATE_LIMIT_WEBHOOK", "off"),
        ("RECONCILE_INTERVAL_SECONDS", ""),
        ("ASSISTANT_URL", &assistant),
        ("ASSISTANT_MODEL", "emulator"),
    ];
    let world = World::of(clerk, TestDatabase::postgres().await, &own).await;
    let token = world.token(TokenRequest::for_session(&session.id));
    schemathesis(&world, &token, "--exclude-operation-id-regex").await;
    // The caller was let in to the end.
    let caller = world.anonymous().bearer(&token);
    caller.get("/api/auth/me").await.expect(200);
    schemathesis(&world, &token, "--include-operation-id-regex").await;
}

/// Requests made out of the document for all operations but [`LAST_WORDS`], or for these alone.
async fn schemathesis(world: &World, token: &str, which: &str) {
    let checks = [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "response_headers_conformance",
    ];
    // It keeps notes where it runs.
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(Path::new(&told("TEST_PYTHON")).with_file_name("st"));
    command
        .current_dir(folder.path())
        .args(["run", &world.url("/api/openapi.json")])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--checks", &checks.join(",")])
        .args(["--phases", "examples,coverage,fuzzing"])
        .args(["--max-examples", "20", "--generation-deterministic"])
        // CPython 3.11 counts how deep `ast` is for all threads together, and fails when two of them are in it: one worker.
        .args(["--request-timeout", "10", "--workers", "1"])
        .args([which, LAST_WORDS]);
    finish(&mut command, "schemathesis").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rust_clerk_rs() {
    let emulator = emulator(None).await;
    let mut client = Command::new(told("TEST_CLERK_RS"));
    finish(reaching(&mut client, &emulator), "clerk-rs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn node_clerk_js_of_two_major_versions_in_a_browser() {
    let newest = components("6", &[]).await;
    components("5", &["--clerk-js", "5.128.0"]).await;
    let emulator = emulator(Some(newest)).await;
    let more = [
        ("CLERK_ASSETS", told("TEST_CLERK_ASSETS")),
        ("CHROMIUM", chromium()),
    ];
    script(Path::new("node"), "clerk-js.mjs", &emulator, &more).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn node_the_emulators_own_page_in_a_browser() {
    let emulator = emulator(None).await;
    let more = [("CHROMIUM", chromium())];
    script(Path::new("node"), "emulator_page.mjs", &emulator, &more).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn node_pages_in_a_browser() {
    let (world, origin) = with_pages(emulator(None).await, true).await;
    let more = [("CHROMIUM", chromium()), ("SERVICE_ORIGIN", origin)];
    script(Path::new("node"), "pages.mjs", world.clerk(), &more).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn node_pages_with_clerks_components_in_a_browser() {
    let emulator = emulator(Some(components("6", &[]).await)).await;
    let (world, origin) = with_pages(emulator, false).await;
    let more = [("CHROMIUM", chromium()), ("SERVICE_ORIGIN", origin)];
    script(Path::new("node"), "components.mjs", world.clerk(), &more).await;
}

/// The service as `dev` starts it, with the emulator's portal or with Clerk's components, and the origin of its pages.
async fn with_pages(emulator: Emulator, by_portal: bool) -> (World, String) {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (address, origin) = (free.to_string(), format!("http://{free}"));
    let proxy = format!("{}/__clerk", emulator.origin());
    let (sign_in, sign_up) = (format!("{proxy}/sign-in"), format!("{proxy}/sign-up"));
    let mut own = vec![
        ("BIND_ADDR", address.as_str()),
        ("CLERK_AUTHORIZED_PARTIES", &origin),
        ("CLERK_PROXY_URL", &proxy),
    ];
    if by_portal {
        own.extend([
            ("CLERK_SIGN_IN_URL", sign_in.as_str()),
            ("CLERK_SIGN_UP_URL", &sign_up),
        ]);
    }
    let world = World::of(emulator, TestDatabase::postgres().await, &own).await;
    (world, origin)
}

/// An offline Clerk that serves Clerk's components out of this folder.
async fn emulator(assets: Option<PathBuf>) -> Emulator {
    let config = EmulatorConfig {
        assets,
        ..EmulatorConfig::on_free_port()
    };
    Emulator::start(config).await.unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "where this machine keeps the clients, only the environment says"
)]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What `cargo xtask test` says about this machine.
fn told(name: &str) -> String {
    environment(name).unwrap_or_else(|| {
        panic!("{name} is not set: `cargo xtask test` installs the clients' libraries and says where they are")
    })
}

/// Clerk's components of this major version, fetched by the command that users have for it. Tests of other processes
/// wait while one of them does that.
async fn components(major: &str, versions: &[&str]) -> PathBuf {
    let folder = PathBuf::from(told("TEST_CLERK_ASSETS"));
    std::fs::create_dir_all(&folder).unwrap();
    let lock = File::create(folder.join("lock")).unwrap();
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock));
    let _lock = lock.await.unwrap().unwrap();
    let folder = folder.join(major);
    let mut command = Command::new(env!("CARGO_BIN_EXE_clerk-sync-under-test"));
    command
        .args(["emulator", "assets"])
        .arg(&folder)
        .args(versions);
    finish(&mut command, "clerk-sync emulator assets").await;
    folder
}

/// The browser, under any of the names that it has.
fn chromium() -> String {
    let path = environment("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let mut found =
        std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name)));
    let found = found.find(|program| program.is_file());
    let found =
        found.expect("no chromium, chromium-browser or google-chrome: apt-get install chromium");
    found.into_os_string().into_string().unwrap()
}

async fn node(name: &str, emulator: &Emulator) {
    script(Path::new("node"), name, emulator, &[]).await;
}

/// Where the scripts are.
fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

/// Runs a script to its end; fails with all that it said.
async fn script(program: &Path, name: &str, emulator: &Emulator, more: &[(&str, String)]) {
    let mut command = Command::new(program);
    reaching(&mut command, emulator)
        .arg(scripts().join(name))
        .envs(more.iter().map(|(name, value)| (name, value)));
    finish(&mut command, name).await;
}

/// Tells a client where the emulator is.
fn reaching<'a>(command: &'a mut Command, emulator: &Emulator) -> &'a mut Command {
    command
        .env("EMULATOR_ORIGIN", emulator.origin())
        .env("EMULATOR_SECRET_KEY", emulator.secret_key())
        .env("EMULATOR_PUBLISHABLE_KEY", emulator.publishable_key())
        .env("EMULATOR_WEBHOOK_SECRET", emulator.webhook_secret())
        .env("EMULATOR_JWT_KEY", emulator.jwt_key_pem())
}

async fn finish(command: &mut Command, name: &str) {
    let running = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let finished = tokio::time::timeout(PATIENCE, running).await;
    let finished = finished.unwrap_or_else(|_| panic!("{name} has not ended within {PATIENCE:?}"));
    let output = finished.unwrap_or_else(|error| panic!("{name} cannot be run: {error}"));
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success(), "{name}: {}\n{said}", output.status);
}
