"""The Python `kubernetes` client, unmodified, against the API whose address is the only argument."""

import datetime
import json
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


def refused(call, *arguments, **options):
    """What came out empty is refused instead of taken for everything."""
    try:
        call(*arguments, **options)
    except ApiException as refusal:
        assert refusal.status in (400, 404, 405), (arguments, options, refusal)
    else:
        raise AssertionError(f"{call.__name__} {arguments} {options} was not refused")


def unasked_deletions(api):
    objects, core = client.CustomObjectsApi(api), client.CoreV1Api(api)
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name="kept")))
    for name in ("one", "two", "three"):
        objects.create_cluster_custom_object(GROUP, VERSION, PLURAL, backend(name))
        core.create_namespaced_secret("kept", client.V1Secret(metadata=client.V1ObjectMeta(name=name)))
    for name in ("", ".", "..", "one/", "one/../two", "?", "#"):
        refused(objects.delete_cluster_custom_object, GROUP, VERSION, PLURAL, name)
        refused(core.delete_namespaced_secret, name, "kept")
        refused(core.delete_namespace, name)
    refused(core.delete_namespaced_secret, "one", "")
    for options in ({"label_selector": ""}, {"field_selector": ""}, {"label_selector": ","}, {"limit": 0}, {"dry_run": ""}):
        refused(core.delete_collection_namespaced_secret, "kept", **options)
    assert len(core.list_namespaced_secret("kept").items) == 3
    assert len(objects.list_cluster_custom_object(GROUP, VERSION, PLURAL)["items"]) >= 3
    # The generated type of the answer is a Status, so the page is read as it came.
    counts, more = [], {}
    while more is not None:
        page = core.delete_collection_namespaced_secret("kept", limit=2, **more, _preload_content=False)
        counts.append(len(core.list_namespaced_secret("kept").items))
        token = json.loads(page.data)["metadata"].get("continue")
        more = {"_continue": token} if token else None
    assert counts == [1, 0], counts
    core.delete_namespace("kept")
    for name in ("one", "two", "three"):
        objects.delete_cluster_custom_object(GROUP, VERSION, PLURAL, name)


def server_side_apply(api):
    resource = dynamic.DynamicClient(api).resources.get(api_version=f"{GROUP}/{VERSION}", kind="Backend")
    first = backend("applied")
    first["metadata"]["labels"] = {"one": "1"}
    resource.server_side_apply(body=first, name="applied", field_manager="one")
    second = backend("applied", "b.example.com")
    try:
        resource.server_side_apply(body=second, name="applied", field_manager="two")
        raise AssertionError("what another owns was overwritten")
    except ApiException as conflict:
        assert conflict.status == 409, conflict
        assert json.loads(conflict.body)["details"]["causes"][0]["field"] == ".spec.endpoints", conflict.body
    forced = resource.server_side_apply(body=second, name="applied", field_manager="two", force_conflicts=True)
    assert forced.spec.endpoints[0].fqdn == "b.example.com", forced
    assert forced.metadata.labels.one == "1", forced
    resource.delete(name="applied")


def typed_objects(api):
    """Generated types leave out apiVersion and kind, which the path says."""
    leases, events = client.CoordinationV1Api(api), client.EventsV1Api(api)
    now = datetime.datetime.now(datetime.timezone.utc)
    lease = client.V1Lease(
        metadata=client.V1ObjectMeta(name="leader"),
        spec=client.V1LeaseSpec(holder_identity="one", lease_duration_seconds=15, renew_time=now),
    )
    held = leases.create_namespaced_lease("default", lease)
    held.spec.holder_identity = "two"
    taken = leases.replace_namespaced_lease("leader", "default", held)
    assert taken.spec.holder_identity == "two", taken
    try:
        leases.replace_namespaced_lease("leader", "default", held)
        raise AssertionError("two hold it")
    except ApiException as conflict:
        assert conflict.status == 409, conflict
    patched = leases.patch_namespaced_lease("leader", "default", {"spec": {"leaseTransitions": 1}})
    assert patched.spec.lease_transitions == 1, patched
    told = client.EventsV1Event(
        metadata=client.V1ObjectMeta(generate_name="told-"), event_time=now, action="Tried", reason="Tried", type="Normal",
        reporting_controller="example.com/test", reporting_instance="one", note="it was tried",
        regarding=client.V1ObjectReference(kind="Backend", name="a"),
    )
    name = events.create_namespaced_event("default", told).metadata.name
    assert events.read_namespaced_event(name, "default").note == "it was tried"
    leases.delete_namespaced_lease("leader", "default")


def main():
    api = client.ApiClient(client.Configuration(host=sys.argv[1]))
    for check in (custom_objects, watching, dynamic_client, server_side_apply, core_objects, typed_objects, unasked_deletions):
        check(api)
        print(f"{check.__name__}: ok")


main()
