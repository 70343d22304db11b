use std::time::Duration;

use super::*;
use crate::catalog::OperationDirection;

const LIMITS: ImportLimits = ImportLimits { json: 1 << 26, yaml: 1 << 24, upload: 1 << 24 };

fn soon() -> Deadline {
    Deadline::within(Duration::from_secs(20))
}

fn try_read(bytes: &[u8]) -> Result<DocumentImport, Error> {
    super::read(bytes.to_vec(), None, Channel::Web, &LIMITS, &soon())
}

fn read(text: &str) -> DocumentImport {
    try_read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn refusal(text: &str) -> String {
    match try_read(text.as_bytes()) {
        Err(error) => error.to_string(),
        Ok(import) => panic!("accepted as {}", import.title),
    }
}

#[test]
fn version_2_in_yaml_is_read() {
    let text = "
swagger: '2.0'
info: { title: Pets, version: 1.0, contact: { email: not-an-address } }
host: api.pets.example
basePath: /v1
schemes: [https, http]
securityDefinitions:
  oauth:
    type: oauth2
    flow: accessCode
    authorizationUrl: https://pets.example/auth
    scopes: { 'read:pets': read your pets, 'write:pets': change them }
  key: { type: apiKey, in: header, name: X-Key }
paths:
  /pets:
    get: { operationId: listPets, security: [{ oauth: ['read:pets'] }] }
    post: { deprecated: true }
";
    let import = read(text);
    assert_eq!((import.openapi_version.as_str(), import.label.as_str()), ("2.0", "1.0"));
    let urls: Vec<&str> = import.endpoints.iter().map(|e| e.url.as_str()).collect();
    assert_eq!(urls, ["https://api.pets.example/v1", "http://api.pets.example/v1"]);
    assert_eq!(import.scopes.len(), 2);
    assert_eq!(import.operations[0].scopes, ["read:pets"]);
    assert!(import.operations[1].deprecated);
    assert_eq!(import.contact_email, None, "what is no address is left out");
    assert_eq!(import.auth_methods.len(), 2);
}

#[test]
fn hostile_documents_are_refused_with_a_reason() {
    let head = r#"{"openapi":"3.0.0","info":{"title":"t","version":"1"},"#;
    let deep = format!(r#"{head}"x":{}{}}}"#, "[".repeat(70), "]".repeat(70));
    assert!(refusal(&deep).contains("deeper than 64"));
    assert!(refusal(&format!(r#"{head}"paths":{{}},"paths":{{}}}}"#)).contains("twice"));
    for outside in ["https://evil.example/a.json", "file:///etc/passwd", "/etc/passwd", "../up.yaml", "other.yaml"] {
        let paths = format!(r#"{head}"paths":{{"/a":{{"$ref":"{outside}"}}}}}}"#);
        assert!(refusal(&paths).contains("leaves the document"), "{outside}");
    }
    assert!(refusal(&format!("{head}\"x\":1")).contains("cannot be read"));
    assert!(refusal(r#"{"openapi":"4.0","info":{"title":"t","version":"1"}}"#).contains("Muster reads"));
    assert!(refusal(r#"{"openapi":"3.0.0","info":{"version":"1"}}"#).contains("info.title"));
    assert!(refusal("").contains("empty"));
    let bytes = [&b"{\"openapi\":\"3.0.0\",\"a\":\""[..], &[0xff, 0xfe], b"\"}"].concat();
    assert!(try_read(&bytes).expect_err("bad UTF-8").to_string().contains("UTF-8"));
}

#[test]
fn yaml_that_explodes_or_repeats_is_refused() {
    let mut bomb = String::from("openapi: 3.0.0\ninfo: {title: t, version: '1'}\na: &a [x,x,x,x,x,x,x,x,x]\n");
    for (n, c) in ('b'..='j').enumerate() {
        let last = char::from(b'a' + u8::try_from(n).expect("small"));
        let refs = vec![format!("*{last}"); 9].join(",");
        bomb.push_str(&format!("{c}: &{c} [{refs}]\n"));
    }
    let start = std::time::Instant::now();
    refusal(&bomb);
    assert!(start.elapsed().as_secs() < 5, "bounded time");
    assert!(refusal("openapi: 3.0.0\ninfo: {title: t, version: '1'}\ninfo: {}\n").contains("twice"));
}

#[test]
fn a_size_over_the_limit_names_the_limit() {
    let small = ImportLimits { json: 10, yaml: 10, upload: 1 << 20 };
    let error = super::read(vec![b'{'; 11], None, Channel::Cli, &small, &soon()).expect_err("too large");
    assert!(matches!(error, Error::TooLarge(_)));
}

#[test]
fn an_escaped_nul_and_a_secret_in_an_example_are_tolerated_and_not_kept() {
    let key = ["sk_live", "_4eC39HqLyjWDarjtT1zdp7dc"].concat();
    let text = format!(
        r#"{{"openapi":"3.1.0","info":{{"title":"A\u0000B","version":"1","description":"use {key}"}},
        "paths":{{"/x":{{"get":{{"summary":"curl -u {key}:","x-example":"{key}"}}}}}}}}"#
    );
    let import = read(&text);
    assert_eq!(import.title, "AB");
    assert_eq!(import.description.as_deref(), Some("use [removed]"));
    assert_eq!(import.operations[0].summary.as_deref(), Some("curl -u [removed]:"));
    assert!(import.notes.iter().any(|note| note.contains("live secret")), "{:?}", import.notes);
}

#[test]
fn values_of_the_wrong_kind_are_skipped() {
    let text = r#"{"openapi":"3.0.1","info":{"title":"t","version":2,"contact":[],"license":"MIT"},
        "servers":{},"security":{},"paths":{"/a":{"get":{"deprecated":"yes","security":[{"x":null}],"tags":7}}}}"#;
    read(text);
}

fn paths(import: &DocumentImport) -> Vec<&str> {
    import.operations.iter().map(|operation| operation.path.as_str()).collect()
}

#[test]
fn names_of_operations_and_scopes_are_kept_however_random_they_look() {
    let import = read(
        "
openapi: 3.0.3
info: {title: Shipping, version: 2024-03-23.AbC9xQ7LmN2pRs4TuV6wXy8Z}
components: {securitySchemes: {o: {type: oauth2, flows: {x: {scopes: {aB3dE5fG7hJ9kL1mN3pQ5rS7: Ship}}}}}}
paths:
  /shipEasy/2024-03-23/timeSlot: {post: {operationId: makeSlot}}
  /v1/AuthTokens/Secondary: {post: {operationId: get-/cms/v3/hubs/tables_getAllTables_9fK2}, delete: {}}
  /apiKey:rotateKeysNow: {post: {}}
",
    );
    assert_eq!(
        paths(&import),
        [
            "/shipEasy/2024-03-23/timeSlot",
            "/v1/AuthTokens/Secondary",
            "/v1/AuthTokens/Secondary",
            "/apiKey:rotateKeysNow"
        ]
    );
    assert_eq!(import.scopes[0].name, "aB3dE5fG7hJ9kL1mN3pQ5rS7");
    assert!(import.label.starts_with("2024-03-23.AbC9"));
    assert_eq!(import.operations[1].operation_id.as_deref(), Some("get-/cms/v3/hubs/tables_getAllTables_9fK2"));
}

#[test]
fn placeholders_in_descriptions_stay_and_a_real_key_alone_is_removed() {
    let import = read(
        "
openapi: 3.1.0
info:
  title: Cards
  version: '4'
  description: 'Send X-API-Key: YOUR_API_KEY or access_token=YOUR_ACCESS_TOKEN_HERE.'
paths: {}
",
    );
    assert_eq!(
        import.description.as_deref(),
        Some("Send X-API-Key: YOUR_API_KEY or access_token=YOUR_ACCESS_TOKEN_HERE.")
    );
    assert_eq!(import.notes, Vec::<String>::new());
}

#[test]
fn references_within_the_document_are_followed_and_those_to_elsewhere_noted() {
    let import = read(
        "
openapi: 3.1.0
info: {title: t, version: '1'}
paths:
  /a: {$ref: '#/components/pathItems/shared~1a'}
  /b: {$ref: '#/x-items/b', get: {operationId: own}}
  /c: {get: {responses: {'200': {content: {x: {schema: {$ref: 'schemas/c.yaml'}}}}}}}
components:
  securitySchemes:
    o: {$ref: '#/x-shared/oauth'}
  pathItems:
    shared/a: {get: {operationId: one, security: [{o: [read]}]}}
x-items: {b: {get: {operationId: other}, post: {operationId: two}}}
x-shared: {oauth: {type: oauth2, flows: {clientCredentials: {scopes: {read: Read it}}}}}
",
    );
    let ids: Vec<_> = import.operations.iter().map(|o| o.operation_id.as_deref().unwrap_or("-")).collect();
    assert_eq!(ids, ["one", "own", "two", "-"]);
    assert_eq!(import.operations[0].scopes, ["read"]);
    assert_eq!(import.scopes.len(), 1);
    assert!(import.notes[0].contains("schemas/c.yaml"), "{:?}", import.notes);
    let round = "openapi: 3.0.0\ninfo: {title: t, version: '1'}\npaths: {/a: {$ref: '#/paths/~1a'}}";
    assert!(refusal(round).contains("more than 16 times"), "{}", refusal(round));
    let nothing = "openapi: 3.0.0\ninfo: {title: t, version: '1'}\npaths: {/a: {$ref: '#/x/none'}}";
    assert!(refusal(nothing).contains("leads to nothing"));
    let info = "openapi: 3.0.0\ninfo: {$ref: 'info.yaml'}\npaths: {}";
    assert!(refusal(info).contains("leaves the document"));
}

fn folder(files: &[(&str, &str)]) -> Folder {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
    Folder::of_files(files).expect("a folder")
}

const SPLIT: [(&str, &str); 4] = [
    (
        "api/openapi.yaml",
        "openapi: 3.0.0\ninfo: {$ref: ../common/info.json}\npaths: {$ref: 'paths/all.yaml#/everything'}",
    ),
    ("api/paths/all.yaml", "everything: {/a: {$ref: './a.yaml'}, /b: {get: {summary: b}}}"),
    ("api/paths/a.yaml", "post: {operationId: a}"),
    ("common/info.json", r#"{"title":"Split","version":"3"}"#),
];

#[test]
fn a_document_split_over_files_is_read_within_its_folder() {
    let (deadline, mut files) = (soon(), SPLIT.to_vec());
    files.push(("unrelated.json", "{\"a\": 1}"));
    let whole = folder(&files);
    assert_eq!(whole.only_root(&deadline).expect("one"), "api/openapi.yaml");
    let import = whole.read("api/openapi.yaml", Channel::Cli, &LIMITS, &deadline).expect("reads");
    assert_eq!((import.title.as_str(), paths(&import)), ("Split", vec!["/a", "/b"]));
    assert_eq!(import.media_type, "application/zip");
    // What is kept is the same, however it came, and can be read again.
    let zip = {
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (path, text) in files.iter().rev() {
            archive.start_file(*path, zip::write::SimpleFileOptions::default()).expect("begun");
            archive.write_all(text.as_bytes()).expect("written");
        }
        archive.start_file("../outside.yaml", zip::write::SimpleFileOptions::default()).expect("begun");
        archive.write_all(b"openapi: 3.0.0").expect("written");
        archive.finish().expect("finished").into_inner()
    };
    let zipped = try_read(&zip).expect("reads");
    assert_eq!((zipped.sha256, zipped.operations), (import.sha256, import.operations));
    let outside =
        folder(&[("api/a.yaml", "openapi: 3.0.0\ninfo: {title: t, version: '1'}\npaths: {$ref: '../../up.yaml'}")]);
    let error = outside.read("api/a.yaml", Channel::Cli, &LIMITS, &deadline).expect_err("refused");
    assert!(error.to_string().contains("leaves the document"), "{error}");
    let two = folder(&[("a.yaml", "swagger: '2.0'"), ("b.yaml", "openapi: 3.0.0")]);
    assert!(two.only_root(&deadline).expect_err("which").to_string().contains("2 documents"));
}

#[test]
fn servers_are_found_wherever_they_stand() {
    let import = read(
        "
openapi: 3.0.0
info: {title: Metrics, version: v1, termsOfService: /terms}
externalDocs: {url: docs/start.html}
servers:
  - {url: 'http://localhost:8080', description: Local}
  - {url: 'https://{subdomain}.{site}', variables: {subdomain: {default: api}, site: {default: metrics-vendor.com}}}
paths:
  /a: {servers: [{url: 'https://voice.telco-vendor.com/v2'}], get: {servers: [{url: 'https://media.telco-vendor.com'}]}}
",
    );
    let hosts: Vec<&str> = import.hosts.iter().map(|host| host.name.as_str()).collect();
    assert_eq!(hosts, ["localhost", "api.metrics-vendor.com", "voice.telco-vendor.com", "media.telco-vendor.com"]);
    let patterns: Vec<&str> = import.endpoints.iter().map(|e| e.host_pattern.as_str()).collect();
    assert_eq!(patterns, ["localhost", "*.*", "voice.telco-vendor.com", "media.telco-vendor.com"]);
    assert_eq!(import.terms_url.as_deref(), Some("http://localhost:8080/terms"));
    let swagger = read(
        r#"{"swagger":"2.0","info":{"title":"Boards","version":"7.2-preview"},"host":"https://boards.example.io/","basePath":"/v1","schemes":["http"],"paths":{}}"#,
    );
    assert_eq!(swagger.endpoints[0].url, "https://boards.example.io/v1");
}

#[test]
fn webhooks_extensions_and_the_methods_of_3_2_are_read_for_what_they_are() {
    let import = read(
        "
openapi: 3.2.0
info: {title: Search, version: ''}
$self: https://api.search-vendor.com/openapi.yaml
servers: [{name: live, url: https://api.search-vendor.com}]
webhooks:
  DONE: {post: {operationId: done}}
paths:
  x-template: {get: {summary: no operation}}
  /items:
    query: {operationId: find}
    additionalOperations: {COPY: {operationId: copy}}
",
    );
    let said: Vec<_> = import.operations.iter().map(|o| (o.method.as_str(), o.path.as_str(), o.direction)).collect();
    assert_eq!(
        said,
        [
            ("QUERY", "/items", OperationDirection::ToVendor),
            ("COPY", "/items", OperationDirection::ToVendor),
            ("POST", "DONE", OperationDirection::ToUs)
        ]
    );
    assert_eq!(
        (import.label.as_str(), import.document_id.as_deref()),
        ("unversioned", Some("https://api.search-vendor.com/openapi.yaml"))
    );
    assert!(import.notes[0].contains("unversioned"));
}

#[test]
fn labels_and_twins_say_what_they_say_in_either_notation() {
    assert_eq!(read("openapi: 3.0.0\ninfo: {title: t, version: 2.10}\npaths: {}").label, "2.10");
    assert_eq!(read(r#"{"openapi":"3.0.0","info":{"title":"t","version":2.10},"paths":{}}"#).label, "2.10");
    let yaml = read("openapi: 3.0.3\ninfo: {title: Twin, version: '1'}\npaths: {/a: {get: {x-n: 1}}}");
    let json = read(r#"{"paths":{"/a":{"get":{"x-n":1}}},"info":{"version":"1","title":"Twin"},"openapi":"3.0.3"}"#);
    assert_eq!(yaml.meaning, json.meaning);
    assert_ne!(yaml.sha256, json.sha256);
    let other = read(r#"{"openapi":"3.0.3","info":{"title":"Twin","version":"1"},"paths":{"/a":{"get":{"x-n":2}}}}"#);
    assert_ne!(yaml.meaning, other.meaning);
}

#[test]
fn a_key_that_is_there_twice_matters_only_where_it_is_read() {
    let twice = |paths: &str| format!(r#"{{"openapi":"3.0.0","info":{{"title":"t","version":"1"}},"paths":{paths}}}"#);
    let example = r#"{"/s":{"get":{"responses":{"200":{"content":{"j":{"example":{"a":1,"a":2}}}}}}}}"#;
    assert!(read(&twice(example)).notes[0].contains("same key twice"));
    for read in
        [r#"{"/s":{},"/s":{}}"#, r#"{"/s":{"get":{},"get":{}}}"#, r#"{"/s":{"get":{"security":[{"o":[],"o":[]}]}}}"#]
    {
        assert!(refusal(&twice(read)).contains("twice"), "{read}");
    }
}

#[test]
fn reading_stops_at_its_deadline() {
    let entries = vec!["{\"a\":[1,2,3]}"; 500_000].join(",");
    let text = format!(r#"{{"openapi":"3.0.0","info":{{"title":"t","version":"1"}},"x":[{entries}]}}"#);
    let begun = std::time::Instant::now();
    let over = Deadline::within(Duration::from_millis(10));
    let refused = super::read(text.into_bytes(), None, Channel::Web, &LIMITS, &over);
    assert!(matches!(refused, Err(Error::TooLarge(_))), "{refused:?}");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}
