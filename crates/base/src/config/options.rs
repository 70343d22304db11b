//! What a person may set.

use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};

/// What a person may set, as they wrote it. Flags win over the environment, both over the file.
#[derive(Args, Deserialize, Serialize, Debug, Clone, Default)]
#[command(next_help_heading = "Configuration")]
pub struct Options {
    /// TOML file with any of these settings (names as the flags, with underscores)
    #[arg(long, global = true, env = "MUSTER_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Folder that holds all state [default: ./data]
    #[arg(long, global = true, env = "MUSTER_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// PostgreSQL server to use instead of the managed one
    #[arg(long, global = true, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// The schema owner's URL, for migrations [default: the application's]
    #[arg(long, global = true, env = "MUSTER_OWNER_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub owner_database_url: Option<String>,
    /// Start although the server may lose writes that were already answered (fsync, `full_page_writes` or `synchronous_commit` is off)
    #[arg(long, global = true, env = "MUSTER_ACCEPT_LOSING_ANSWERED_WRITES", num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    pub accept_losing_answered_writes: Option<bool>,
    /// Folder with the PostgreSQL programs of the managed server
    #[arg(long, global = true, env = "MUSTER_PG_BIN", value_name = "DIR")]
    pub pg_bin: Option<PathBuf>,
    /// Folders to look for PostgreSQL programs in after PATH; `*` stands for a version [default: /usr/lib/postgresql/*/bin]
    #[arg(long, global = true, env = "MUSTER_PG_SEARCH", value_name = "DIRS")]
    pub pg_search: Option<String>,
    /// Address of the pages and the API [default: 127.0.0.1:8080]
    #[arg(long, global = true, env = "MUSTER_LISTEN", value_name = "ADDR")]
    pub listen: Option<String>,
    /// Address of the Prometheus metrics; loopback only [default: 127.0.0.1:9464]
    #[arg(long, global = true, env = "MUSTER_METRICS_LISTEN", value_name = "ADDR")]
    pub metrics_listen: Option<String>,
    /// The URL people reach Muster at [default: <http://LISTEN>]
    #[arg(long, global = true, env = "MUSTER_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Log lines: human or json [default: human on a terminal, else json]
    #[arg(long, global = true, env = "MUSTER_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// What to log, such as info or muster=debug [default: info]
    #[arg(long, global = true, env = "MUSTER_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// File with the pepper of API tokens [default: DATA/pepper, made at first start]
    #[arg(long, global = true, env = "MUSTER_PEPPER_FILE", value_name = "FILE")]
    pub pepper_file: Option<PathBuf>,
    /// Connections to the database, at most [default: 16]
    #[arg(long, global = true, env = "MUSTER_DATABASE_CONNECTIONS", value_name = "N")]
    pub database_connections: Option<u32>,
    /// Open HTTP connections, at most [default: 1024]
    #[arg(long, global = true, env = "MUSTER_HTTP_CONNECTIONS", value_name = "N")]
    pub http_connections: Option<usize>,
    /// Proxies that say where a request came from (X-Forwarded-For), such as 10.0.0.5; networks too, joined by commas: no client may be in them
    #[arg(long, global = true, env = "MUSTER_TRUSTED_PROXIES", value_name = "NETWORKS")]
    pub trusted_proxies: Option<String>,
    /// Requests a minute for each token, person and peer address [default: 1200]
    #[arg(long, global = true, env = "MUSTER_REQUESTS_PER_MINUTE", value_name = "N")]
    pub requests_per_minute: Option<u32>,
    /// Mail server for letters, such as <smtp://mail.example.com:587>; without one, links are handed over by hand
    #[arg(long, global = true, env = "MUSTER_SMTP_URL", value_name = "URL", hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// Address that letters come from
    #[arg(long, global = true, env = "MUSTER_MAIL_FROM", value_name = "ADDRESS")]
    pub mail_from: Option<String>,
    /// Largest JSON document that the CLI imports, in MiB [default: 64]
    #[arg(long, global = true, env = "MUSTER_IMPORT_JSON_MIB", value_name = "MIB")]
    pub import_json_mib: Option<u64>,
    /// Largest YAML document that anyone imports, in MiB [default: 16]
    #[arg(long, global = true, env = "MUSTER_IMPORT_YAML_MIB", value_name = "MIB")]
    pub import_yaml_mib: Option<u64>,
    /// Largest upload on a page or through the API, in MiB [default: 16]
    #[arg(long, global = true, env = "MUSTER_UPLOAD_MIB", value_name = "MIB")]
    pub upload_mib: Option<u64>,
    /// What features read from the file alone, each its own section.
    #[arg(skip)]
    #[serde(flatten)]
    pub sections: toml::Table,
}

impl Options {
    /// What was set, as a configuration file, without what belongs to one machine: folders and databases.
    pub fn portable(&self) -> Result<String, toml::ser::Error> {
        toml::to_string_pretty(&Self {
            config: None,
            data_dir: None,
            database_url: None,
            owner_database_url: None,
            pg_bin: None,
            pg_search: None,
            pepper_file: None,
            ..self.clone()
        })
    }
}
