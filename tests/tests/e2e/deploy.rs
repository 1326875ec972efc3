//! What is in `deploy/`, looked at by the programs that it is for, and held against the documentation and the settings.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use clerk_sync::Config;
use serde_json::Value;

const ALERTS: &str = include_str!("../../../deploy/prometheus/alerts.yml");
const ALERT_TESTS: &str = include_str!("../../../deploy/prometheus/alerts.test.yml");
const DASHBOARD: &str = include_str!("../../../deploy/grafana/clerk-sync.json");
const METRICS: &str = include_str!("../../../docs/METRICS.md");
const OPERATING: &str = include_str!("../../../docs/OPERATING.md");
const UNIT: &str = include_str!("../../../deploy/systemd/clerk-sync.service");
const COMPOSE: &str = include_str!("../../../deploy/compose.yaml");
const MAKE_SECRETS: &str = include_str!("../../../deploy/compose/make-secrets");

/// How exposed the unit may be, in tenths of systemd's figure: 0 is not at all, 100 is everything.
const MOST_EXPOSURE: &str = "15";

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy")
}

/// What a program made of these arguments.
fn run(program: &str, package: &str, arguments: &[&str], folder: &Path) -> Output {
    let finished = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output();
    finished.unwrap_or_else(|error| {
        panic!("{program} cannot be run ({error}): apt-get install {package}")
    })
}

/// Everything that was printed; expects success.
fn printed(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let all = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success(), "{}: {all}", output.status);
    all
}

fn promtool(arguments: &[&str], folder: &Path) -> String {
    printed(&run("promtool", "prometheus", arguments, folder))
}

/// The names of our metrics in a text. The parts of a histogram count as the histogram.
fn metrics(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c == '_';
    text.match_indices("clerk_sync_")
        .map(|(start, _)| {
            let name = text[start..].split(|c| !is_part(c)).next().unwrap();
            let parts = ["_bucket", "_count", "_sum"];
            let whole = parts.iter().find_map(|part| name.strip_suffix(part));
            whole.unwrap_or(name).to_owned()
        })
        .collect()
}

/// The first cells of the tables in docs/METRICS.md.
fn documented() -> BTreeSet<String> {
    let rows = METRICS.lines().filter(|line| line.starts_with("| `"));
    let names: BTreeSet<String> = rows
        .flat_map(|row| metrics(&row[..row.find(" | ").unwrap()]))
        .collect();
    assert!(names.len() > 30, "{names:?}");
    names
}

/// What stands after this key, on each line that has it.
fn after<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix(key))
        .map(|rest| rest.trim().trim_matches('"'))
        .collect()
}

#[test]
fn prometheus_takes_the_configuration_and_the_rules_fire_when_they_should() {
    let folder = deploy().join("prometheus");
    promtool(&["check", "config", "prometheus.yml"], &folder);
    promtool(&["test", "rules", "alerts.test.yml"], &folder);
}

#[test]
fn every_alert_is_tested_and_says_what_to_do() {
    let alerts = after(ALERTS, "- alert:");
    assert!(alerts.len() > 20);
    for alert in &alerts {
        let fires = format!("{{alertname=\"{alert}\"}}");
        assert!(ALERT_TESTS.contains(&fires), "{alert} has no test");
    }
    for key in ["severity:", "summary:", "description:", "runbook:"] {
        // The comment at the head says `severity:` once more.
        let blocks = ALERTS.split("- alert:").skip(1);
        for (block, alert) in blocks.zip(&alerts) {
            assert_eq!(after(block, key).len(), 1, "{alert}: {key}");
        }
    }
    for severity in after(ALERTS, "severity:") {
        assert!(["page", "ticket"].contains(&severity), "{severity}");
    }
    let headings: BTreeSet<String> = OPERATING
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .map(|heading| heading.to_lowercase().replace(' ', "-"))
        .collect();
    for runbook in after(ALERTS, "runbook:") {
        let anchor = runbook.strip_prefix("docs/OPERATING.md#").unwrap();
        assert!(headings.contains(anchor), "{runbook} leads nowhere");
    }
}

#[test]
fn what_is_shown_and_watched_is_documented() {
    let documented = documented();
    for (place, text) in [
        ("rules", ALERTS),
        ("their tests", ALERT_TESTS),
        ("dashboard", DASHBOARD),
    ] {
        let unknown: Vec<_> = metrics(text).difference(&documented).cloned().collect();
        assert!(
            unknown.is_empty(),
            "docs/METRICS.md lacks what the {place} name: {unknown:?}"
        );
    }
    let shown = metrics(DASHBOARD);
    let hidden: Vec<_> = documented.difference(&shown).collect();
    assert!(hidden.is_empty(), "the dashboard lacks {hidden:?}");
}

#[test]
fn prometheus_understands_what_the_dashboard_asks() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .filter_map(|panel| panel["targets"].as_array());
    let questions: Vec<String> = targets
        .flatten()
        .map(|target| target["expr"].as_str().unwrap())
        .map(|question| question.replace("$__rate_interval", "5m"))
        .collect();
    assert!(questions.len() > 40);
    let rules: Vec<Value> = questions
        .iter()
        .enumerate()
        .map(|(number, question)| serde_json::json!({"record": format!("panel:{number}"), "expr": question}))
        .collect();
    // JSON is YAML.
    let rules = serde_json::json!({"groups": [{"name": "dashboard", "rules": rules}]});
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rules.yml"), rules.to_string()).unwrap();
    promtool(&["check", "rules", "rules.yml"], folder.path());
}

#[test]
fn systemd_takes_the_unit_and_finds_it_shut() {
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_clerk-sync-under-test");
    assert!(UNIT.contains("ExecStart=/usr/local/bin/clerk-sync serve"));
    // systemd looks whether the program is there.
    let unit = UNIT.replace("/usr/local/bin/clerk-sync", program);
    std::fs::write(folder.path().join("clerk-sync.service"), unit).unwrap();
    let analyze = |arguments: &[&str]| {
        let arguments = [arguments, &["./clerk-sync.service"]].concat();
        printed(&run(
            "systemd-analyze",
            "systemd",
            &arguments,
            folder.path(),
        ))
    };
    let said = analyze(&["verify", "--man=no", "--recursive-errors=no"]);
    // What it does not know it mentions, and takes no offence.
    assert!(!said.contains("clerk-sync.service"), "{said}");
    analyze(&[
        "security",
        "--offline=true",
        &format!("--threshold={MOST_EXPOSURE}"),
    ]);
}

#[test]
fn the_settings_that_it_makes_are_settings() {
    let asked = RefCell::new(BTreeSet::new());
    let _ = Config::read(|name| {
        asked.borrow_mut().insert(name.to_owned());
        None
    });
    let asked = asked.into_inner();
    let of_unit = after(UNIT, "Environment=")
        .into_iter()
        .map(|pair| pair.split_once('=').unwrap().0);
    let of_compose = COMPOSE.lines().map(str::trim).filter_map(|line| {
        let (name, path) = line.split_once(": /run/secrets/")?;
        // PostgreSQL's image has settings of its own.
        (!path.ends_with("_password")).then_some(name)
    });
    let names: Vec<&str> = of_unit.chain(of_compose).collect();
    assert!(names.len() >= 8, "{names:?}");
    for name in names {
        assert!(asked.contains(name), "nobody reads {name}");
    }
}

#[test]
fn secrets_are_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("make-secrets");
    std::fs::write(&script, MAKE_SECRETS).unwrap();
    std::fs::write(folder.path().join("clerk-sync.env.example"), "").unwrap();
    let make = || {
        let made = Command::new("sh")
            .arg(&script)
            .envs([
                ("CLERK_SECRET_KEY", "sk_test_a"),
                ("CLERK_WEBHOOK_SECRET", "whsec_b"),
            ])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let files = after(COMPOSE, "file: compose/secrets/");
        assert!(files.len() >= 9, "{files:?}");
        let read = |name: &&str| std::fs::read_to_string(folder.path().join("secrets").join(name));
        files
            .iter()
            .map(|name| read(name).unwrap())
            .collect::<Vec<_>>()
    };
    let first = make();
    assert!(
        first.iter().all(|secret| secret.trim().len() > 6),
        "too short"
    );
    assert_eq!(first, make(), "made anew");
    let own: BTreeSet<&String> = first.iter().collect();
    assert_eq!(own.len(), first.len(), "two are the same");
}

#[test]
fn docker_and_podman_leave_out_the_same() {
    let read = |path: &str| std::fs::read_to_string(deploy().join(path)).unwrap();
    assert_eq!(
        read("../.containerignore"),
        read("container/Containerfile.dockerignore")
    );
}

#[test]
fn the_scripts_can_be_read() {
    for script in [
        "compose/make-secrets",
        "compose/roles.sh",
        "container/rootfs.sh",
        "systemd/clerk-sync-run",
    ] {
        printed(&run("sh", "dash", &["-n", script], &deploy()));
    }
}
