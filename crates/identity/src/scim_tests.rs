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
    // What is not kept here is passed over; adding by a condition adds; an id that is nobody's is removed already.
    let group = patched(group.expect("it"), json!({ "op": "add", "path": "owners", "value": [] }));
    let group = patched(group.expect("it"), json!({ "op": "add", "path": format!("members[ value eq \"{b}\" ]") }));
    let group = patched(group.expect("it"), json!({ "op": "remove", "path": "members[value eq \"nobody\"]" }));
    let group = patched(group.expect("it"), json!({ "op": "remove", "path": "members", "value": [{ "value": "x" }] }));
    let urn = format!("{GROUP}:displayName");
    let group = patched(group.expect("it"), json!({ "op": "replace", "path": urn, "value": "crew" }));
    let group =
        patched(group.expect("it"), json!({ "op": "replace", "value": { "externalId": "c3b9", "members": null } }));
    let group = group.expect("a group");
    assert_eq!(
        (group.members.as_slice(), group.display_name.as_str(), group.external_id.as_deref()),
        ([b].as_slice(), "crew", Some("c3b9"))
    );
    let unnamed = patched(group, json!({ "op": "remove", "path": "displayName" })).expect_err("it stays");
    assert_eq!(unnamed.kind, Some("mutability"));
    assert!(Group::default().patched(&json!({ "Operations": [] })).is_err());
}

/// Somebody as a provider keeps them.
fn ada() -> User {
    User {
        external_id: Some("00u1".into()),
        user_name: "ada@example.com".into(),
        name: "Ada Lovelace".into(),
        given_name: Some("Ada".into()),
        family_name: Some("Lovelace".into()),
        email: "ada@example.com".into(),
        active: true,
    }
}

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

#[test]
#[allow(clippy::too_many_lines, reason = "a table of recorded requests")]
fn what_providers_send_to_change_a_person_does_what_they_mean() {
    let core = |attribute: &str| format!("{USER}:{attribute}");
    let enterprise = |attribute: &str| format!("{ENTERPRISE}:{attribute}");
    let off = User { active: false, ..ada() };
    let renamed = User {
        name: "Grace Hopper".into(),
        given_name: Some("Grace".into()),
        family_name: Some("Hopper".into()),
        ..ada()
    };
    let moved = User { email: "ada@new.example".into(), ..ada() };
    let cases: Vec<(&str, Value, User)> = vec![
        ("Entra ID", json!([{ "op": "Replace", "path": "active", "value": "False" }]), off.clone()),
        ("Entra ID, compliant", json!([{ "op": "replace", "path": "active", "value": false }]), off.clone()),
        ("by URN", json!([{ "op": "Replace", "path": core("active"), "value": "False" }]), off.clone()),
        ("by URN, as a key", json!([{ "op": "replace", "value": { (core("active")): false } }]), off.clone()),
        ("the core URN as a key", json!([{ "op": "replace", "value": { (USER): { "active": false } } }]), off.clone()),
        ("Okta", json!([{ "op": "replace", "value": { "active": false } }]), off.clone()),
        ("removed", json!([{ "op": "remove", "path": "active" }]), off.clone()),
        ("in a list", json!([{ "op": "replace", "path": "active", "value": [false] }]), off.clone()),
        (
            "Entra ID, a manager removed besides",
            json!([{ "op": "remove", "path": enterprise("manager") }, { "op": "replace", "path": "active", "value": false }]),
            off.clone(),
        ),
        (
            "an attribute that is not kept besides",
            json!([{ "op": "remove", "path": "roles[primary eq \"True\"].value" }, { "op": "Replace", "path": "active", "value": "False" }]),
            off.clone(),
        ),
        (
            "Entra ID, names",
            json!([{ "op": "Replace", "path": "name.givenName", "value": "Grace" }, { "op": "Replace", "path": "name.familyName", "value": "Hopper" },
                { "op": "Add", "path": enterprise("employeeNumber"), "value": "7" }]),
            renamed.clone(),
        ),
        (
            "Entra ID, dotted keys",
            json!([{ "op": "replace", "value": { "name.givenName": "Grace", "name.familyName": "Hopper", (enterprise("department")): "Navy" } }]),
            renamed.clone(),
        ),
        (
            "JumpCloud, a name",
            json!([{ "op": "replace", "path": "name", "value": { "givenName": "Grace", "familyName": "Hopper" } }]),
            renamed.clone(),
        ),
        (
            "Entra ID, an address",
            json!([{ "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "ada@new.example" }]),
            moved.clone(),
        ),
        (
            "spaces in brackets",
            json!([{ "op": "Replace", "path": "emails[ type eq \"work\" ].value", "value": "ada@new.example" }]),
            moved.clone(),
        ),
        (
            "OneLogin, one object",
            json!([{ "op": "replace", "value": { "emails": { "value": "ada@new.example" } } }]),
            moved.clone(),
        ),
        (
            "an address of another kind",
            json!([{ "op": "add", "path": "emails[type eq \"home\"].value", "value": "a@home.example" }]),
            ada(),
        ),
        ("a nickname", json!([{ "op": "Add", "path": "nickName", "value": "Babs" }]), ada()),
        (
            "nothing said",
            json!([{ "op": "replace", "value": { "displayName": null, "emails": null, "externalId": null } }]),
            ada(),
        ),
        (
            "a formatted name",
            json!([{ "op": "replace", "path": "name.formatted", "value": "Countess Ada" }]),
            User { name: "Countess Ada".into(), ..ada() },
        ),
    ];
    for (who, operations, expected) in cases {
        let patch = json!({ "schemas": [PATCH], "Operations": operations });
        assert_eq!(ada().patched(&patch), Ok(expected), "{who}");
    }
    for (bad, kind) in [
        (json!([{ "op": "replace", "path": "emails[type eq", "value": "x" }]), "invalidPath"),
        (json!([{ "op": "remove", "path": "userName" }]), "mutability"),
        (json!([{ "op": "replace", "path": "active", "value": "perhaps" }]), "invalidValue"),
        (json!([{ "op": "remove" }]), "noTarget"),
    ] {
        let patch = json!({ "schemas": [PATCH], "Operations": bad });
        assert_eq!(ada().patched(&patch).expect_err("refused").kind, Some(kind), "{patch}");
    }
}

#[test]
fn a_put_keeps_what_it_does_not_say() {
    let okta = json!({ "id": "x", "userName": "ada@example.com", "active": false, "groups": [], "meta": {},
        "name": { "givenName": "Ada", "middleName": "", "familyName": "Lovelace" }, "emails": [{ "value": "ada@example.com" }] });
    assert_eq!(ada().replaced(&okta), Ok(User { active: false, ..ada() }), "Okta leaves externalId out");
    let jumpcloud = json!({ "userName": "ada@example.com", "emails": null, "name": { "givenName": "Ada", "familyName": "Lovelace" } });
    assert_eq!(ada().replaced(&jumpcloud), Ok(ada()));
    let disabled = User { active: false, ..ada() };
    assert_eq!(disabled.clone().replaced(&jumpcloud), Ok(disabled), "who is disabled stays so");
    // A display name that was chosen stays when parts of the name change.
    let chosen = User { name: "Countess".into(), ..ada() };
    let parts = json!({ "userName": "ada@example.com", "name": { "givenName": "Augusta" } });
    let kept = chosen.replaced(&parts).expect("replaced");
    assert_eq!((kept.name.as_str(), kept.given_name.as_deref()), ("Countess", Some("Augusta")));
}
