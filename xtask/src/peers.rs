//! What `cargo xtask bench` holds the service against besides bare routes: Fastify by npm and FastAPI by pip, kept between
//! runs below the target folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::clients::once;
use crate::process;
use crate::programs::find;

/// Below the target folder.
const FASTIFY: &str = "peers/fastify";
const FASTAPI: &str = "peers/fastapi";
/// What npm and Node.js need of `bench/peers/fastify`.
const FASTIFY_FILES: [&str; 4] = ["package.json", "package-lock.json", ".npmrc", "server.mjs"];

/// Where those are that could be installed.
#[derive(Default)]
pub(crate) struct Peers {
    fastify: Option<(PathBuf, PathBuf)>,
    fastapi: Option<(PathBuf, PathBuf)>,
}

impl Peers {
    /// Installs their libraries. One whose interpreter is not here is left out, which is said.
    pub(crate) fn install() -> Result<Self, String> {
        let sources = process::root().join("bench/peers");
        Ok(Self {
            fastify: fastify(&sources.join("fastify"))?,
            fastapi: fastapi(&sources.join("fastapi"))?,
        })
    }

    /// Tells the measuring program where they are.
    pub(crate) fn tell(&self, measure: &mut Command) {
        if let Some((folder, node)) = &self.fastify {
            measure.arg("--fastify").arg(folder).arg("--node").arg(node);
        }
        if let Some((folder, python)) = &self.fastapi {
            measure.arg("--fastapi").arg(folder);
            measure.arg("--python").arg(python);
        }
    }
}

/// The folder of the program and its libraries, and Node.js.
fn fastify(source: &Path) -> Result<Option<(PathBuf, PathBuf)>, String> {
    let (Some(node), Some(npm)) = (find("node"), find("npm")) else {
        left_out("Fastify", "Node.js with npm");
        return Ok(None);
    };
    let place = process::target().join(FASTIFY);
    fs::create_dir_all(&place).map_err(|error| cannot_write(&place, &error))?;
    for file in FASTIFY_FILES {
        let copy = place.join(file);
        fs::copy(source.join(file), &copy).map_err(|error| cannot_write(&copy, &error))?;
    }
    let lock = source.join("package-lock.json");
    once(&lock, &place.join("node_modules"), || {
        println!("installing Fastify's libraries");
        process::run(Command::new(npm).arg("ci").current_dir(&place))
    })?;
    Ok(Some((place, node)))
}

/// The folder of the program, and a Python with its libraries.
fn fastapi(source: &Path) -> Result<Option<(PathBuf, PathBuf)>, String> {
    let Some(python) = find("python3") else {
        left_out("FastAPI", "Python 3 with venv");
        return Ok(None);
    };
    let place = process::target().join(FASTAPI);
    let (requirements, own) = (source.join("requirements.txt"), place.join("bin/python"));
    once(&requirements, &place, || {
        println!("installing FastAPI's libraries");
        let venv = ["-m", "venv", "--clear"];
        process::run(Command::new(python).args(venv).arg(&place))?;
        let install = ["-m", "pip", "install", "--quiet", "--requirement"];
        process::run(Command::new(&own).args(install).arg(&requirements))
    })?;
    Ok(Some((source.to_owned(), own)))
}

fn left_out(peer: &str, missing: &str) {
    println!(
        "NOT MEASURED: {peer}, as {missing} is not installed; --without-peers leaves all of them out"
    );
}

fn cannot_write(path: &Path, error: &std::io::Error) -> String {
    format!("cannot write {}: {error}", path.display())
}
