"""An S3 store on this machine (moto), which notes what each client asks it for."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from wsgiref.types import StartResponse, WSGIEnvironment

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

KEYS = {"ACCESS_KEY": "nobody", "SECRET_KEY": "nothing"}


class Request(NamedTuple):
    """One request: `client` is what AWS_SDK_UA_APP_ID named it, `key` is empty for a listing."""

    method: str
    key: str
    client: str
    n_bytes: int


class ObjectStore:
    """A running store with one bucket, ``plates``."""

    bucket = "plates"

    def __init__(self, port: int):
        self.requests: list[Request] = []
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {f"SNAKEMAKE_STORAGE_S3_{name}": value for name, value in KEYS.items()}
        self.environment["SNAKEMAKE_STORAGE_S3_ENDPOINT_URL"] = self.url
        self.client = boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=KEYS["ACCESS_KEY"],
            aws_secret_access_key=KEYS["SECRET_KEY"],
        )

    def upload(self, folder: Path, prefix: str) -> None:
        """Put every file of a folder below a prefix."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.client.upload_file(str(path), self.bucket, f"{prefix}/{path.relative_to(folder)}")

    def fetched(self) -> list[Request]:
        """The requests that gave an object's bytes."""
        return [request for request in self.requests if request.method == "GET" and request.key]

    def note(self, environ: WSGIEnvironment, n_bytes: int) -> None:
        _, _, key = environ["PATH_INFO"].lstrip("/").partition("/")
        words = environ.get("HTTP_USER_AGENT", "").split()
        client = next((word.removeprefix("app/") for word in words if word.startswith("app/")), "")
        self.requests.append(Request(environ["REQUEST_METHOD"], key, client, n_bytes))


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    """Run a store while the body runs."""
    served = DomainDispatcherApplication(create_backend_app)

    def noted(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        body = list(served(environ, start_response))
        store.note(environ, sum(map(len, body)))
        return body

    server = make_server("127.0.0.1", 0, noted, threaded=True)
    store = ObjectStore(server.server_port)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        store.client.create_bucket(Bucket=store.bucket)
        yield store
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
