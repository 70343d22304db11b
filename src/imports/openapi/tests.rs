use super::*;

const LIMITS: ImportLimits = ImportLimits { json: 1 << 26, yaml: 1 << 24, upload: 1 << 24 };

fn refusal(text: &str) -> String {
    match read(text.as_bytes(), Door::Web, &LIMITS) {
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
    let import = read(text.as_bytes(), Door::Web, &LIMITS).expect("reads");
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
    assert!(
        refusal(&format!(r#"{head}"x":{{"$ref":"https://evil.example/a.json"}}}}"#)).contains("leaves the document")
    );
    assert!(refusal(&format!(r#"{head}"x":{{"$ref":"file:///etc/passwd"}}}}"#)).contains("leaves the document"));
    assert!(refusal(&format!("{head}\"x\":1")).contains("cannot be read"));
    assert!(refusal(r#"{"openapi":"4.0","info":{"title":"t","version":"1"}}"#).contains("Muster reads"));
    assert!(refusal(r#"{"openapi":"3.0.0","info":{"version":"1"}}"#).contains("info.title"));
    assert!(refusal("").contains("empty"));
    let bytes = [&b"{\"openapi\":\"3.0.0\",\"a\":\""[..], &[0xff, 0xfe], b"\"}"].concat();
    assert!(read(&bytes, Door::Web, &LIMITS).expect_err("bad UTF-8").to_string().contains("UTF-8"));
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
    assert!(refusal("openapi: 3.0.0\ninfo: {title: t, version: '1'}\ninfo: {}\n").contains("cannot be read"));
}

#[test]
fn a_size_over_the_limit_names_the_limit() {
    let small = ImportLimits { json: 10, yaml: 10, upload: 1 << 20 };
    let error = read(&[b'{'; 11], Door::Cli, &small).expect_err("too large");
    assert!(matches!(error, Error::TooLarge(_)));
}

#[test]
fn an_escaped_nul_and_a_secret_in_an_example_are_tolerated_and_not_kept() {
    let key = ["sk_live", "_4eC39HqLyjWDarjtT1zdp7dc"].concat();
    let text = format!(
        r#"{{"openapi":"3.1.0","info":{{"title":"A\u0000B","version":"1","description":"use {key}"}},
        "paths":{{"/x":{{"get":{{"summary":"curl -u {key}:","x-example":"{key}"}}}}}}}}"#
    );
    let import = read(text.as_bytes(), Door::Web, &LIMITS).expect("reads");
    assert_eq!(import.title, "AB");
    assert_eq!(import.description, None);
    assert_eq!(import.operations[0].summary, None);
}

#[test]
fn values_of_the_wrong_kind_are_skipped() {
    let text = r#"{"openapi":"3.0.1","info":{"title":"t","version":2,"contact":[],"license":"MIT"},
        "servers":{},"security":{},"paths":{"/a":{"get":{"deprecated":"yes","security":[{"x":null}],"tags":7}}}}"#;
    let import = read(text.as_bytes(), Door::Web, &LIMITS);
    let error = import.err().map(|e| e.to_string());
    assert_eq!(error, None);
}
