//! The process itself: memory, files, time. Linux tells it under `/proc`; elsewhere it is left out.

use std::fs;
use std::sync::atomic::Ordering;

use super::families::{Families, number, size};
use super::{Reloads, Watched};
use crate::build;

pub(super) fn collect(watched: &Watched, families: &Families) {
    let since = watched.since;
    let mut reloads = families.counter(
        "config_reloads_total",
        "Times that settings were read again (SIGHUP).",
    );
    let Reloads { done, failed } = &*watched.reloads;
    for (result, count) in [("ok", done), ("failed", failed)] {
        let count = number(count.load(Ordering::Relaxed));
        reloads.with(&[("result", result)], count);
    }
    drop(reloads);
    families
        .gauge(
            "process_start_time_seconds",
            "When the process started, in seconds since 1970.",
        )
        .is(number(u64::try_from(since.timestamp()).unwrap_or_default()));
    families
        .gauge("build_info", "Always 1; the labels say what runs.")
        .with(
            &[("version", build::VERSION), ("commit", build::COMMIT)],
            1.0,
        );
    if let Some(bytes) = resident_bytes() {
        families
            .gauge("process_resident_memory_bytes", "Memory in use.")
            .is(number(bytes));
    }
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        families
            .gauge("process_open_fds", "Open files and sockets.")
            .is(size(files.count()));
    }
    if let Some(seconds) = cpu_seconds() {
        families
            .counter("process_cpu_seconds_total", "Time on processors.")
            .is(seconds);
    }
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// Of all threads, those that have ended too.
fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The program's name stands in parentheses and may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks = |place| -> Option<u64> { fields.split_whitespace().nth(place)?.parse().ok() };
    // `utime` and `stime`, the 14th and 15th field; the name was the second.
    let ticks = ticks(11)?.saturating_add(ticks(12)?);
    Some(number(ticks) / number(rustix::param::clock_ticks_per_second()))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_process_has_memory_and_has_taken_time() {
        assert!(resident_bytes().unwrap() > 1024 * 1024);
        let before = cpu_seconds().unwrap();
        let mut sum = 0_u64;
        while cpu_seconds().unwrap() <= before {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
    }
}
