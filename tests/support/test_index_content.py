import json
from collections.abc import Iterator

import httpx
import pytest

from support.golden import case_names, load_case
from support.index_content import JSON_PAGE, IndexContent, one_origin
from support.index_server import IndexServer, MemoryTransport

TABLE = {
    "index": [{"name": "simple"}, {"name": "old", "format": "html"}, {"name": "links", "kind": "flat"}],
    "release": [
        {
            "name": "A_b",
            "version": "1.0",
            "metadata": "Metadata-Version: 2.3\nName: A-b\nVersion: 1.0\n",
            "yanked": "broken",
            "requires-python": ">=3.9",
            "file": [
                {"filename": "a_b-1.0.tar.gz", "sha256": "11", "content": "MDEyMzQ1Njc4OQ=="},
                {"filename": "a_b-1.0-py3-none-any.whl", "sha256": "22", "size": 7},
            ],
        },
        {"name": "o", "version": "1", "index": "old", "file": [{"filename": "o-1.tar.gz", "hashes": {"md5": "33"}}]},
        {
            "name": "f",
            "version": "1",
            "index": "links",
            "file": [{"filename": "f-1.tar.gz", "url": "/fil/x/f-1.tar.gz"}],
        },
    ],
}


@pytest.fixture
def content() -> IndexContent:
    return IndexContent(TABLE)


@pytest.fixture
def client(content: IndexContent) -> Iterator[httpx.Client]:
    with httpx.Client(transport=MemoryTransport(content.answer)) as client:
        yield client


def test_page_lists_files_in_the_order_of_the_table(client: httpx.Client) -> None:
    page = client.get("https://index.example/simple/a-b/", headers={"accept": JSON_PAGE})
    assert page.headers["content-type"] == JSON_PAGE
    sdist, wheel = page.json()["files"]
    assert sdist == {
        "filename": "a_b-1.0.tar.gz",
        "url": "https://files.example/a_b-1.0.tar.gz",
        "hashes": {"sha256": "11"},
        "requires-python": ">=3.9",
        "yanked": "broken",
    }
    assert (wheel["core-metadata"], wheel["size"]) == (True, 7)


def test_html_is_served_where_the_client_does_not_want_json(client: httpx.Client) -> None:
    page = client.get("https://index.example/simple/a-b/", headers={"accept": "text/html"})
    assert 'href="https://files.example/a_b-1.0.tar.gz#sha256=11"' in page.text
    assert 'data-requires-python="&gt;=3.9"' in page.text
    assert 'data-yanked="broken"' in page.text


def test_html_index_puts_its_hash_into_the_fragment(client: httpx.Client) -> None:
    assert "/o-1.tar.gz#md5=33" in client.get("https://index.example/old/o/").text


def test_flat_index_is_one_page(client: httpx.Client) -> None:
    assert '<a href="/fil/x/f-1.tar.gz">' in client.get("https://index.example/links").text


def test_project_name_is_redirected_to_its_normal_form(client: httpx.Client) -> None:
    answer = client.get("https://index.example/simple/A.B")
    assert (answer.status_code, answer.headers["location"]) == (301, "https://index.example/simple/a-b/")


def test_metadata_stands_beside_the_wheel_only(client: httpx.Client) -> None:
    assert "Name: A-b" in client.get("https://files.example/a_b-1.0-py3-none-any.whl.metadata").text
    assert client.get("https://files.example/a_b-1.0.tar.gz.metadata").status_code == 404
    assert client.get("https://files.example/a_b-1.0-py3-none-any.whl").status_code == 404


@pytest.mark.parametrize(
    ("wanted", "status", "body"),
    [("bytes=2-4", 206, b"234"), ("bytes=-3", 206, b"789"), ("bytes=7-", 206, b"789"), ("bytes=20-", 416, b"")],
)
def test_range_of_a_file_is_answered(client: httpx.Client, wanted: str, status: int, body: bytes) -> None:
    answer = client.get("https://files.example/a_b-1.0.tar.gz", headers={"range": wanted})
    assert (answer.status_code, answer.content) == (status, body)


def test_page_that_the_client_has_is_not_sent_again(client: httpx.Client) -> None:
    etag = client.get("https://index.example/simple/a-b/").headers["etag"]
    again = client.get("https://index.example/simple/a-b/", headers={"if-none-match": etag})
    assert (again.status_code, again.content) == (304, b"")


def test_unknown_host_cannot_be_reached(client: httpx.Client) -> None:
    with pytest.raises(httpx.ConnectError):
        client.get("https://other.example/simple/a-b/")


def test_server_on_loopback_gives_the_answers_of_memory(content: IndexContent) -> None:
    with IndexServer(latency_seconds=0.001) as server:
        here = IndexContent(TABLE, one_origin(server.origin), pack=True)
        server.answer = here.answer
        with httpx.Client(base_url=server.origin) as client:
            page = client.get("/idx/simple/a-b/", headers={"accept": JSON_PAGE})
            head = client.head("/fil/a_b-1.0.tar.gz")
            missing = client.get("/fil/none")
    assert json.loads(page.text)["files"][0]["url"] == f"{server.origin}/fil/a_b-1.0.tar.gz"
    assert (head.status_code, head.headers["content-length"], head.content) == (200, "10", b"")
    assert missing.status_code == 404
    assert here.requests == [
        ("GET", "/idx/simple/a-b/"),
        ("HEAD", "/fil/a_b-1.0.tar.gz"),
        ("GET", "/fil/none"),
    ]


@pytest.mark.parametrize("name", case_names())
def test_hosts_of_every_golden_case_come_back_from_a_substitution(name: str) -> None:
    hosts = one_origin("http://127.0.0.1:4321")
    expected = load_case(name).expected
    assert ".example" not in hosts.localise(expected).replace("x.example", "").replace("a.example", "")
    assert hosts.publish(hosts.localise(expected)) == expected
