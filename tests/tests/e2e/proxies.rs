//! The proxy snippets under `deploy/`, run by the real programs: what arrives at the application behind them.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use e2e::{Proxy, TestDatabase, Visitor, Wire, World, eventually};
use emulator::{Caller, SessionStatus};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use crate::forward_auth::IDENTITY;

const NGINX: &str = include_str!("../../../deploy/nginx/forward-auth.conf");
const CADDY: &str = include_str!("../../../deploy/caddy/Caddyfile");

/// Where the snippets say that things are.
const FRONT_PORT: &str = ":8000";
const DOORMAN: &str = "127.0.0.1:8080";
const APPLICATION: &str = "127.0.0.1:3000";

#[tokio::test(flavor = "multi_thread")]
async fn nginx_lets_in_who_may() {
    Box::pin(guards(start_nginx)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn caddy_lets_in_who_may() {
    Box::pin(guards(start_caddy)).await;
}

/// An application that answers with the head of the request as it arrived.
struct Application {
    address: SocketAddr,
    reached: Arc<AtomicUsize>,
}

impl Application {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let reached = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&reached);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&count)));
            }
        });
        Self { address, reached }
    }

    fn reached(&self) -> usize {
        self.reached.load(Ordering::SeqCst)
    }
}

async fn answer(mut stream: TcpStream, count: Arc<AtomicUsize>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0; 1];
        if stream.read_exact(&mut byte).await.is_err() {
            return;
        }
        head.extend(byte);
    }
    count.fetch_add(1, Ordering::SeqCst);
    let start = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        head.len()
    );
    let _ = stream.write_all(start.as_bytes()).await;
    let _ = stream.write_all(&head).await;
}

/// A port that nobody listens on now.
fn free_port() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// The snippet with these addresses in place of its own.
fn placed(snippet: &str, front: SocketAddr, doorman: SocketAddr, app: SocketAddr) -> String {
    for place in [FRONT_PORT, DOORMAN, APPLICATION] {
        assert!(snippet.contains(place), "{place}");
    }
    snippet
        .replace(FRONT_PORT, &format!(":{}", front.port()))
        .replace(DOORMAN, &doorman.to_string())
        .replace(APPLICATION, &app.to_string())
}

fn start(program: &str, arguments: &[&str], folder: &Path) -> Child {
    let started = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("HOME", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn();
    match started {
        Ok(child) => child,
        Err(error) => {
            let package = program.rsplit('/').next().unwrap();
            panic!("{program} cannot be run ({error}): apt-get install {package}")
        }
    }
}

fn start_nginx(front: SocketAddr, doorman: SocketAddr, app: SocketAddr, folder: &Path) -> Child {
    std::fs::write(folder.join("site.conf"), placed(NGINX, front, doorman, app)).unwrap();
    let main = "daemon off; master_process off; pid nginx.pid; error_log stderr error; events {} \
                http { access_log off; client_body_temp_path body; proxy_temp_path proxy; \
                fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi; include site.conf; }";
    std::fs::write(folder.join("nginx.conf"), main).unwrap();
    let prefix = format!("{}/", folder.display());
    let program = if Path::new("/usr/sbin/nginx").exists() {
        "/usr/sbin/nginx"
    } else {
        "nginx"
    };
    let arguments = ["-p", prefix.as_str(), "-e", "stderr", "-c", "nginx.conf"];
    start(program, &arguments, folder)
}

fn start_caddy(front: SocketAddr, doorman: SocketAddr, app: SocketAddr, folder: &Path) -> Child {
    let options = "{\n\tadmin off\n\tauto_https off\n}\n";
    let file = format!("{options}{}", placed(CADDY, front, doorman, app));
    std::fs::write(folder.join("Caddyfile"), file).unwrap();
    let arguments = ["run", "--config", "Caddyfile", "--adapter", "caddyfile"];
    start("caddy", &arguments, folder)
}

/// What a request through the front came to: the status, and the head that the application saw.
async fn through(front: SocketAddr, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let mut request =
        format!("GET {path} HTTP/1.1\r\nhost: app.example.com\r\nconnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let mut wire = Wire::to(front).await;
    wire.send(request.as_bytes()).await;
    let answer = wire.rest().await;
    let status = answer.get(9..12).and_then(|status| status.parse().ok());
    let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    (status.unwrap_or_default(), body.to_ascii_lowercase())
}

/// Every value under this name, in either spelling that applications take for it.
fn values<'a>(seen: &'a str, name: &str) -> Vec<&'a str> {
    let lines = seen.lines().filter_map(|line| line.split_once(':'));
    let named = lines.filter(|(found, _)| found.replace('_', "-") == name);
    named
        .map(|(_, value)| value.trim())
        .filter(|value| !value.is_empty())
        .collect()
}

type Start = fn(SocketAddr, SocketAddr, SocketAddr, &Path) -> Child;

async fn guards(start: Start) {
    let world = World::start(TestDatabase::sqlite()).await;
    let way = Proxy::to(world.address().to_string()).await;
    let application = Application::start().await;
    let (front, folder) = (free_port(), TempDir::new().unwrap());
    let mut child = start(front, way.address(), application.address, folder.path());
    eventually("a proxy that listens", async || {
        if let Some(status) = child.try_wait().unwrap() {
            panic!("the proxy ended: {status}");
        }
        TcpStream::connect(front).await.ok()
    })
    .await;

    let ann = world.caller("ann").await;
    let token = world.token(emulator::TokenRequest::for_session(ann.session_id()));
    let bearer = format!("Bearer {token}");
    let mine = ("authorization", bearer.as_str());

    // Nobody gets in without a session, nor with one that is made up.
    for headers in [
        &[][..],
        &[("authorization", "Bearer x.y.z")],
        &[("x-user-id", "admin"), ("x-user-role", "admin")],
    ] {
        assert_eq!(through(front, "/", headers).await.0, 401, "{headers:?}");
    }
    assert_eq!(application.reached(), 0);

    // The application is told who calls, by nobody else than us.
    let honest = ann.get("/api/auth/verify").await.expect(200);
    let spelt: Vec<String> = IDENTITY.iter().map(|name| name.replace('-', "_")).collect();
    let lies = IDENTITY.into_iter().chain(spelt.iter().map(String::as_str));
    let lies = lies.map(|name| (name, "admin"));
    let headers: Vec<_> = lies
        .chain([mine, ("x-auth-require", "role=growth")])
        .collect();
    let (status, seen) = through(front, "/orders?ticket=1&role=admin", &headers).await;
    assert_eq!(status, 200, "{seen}");
    for name in IDENTITY {
        let expected = honest.header(name).unwrap().to_ascii_lowercase();
        let expected: Vec<&str> = [expected.as_str()]
            .into_iter()
            .filter(|value| !value.is_empty())
            .collect();
        assert_eq!(values(&seen, name), expected, "{name}: {seen}");
    }
    assert_eq!(application.reached(), 1);

    // A cookie is as good as a header.
    let cookie = format!("theme=dark; __session={token}");
    let (status, seen) = through(front, "/", &[("cookie", &cookie)]).await;
    assert_eq!(status, 200);
    assert_eq!(
        values(&seen, "x-clerk-user-id"),
        [ann.user_id().to_ascii_lowercase()]
    );

    requirements_hold(&world, &ann, front, mine).await;
    let reached = application.reached();

    // Where the doorman is away, nobody gets in; and everybody who may once he is back.
    for go in [Proxy::cut, Proxy::silence] {
        go(&way);
        let (status, _) = through(front, "/", &[mine]).await;
        assert!((500..=504).contains(&status), "{status}");
        way.cut();
        way.restore();
        eventually("the doorman", async || {
            let (status, _) = through(front, "/nothing", &[mine]).await;
            (status == 200).then_some(())
        })
        .await;
    }
    assert!(application.reached() >= reached + 2);

    let by = Caller::default();
    let (clerk, session) = (world.clerk(), ann.session_id());
    clerk
        .end_session(session, SessionStatus::Revoked, &by)
        .unwrap();
    world.settled().await;
    let reached = application.reached();
    assert_eq!(through(front, "/", &[mine]).await.0, 401);
    assert_eq!(application.reached(), reached);
    child.kill().await.unwrap();
}

/// The part that is for admins alone.
async fn requirements_hold(world: &World, ann: &Visitor, front: SocketAddr, mine: (&str, &str)) {
    assert_eq!(through(front, "/admin/x", &[mine]).await.0, 403);
    assert_eq!(through(front, "/admin/x", &[]).await.0, 401);
    let role = async |role: &str| {
        let params = json!({"public_metadata": {"role": role}});
        let (clerk, by) = (world.clerk(), Caller::default());
        clerk
            .update_metadata(ann.user_id(), params, false, &by)
            .unwrap();
        world.settled().await;
    };
    role("admin").await;
    let (status, seen) = through(front, "/admin/x", &[mine]).await;
    assert_eq!(status, 200, "{seen}");
    assert_eq!(values(&seen, "x-user-role"), ["admin"]);
    role("growth").await;
    assert_eq!(through(front, "/admin/x", &[mine]).await.0, 403);
}
