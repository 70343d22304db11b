//! placeholder
use crate::config::Config;
pub async fn run(_config: Config) -> anyhow::Result<std::process::ExitCode> { anyhow::bail!("x") }
