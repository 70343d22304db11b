"""Calls every GET operation of the OpenAPI document through a generated client.

Usage: read.py openapi-python-client|openapi-generator OPENAPI.JSON

Ids for single records come from the lists. An answer that the client cannot parse into its types
ends the run, and so does an operation that the client does not have.
"""

import importlib
import json
import os
import re
import sys

generator, path = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    document = json.load(file)
url, token = os.environ["MUSTER_URL"], os.environ["MUSTER_TOKEN"]


def snake(name):
    return re.sub(r"[^a-z0-9]+", "_", name.lower())


if generator == "openapi-python-client":
    from muster_client import AuthenticatedClient

    client = AuthenticatedClient(base_url=url, token=token, raise_on_unexpected_status=True)

    def call(tag, operation, arguments):
        module = importlib.import_module(f"muster_client.api.{snake(tag)}.{snake(operation)}")
        answer = module.sync_detailed(*arguments, client=client)
        parsed = answer.parsed
        assert answer.status_code != 200 or parsed is not None, f"{operation}: nothing was parsed"
        return answer.status_code, parsed.to_dict() if hasattr(parsed, "to_dict") else parsed

else:
    import muster_generated
    from muster_generated.exceptions import ApiException

    client = muster_generated.ApiClient(muster_generated.Configuration(host=url, access_token=token))

    def call(tag, operation, arguments):
        name = "".join(word.capitalize() for word in snake(tag).split("_")) + "Api"
        method = getattr(getattr(muster_generated, name)(client), snake(operation) + "_with_http_info")
        try:
            answer = method(*arguments)
        except ApiException as refused:
            return refused.status, None
        return answer.status_code, answer.data.to_dict() if hasattr(answer.data, "to_dict") else answer.data


reads = [
    (address, methods["get"]) for address, methods in document["paths"].items() if "get" in methods
]
# Only what answers with JSON: files have no type to parse into.
reads = [
    (address, operation)
    for address, operation in reads
    if "application/json" in operation["responses"].get("200", {}).get("content", {})
]
lists, read, without = {}, 0, []
for address, operation in sorted(reads, key=lambda read: (read[0].count("{"), read[0])):
    needed = [p for p in operation.get("parameters", []) if p.get("required") and p["in"] == "query"]
    parameters = re.findall(r"\{(\w+)\}", address)
    candidates = [[]]
    if parameters:
        known = lists.get(address.split("/{")[0], [])
        candidates = [[str(one[key])] for one in known for key in ("slug", "id", "key") if one.get(key)]
    if needed or len(parameters) > 1 or not candidates:
        without.append(address)
        continue
    for arguments in candidates:
        status, answer = call(operation["tags"][0], operation["operationId"], arguments)
        if status == 200:
            break
    if status != 200:
        without.append(address)
        continue
    read += 1
    if isinstance(answer, dict) and isinstance(answer.get("items"), list):
        lists[address] = answer["items"]
print(f"{read} of {len(reads)} operations read; without a record of their own: {', '.join(without) or 'none'}")
sys.exit(0 if read * 10 >= len(reads) * 8 else 1)
