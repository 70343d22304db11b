//! PostgreSQL alone, driven by pgbench.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{Args, wire::Measured};

pub struct Raw {
    pub pgbench: PathBuf,
    pub dir: String,
    pub file: PathBuf,
    pub variables: Vec<(String, String)>,
}

impl Raw {
    pub fn run(&self, seconds: u64) -> Measured {
        let log = self.file.with_extension("log");
        let mut command = Command::new(&self.pgbench);
        command
            .args(["-n", "-M", "prepared", "-c", "16", "-j", "2", "-T", &seconds.to_string(), "-l"])
            .arg(format!("--log-prefix={}", log.display()))
            .args(["-h", &self.dir, "-U", "postgres"]);
        for (name, value) in &self.variables {
            command.arg("-D").arg(format!("{name}={value}"));
        }
        let output = command.arg("-f").arg(&self.file).arg("postgres").output().expect("pgbench");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        assert!(text.contains("number of failed transactions: 0"), "{text}{}", String::from_utf8_lossy(&output.stderr));
        let rate = text.split("tps = ").nth(1).and_then(|rest| rest.split(' ').next()).and_then(|n| n.parse().ok());
        let mut times: Vec<f64> = Vec::new();
        for entry in std::fs::read_dir(self.file.parent().expect("a folder")).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.display().to_string().starts_with(&format!("{}.", log.display())) {
                let text = std::fs::read_to_string(&path).expect("a log");
                let micros = |line: &str| line.split(' ').nth(2).and_then(|n| n.parse::<f64>().ok());
                times.extend(text.lines().filter_map(micros).map(|us| us / 1000.0));
                std::fs::remove_file(path).expect("removed");
            }
        }
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times.get(((times.len().max(1) - 1) as f64 * share) as usize).copied().unwrap_or(0.0);
        Measured { rate: rate.unwrap_or(0.0), p50: at(0.5), p99: at(0.99) }
    }
}

pub fn psql(args: &Args, sql: &str) {
    let done = Command::new(Path::new(args.get("pg-bin")).join("psql"))
        .args(["-h", args.get("dir"), "-U", "postgres", "-q", "-c", sql, "postgres"])
        .stdout(Stdio::null())
        .status();
    assert!(done.expect("psql").success(), "{sql}");
}
