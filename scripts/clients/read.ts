// Reads the register with the types that were generated from the OpenAPI document: a field that the
// document does not have, or has with another type, does not compile.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./muster.js";

const client = createClient<paths>({
  baseUrl: process.env["MUSTER_URL"] ?? "",
  headers: { Authorization: `Bearer ${process.env["MUSTER_TOKEN"] ?? ""}` },
});

const { data: vendors } = await client.GET("/api/v1/vendors", { params: { query: { limit: 5 } } });
assert.ok(vendors !== undefined && vendors.items.length > 0);
const slug: string = vendors.items[0]!.slug;
const { data: vendor, response } = await client.GET("/api/v1/vendors/{key}", { params: { path: { key: slug } } });
assert.equal(vendor?.slug, slug);

const { data: requests } = await client.GET("/api/v1/requests", { params: { query: { limit: 1 } } });
const { data: request } = await client.GET("/api/v1/requests/{id}", { params: { path: { id: requests!.items[0]!.id } } });
const state: components["schemas"]["Phase"]["state"] = request!.state;
assert.equal(state, requests!.items[0]!.state);
const stages: number = request!.stages.length;
assert.ok(stages >= 0);

// A refusal is typed as well.
const { error } = await client.GET("/api/v1/vendors/{key}", { params: { path: { key: "there-is-none" } } });
assert.equal(error?.status, 404);
assert.ok(response.headers.get("etag") !== null);
console.log("read");
