"""A registry of images, as far as an engine does not do it: several images put under one name.

The requests are those of the distribution specification of OCI (1.1): manifests are read by digest, checked, and
listed in an index that is put under a tag. Credentials are answered to whoever the registry names as its token
service, over TLS (or on this machine) only.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from collections.abc import Iterable
from typing import Any, Self
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from msgspec import Struct

from lockflow.engines import build_faults
from lockflow.engines.images import Pushed
from lockflow.errors import EngineError

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"

_SECONDS = 60
_LARGEST = 4 << 20
_CHALLENGE = re.compile(r'([a-z_]+)="([^"]*)"')


class Name(Struct, frozen=True, kw_only=True):
    """`registry.example:5000/team/app:1` taken apart; `host` answers for the registry."""

    registry: str
    host: str
    repository: str
    tag: str

    @classmethod
    def of(cls, reference: str) -> Name:
        name, colon, tag = reference.rpartition(":")
        if not colon or "/" in tag:
            name, tag = reference, "latest"
        first, slash, rest = name.partition("/")
        if slash and ("." in first or ":" in first or first == "localhost"):
            return cls(registry=first, host=first, repository=rest, tag=tag)
        repository = name if slash else f"library/{name}"
        return cls(registry="docker.io", host="registry-1.docker.io", repository=repository, tag=tag)


class Registry:
    """One repository of a registry, spoken to as `user` (empty: nobody, or whoever `password` as a token is)."""

    def __init__(self, name: Name, user: str, password: str, *, authorities: str = "") -> None:
        self._name = name
        self._user = user
        self._password = password
        self._session = _Session()
        if authorities:
            self._session.verify = authorities
        self._authorization = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def put_list(self, parts: Iterable[Pushed]) -> Pushed:
        """List images that are in the repository under its tag; raises EngineError where that is refused."""
        entries = [self._entry(part) for part in parts]
        is_oci = all(entry["mediaType"] == OCI_MANIFEST for entry in entries)
        kind = OCI_INDEX if is_oci else DOCKER_LIST
        content = json.dumps(
            {"schemaVersion": 2, "mediaType": kind, "manifests": entries}, separators=(",", ":")
        ).encode()
        self._ask("PUT", f"manifests/{self._name.tag}", content=content, headers={"Content-Type": kind})
        reference = f"{self._name.registry}/{self._name.repository}:{self._name.tag}"
        return Pushed(reference=reference, digest=_digest(content))

    def _entry(self, part: Pushed) -> dict[str, Any]:
        """What a list says of one image: its manifest, and the platform that its configuration states."""
        headers = {"Accept": f"{DOCKER_MANIFEST}, {OCI_MANIFEST}"}
        content, kind = self._ask("GET", f"manifests/{part.digest}", headers=headers)
        self._check(part.digest, content, "manifest")
        manifest = self._document(content, "manifest")
        config = manifest.get("config")
        digest = str(config.get("digest", "")) if isinstance(config, dict) else ""
        configuration, _ = self._ask("GET", f"blobs/{digest}")
        self._check(digest, configuration, "configuration")
        stated = self._document(configuration, "configuration")
        platform = {"os": stated.get("os", "linux"), "architecture": stated.get("architecture", "")}
        if stated.get("variant"):
            platform["variant"] = stated["variant"]
        media = kind if kind in (DOCKER_MANIFEST, OCI_MANIFEST) else str(manifest.get("mediaType", DOCKER_MANIFEST))
        return {"mediaType": media, "size": len(content), "digest": part.digest, "platform": platform}

    def _check(self, digest: str, content: bytes, what: str) -> None:
        if _digest(content) != digest:
            raise self._failed(f"its {what} is not the one that was pushed ({digest})")

    def _document(self, content: bytes, what: str) -> dict[str, Any]:
        try:
            found = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise self._failed(f"its {what} is no JSON: {error}") from error
        if not isinstance(found, dict):
            raise self._failed(f"its {what} is no object")
        return found

    # Requests -------------------------------------------------------------------------------------------------------

    def _ask(
        self, method: str, path: str, *, content: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[bytes, str]:
        """Send a request, once more after a challenge; the body and its type."""
        url = f"{_scheme(self._name.host)}://{self._name.host}/v2/{self._name.repository}/{path}"
        try:
            with self._send(method, url, content, headers) as first:
                if first.status_code != 401:
                    return self._answer(first)
                self._authorize(first.headers.get("WWW-Authenticate", ""))
            with self._send(method, url, content, headers) as second:
                return self._answer(second)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            # What breaks off while it is read comes from below requests.
            raise self._failed(str(error)) from error

    def _answer(self, response: requests.Response) -> tuple[bytes, str]:
        body = self._read(response)
        if response.status_code >= 400:
            raise self._failed(f"{response.status_code} {response.reason}: {_said(body)}")
        return body, response.headers.get("Content-Type", "")

    def _read(self, response: requests.Response) -> bytes:
        body = bytes(response.raw.read(_LARGEST + 1, decode_content=True))
        if len(body) > _LARGEST:
            raise self._failed(f"it answers with more than {_LARGEST} bytes")
        return body

    def _send(self, method: str, url: str, content: bytes | None, headers: dict[str, str] | None) -> requests.Response:
        own = {"Authorization": self._authorization} if self._authorization else {}
        # A redirect to where blobs are kept is followed without the header: requests drops it for another host.
        return self._session.request(
            method, url, data=content, headers={**(headers or {}), **own}, auth=_as_it_is, timeout=_SECONDS, stream=True
        )

    def _authorize(self, challenge: str) -> None:
        """Do as a registry says that wants to know who we are."""
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() == "basic" and self._user:
            self._authorization = requests.auth._basic_auth_str(self._user, self._password)
            return
        values = dict(_CHALLENGE.findall(rest))
        realm = values.get("realm", "")
        if scheme.lower() != "bearer" or not realm:
            raise self._failed("unauthorized: no credentials for it are known to docker")
        # A registry elsewhere has no business with a service on this machine.
        if not realm.startswith("https://") and not (_is_here(self._name.host) and _is_here(_host_of(realm))):
            raise self._failed(f"it names a token service without TLS: {realm}")
        self._authorization = f"Bearer {self._token(realm, values)}"

    def _token(self, realm: str, values: dict[str, str]) -> str:
        asked = {"service": values.get("service", ""), "scope": f"repository:{self._name.repository}:pull,push"}
        with self._asked_for_token(realm, asked) as response:
            if 300 <= response.status_code < 400:
                raise self._failed(f"its token service sends us elsewhere: {response.headers.get('Location', '')}")
            body = self._read(response)
        if response.status_code >= 400:
            raise self._failed(f"unauthorized: {response.status_code} {_said(body)}")
        found = self._document(body, "token")
        return str(found.get("token") or found.get("access_token") or "")

    def _asked_for_token(self, realm: str, asked: dict[str, str]) -> requests.Response:
        """Redirects are not followed: what is asked with would go along."""
        if self._password and not self._user:
            form = {**asked, "grant_type": "refresh_token", "refresh_token": self._password, "client_id": "lockflow"}
            return self._session.post(
                realm, data=form, auth=_as_it_is, timeout=_SECONDS, stream=True, allow_redirects=False
            )
        pair = (self._user, self._password) if self._user else _as_it_is
        return self._session.get(realm, params=asked, auth=pair, timeout=_SECONDS, stream=True, allow_redirects=False)

    def _failed(self, why: str) -> EngineError:
        reference = f"{self._name.registry}/{self._name.repository}:{self._name.tag}"
        return build_faults.push_failed(reference, why.replace(self._password, "****") if self._password else why)


class _Session(requests.Session):
    """Takes proxies and authorities from the environment, but nobody's name and password.

    requests would put those of a netrc file in place of the ones that docker knows, and answer redirects with them.
    """

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        before, after = response.request.url or "", prepared_request.url or ""
        if self.should_strip_auth(before, after):
            prepared_request.headers.pop("Authorization", None)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """The authorization of a request is the one in its headers; with none at all requests would look for one."""
    return request


def _host_of(url: str) -> str:
    """The host that a URL leads to; empty where it is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _scheme(host: str) -> str:
    """Registries on this machine are spoken to without TLS, as engines do."""
    return "http" if _is_here(host) else "https"


def _is_here(host: str) -> bool:
    """Whether a host, with a port or without, is this machine."""
    name = _host_of(f"//{host}") if host.count(":") < 2 or host.startswith("[") else host
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _said(body: bytes) -> str:
    """What a registry says of a refusal (the `errors` of the specification), short."""
    try:
        errors = json.loads(body).get("errors", [])
        return "; ".join(f"{error.get('code', '')} {error.get('message', '')}".strip() for error in errors)[:300]
    except (ValueError, AttributeError, TypeError, RecursionError):
        return body[:200].decode("utf-8", "replace")
