"""The Python `kubernetes` client, unmodified, against the API whose address is the only argument."""

import sys
import threading

from kubernetes import client, dynamic, watch
from kubernetes.client.rest import ApiException

GROUP, VERSION, PLURAL = "core.apoxy.dev", "v1alpha2", "backends"


def backend(name, fqdn="a.example.com"):
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "Backend",
        "metadata": {"name": name},
        "spec": {"endpoints": [{"fqdn": fqdn}]},
    }


def custom_objects(api):
    objects = client.CustomObjectsApi(api)
    created = objects.create_cluster_custom_object(GROUP, VERSION, PLURAL, backend("api"))
    assert created["metadata"]["generation"] == 1, created
    patched = objects.patch_cluster_custom_object(GROUP, VERSION, PLURAL, "api", {"spec": {"protocol": "h2"}})
    assert patched["spec"]["protocol"] == "h2" and patched["metadata"]["generation"] == 2, patched
    created["spec"]["protocol"] = "tls"
    try:
        objects.replace_cluster_custom_object(GROUP, VERSION, PLURAL, "api", created)
        raise AssertionError("a stale object was written")
    except ApiException as conflict:
        assert conflict.status == 409, conflict
    listed = objects.list_cluster_custom_object(GROUP, VERSION, PLURAL, field_selector="spec.protocol=h2")
    assert [item["metadata"]["name"] for item in listed["items"]] == ["api"], listed
    objects.delete_cluster_custom_object(GROUP, VERSION, PLURAL, "api")
    try:
        objects.get_cluster_custom_object(GROUP, VERSION, PLURAL, "api")
        raise AssertionError("a deleted object was read")
    except ApiException as missing:
        assert missing.status == 404, missing


def watching(api):
    objects = client.CustomObjectsApi(api)
    objects.create_cluster_custom_object(GROUP, VERSION, PLURAL, backend("first"))
    writer = threading.Thread(
        target=lambda: (
            objects.create_cluster_custom_object(GROUP, VERSION, PLURAL, backend("second")),
            objects.delete_cluster_custom_object(GROUP, VERSION, PLURAL, "first"),
        )
    )
    seen, stream = [], watch.Watch()
    for event in stream.stream(objects.list_cluster_custom_object, GROUP, VERSION, PLURAL, timeout_seconds=60):
        line = (event["type"], event["object"]["metadata"]["name"])
        if line == ("ADDED", "first"):
            writer.start()
        # Status writes show as further changes of the same object.
        if line[0] != "MODIFIED":
            seen.append(line)
        if line == ("DELETED", "first"):
            stream.stop()
    writer.join()
    assert seen == [("ADDED", "first"), ("ADDED", "second"), ("DELETED", "first")], seen


def dynamic_client(api):
    resources = dynamic.DynamicClient(api)
    backends = resources.resources.get(api_version=f"{GROUP}/{VERSION}", kind="Backend")
    backends.create(body=backend("dynamic"))
    merged = backends.patch(
        body={"spec": {"protocol": "tls"}}, name="dynamic", content_type="application/merge-patch+json"
    )
    assert merged.spec.protocol == "tls", merged
    assert backends.get(name="dynamic").spec.endpoints[0].fqdn == "a.example.com"
    backends.delete(name="dynamic")


def core_objects(api):
    core = client.CoreV1Api(api)
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name="edge")))
    secret = client.V1Secret(metadata=client.V1ObjectMeta(name="token"), string_data={"key": "value"})
    stored = core.create_namespaced_secret("edge", secret)
    assert stored.data == {"key": "dmFsdWU="} and stored.string_data is None, stored
    assert "edge" in [namespace.metadata.name for namespace in core.list_namespace().items]
    core.delete_namespace("edge")


def main():
    api = client.ApiClient(client.Configuration(host=sys.argv[1]))
    for check in (custom_objects, watching, dynamic_client, core_objects):
        check(api)
        print(f"{check.__name__}: ok")


main()
