"""An S3 server on loopback with one bucket, which forgets all when the test ends."""

from __future__ import annotations

import boto3
import pytest
from moto.server import ThreadedMotoServer

from flows.server_process import HOST

BUCKET = "logs"
# Of nobody; without them clients look for those of this machine's user.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def start_s3(monkeypatch: pytest.MonkeyPatch) -> ThreadedMotoServer:
    """A server that this process and those it starts find, as AWS's settings name it."""
    server = ThreadedMotoServer(ip_address=HOST, port=0, verbose=False)
    server.start()
    _host, port = server.get_host_and_port()
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{HOST}:{port}")
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    return server
