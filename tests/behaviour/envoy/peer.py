"""A gRPC client that resolves xds:/// by itself, and two servers for it to find.

python peer.py PORT: servers listen on 127.0.0.1 and 127.0.0.2 and answer every call with "one" and "two". Each line of standard input is a target;
the answer to a call of it, or the name of its error, is printed as a line.
"""

import concurrent.futures
import sys

import grpc


class Answers(grpc.GenericRpcHandler):
    def __init__(self, text):
        self.text = text

    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: self.text)


def serve(address, text):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers([Answers(text)])
    server.add_insecure_port(address)
    server.start()
    return server


def main():
    port = sys.argv[1]
    servers = [serve(f"127.0.0.1:{port}", b"one"), serve(f"127.0.0.2:{port}", b"two")]
    print("ready", flush=True)
    channels = {}
    for line in sys.stdin:
        target = line.strip()
        channel = channels.setdefault(target, grpc.insecure_channel(f"xds:///{target}"))
        try:
            answer = channel.unary_unary("/test.Service/Call")(b"", timeout=20, wait_for_ready=True)
            print(answer.decode(), flush=True)
        except grpc.RpcError as error:
            print(error.code().name, error.details(), flush=True)
    for server in servers:
        server.stop(None)


main()
