//! Fetches the page font (Inter, OFL) from its npm package at a pinned version and checksum. A
//! build without a network goes on without it: pages then use the system's font.

use std::{env, fs, path::PathBuf};

const NAME: &str = "@fontsource-variable/inter";
const VERSION: &str = "5.3.0";
const INTEGRITY: &str =
    "sha512-OupL48va4JNofb97w6NYeF9S7W/kHNKM0Er8Dem5nqi4jeOLrVJDoE8tZEpnMJmtkvNbB1EIPPwHcdkF6b1oUA==";
const FILES: &[(&str, &str)] = &[
    ("package/files/inter-latin-wght-normal.woff2", "inter-latin.woff2"),
    ("package/files/inter-latin-ext-wght-normal.woff2", "inter-latin-ext.woff2"),
    ("package/LICENSE", "inter-LICENSE.txt"),
];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("web");
    if let Err(error) = fs::create_dir_all(&out) {
        println!("cargo:warning=cannot make {}: {error}", out.display());
    }
    if FILES.iter().all(|(_, name)| out.join(name).is_file()) {
        return;
    }
    if let Err(error) = fetch(&out) {
        println!("cargo:warning=the page font could not be fetched ({error}); pages use the system's font");
    }
}

fn fetch(out: &std::path::Path) -> npm_utils::Result<()> {
    let url = npm_utils::registry::Registry::npm().tarball_url(NAME, VERSION);
    let bytes = npm_utils::download::fetch(&url)?;
    npm_utils::integrity::verify(NAME, &bytes, INTEGRITY)?;
    npm_utils::extract::tar_gz(&bytes, out, None, npm_utils::extract::Select::Files(FILES))?;
    Ok(())
}
