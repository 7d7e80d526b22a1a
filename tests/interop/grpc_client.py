"""A client of the gRPC API that is made from proto/ by grpcio-tools, as anybody would make one.

Arguments: the address of the API, the folder of the contracts, and the address of REST as a URL.
"""

import importlib
import json
import sys
import tempfile
import threading
import urllib.request
from pathlib import Path

import grpc
from google.protobuf import field_mask_pb2
from grpc_tools import protoc


def generate(contracts: Path, target: str) -> None:
    names = [str(path) for path in (contracts / "backstay/admin/v1").glob("*.proto")]
    include = str(Path(importlib.import_module("grpc_tools").__file__).parent / "_proto")
    arguments = ["protoc", f"-I{contracts}", f"-I{include}", f"--python_out={target}", f"--grpc_python_out={target}"]
    assert protoc.main(arguments + names) == 0


address, contracts, server = sys.argv[1:4]
scratch = tempfile.TemporaryDirectory()
generate(Path(contracts), scratch.name)
sys.path.insert(0, scratch.name)


def module(name: str):
    return importlib.import_module(f"backstay.admin.v1.{name}")


common, gateways, routes = module("common_pb2"), module("gateway_pb2"), module("http_route_pb2")
gateway_stubs, route_stubs = module("gateway_pb2_grpc"), module("http_route_pb2_grpc")
resources, resource_stubs = module("resource_pb2"), module("resource_pb2_grpc")


def refused(call, code: grpc.StatusCode) -> grpc.RpcError:
    try:
        call()
    except grpc.RpcError as error:
        assert error.code() == code, error
        return error
    raise AssertionError(f"{code} was expected")


channel = grpc.insecure_channel(address)
gateway = gateway_stubs.GatewayServiceStub(channel)
route = route_stubs.HTTPRouteServiceStub(channel)
generic = resource_stubs.ResourceServiceStub(channel)
parent = "namespaces/default"

# A Gateway of types, with a field whose name is a word of Python.
listener = gateways.Gateway.Listener(name="http", port=8080, protocol="HTTP", hostname="*.example.com")
setattr(listener.allowed_routes.namespaces, "from", "Same")
wanted = gateways.Gateway(spec=gateways.Gateway.Spec(gateway_class_name="backstay", listeners=[listener]))
made = gateway.CreateGateway(gateways.CreateGatewayRequest(parent=parent, gateway_id="web", gateway=wanted))
assert made.name == f"{parent}/gateways/web", made.name
assert made.create_time.seconds > 0 and made.uid and made.etag

# It is what REST has.
with urllib.request.urlopen(f"{server}/apis/gateway.networking.k8s.io/v1/{parent}/gateways/web") as answer:
    object = json.load(answer)
assert object["spec"]["listeners"][0]["allowedRoutes"]["namespaces"]["from"] == "Same", object
assert object["metadata"]["uid"] == made.uid

# Followed from before a change to it.
events = route.WatchHTTPRoutes(routes.WatchHTTPRoutesRequest(parent="namespaces/-"))
first = next(events)
assert first.type == common.EVENT_TYPE_SYNCHRONIZED, first
seen = []
follower = threading.Thread(target=lambda: [seen.append(next(events)) for _ in range(1)])
follower.start()
match = routes.HTTPRoute.Match(path=routes.HTTPRoute.PathMatch(type="PathPrefix", value="/shop"))
backend = routes.HTTPRoute.WeightedBackend(group="core.apoxy.dev", kind="Backend", name="web", weight=3)
rule = routes.HTTPRoute.Rule(matches=[match], backend_refs=[backend])
wanted = routes.HTTPRoute(
    name=f"{parent}/httproutes/shop",
    spec=routes.HTTPRoute.Spec(parent_refs=[routes.HTTPRoute.ParentReference(name="web")], rules=[rule]),
)
applied = route.ApplyHTTPRoute(routes.ApplyHTTPRouteRequest(http_route=wanted, manager="python"))
assert applied.spec.rules[0].backend_refs[0].weight == 3
assert [field.manager for field in applied.managed_fields] == ["python"], applied.managed_fields
follower.join(30)
assert seen[0].type == common.EVENT_TYPE_ADDED and seen[0].http_route.name == wanted.name, seen

# Another manager is in the way of the first, unless by force.
wanted.spec.rules[0].backend_refs[0].weight = 4
conflict = lambda: route.ApplyHTTPRoute(routes.ApplyHTTPRouteRequest(http_route=wanted, manager="other"))
assert "conflict with \"python\"" in refused(conflict, grpc.StatusCode.ABORTED).details()
route.ApplyHTTPRoute(routes.ApplyHTTPRouteRequest(http_route=wanted, manager="other", force=True))

# A mask names what changes.
mask = field_mask_pb2.FieldMask(paths=["spec.hostnames"])
change = routes.HTTPRoute(name=wanted.name, spec=routes.HTTPRoute.Spec(hostnames=["shop.example.com"]))
changed = route.UpdateHTTPRoute(routes.UpdateHTTPRouteRequest(http_route=change, update_mask=mask))
assert changed.spec.hostnames == ["shop.example.com"] and len(changed.spec.rules) == 1

# A page with what the client wants to read of each.
mask = field_mask_pb2.FieldMask(paths=["name", "spec.hostnames"])
page = route.ListHTTPRoutes(routes.ListHTTPRoutesRequest(parent="namespaces/-", read_mask=mask))
assert [(found.name, found.etag) for found in page.http_routes] == [(wanted.name, "")], page

# Objects of any kind, compressed on the way.
kind = resources.ResourceType(api_version="v1", kind="ConfigMap")
body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "default"}, "data": {"k": "v" * 500}}
request = resources.CreateResourceRequest(resource=resources.Resource(json=json.dumps(body)))
generic.CreateResource(request, compression=grpc.Compression.Gzip)
request = resources.GetResourceRequest(type=kind, namespace="default", name="a", format=resources.FORMAT_STRUCT)
assert generic.GetResource(request).object["data"]["k"] == "v" * 500
types = generic.ListResourceTypes(resources.ListResourceTypesRequest()).types
assert "Lease" in [known.type.kind for known in types], types

# Gone, as of what was read.
gone = lambda etag: route.DeleteHTTPRoute(routes.DeleteHTTPRouteRequest(name=wanted.name, etag=etag))
refused(lambda: gone(applied.etag), grpc.StatusCode.ABORTED)
gone("")
refused(lambda: route.GetHTTPRoute(routes.GetHTTPRouteRequest(name=wanted.name)), grpc.StatusCode.NOT_FOUND)
refused(
    lambda: route.ListHTTPRoutes(routes.ListHTTPRoutesRequest(parent="namespaces/-", filter="size > 3")),
    grpc.StatusCode.INVALID_ARGUMENT,
)
events.cancel()
print("done")
