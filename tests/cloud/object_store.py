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

KEYS = {"access_key": "nobody", "secret_key": "nothing"}


class Request(NamedTuple):
    """One request: `client` is what AWS_SDK_UA_APP_ID named it; a listing has no `key`."""

    method: str
    key: str
    client: str
    n_bytes: int


class ObjectStore:
    """A store with one bucket; `environment` is what Snakemake needs to know of it."""

    bucket = "plates"

    def __init__(self):
        self.requests: list[Request] = []
        self._held: str | None = None
        self._reached, self._released = threading.Event(), threading.Event()
        self._moto = DomainDispatcherApplication(create_backend_app)
        self.server = make_server("127.0.0.1", 0, self._serve, threaded=True)
        url = f"http://127.0.0.1:{self.server.server_port}"
        settings = {**KEYS, "endpoint_url": url}
        self.environment = {f"SNAKEMAKE_STORAGE_S3_{name.upper()}": text for name, text in settings.items()}
        self.client = boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id=KEYS["access_key"],
            aws_secret_access_key=KEYS["secret_key"],
        )

    def upload(self, folder: Path, prefix: str) -> dict[str, bytes]:
        """Put the files of a folder below a prefix; gives key -> content."""
        objects = {
            f"{prefix}/{path.relative_to(folder)}": path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.name.startswith(".")
        }
        for key, content in objects.items():
            self.put(key, content)
        return objects

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=content)

    def get(self, key: str) -> bytes:
        return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=key)

    def fetched(self, prefix: str) -> list[Request]:
        """The requests that gave bytes of objects below a prefix."""
        return [r for r in self.requests if r.method == "GET" and r.key.startswith(f"{prefix}/")]

    @contextmanager
    def held_back(self, key: str) -> Iterator[threading.Event]:
        """While the body runs, only half of an object comes; gives what tells that it was asked for."""
        self._held = key
        try:
            yield self._reached
        finally:
            self._held = None
            self._released.set()

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        body = b"".join(self._moto(environ, start_response))
        _, _, key = environ["PATH_INFO"].lstrip("/").partition("/")
        words = environ.get("HTTP_USER_AGENT", "").split()
        client = next((word.removeprefix("app/") for word in words if word.startswith("app/")), "")
        method = environ["REQUEST_METHOD"]
        self.requests.append(Request(method, key, client, len(body)))
        if method == "GET" and key == self._held:
            yield body[: len(body) // 2]
            self._reached.set()
            self._released.wait()
            body = body[len(body) // 2 :]
        yield body


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    """Run a store while the body runs."""
    store = ObjectStore()
    thread = threading.Thread(target=store.server.serve_forever)
    thread.start()
    try:
        store.client.create_bucket(Bucket=store.bucket)
        yield store
    finally:
        store.server.shutdown()
        thread.join()
        store.server.server_close()
