//! Configuration from flags, environment and an optional TOML file, checked as a whole.

mod options;

use std::{net::SocketAddr, path::PathBuf};

use ipnet::IpNet;
use url::Url;

use crate::{mail::Post, slots::Slots};
pub use options::Options;

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One line of text, for a person at a terminal.
    Human,
    /// One JSON object a line.
    Json,
}

/// A checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Folder that holds all state.
    pub data_dir: PathBuf,
    /// Server to use instead of the managed one.
    pub database_url: Option<String>,
    /// Owner's URL for migrations, where another than the application's.
    pub owner_database_url: Option<String>,
    /// Whether a server that may lose answered writes is accepted.
    pub accept_losing_answered_writes: bool,
    /// Programs of the managed server, where given.
    pub pg_bin: Option<PathBuf>,
    /// Folders to search for the programs.
    pub pg_search: Vec<String>,
    /// Address of pages and API.
    pub listen: SocketAddr,
    /// Address of the metrics.
    pub metrics_listen: SocketAddr,
    /// Where people reach Muster.
    pub public_url: Url,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// What is logged, in the notation of `tracing`.
    pub log: String,
    /// Where the pepper of API tokens lies.
    pub pepper_file: PathBuf,
    /// Connections to the database, at most.
    pub database_connections: u32,
    /// Open HTTP connections, at most.
    pub http_connections: usize,
    /// Requests a minute for each token, person and peer.
    pub requests_per_minute: u32,
    /// Networks whose proxies are believed where a request came from.
    pub trusted_proxies: Vec<IpNet>,
    /// For the tests alone, and not to be had by any setting: a managed server that does not
    /// wait for the disk.
    pub throwaway: bool,
    /// Whether this is the demonstration: its people are offered for sign-in.
    pub demo: bool,
    /// Sizes beyond which documents are refused.
    pub limits: ImportLimits,
    /// Where letters go out, where that is configured.
    pub post: Option<Post>,
    /// What features read from the file, checked.
    pub sections: Slots,
    /// What was set by flag, environment or file, as a file that a restored Muster can be started with.
    pub given: String,
}

/// Sizes beyond which documents are refused, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct ImportLimits {
    /// JSON by the CLI.
    pub json: u64,
    /// YAML by anyone.
    pub yaml: u64,
    /// Any upload on a page or through the API.
    pub upload: u64,
}

/// Reads what features have in the configuration file; refuses names that no feature knows.
pub type SectionReader = fn(&toml::Table) -> Result<Slots, Vec<String>>;

const MIB: u64 = 1 << 20;

impl Config {
    /// Whether pages and API are reached on this machine alone, as far as the configuration says.
    pub fn is_local(&self) -> bool {
        let local = match self.public_url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        local && self.listen.ip().is_loopback()
    }

    /// Merges the file under the flags and checks everything; every invalid value is named. `read` checks the sections
    /// of the file that belong to features.
    pub fn load(flags: Options, read: SectionReader) -> Result<Self, Vec<String>> {
        let file = match &flags.config {
            None => Options::default(),
            Some(path) => read_file(path).map_err(|fault| vec![fault])?,
        };
        let options = merge(flags, file);
        let given = options.portable().map_err(|error| vec![format!("config: {error}")])?;
        let sections = read(&options.sections);
        match (check(options), sections) {
            (Ok(config), Ok(sections)) => Ok(Self { sections, given, ..config }),
            (config, sections) => Err(config.err().into_iter().chain(sections.err()).flatten().collect()),
        }
    }
}

fn read_file(path: &std::path::Path) -> Result<Options, String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("config: cannot read {}: {error}", path.display()))?;
    toml::from_str(&text)
        .map_err(|error| format!("config: {}: {}", path.display(), error.to_string().replace('\n', " ")))
}

fn merge(flags: Options, file: Options) -> Options {
    Options {
        config: flags.config,
        data_dir: flags.data_dir.or(file.data_dir),
        database_url: flags.database_url.or(file.database_url),
        owner_database_url: flags.owner_database_url.or(file.owner_database_url),
        accept_losing_answered_writes: flags.accept_losing_answered_writes.or(file.accept_losing_answered_writes),
        pg_bin: flags.pg_bin.or(file.pg_bin),
        pg_search: flags.pg_search.or(file.pg_search),
        listen: flags.listen.or(file.listen),
        metrics_listen: flags.metrics_listen.or(file.metrics_listen),
        public_url: flags.public_url.or(file.public_url),
        log_format: flags.log_format.or(file.log_format),
        log: flags.log.or(file.log),
        pepper_file: flags.pepper_file.or(file.pepper_file),
        database_connections: flags.database_connections.or(file.database_connections),
        http_connections: flags.http_connections.or(file.http_connections),
        trusted_proxies: flags.trusted_proxies.or(file.trusted_proxies),
        requests_per_minute: flags.requests_per_minute.or(file.requests_per_minute),
        smtp_url: flags.smtp_url.or(file.smtp_url),
        mail_from: flags.mail_from.or(file.mail_from),
        import_json_mib: flags.import_json_mib.or(file.import_json_mib),
        import_yaml_mib: flags.import_yaml_mib.or(file.import_yaml_mib),
        upload_mib: flags.upload_mib.or(file.upload_mib),
        sections: file.sections,
    }
}

fn check(options: Options) -> Result<Config, Vec<String>> {
    let mut faults = Vec::new();
    let listen = address(&mut faults, "listen", options.listen.as_deref(), "127.0.0.1:8080");
    let metrics_listen = address(&mut faults, "metrics-listen", options.metrics_listen.as_deref(), "127.0.0.1:9464");
    if !metrics_listen.ip().is_loopback() {
        faults
            .push(format!("metrics-listen: {metrics_listen} is not a loopback address; metrics stay on this machine"));
    }
    database_urls(&mut faults, &options);
    let public_url = public_url(&mut faults, options.public_url.as_deref(), listen);
    let log_format = log_format(&mut faults, options.log_format.as_deref());
    let log = options.log.unwrap_or_else(|| "info".into());
    if let Err(error) = tracing_subscriber::EnvFilter::try_new(&log) {
        faults.push(format!("log: {error}"));
    }
    let mut number = |name: &str, value: Option<u64>, default: u64, low: u64, high: u64| {
        let value = value.unwrap_or(default);
        if !(low..=high).contains(&value) {
            faults.push(format!("{name}: {value} is not between {low} and {high}"));
        }
        value
    };
    let connections = number("database-connections", options.database_connections.map(Into::into), 16, 4, 500);
    let http = number("http-connections", options.http_connections.map(|n| n as u64), 1024, 1, 100_000);
    let per_minute = number("requests-per-minute", options.requests_per_minute.map(Into::into), 1200, 1, 10_000_000);
    let limits = ImportLimits {
        json: MIB * number("import-json-mib", options.import_json_mib, 64, 1, 1024),
        yaml: MIB * number("import-yaml-mib", options.import_yaml_mib, 16, 1, 256),
        upload: MIB * number("upload-mib", options.upload_mib, 16, 1, 256),
    };
    let post = post(&mut faults, options.smtp_url.as_deref(), options.mail_from.as_deref());
    let trusted_proxies = networks(&mut faults, options.trusted_proxies.as_deref());
    let data_dir = options.data_dir.unwrap_or_else(|| "data".into());
    let data_dir = std::path::absolute(&data_dir).unwrap_or(data_dir);
    let config = Config {
        pepper_file: options.pepper_file.unwrap_or_else(|| data_dir.join("pepper")),
        data_dir,
        database_url: options.database_url,
        owner_database_url: options.owner_database_url,
        accept_losing_answered_writes: options.accept_losing_answered_writes.unwrap_or(false),
        pg_bin: options.pg_bin,
        pg_search: search_list(options.pg_search.as_deref()),
        listen,
        metrics_listen,
        public_url,
        log_format,
        log,
        database_connections: u32::try_from(connections).unwrap_or(16),
        http_connections: usize::try_from(http).unwrap_or(1024),
        requests_per_minute: u32::try_from(per_minute).unwrap_or(1200),
        trusted_proxies,
        throwaway: false,
        demo: false,
        limits,
        post,
        sections: Slots::default(),
        given: String::new(),
    };
    if faults.is_empty() { Ok(config) } else { Err(faults) }
}

fn address(faults: &mut Vec<String>, name: &str, value: Option<&str>, default: &str) -> SocketAddr {
    let text = value.unwrap_or(default);
    text.parse().unwrap_or_else(|_| {
        faults.push(format!("{name}: '{text}' is not an address with a port, such as {default}"));
        SocketAddr::from(([127, 0, 0, 1], 0))
    })
}

fn post(faults: &mut Vec<String>, url: Option<&str>, from: Option<&str>) -> Option<Post> {
    match (url, from) {
        (None, None) => None,
        (Some(url), Some(from)) => Post::new(url, from).map_err(|fault| faults.push(fault)).ok(),
        (Some(_), None) => {
            faults.push("mail-from: needed beside smtp-url".into());
            None
        }
        (None, Some(_)) => {
            faults.push("smtp-url: needed beside mail-from".into());
            None
        }
    }
}

fn networks(faults: &mut Vec<String>, value: Option<&str>) -> Vec<IpNet> {
    let named = value.unwrap_or_default().split(',').map(str::trim).filter(|text| !text.is_empty());
    let read = |text: &str| {
        let one = text.parse::<IpNet>().or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from));
        if one.is_err() {
            faults.push(format!("trusted-proxies: '{text}' is no address or network, such as 10.0.0.5 or fd00:7::/64"));
        }
        one.ok()
    };
    named.filter_map(read).collect()
}

fn search_list(value: Option<&str>) -> Vec<String> {
    let list = value.unwrap_or("/usr/lib/postgresql/*/bin");
    list.split(':').filter(|dir| !dir.is_empty()).map(str::to_owned).collect()
}

fn database_urls(faults: &mut Vec<String>, options: &Options) {
    for (name, url) in [("database-url", &options.database_url), ("owner-database-url", &options.owner_database_url)] {
        faults.extend(url.as_deref().and_then(|url| database_url_fault(name, url)));
    }
    if options.owner_database_url.is_some() && options.database_url.is_none() {
        faults.push("owner-database-url: needs database-url beside it".into());
    }
}

fn database_url_fault(name: &str, text: &str) -> Option<String> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "postgres" | "postgresql") => None,
        Ok(url) => Some(format!("{name}: the scheme is '{}', not postgres", url.scheme())),
        Err(error) => Some(format!("{name}: not a URL ({error})")),
    }
}

fn public_url(faults: &mut Vec<String>, value: Option<&str>, listen: SocketAddr) -> Url {
    let fallback = format!("http://{listen}");
    let text = value.unwrap_or(&fallback);
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.path() == "/" && url.query().is_none() => url,
        Ok(_) => {
            faults.push(format!("public-url: '{text}' must be http or https, without a path"));
            Url::parse("http://127.0.0.1").unwrap_or_else(|_| unreachable!("a constant URL"))
        }
        Err(error) => {
            faults.push(format!("public-url: '{text}' is not a URL ({error})"));
            Url::parse("http://127.0.0.1").unwrap_or_else(|_| unreachable!("a constant URL"))
        }
    }
}

fn log_format(faults: &mut Vec<String>, value: Option<&str>) -> LogFormat {
    match value {
        Some("human") => LogFormat::Human,
        Some("json") => LogFormat::Json,
        Some(other) => {
            faults.push(format!("log-format: '{other}' is neither human nor json"));
            LogFormat::Human
        }
        None if std::io::IsTerminal::is_terminal(&std::io::stderr()) => LogFormat::Human,
        None => LogFormat::Json,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_named_at_once() {
        let faults = Config::load(
            Options {
                listen: Some("nowhere".into()),
                metrics_listen: Some("0.0.0.0:9464".into()),
                database_url: Some("mysql://x".into()),
                log_format: Some("xml".into()),
                database_connections: Some(0),
                trusted_proxies: Some("10.0.0.0/8, proxy".into()),
                ..Options::default()
            },
            |_| Ok(Slots::default()),
        )
        .expect_err("six faults");
        assert_eq!(faults.len(), 6, "{faults:?}");
    }

    #[test]
    fn nothing_set_is_a_whole_configuration() {
        let config = Config::load(Options::default(), |_| Ok(Slots::default())).expect("valid");
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert!(config.data_dir.is_absolute());
    }
}
