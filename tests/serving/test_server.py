"""The server of the pages: whom it answers, and what it lets nobody do."""

import json
import re
import signal
import subprocess
import sys
import threading
import time

import pytest
from asking import HOSTILE, Client

from shoptalk.errors import InputError
from shoptalk.serving.page import BODY, TOLD, TOP, rendered
from shoptalk.serving.safety import known_host
from shoptalk.serving.server import MOST_BYTES, Refused, Site, serving

TEMPLATE = f"{TOP}{BODY}<h1>{{{{ title }}}}</h1>{TOLD}</script></body></html>"


def fail(asked):
    raise RuntimeError("a secret of the program")


def wrong(asked):
    raise InputError("depth=0 is not possible.")


def refuse(asked):
    raise Refused(409, "Not now.")


def page(nonce, token):
    return rendered(TEMPLATE, nonce, {"token": token, "texts": HOSTILE}, title=HOSTILE[0])


@pytest.fixture
def client():
    routes = {"/api/same": dict, "/api/fail": fail, "/api/wrong": wrong, "/api/refuse": refuse}
    with serving(Site(page, routes, {"/api/same": dict}), "127.0.0.1", 0) as address:
        yield Client(address)


def test_a_page_comes_with_a_policy_that_allows_its_own_script_alone(client):
    status, text, headers = client.get("/")
    policy = headers["Content-Security-Policy"]
    nonce = re.search(r"script-src 'nonce-([\w-]+)'", policy)[1]
    assert status == 200 and "default-src 'none'" in policy and "unsafe" not in policy
    inline = re.findall(r"<(?:script|style)\b(?![^>]*application/json)[^>]*>", text)
    assert inline and all(f'nonce="{nonce}"' in tag for tag in inline)
    assert not re.search(r"""\bon\w+=|style="|https?://|//cdn""", text.split("</h1>")[0])
    assert nonce not in client.get("/")[1]  # another for every page
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store"


def test_what_a_page_is_told_is_data_and_arrives_as_it_was(client):
    assert client.told["texts"] == HOSTILE
    assert "<h1>&lt;script&gt;alert(1)&lt;/script&gt;</h1>" in client.page
    assert client.page.count("</script>") == 2 and "onerror" in client.page and "<img" not in client.page


def test_the_address_and_a_body_reach_a_route(client):
    assert client.found("/api/same?q=%F0%9F%A9%BA+a%26b&empty=") == {"q": "🩺 a&b", "empty": ""}
    assert client.found("/api/same", {"texts": HOSTILE}) == {"texts": HOSTILE}


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[", "10.0.0.1"])
def test_a_foreign_host_is_refused_everywhere(client, host):
    assert client.get("/", Host=host)[0] == client.get("/api/same", Host=host)[0] == 421
    assert client.post("/api/same", {}, Host=host)[0] == 421


@pytest.mark.parametrize(
    "header, bound, known",
    [
        ("localhost:9", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("[::1]:80", "127.0.0.1", True),
        ("192.168.0.7:8765", "127.0.0.1", False),
        ("192.168.0.7:8765", "0.0.0.0", True),
        ("LocalHost", "0.0.0.0", True),
        ("judge.lan", "0.0.0.0", False),
        ("judge.lan:80", "judge.lan", True),
        (None, "0.0.0.0", False),
    ],
)
def test_which_hosts_are_known(header, bound, known):
    assert known_host(header, bound) is known


def test_who_may_change_something(client):
    own = f"http://{client.host}"
    assert client.post("/api/same", {})[0] == client.post("/api/same", {}, Origin=own)[0] == 200
    assert client.post("/api/same", {}, Origin="http://evil.example")[0] == 403
    assert client.post("/api/same", {}, Origin="null")[0] == 403
    assert client.post("/api/same", {}, X_Shoptalk_Token=None)[0] == 403
    assert client.post("/api/same", {}, X_Shoptalk_Token="ö")[0] == 403
    # What a form of another page can send, were it to know the token.
    assert client.post("/api/same", {}, Content_Type="text/plain")[0] == 415
    assert client.request("PUT", "/api/same")[0] == 501


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"null", b"\xff", b"[" * 100_000])
def test_a_bad_body_is_a_sentence(client, body):
    status, text, _ = client.post("/api/same", body)
    assert status == 400 and json.loads(text)["error"].startswith("The body is no")


def test_a_body_is_bounded(client):
    assert client.post("/api/same", b"{}", Content_Length=str(MOST_BYTES + 1))[0] == 413
    assert client.post("/api/same", b"{}", Content_Length="-1")[0] == 413


def test_faults_are_told_apart(client, capsys):
    assert client.get("/api/nothing")[0] == client.get("/../etc/passwd")[0] == client.post("/api/fail", {})[0] == 404
    assert client.get("/api/wrong")[:2] == (400, '{"error": "depth=0 is not possible."}')
    assert client.get("/api/refuse")[:2] == (409, '{"error": "Not now."}')
    status, text, _ = client.get("/api/fail")
    assert status == 500 and "secret" not in text and "secret" in capsys.readouterr().err


def test_one_route_runs_at_a_time_and_is_waited_for_at_the_end():
    here, most, done = [], [], []

    def slow(asked):
        here.append(1)
        most.append(len(here))
        time.sleep(0.02)
        here.pop()
        done.append(1)
        return {}

    with serving(Site(page, {"/api/slow": slow}), "127.0.0.1", 0) as address:
        client = Client(address)
        threads = [threading.Thread(target=client.get, args=("/api/slow",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert max(most) == 1 and len(done) == 8


SERVED = """
from shoptalk.serving.server import Site, serve
serve(Site(lambda nonce, token: '<script id="told">{}</script>'), "127.0.0.1", 0)
print("ended")
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_serving_ends_when_asked_also_in_the_background(how):
    ignoring = f"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n{SERVED}"
    process = subprocess.Popen([sys.executable, "-c", ignoring], stdout=subprocess.PIPE, text=True)
    address = process.stdout.readline().split()[1]
    assert Client(address).get("/")[0] == 200
    process.send_signal(how)
    assert process.communicate(timeout=60)[0] == "ended\n" and process.returncode == 0


@pytest.mark.parametrize("port", [-1, 65536, "x", True])
def test_a_port_that_cannot_be(port):
    with pytest.raises(InputError, match="port="), serving(Site(page), "127.0.0.1", port):
        pass


def test_an_address_that_is_taken():
    with serving(Site(page), "127.0.0.1", 0) as address:
        port = int(address.rstrip("/").rsplit(":", 1)[1])
        with pytest.raises(InputError, match=f"port={port}.*another port"), serving(Site(page), "127.0.0.1", port):
            pass
