use super::*;

#[test]
fn a_user_is_read_as_providers_write_it() {
    let user = User::read(&json!({ "schemas": [USER], "userName": "ada", "externalId": "x-1",
        "name": { "givenName": "Ada", "familyName": "Lovelace" }, "active": "True",
        "emails": [{ "value": "old@example.com" }, { "value": "ada@example.com", "primary": true }], "title": "Countess" }))
    .expect("a user");
    assert_eq!((user.name.as_str(), user.email.as_str(), user.active), ("Ada Lovelace", "ada@example.com", true));
    assert_eq!(User::read(&json!({ "userName": "ada" })).expect_err("no address").kind, Some("invalidValue"));
    let off = json!({ "schemas": [PATCH], "Operations": [{ "op": "Replace", "path": "active", "value": "False" },
        { "op": "replace", "value": { "displayName": "Ada King" } }] });
    let off = user.patched(&off).expect("patched");
    assert_eq!((off.active, off.name.as_str(), off.external_id.as_deref()), (false, "Ada King", Some("x-1")));
}

#[test]
fn members_come_and_go_by_every_form_of_patch() {
    let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let patched = |group: Group, op: Value| group.patched(&json!({ "schemas": [PATCH], "Operations": [op] }));
    let group = Group { display_name: "staff".into(), ..Group::default() };
    let group = patched(group, json!({ "op": "add", "path": "members", "value": [{ "value": a }, { "value": b }] }));
    let group = patched(group.expect("added"), json!({ "op": "remove", "path": format!("members[value eq \"{a}\"]") }));
    assert_eq!(group.clone().expect("removed").members, [b]);
    let group = patched(group.expect("it"), json!({ "op": "replace", "value": { "members": [{ "value": a }] } }));
    assert_eq!(group.clone().expect("replaced").members, [a]);
    let group = patched(group.expect("it"), json!({ "op": "remove", "path": "members" }));
    assert!(group.clone().expect("cleared").members.is_empty());
    assert_eq!(
        patched(group.expect("it"), json!({ "op": "add", "path": "owners", "value": [] })).expect_err("unknown").kind,
        Some("invalidPath")
    );
    assert!(Group::default().patched(&json!({ "Operations": [] })).is_err());
}

#[test]
fn filters_are_one_attribute_that_equals_a_text() {
    let known = ["userName", "externalId"];
    let read = Filter::read("userName Eq \"a\\\"b\"", &known).expect("a filter");
    assert_eq!((read.attribute.as_str(), read.value.as_str()), ("username", "a\"b"));
    for bad in
        ["userName", "userName co \"a\"", "title eq \"a\"", "userName eq a", "userName eq \"a\" or active eq true"]
    {
        assert_eq!(Filter::read(bad, &known).expect_err(bad).kind, Some("invalidFilter"));
    }
}
