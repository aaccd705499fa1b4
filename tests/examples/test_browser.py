"""examples/browser in a real browser: the lists of Python, offline too, and nothing altered."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from slmrec.runtime import Recommender
from tests.support.browser import CHROMIUM, Browser
from tests.support.bundles import make_bundle
from tests.support.project import ROOT

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm"),
]
HISTORY, K = ["i5", "i9", "i3"], 6
ENDED = "document.getElementById('status')?.textContent.match(/^(ready|error)/) != null"
STATUS = "document.getElementById('status').textContent"
ROWS = "[...document.querySelectorAll('#list li')]"
LIST = f"{ROWS}.map(row => [row.dataset.item, row.dataset.score])"


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, and logs nothing."""

    def log_message(self, *_: object) -> None:
        """Nothing: pytest shows what matters."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The URL of a folder's files, until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, installed, with a bundle; made once, to be copied where it is changed."""
    folder = tmp_path_factory.mktemp("browser") / "site"
    ours = shutil.ignore_patterns("node_modules", "bundle")  # what a reader may have made there
    shutil.copytree(ROOT / "examples" / "browser", folder, ignore=ours)
    install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"npm could not install onnxruntime-web: {done.stderr[-200:]}")
    make_bundle(folder / "bundle")
    return folder


def asked(browser: Browser, url: str) -> str:
    """What the page says of itself once it has answered, or could not."""
    browser.open(f"{url}/index.html?history={','.join(HISTORY)}&k={K}")
    browser.wait_for(ENDED)
    return str(browser.evaluate(STATUS))


def submitted(browser: Browser, k: str) -> str:
    """What the page says of itself once it has answered its form."""
    ask = "document.getElementById('ask')"
    browser.evaluate(f"{STATUS} = 'asked'")
    browser.evaluate(f"{ask}.k.value = '{k}', {ask}.dispatchEvent(new Event('submit')), true")
    browser.wait_for(ENDED)
    return str(browser.evaluate(STATUS))


def test_it_recommends_what_python_does_and_goes_on_without_a_network(example: Path) -> None:
    (best,) = Recommender.load(example / "bundle", "cpu", 1).recommend([HISTORY], K)
    expected = [[item.item, f"{item.score:.3f}"] for item in best]
    with Browser() as browser:
        with served(example) as url:
            assert asked(browser, url) == "ready"
            shown = browser.evaluate(LIST)
            # Half an item cannot be asked for; the next question is answered again.
            assert submitted(browser, k="0.5").startswith("error: ")
            assert submitted(browser, k=str(K)) == "ready"
        assert [[item, f"{float(score):.3f}"] for item, score in shown] == expected
        browser.open("about:blank")
        assert asked(browser, url) == "ready"  # nobody serves it any more
        assert browser.evaluate(LIST) == shown


def test_an_altered_bundle_is_refused_by_name(example: Path, tmp_path: Path) -> None:
    shutil.copytree(example, tmp_path / "site", symlinks=True)
    model = tmp_path / "site" / "bundle" / "model.onnx"
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)
    with Browser() as browser, served(tmp_path / "site") as url:
        assert asked(browser, url) == "error: model.onnx was altered"
        assert browser.evaluate(LIST) == []
