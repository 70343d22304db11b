//! The parts of an OpenAPI document that the register wants, all versions in one shape.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};

use super::lenient::{Items, Object, Pairs, Text};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Document {
    pub openapi: Text,
    pub swagger: Text,
    pub info: Object<Info>,
    pub servers: Items<Object<Server>>,
    pub host: Text,
    #[serde(rename = "basePath")]
    pub base_path: Text,
    pub schemes: Items<Text>,
    pub paths: Pairs<PathItem>,
    pub components: Object<Components>,
    #[serde(rename = "securityDefinitions")]
    pub security_definitions: Pairs<Object<SecurityScheme>>,
    pub security: Option<Items<Pairs<Items<Text>>>>,
    #[serde(rename = "externalDocs")]
    pub external_docs: Object<ExternalDocs>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Info {
    pub title: Text,
    pub description: Text,
    pub summary: Text,
    pub version: Text,
    #[serde(rename = "termsOfService")]
    pub terms: Text,
    pub contact: Object<Contact>,
    pub license: Object<License>,
    #[serde(rename = "x-providerName")]
    pub provider_name: Text,
    #[serde(rename = "x-serviceName")]
    pub service_name: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Contact {
    pub name: Text,
    pub email: Text,
    pub url: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct License {
    pub name: Text,
    pub url: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ExternalDocs {
    pub url: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Server {
    pub url: Text,
    pub description: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Components {
    #[serde(rename = "securitySchemes")]
    pub security_schemes: Pairs<Object<SecurityScheme>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SecurityScheme {
    #[serde(rename = "type")]
    pub kind: Text,
    pub scheme: Text,
    #[serde(rename = "in")]
    pub place: Text,
    pub name: Text,
    pub flow: Text,
    pub scopes: Pairs<Text>,
    pub flows: Pairs<Object<Flow>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Flow {
    pub scopes: Pairs<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Operation {
    #[serde(rename = "operationId")]
    pub operation_id: Text,
    pub summary: Text,
    pub deprecated: Text,
    pub security: Option<Items<Pairs<Items<Text>>>>,
}

/// The operations of a path by method; everything else of the path is skipped.
#[derive(Debug, Default)]
pub struct PathItem(pub Vec<(&'static str, Object<Operation>)>);

const METHODS: [(&str, &str); 8] = [
    ("get", "GET"),
    ("put", "PUT"),
    ("post", "POST"),
    ("delete", "DELETE"),
    ("options", "OPTIONS"),
    ("head", "HEAD"),
    ("patch", "PATCH"),
    ("trace", "TRACE"),
];

impl<'de> Deserialize<'de> for PathItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // What is no object, such as null or the value of an extension, holds no operations.
        Ok(Object::<Methods>::deserialize(deserializer)?.0.0)
    }
}

#[derive(Debug, Default)]
struct Methods(PathItem);

impl<'de> Deserialize<'de> for Methods {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PathVisitor).map(Methods)
    }
}

struct PathVisitor;

impl<'de> Visitor<'de> for PathVisitor {
    type Value = PathItem;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of operations for each path")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PathItem, A::Error> {
        let mut operations = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            match METHODS.iter().find(|(name, _)| *name == key) {
                Some((_, method)) => operations.push((*method, map.next_value()?)),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(PathItem(operations))
    }
}
