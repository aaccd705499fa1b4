"""Who may use Prefect's API: whoever knows the auth string, from pages of the server itself.

Without it any page that a browser shows could start a run on this machine.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping

from slmrec.core.state import state_folder

SERVER, CLIENT = "PREFECT_SERVER_API_AUTH_STRING", "PREFECT_API_AUTH_STRING"
ORIGINS = "PREFECT_SERVER_CORS_ALLOWED_ORIGINS"
FILE = "prefect-auth"  # in the state folder


def api_access(port: int, environment: Mapping[str, str]) -> dict[str, str]:
    """The settings of server and clients; what the `environment` sets already is kept."""
    secret = environment.get(SERVER) or auth_string()
    origins = f"http://127.0.0.1:{port},http://localhost:{port}"
    return {SERVER: secret, CLIENT: secret, ORIGINS: environment.get(ORIGINS, origins)}


def auth_string() -> str:
    """The one of the state folder; made, and printed this once, where there is none."""
    path = state_folder() / FILE
    if path.is_file():
        return path.read_text().strip()
    path.parent.mkdir(parents=True, exist_ok=True)
    secret = f"slmrec:{secrets.token_urlsafe(24)}"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # for its owner alone
    with os.fdopen(handle, "w") as stream:
        stream.write(f"{secret}\n")
    print(f"The page asks for this once: {secret}\nIt is kept in {path}.", flush=True)
    return secret
